//! Encrypts bytes in memory, and decrypts them.

use std::error::Error;

use stream_v2::{decrypt, encrypt, key};

pub(crate) fn main() -> Result<(), Box<dyn Error>> {
    let key = key::generate()?;
    let stream = encrypt(&key, "hello")?;
    assert_eq!(decrypt(&key, &stream)?, b"hello");
    Ok(())
}
