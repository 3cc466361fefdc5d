//! Inputs: a regular file, or any other input, which can be waited for and interrupted.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::Path;
use std::sync::Mutex;

use stream_v2::file::Source;
use stream_v2::pipeline::{OutputFile, ReadAt, SourceStamp, StoredFile};
use stream_v2::s3::{Bucket, Config, Object};
use stream_v2::sqlite::{Content, Database};

use crate::failure::Failure;
use crate::input::producer::Producer;
use crate::input::waiting::WaitingInput;
use crate::location::Location;
use crate::stdio::{is_standard_input, standard_input};

/// An input.
pub(crate) struct Input {
    pub(crate) reader: Reader,
    /// Length in bytes, if known: that of a regular file that is not empty.
    pub(crate) len: Option<u64>,
    /// Length and modification time, which reveal a change when a run is resumed.
    pub(crate) stamp: SourceStamp,
    /// The name in messages.
    pub(crate) name: String,
}

impl Input {
    /// Returns the input as a source of the library.
    pub(crate) fn source(&mut self) -> Source<'_> {
        let file = self.reader.file();
        let source = match &mut self.reader {
            Reader::Regular(reader) => Source::seekable(&mut **reader),
            Reader::Waiting(reader) => Source::pipe(reader),
        };
        source.stamp(self.stamp).file(file)
    }
}

/// An input that can be read from any offset.
pub(crate) trait Seekable: Read + Seek + Send {
    /// Returns the input for reads at an offset.
    fn at_offsets(self: Box<Self>) -> Box<dyn ReadAt>;

    /// Returns another handle of the file, if the input is one.
    fn file(&self) -> Option<File> {
        None
    }
}

impl Seekable for File {
    fn file(&self) -> Option<File> {
        self.try_clone().ok()
    }

    fn at_offsets(self: Box<Self>) -> Box<dyn ReadAt> {
        self
    }
}

impl Seekable for Content {
    fn at_offsets(self: Box<Self>) -> Box<dyn ReadAt> {
        Box::new(Mutex::new(*self))
    }
}

impl Seekable for Object {
    fn at_offsets(self: Box<Self>) -> Box<dyn ReadAt> {
        self
    }
}

/// The kinds of inputs.
pub(crate) enum Reader {
    /// A regular file under its name, a stream in a database, or an object in S3. It can seek, and
    /// does not wait for a writer.
    Regular(Box<dyn Seekable>),
    /// Standard input, a named pipe, a device, or the output of a command.
    Waiting(WaitingInput),
}

impl Reader {
    /// Returns another handle of the file, if the input is one, under its name or as standard
    /// input.
    pub(crate) fn file(&self) -> Option<File> {
        match self {
            Self::Regular(source) => source.file(),
            // Files of the system that claim to be empty may wait like a pipe.
            Self::Waiting(WaitingInput { file, .. }) => {
                let metadata = file.metadata().ok().filter(|metadata| metadata.is_file());
                metadata.filter(|metadata| metadata.len() > 0).and_then(|_| file.try_clone().ok())
            }
        }
    }

    /// Returns an input that can be read at an offset.
    ///
    /// That is a regular file, under its name or as standard input, a stream in a database, or an
    /// object in S3.
    pub(crate) fn at_offsets(self) -> Option<Box<dyn ReadAt>> {
        match self {
            Self::Regular(source) => Some(source.at_offsets()),
            Self::Waiting(WaitingInput { file, .. }) => {
                let is_file = file.metadata().is_ok_and(|metadata| metadata.is_file());
                is_file.then(|| Box::new(file) as _)
            }
        }
    }
}

impl Read for Reader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Regular(file) => file.read(buffer),
            Self::Waiting(input) => input.read(buffer),
        }
    }
}

impl Input {
    /// Opens `path`, or standard input for `-`.
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        match Location::of(path)? {
            Location::File => {}
            Location::Sqlite { database, stream } => {
                return Self::stored(&database, &stream).map_err(|error| Failure::io(error.to_string()));
            }
            Location::S3 { bucket, key } => {
                return Self::object(&bucket, &key).map_err(|error| Failure::s3(&error));
            }
        }
        let name = name(path);
        let failed = |error| Failure::io(format!("{name}: cannot be read: {error}"));
        let standard = is_standard_input(path);
        let file = if standard {
            standard_input()?
        } else {
            File::open(path).map_err(|error| hint_at_partial(failed(error), path))?
        };
        let metadata = file.metadata().map_err(failed)?;
        if metadata.is_dir() {
            return Err(Failure::usage(format!("{name}: is a folder, and one file is needed"))
                .hint("tar packs a folder into one file, and its output can be piped into sv2"));
        }
        let mut input = WaitingInput::new(file);
        let stamp = input.stamp(&metadata).map_err(failed)?;
        let len = Some(metadata.len()).filter(|&len| metadata.is_file() && len > 0);
        let reader = match stamp.len {
            Some(_) if !standard => Reader::Regular(Box::new(input.file)),
            _ => Reader::Waiting(input),
        };
        Ok(Self { reader, len, stamp, name })
    }
}

impl Input {
    /// Creates an input from the output of a command.
    pub(crate) fn of_command(producer: Producer, output: File) -> Self {
        let name = producer.name().to_owned();
        let reader = Reader::Waiting(WaitingInput::of_command(producer, output));
        Self { reader, len: None, stamp: SourceStamp::default(), name }
    }

    /// Returns whether a command of this process writes it.
    pub(crate) fn is_of_command(&self) -> bool {
        matches!(&self.reader, Reader::Waiting(input) if input.is_of_command())
    }

    /// Opens an object in S3, with the settings of the environment.
    fn object(bucket: &str, key: &str) -> io::Result<Self> {
        let object = Bucket::new(bucket, &Config::from_env()?)?.object(key)?;
        let (len, name) = (object.size(), object.name());
        let stamp = object.stamp();
        Ok(Self {
            reader: Reader::Regular(Box::new(object)),
            len: Some(len).filter(|&len| len > 0),
            stamp,
            name,
        })
    }

    /// Opens a stream in a database. Its bytes are written once, so it has no time of modification.
    fn stored(database: &Path, stream: &str) -> io::Result<Self> {
        database.metadata().map_err(|error| {
            io::Error::new(error.kind(), format!("{}: cannot be read: {error}", database.display()))
        })?;
        let content = Database::open_read_only(database)?.read(stream)?;
        let len = content.size()?;
        let stamp = SourceStamp { len: Some(len), mtime: None };
        let name = format!("sqlite:{}?stream={stream}", database.display());
        Ok(Self {
            reader: Reader::Regular(Box::new(content)),
            len: Some(len).filter(|&len| len > 0),
            stamp,
            name,
        })
    }
}

/// Says that the file is missing because the run that writes it was interrupted, if it was.
fn hint_at_partial(failure: Failure, path: &Path) -> Failure {
    let output = OutputFile::new(path);
    let partial = output.partial();
    match !path.exists() && partial.exists() {
        true => failure.hint(format_args!(
            "{} is unfinished; run the command that writes it again to resume",
            partial.display()
        )),
        false => failure,
    }
}

fn name(path: &Path) -> String {
    if is_standard_input(path) { "standard input".into() } else { path.display().to_string() }
}
