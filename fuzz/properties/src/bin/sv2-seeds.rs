//! Writes the seeds of all properties below a folder: `sv2-seeds VECTORS CORPUS`.

use std::path::PathBuf;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let mut arguments = env::args_os().skip(1).map(PathBuf::from);
    let (Some(vectors), Some(corpus)) = (arguments.next(), arguments.next()) else {
        return Err(io::Error::other("usage: sv2-seeds VECTORS CORPUS"));
    };
    let seeds = stream_v2_properties::seeds(&vectors)?;
    for seed in &seeds {
        let folder = corpus.join(seed.property);
        fs::create_dir_all(&folder)?;
        fs::write(folder.join(&seed.name), &seed.bytes)?;
    }
    println!("{} seeds in {}", seeds.len(), corpus.display());
    Ok(())
}
