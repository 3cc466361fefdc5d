//! CPU time of ten thousand files of 1 KiB, each encrypted and decrypted by itself, by the library and by age's (the crate behind rage, to one X25519
//! recipient). Prints microseconds for each file, medians of seven interleaved rounds, as JSON.

use std::error::Error;
use std::io::{Read, Write};
use std::iter::once;
use std::time::Duration;

use age::x25519::Identity;
use nix::time::{ClockId, clock_gettime};
use stream_v2_pipeline::{ContentKey, DecryptPipeline, EncryptPipeline, Managers, WriterSink};

const FILES: u32 = 10_000;
const ROUNDS: usize = 7;
const FILE: [u8; 1024] = [5; 1024];

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let (key, identity) = (ContentKey::new([7; 32]), Identity::generate());
    let (stream, sealed) = (encrypt(&key)?, age_encrypt(&identity)?);
    if decrypt(&key, &stream)? != FILE || age_decrypt(&identity, &sealed)? != FILE {
        return Err("what comes out is not what went in".into());
    }
    let mut rounds: [Vec<f64>; 4] = Default::default();
    for _ in 0..ROUNDS {
        rounds[0].push(micros(|| encrypt(&key))?);
        rounds[1].push(micros(|| age_encrypt(&identity))?);
        rounds[2].push(micros(|| decrypt(&key, &stream))?);
        rounds[3].push(micros(|| age_decrypt(&identity, &sealed))?);
    }
    let [encrypt, age_encrypt, decrypt, age_decrypt] = rounds.map(|mut each| {
        each.sort_by(f64::total_cmp);
        each[ROUNDS / 2]
    });
    println!("{{\"encrypt\": {encrypt:.1}, \"age encrypt\": {age_encrypt:.1}, \"decrypt\": {decrypt:.1}, \"age decrypt\": {age_decrypt:.1}}}");
    Ok(())
}

/// CPU time of the process for each of the files, in microseconds.
fn micros(work: impl Fn() -> Result<Vec<u8>>) -> Result<f64> {
    let cpu = || clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID).map(Duration::from);
    let begin = cpu()?;
    for _ in 0..FILES {
        std::hint::black_box(work()?);
    }
    Ok((cpu()? - begin).as_secs_f64() * 1e6 / f64::from(FILES))
}

fn encrypt(key: &ContentKey) -> Result<Vec<u8>> {
    let mut stream = Vec::new();
    EncryptPipeline::new(key).run(&FILE[..], &mut WriterSink::new(&mut stream), Managers::none())?;
    Ok(stream)
}

fn decrypt(key: &ContentKey, stream: &[u8]) -> Result<Vec<u8>> {
    let mut plaintext = Vec::new();
    DecryptPipeline::new(key).run(stream, &mut WriterSink::new(&mut plaintext), Managers::none())?;
    Ok(plaintext)
}

fn age_encrypt(identity: &Identity) -> Result<Vec<u8>> {
    let recipient = identity.to_public();
    let mut sealed = Vec::new();
    let mut writer = age::Encryptor::with_recipients(once(&recipient as &dyn age::Recipient))?.wrap_output(&mut sealed)?;
    writer.write_all(&FILE)?;
    writer.finish()?;
    Ok(sealed)
}

fn age_decrypt(identity: &Identity, sealed: &[u8]) -> Result<Vec<u8>> {
    let mut plaintext = Vec::new();
    age::Decryptor::new(sealed)?.decrypt(once(identity as &dyn age::Identity))?.read_to_end(&mut plaintext)?;
    Ok(plaintext)
}
