//! Decrypts standard input to standard output, segment by segment: `decrypt_stream KEYFILE`.

use std::env::args;
use std::error::Error;
use std::io::{Read, Write, copy, stdin, stdout};

use stream_v2::{Decryptor, Unlock, key};

pub(crate) fn run(
    key_file: &str,
    stream: impl Read + Send + 'static,
    out: &mut impl Write,
) -> Result<u64, Box<dyn Error>> {
    let decryptor = Decryptor::new(stream)?;
    // The stream names its key: a program with many keys chooses here.
    let key = key::read(key_file)?;
    if decryptor.key_id() != key.id() {
        return Err("the stream names another key".into());
    }
    // Nothing else is trusted before the end: what is written until an error is a verified
    // beginning.
    Ok(copy(&mut decryptor.unlock(&Unlock::new(&key))?, out)?)
}

fn main() -> Result<(), Box<dyn Error>> {
    let key_file = args().nth(1).ok_or("KEYFILE")?;
    run(&key_file, stdin(), &mut stdout()).map(drop)
}
