//! Encrypts standard input into a sink of one's own, which writes each segment to a file:
//! `custom_sink KEYFILE FOLDER`.

use std::env::args_os;
use std::error::Error;
use std::fs::{File, create_dir, remove_dir_all, rename};
use std::io::{self, Read, Write, stdin};
use std::path::{Path, PathBuf};

use stream_v2::file::{Source, Summary};
use stream_v2::pipeline::{OutputSink, SinkUnit};
use stream_v2::{Encryptor, Options, key};

/// A folder with one file for the stream header and one for each segment. It has its name when it
/// is complete.
struct Folder {
    partial: PathBuf,
    target: PathBuf,
}

impl Folder {
    fn create(target: &Path) -> io::Result<Self> {
        let partial = target.with_extension("partial");
        create_dir(&partial)?;
        Ok(Self { partial, target: target.into() })
    }
}

impl OutputSink for Folder {
    fn append(&mut self, unit: &SinkUnit<'_>) -> io::Result<()> {
        let name = unit.index.map_or("header".into(), |index| format!("{:08}", index.0));
        let mut file = File::create_new(self.partial.join(name))?;
        file.write_all(unit.head)?;
        file.write_all(unit.body)?;
        // So that there is nothing left to do in make_durable.
        file.sync_all()
    }

    fn make_durable(&mut self) -> io::Result<()> {
        File::open(&self.partial)?.sync_all()
    }

    fn seal(&mut self) -> io::Result<()> {
        self.make_durable()?;
        rename(&self.partial, &self.target)
    }

    fn suspend(&mut self) -> io::Result<()> {
        self.make_durable()
    }

    fn abort(&mut self) -> io::Result<()> {
        remove_dir_all(&self.partial)
    }
}

pub(crate) fn run(
    key_file: &Path,
    source: impl Read + Send,
    target: &Path,
) -> Result<Summary, Box<dyn Error>> {
    let encryptor = Encryptor::new(&Options::new(&key::read(key_file)?))?;
    Ok(encryptor.encrypt_into(Source::pipe(source), &mut Folder::create(target)?, &mut |_| {})?)
}

fn main() -> Result<(), Box<dyn Error>> {
    let paths: Vec<_> = args_os().skip(1).collect();
    let [key_file, folder] = &paths[..] else { return Err("KEYFILE FOLDER".into()) };
    run(key_file.as_ref(), stdin(), folder.as_ref()).map(drop)
}
