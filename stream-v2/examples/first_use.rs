//! Encrypts a file, is killed in the middle, resumes, decrypts, and compares: `first_use [FILE]`.
//!
//! Without FILE it makes one of 256 MiB. What it writes is in a folder of its own, which it
//! removes.

use std::env::{args_os, current_exe};
use std::error::Error;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write, stdin};
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use stream_v2::{Options, Unlock, decrypt_file, encrypt_file, key};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const LEN: usize = 256 << 20;
const PIECE: usize = 1 << 20;

fn main() -> ExitCode {
    let arguments: Vec<_> = args_os().skip(1).collect();
    let done = match &arguments[..] {
        [] => show(None),
        [file] => show(Some(file.as_ref())),
        [key, source, target] => encrypt(key.as_ref(), source.as_ref(), target.as_ref()),
        _ => Err("usage: first_use [FILE]".into()),
    };
    done.map_or_else(
        |error| {
            eprintln!("first_use: {error}");
            ExitCode::FAILURE
        },
        |()| ExitCode::SUCCESS,
    )
}

fn show(file: Option<&Path>) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let [key_file, made, stream, again] =
        ["key", "data", "data.sv2", "again"].map(|name| folder.path().join(name));
    let key = key::create(&key_file)?;
    let source = match file {
        Some(file) => file,
        None => {
            make(&made)?;
            &made
        }
    };
    let total = source.metadata()?.len();
    println!("{}: {total} bytes", source.display());

    let killed_after = kill_at_half(&key_file, source, &stream, total)?;
    println!("encrypting: killed (SIGKILL) after {killed_after} bytes");

    // The same call as in the process that was killed. It finds what is there, checks the source,
    // and resumes after the last segment that is complete.
    let report = encrypt_file(&Options::new(&key), source, &stream)?;
    println!("encrypting again: {}", report.outcome());

    let report = decrypt_file(&Unlock::new(&key), &stream, &again)?;
    println!("decrypting: {}", report.outcome());
    if !same(source, &again)? {
        return Err("the decrypted file differs".into());
    }
    println!("the decrypted file is the same, byte for byte");
    Ok(())
}

/// What the process does that is killed. It says how far it is, and waits for an answer.
fn encrypt(key_file: &Path, source: &Path, target: &Path) -> Result<()> {
    let options = Options::new(&key::read(key_file)?).on_progress(|progress| {
        println!("{}", progress.done());
        let _ = stdin().read_line(&mut String::new());
    });
    encrypt_file(&options, source, target)?;
    Ok(())
}

/// Encrypts in another process, and kills it at half of the source.
fn kill_at_half(key_file: &Path, source: &Path, target: &Path, total: u64) -> Result<u64> {
    let mut encrypting = Command::new(current_exe()?)
        .args([key_file, source, target])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let (mut answers, said) = (encrypting.stdin.take(), encrypting.stdout.take());
    let mut reached = 0;
    for line in BufReader::new(said.ok_or("no output")?).lines() {
        reached = line?.parse()?;
        if reached >= total / 2 {
            break;
        }
        answers.as_mut().ok_or("no input")?.write_all(b"\n")?;
    }
    encrypting.kill()?;
    encrypting.wait()?;
    Ok(reached)
}

/// A file that no compression makes smaller.
fn make(path: &Path) -> Result<()> {
    let (mut file, mut random) = (File::create(path)?, 1u64);
    let mut piece = vec![0; PIECE];
    for _ in 0..LEN / PIECE {
        for word in piece.chunks_exact_mut(8) {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            word.copy_from_slice(&random.to_le_bytes());
        }
        file.write_all(&piece)?;
    }
    Ok(())
}

fn same(left: &Path, right: &Path) -> Result<bool> {
    if fs::metadata(left)?.len() != fs::metadata(right)?.len() {
        return Ok(false);
    }
    let (mut left, mut right) = (File::open(left)?, File::open(right)?);
    let (mut of_left, mut of_right) = (vec![0; PIECE], vec![0; PIECE]);
    loop {
        let len = left.read(&mut of_left)?;
        right.read_exact(&mut of_right[..len])?;
        if of_left[..len] != of_right[..len] {
            return Ok(false);
        }
        if len == 0 {
            return Ok(true);
        }
    }
}
