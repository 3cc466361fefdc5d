//! A plugin of age that speaks the real protocol: state machines `recipient-v1`, `identity-v1`.
//!
//! It wraps the file key under a pad that follows from the recipient, which protects nothing. The
//! first letters of the recipient choose what it does on the way.

use std::fs::OpenOptions;
use std::io::{self, BufRead, Lines, StdinLock, Write};

use base64::Engine;
use base64::prelude::BASE64_STANDARD_NO_PAD as BASE64;
use sha2::{Digest, Sha256};

/// The first letters of recipients and identities, without their names.
const ASKS: &str = "v9ek";
const FAILS: &str = "vesk";
const HYBRID: &str = "dpuk";
const PIN: &str = "1234";
/// The file to which the plugin appends a line when it starts.
pub(crate) const STARTS: &str = "SV2TEST_STARTS";

/// A command of the protocol, in the form of a stanza.
struct Stanza {
    words: Vec<String>,
    body: Vec<u8>,
}

pub(crate) fn run(machine: &str) {
    if let Some(log) = std::env::var_os(STARTS) {
        let mut log = OpenOptions::new().append(true).create(true).open(log).unwrap();
        writeln!(log, "{machine}").unwrap();
    }
    let mut lines = io::stdin().lock().lines();
    let given: Vec<Stanza> =
        std::iter::from_fn(|| read(&mut lines)).take_while(|stanza| stanza.words[0] != "done").collect();
    match machine {
        "recipient-v1" => wrap(&given, &mut lines),
        "identity-v1" => unwrap(&given, &mut lines),
        _ => panic!("{machine}"),
    }
    send(&["done"], b"");
}

fn named<'a>(given: &'a [Stanza], name: &'a str) -> impl Iterator<Item = &'a Stanza> {
    given.iter().filter(move |stanza| stanza.words[0] == name)
}

/// The data of a Bech32 text, without its checksum.
fn data(text: &str) -> String {
    let data = text.to_lowercase().rsplit_once('1').unwrap().1.to_owned();
    data[..data.len() - 6].to_owned()
}

fn padded(data: &str, key: &[u8]) -> Vec<u8> {
    Sha256::digest(data).iter().zip(key).map(|(pad, byte)| pad ^ byte).collect()
}

fn wrap(given: &[Stanza], lines: &mut Lines<StdinLock<'_>>) {
    let key = &named(given, "wrap-file-key").next().unwrap().body;
    for to in named(given, "add-recipient").chain(named(given, "add-identity")) {
        let data = data(&to.words[1]);
        if data.starts_with(FAILS) {
            call(lines, &["error", "internal"], b"no such \x1b[2Jkey");
            return;
        }
        if data.starts_with(HYBRID) {
            call(lines, &["labels", "postquantum"], b"");
        }
        call(lines, &["recipient-stanza", "0", "sv2test", &data], &padded(&data, key));
    }
}

fn unwrap(given: &[Stanza], lines: &mut Lines<StdinLock<'_>>) {
    for identity in named(given, "add-identity") {
        let data = data(&identity.words[1]);
        let mut stanzas = named(given, "recipient-stanza");
        let Some(stanza) = stanzas.find(|stanza| stanza.words[2..] == ["sv2test", &data]) else {
            continue;
        };
        if data.starts_with(ASKS) {
            call(lines, &["msg"], b"touch \x1b[31mit");
            let [yes, no] = ["now", "never"].map(|answer| BASE64.encode(answer));
            let answer = call(lines, &["confirm", &yes, &no], b"use the key");
            if answer.words == ["ok", "no"] {
                call(lines, &["error", "identity", "0"], b"the key is not to be used");
                return;
            }
            let answer = call(lines, &["request-secret"], b"PIN");
            if answer.words[0] != "ok" || answer.body != PIN.as_bytes() {
                call(lines, &["error", "identity", "0"], b"wrong PIN");
                return;
            }
        }
        call(lines, &["file-key", "0"], &padded(&data, &stanza.body));
        return;
    }
}

/// Sends a command, and returns the answer to it.
fn call(lines: &mut Lines<StdinLock<'_>>, words: &[&str], body: &[u8]) -> Stanza {
    send(words, body);
    read(lines).unwrap()
}

fn send(words: &[&str], body: &[u8]) {
    let encoded = BASE64.encode(body);
    let mut text = format!("-> {}\n", words.join(" "));
    let mut rest = &encoded[..];
    while rest.len() >= 64 {
        text += &format!("{}\n", &rest[..64]);
        rest = &rest[64..];
    }
    println!("{text}{rest}");
    io::stdout().flush().unwrap();
}

fn read(lines: &mut Lines<StdinLock<'_>>) -> Option<Stanza> {
    let first = lines.next()?.unwrap();
    let words = first.strip_prefix("-> ").unwrap().split(' ').map(ToOwned::to_owned).collect();
    let mut encoded = String::new();
    loop {
        let line = lines.next()?.unwrap();
        encoded += &line;
        if line.len() < 64 {
            return Some(Stanza { words, body: BASE64.decode(encoded).unwrap() });
        }
    }
}
