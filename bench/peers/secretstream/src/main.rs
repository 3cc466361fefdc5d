//! libsodium's secretstream (XChaCha20-Poly1305) over a file.
//!
//! The output is a header of 24 bytes, then messages of 64 KiB, each 17 bytes longer than its
//! plaintext. The last message has the tag FINAL and is shorter than 64 KiB, perhaps empty.

use libsodium_rs::crypto_secretstream::xchacha20poly1305::{
    ABYTES, HEADERBYTES, Key, PullState, PushState, TAG_FINAL, TAG_MESSAGE,
};
use std::error::Error;
use std::fs::File;
use std::io::{Read, Write};

const MESSAGE_LEN: usize = 64 * 1024;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments == ["version"] {
        println!("{}", libsodium_rs::version::version_string());
        return Ok(());
    }
    let [operation, key, input, output] = arguments.as_slice() else {
        return Err("usage: secretstream encrypt|decrypt KEY INPUT OUTPUT, KEY being a file of 32 bytes; secretstream version".into());
    };
    libsodium_rs::ensure_init()?;
    let key = Key::from_bytes(&std::fs::read(key)?)?;
    let (mut input, mut output) = (File::open(input)?, File::create(output)?);
    match operation.as_str() {
        "encrypt" => encrypt(&key, &mut input, &mut output),
        "decrypt" => decrypt(&key, &mut input, &mut output),
        _ => Err("neither encrypt nor decrypt".into()),
    }
}

fn encrypt(key: &Key, input: &mut File, output: &mut File) -> Result<(), Box<dyn Error>> {
    let (mut state, header) = PushState::init_push(key)?;
    output.write_all(&header)?;
    let mut message = Vec::with_capacity(MESSAGE_LEN);
    loop {
        fill(&mut message, MESSAGE_LEN, input)?;
        let tag = if message.len() < MESSAGE_LEN { TAG_FINAL } else { TAG_MESSAGE };
        output.write_all(&state.push(&message, None, tag)?)?;
        if tag == TAG_FINAL {
            return Ok(());
        }
    }
}

fn decrypt(key: &Key, input: &mut File, output: &mut File) -> Result<(), Box<dyn Error>> {
    let mut header = [0; HEADERBYTES];
    input.read_exact(&mut header)?;
    let mut state = PullState::init_pull(&header, key)?;
    let mut sealed = Vec::with_capacity(MESSAGE_LEN + ABYTES);
    loop {
        fill(&mut sealed, MESSAGE_LEN + ABYTES, input)?;
        let (message, tag) = state.pull(&sealed, None)?;
        output.write_all(&message)?;
        if tag == TAG_FINAL {
            return Ok(());
        }
    }
}

/// Reads `len` bytes into `buffer`, or the rest of `input` if it is shorter.
fn fill(buffer: &mut Vec<u8>, len: usize, input: &mut File) -> std::io::Result<()> {
    buffer.clear();
    input.take(len as u64).read_to_end(buffer)?;
    Ok(())
}
