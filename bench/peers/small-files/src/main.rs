//! Ten thousand files of 1 KiB, each encrypted into a file of its own and decrypted again.
//!
//! This project's library does it, and age's (the crate that is in rage, to one X25519 recipient).
//! Neither makes anything durable.
//!
//! `small-files FOLDER` prints one object of JSON: microseconds of processor time for each file,
//! the medians of five rounds in turn. FOLDER, best in memory, is filled and left as it was.

use std::error::Error;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::iter::once;
use std::path::{Path, PathBuf};
use std::time::Duration;

use age::x25519::Identity;
use nix::time::{ClockId, clock_gettime};
use stream_v2_pipeline::{ContentKey, DecryptPipeline, EncryptPipeline, Managers, WriterSink};

const FILES: u32 = 10_000;
const ROUNDS: usize = 5;
const LEN: usize = 1024;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let folder = std::env::args_os().nth(1).map(PathBuf::from).ok_or("usage: small-files FOLDER")?;
    let folder = folder.join("small-files");
    fs::create_dir(&folder)?;
    let measured = measure(&folder);
    fs::remove_dir_all(&folder)?;
    let [encrypt, age_encrypt, decrypt, age_decrypt] = measured?;
    println!(
        "{{\"encrypt_us\": {encrypt:.1}, \"age_encrypt_us\": {age_encrypt:.1}, \"decrypt_us\": {decrypt:.1}, \"age_decrypt_us\": {age_decrypt:.1}}}"
    );
    Ok(())
}

fn measure(folder: &Path) -> Result<[f64; 4]> {
    let (key, identity) = (ContentKey::new([7; 32]), Identity::generate());
    for number in 0..FILES {
        let pattern = number.to_le_bytes().into_iter().cycle().take(LEN);
        fs::write(folder.join(format!("{number}")), pattern.collect::<Vec<_>>())?;
    }
    let run = |from: &str, to: &str, work: &dyn Fn(File, File) -> Result<()>| -> Result<f64> {
        let begin = cpu()?;
        for number in 0..FILES {
            let name = |ending: &str| folder.join(format!("{number}{ending}"));
            work(File::open(name(from))?, File::create(name(to))?)?;
        }
        let took = cpu()? - begin;
        Ok(took.as_secs_f64() * 1e6 / f64::from(FILES))
    };
    let mut rounds: [Vec<f64>; 4] = Default::default();
    for _ in 0..ROUNDS {
        rounds[0].push(run("", ".sv2", &|from, to| encrypt(&key, from, to))?);
        rounds[1].push(run("", ".age", &|from, to| age_encrypt(&identity, &from, &to))?);
        rounds[2].push(run(".sv2", ".opened", &|from, to| decrypt(&key, from, to))?);
        same(folder)?;
        rounds[3].push(run(".age", ".opened", &|from, to| age_decrypt(&identity, &from, &to))?);
        same(folder)?;
    }
    Ok(rounds.map(|mut each| {
        each.sort_by(f64::total_cmp);
        each[ROUNDS / 2]
    }))
}

/// Checks that the last opened files equal the originals, and empties them for the next round.
fn same(folder: &Path) -> Result<()> {
    for number in 0..FILES {
        let opened = folder.join(format!("{number}.opened"));
        if fs::read(folder.join(format!("{number}")))? != fs::read(&opened)? {
            return Err(format!("file {number} does not decrypt to what was encrypted").into());
        }
        fs::remove_file(opened)?;
    }
    Ok(())
}

/// Returns the processor time of this process.
fn cpu() -> Result<Duration> {
    Ok(clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID)?.into())
}

fn encrypt(key: &ContentKey, from: File, to: File) -> Result<()> {
    EncryptPipeline::new(key).run(from, &mut WriterSink::new(to), Managers::none())?;
    Ok(())
}

fn decrypt(key: &ContentKey, from: File, to: File) -> Result<()> {
    DecryptPipeline::new(key).run(from, &mut WriterSink::new(to), Managers::none())?;
    Ok(())
}

fn age_encrypt(identity: &Identity, mut from: &File, to: &File) -> Result<()> {
    let recipient = identity.to_public();
    let encryptor = age::Encryptor::with_recipients(once(&recipient as &dyn age::Recipient))?;
    let mut writer = encryptor.wrap_output(to)?;
    io::copy(&mut from, &mut writer)?;
    writer.finish()?;
    Ok(())
}

fn age_decrypt(identity: &Identity, from: &File, mut to: &File) -> Result<()> {
    let mut reader = age::Decryptor::new(from)?.decrypt(once(identity as &dyn age::Identity))?;
    let mut plaintext = Vec::new();
    reader.read_to_end(&mut plaintext)?;
    to.write_all(&plaintext)?;
    Ok(())
}
