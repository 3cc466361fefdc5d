//! Writes a range of a stream's plaintext to standard output:
//! `read_range KEYFILE STREAM BEGIN END`.

use std::env::args;
use std::error::Error;
use std::fs::File;
use std::io::{Write, stdout};
use std::ops::Range;

use stream_v2::{Decryptor, Unlock, key};

pub(crate) fn run(
    key_file: &str,
    stream: &str,
    range: Range<u64>,
    out: &mut impl Write,
) -> Result<u64, Box<dyn Error>> {
    let key = key::read(key_file)?;
    let mut ranges = Decryptor::over(File::open(stream)?)?.unlock_ranges(&Unlock::new(&key))?;
    Ok(ranges.copy_range(range, out)?)
}

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<_> = args().skip(1).collect();
    let [key_file, stream, begin, end] = &args[..] else { return Err("KEYFILE STREAM BEGIN END".into()) };
    run(key_file, stream, begin.parse()?..end.parse()?, &mut stdout()).map(drop)
}
