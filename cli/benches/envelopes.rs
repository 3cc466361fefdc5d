//! Measures what envelopes of strangers cost to refuse.
//!
//! `cargo bench -p sv2 --bench envelopes` prints, for each envelope, the time of `sv2 decrypt`, its
//! largest resident set, its exit code and the kind of its error. It fails if one costs more than
//! its bounds, or starts a program.

use std::error::Error;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use nix::sys::resource::{UsageWho, getrusage};
use stream_v2::format::crypto::{ContentKey, StreamSealer};
use stream_v2::format::wire::{StanzaType, StreamParams, crc32c};

const SV2: &str = env!("CARGO_BIN_EXE_sv2");
/// Runs the rest of the arguments, and prints what they cost.
const MEASURE: &str = "--measure";
const STARTED: &str = "SV2_STARTED";
const AGE: u16 = StanzaType::Age.value();
const ARGON2ID: u16 = StanzaType::Argon2id.value();
const KEY: u16 = StanzaType::Key.value();
const PADDING: u16 = StanzaType::Padding.value();
/// The longest body of the only stanza of an envelope, in bytes.
const BODY_MAX: usize = 65_528;
const ROUNDS: usize = 3;
/// Bounds without Argon2id: milliseconds, and KiB.
const CHEAP: (f64, i64) = (300.0, 24 << 10);

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// A name, an envelope, and its bounds.
type Case = (&'static str, Vec<u8>, (f64, i64));

fn main() -> Result<()> {
    let mut args = std::env::args_os();
    let program = Path::new(&args.next().ok_or("no name")?).to_owned();
    match args.next() {
        Some(first) if first == MEASURE => return measure(&args.collect::<Vec<_>>()),
        _ if program.file_name().is_some_and(|name| name == "age-plugin-evil") => {
            return Ok(fs::write(std::env::var_os(STARTED).ok_or("no path")?, "started")?);
        }
        _ => {}
    }
    let folder = tempfile::tempdir()?;
    let path = |name: &str| folder.path().join(name);
    for args in [&["keygen", "-o", "key"][..], &["keygen", "--identity", "-o", "identity"]] {
        let made = Command::new(SV2).args(args).current_dir(folder.path()).output()?;
        made.status.success().then_some(()).ok_or("keygen")?;
    }
    fs::write(path("phrase"), "correct horse\n")?;
    fs::create_dir(path("bin"))?;
    symlink(&program, path("bin/age-plugin-evil"))?;
    println!("{:58} {:>9} {:>10}  error", "envelope", "ms", "KiB");
    let mut is_within = true;
    for (name, envelope, (ms_max, kib_max)) in cases() {
        fs::write(path("stream"), stream(&envelope)?)?;
        let (mut ms, mut kib, mut told) = (Vec::new(), 0, String::new());
        for _ in 0..ROUNDS {
            let (round_ms, round_kib, said) = decrypt(&program, folder.path())?;
            ms.push(round_ms);
            (kib, told) = (kib.max(round_kib), said);
        }
        ms.sort_by(f64::total_cmp);
        let ms = ms[ROUNDS / 2];
        let started = path("started").exists();
        let costs_more = ms > ms_max || kib > kib_max || started;
        is_within &= !costs_more;
        println!("{name:58} {ms:9.1} {kib:10}  {told}{}", if costs_more { "  TOO MUCH" } else { "" });
    }
    is_within.then_some(()).ok_or_else(|| "an envelope costs more than its bounds".into())
}

/// Runs the command with a key file, an identity and a passphrase.
fn decrypt(program: &Path, folder: &Path) -> Result<(f64, i64, String)> {
    let keys =
        ["decrypt", "-k", "key", "-i", "identity", "--passphrase-file", "phrase", "stream", "-o", "out"];
    let path = format!("{}:{}", folder.join("bin").display(), std::env::var("PATH")?);
    let mut command = Command::new(program);
    command.arg(MEASURE).arg(SV2).args(keys).current_dir(folder).stdin(Stdio::null());
    let ran = command.env("PATH", path).env(STARTED, folder.join("started")).output()?;
    let figures = String::from_utf8(ran.stdout)?;
    let mut figures = figures.split_whitespace();
    let mut next = || figures.next().ok_or("no figure");
    let (ms, kib, code) = (next()?.parse()?, next()?.parse()?, next()?.to_owned());
    let said = String::from_utf8(ran.stderr)?;
    let kind = said.lines().next().and_then(|line| line.rsplit_once('(')).map_or("", |(_, kind)| kind);
    Ok((ms, kib, format!("{} (exit {code})", kind.trim_end_matches(')'))))
}

/// Runs one command, and prints its milliseconds, its largest resident set in KiB, and its code.
fn measure(words: &[OsString]) -> Result<()> {
    let begin = Instant::now();
    let status = Command::new(&words[0]).args(&words[1..]).stdout(Stdio::null()).status()?;
    let ms = begin.elapsed().as_secs_f64() * 1e3;
    let kib = getrusage(UsageWho::RUSAGE_CHILDREN)?.max_rss();
    println!("{ms} {kib} {}", status.code().ok_or("killed")?);
    Ok(())
}

/// A stream header and an envelope. Nothing after it is read.
fn stream(envelope: &[u8]) -> Result<Vec<u8>> {
    let sealer = StreamSealer::new(StreamParams::new([1; 32]), &ContentKey::new([9; 32]), b"")?;
    let len = u32::try_from(envelope.len() - 4)?;
    Ok([&sealer.with_envelope_len(len)?.header().to_bytes()[..], envelope].concat())
}

/// An envelope of these stanzas, of padding up to a length that the format allows, and its CRC. A
/// writer refuses most of them.
fn envelope(stanzas: &[(u16, &[u8])]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut push = |kind: u16, body: &[u8]| {
        bytes.extend(kind.to_le_bytes());
        bytes.extend(u16::try_from(body.len()).unwrap_or_default().to_le_bytes());
        bytes.extend_from_slice(body);
        bytes.len()
    };
    let len = stanzas.iter().map(|(kind, body)| push(*kind, body)).last().unwrap_or_default();
    if len % 8 != 4 {
        push(PADDING, &vec![0; (8 - len % 8) % 8]);
    }
    let crc = crc32c(&bytes).to_le_bytes();
    bytes.extend(crc);
    bytes
}

/// The body of an argon2id stanza that wraps nothing. Its parameters are at byte 32.
fn argon2id(memory_kib: u32, passes: u32) -> Vec<u8> {
    let mut body = vec![5; 128];
    for (at, value) in [(32, memory_kib), (36, passes), (40, 4), (44, 0)] {
        body[at..at + 4].copy_from_slice(&u32::to_le_bytes(value));
    }
    body
}

/// An age file with these stanzas, whose MAC is of no key.
fn age(stanza: &str, times: usize) -> Vec<u8> {
    let mac = "A".repeat(43);
    let mut file = format!("age-encryption.org/v1\n{}--- {mac}\n", stanza.repeat(times)).into_bytes();
    file.extend([7; 64]);
    file
}

fn cases() -> Vec<Case> {
    let body = "A".repeat(43);
    let one = |kind: u16, body: Vec<u8>| envelope(&[(kind, &body)]);
    let many = |kind: u16, body: &[u8], times: usize| envelope(&vec![(kind, body); times]);
    let fitting = |stanza: &str| (BODY_MAX - 150) / stanza.len();
    let x25519 = format!("-> X25519 {body}\n{body}\n");
    let plugin = format!("-> evil {body}\n{body}\n");
    let scrypt = format!("-> scrypt {} 25\n{body}\n", "A".repeat(22));
    vec![
        ("padding alone", one(PADDING, vec![0; BODY_MAX]), CHEAP),
        ("65,528 bytes of an unknown stanza", one(0x7777, vec![0xA5; BODY_MAX]), CHEAP),
        ("16,383 unknown stanzas without a body", many(0x7777, b"", 16_383), CHEAP),
        ("496 key stanzas without an id", many(KEY, &[0; 128], 496), CHEAP),
        ("65,528 bytes that are no age file", one(AGE, vec![0xFF; BODY_MAX]), CHEAP),
        ("an age file of 10,000 empty stanzas", one(AGE, age("-> a\n\n", 10_000)), CHEAP),
        ("an age file full of X25519 stanzas", one(AGE, age(&x25519, fitting(&x25519))), CHEAP),
        ("an age file of 256 X25519 stanzas", one(AGE, age(&x25519, 256)), CHEAP),
        ("an age file of 256 stanzas of a plugin", one(AGE, age(&plugin, 256)), CHEAP),
        ("an age file of one line", one(AGE, age(&"A".repeat(65_000), 1)), CHEAP),
        ("an age file for scrypt, 2^25", one(AGE, age(&scrypt, 1)), CHEAP),
        ("Argon2id, the most of the format: 1 GiB, 16 passes", one(ARGON2ID, argon2id(1 << 20, 16)), CHEAP),
        ("Argon2id, 2 GiB, 1 pass", one(ARGON2ID, argon2id(2 << 20, 1)), CHEAP),
        ("Argon2id, 1 GiB, 5 passes", one(ARGON2ID, argon2id(1 << 20, 5)), CHEAP),
        (
            "Argon2id, the most by default: 1 GiB, 4 passes",
            one(ARGON2ID, argon2id(1 << 20, 4)),
            (30e3, 1100 << 10),
        ),
        (
            "Argon2id, as sv2 writes it: 256 MiB, 3 passes",
            one(ARGON2ID, argon2id(256 << 10, 3)),
            (8e3, 300 << 10),
        ),
    ]
}
