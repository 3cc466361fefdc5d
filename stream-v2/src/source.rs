//! Sources: a file, anything else that can seek, or a pipe.

use std::fmt;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use stream_v2_format::Offset;
use stream_v2_pipeline::SourceStamp;

use crate::error::{Error, Problem};

/// What a run reads, and what is known of it from outside.
///
/// # Examples
///
/// ```
/// use std::io::Cursor;
/// use stream_v2::file::Source;
///
/// let in_memory = Source::seekable(Cursor::new(b"hello"));
/// let piped = Source::pipe(std::io::stdin());
/// ```
pub struct Source<'a> {
    reader: Reader<'a>,
    stamp: SourceStamp,
    len: Option<u64>,
    file: Option<File>,
}

/// Without the reader: it may be a buffer of plaintext.
impl fmt::Debug for Source<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source").field("stamp", &self.stamp).finish_non_exhaustive()
    }
}

enum Reader<'a> {
    Seekable(Box<dyn ReadSeek + 'a>),
    Pipe(Box<dyn Read + Send + 'a>),
}

/// What can be read from any position.
pub(crate) trait ReadSeek: Read + Seek + Send {}

impl<T: Read + Seek + Send> ReadSeek for T {}

impl Source<'static> {
    /// Opens a path. A regular file that is not empty can seek; anything else is a pipe.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::Io`](crate::error::ErrorKind::Io) if it cannot be opened.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        let file = File::open(path).map_err(Problem::Io)?;
        let metadata = file.metadata().map_err(Problem::Io)?;
        // Files of the system say that they are empty, and are read like a pipe.
        if !metadata.is_file() || metadata.len() == 0 {
            return Ok(Self::pipe(file));
        }
        let same = file.try_clone().ok();
        Ok(Self::seekable(file).stamp(SourceStamp::of(&metadata)).file(same))
    }
}

impl<'a> Source<'a> {
    /// A source that can seek. A run begins where it stands.
    #[must_use]
    pub fn seekable(reader: impl Read + Seek + Send + 'a) -> Self {
        Self::of(Reader::Seekable(Box::new(reader)))
    }

    /// A source that gives each byte once.
    #[must_use]
    pub fn pipe(reader: impl Read + Send + 'a) -> Self {
        Self::of(Reader::Pipe(Box::new(reader)))
    }

    fn of(reader: Reader<'a>) -> Self {
        Self { reader, stamp: SourceStamp::default(), len: None, file: None }
    }

    /// Says what is known of the source from outside: a run that resumes refuses another one.
    #[must_use]
    pub fn stamp(self, stamp: SourceStamp) -> Self {
        Self { stamp, len: stamp.len, ..self }
    }

    /// Says that the reader reads this file as it is, without a buffer of its own, so that workers
    /// read in parallel.
    ///
    /// The file must share its position with the reader: [`File::try_clone`] gives such a one.
    #[must_use]
    pub fn file(self, file: Option<File>) -> Self {
        Self { file, ..self }
    }

    /// What is known of the source from outside.
    #[must_use]
    pub const fn known(&self) -> SourceStamp {
        self.stamp
    }

    pub(crate) const fn len(&self) -> Option<u64> {
        self.len
    }

    pub(crate) const fn take_file(&mut self) -> Option<File> {
        self.file.take()
    }

    pub(crate) const fn is_seekable(&self) -> bool {
        matches!(self.reader, Reader::Seekable(_))
    }

    pub(crate) fn seekable_reader(&mut self) -> Option<&mut Box<dyn ReadSeek + 'a>> {
        match &mut self.reader {
            Reader::Seekable(reader) => Some(reader),
            Reader::Pipe(_) => None,
        }
    }

    /// Goes back to the beginning, where a run that was refused has read on.
    pub(crate) fn rewind(&mut self) -> Result<(), Error> {
        self.seek_to(Offset(0))
    }

    pub(crate) fn seek_to(&mut self, offset: Offset) -> Result<(), Error> {
        let reader = self.seekable_reader().ok_or(Problem::NotRewindable)?;
        reader.seek(SeekFrom::Start(offset.0)).map(drop).map_err(|error| Problem::Io(error).into())
    }
}

impl Read for Source<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match &mut self.reader {
            Reader::Seekable(reader) => reader.read(buffer),
            Reader::Pipe(reader) => reader.read(buffer),
        }
    }
}
