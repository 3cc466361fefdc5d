//! Encrypts and decrypts files on a Tokio runtime: `tokio KEYFILE SOURCE STREAM PLAINTEXT`.

use std::env::args_os;
use std::error::Error;
use std::path::Path;

use stream_v2::tokio::{decrypt, encrypt};
use stream_v2::{Options, Unlock, key};
use tokio::fs::File;

pub(crate) async fn run(
    key_file: &Path,
    source: &Path,
    stream: &Path,
    plaintext: &Path,
) -> Result<(), Box<dyn Error>> {
    let key = key::read(key_file)?;
    let (source, mut out) = (File::open(source).await?, File::create_new(stream).await?);
    encrypt(&Options::new(&key), source, &mut out).await?;
    let (source, mut out) = (File::open(stream).await?, File::create_new(plaintext).await?);
    decrypt(&Unlock::new(&key), source, &mut out).await?;
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let paths: Vec<_> = args_os().skip(1).collect();
    let [key_file, source, stream, plaintext] = &paths[..] else {
        return Err("KEYFILE SOURCE STREAM PLAINTEXT".into());
    };
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(run(key_file.as_ref(), source.as_ref(), stream.as_ref(), plaintext.as_ref()))
}
