//! Sources: a file, anything else that can seek, or a pipe.

use std::fmt;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use stream_v2_format::Offset;
use stream_v2_pipeline::SourceStamp;

use crate::error::{Error, Problem};

/// The source of a run: a file, anything else that can seek, or a pipe.
///
/// Its length and time of modification are kept in the journal, so that a run that resumes notices
/// another source.
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
    /// Opens a path: a regular file as a source that can seek, anything else as a pipe.
    ///
    /// An empty file is a pipe, too.
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
    /// Creates a source that can seek. A run begins at its current position.
    #[must_use]
    pub fn seekable(reader: impl Read + Seek + Send + 'a) -> Self {
        Self::of(Reader::Seekable(Box::new(reader)))
    }

    /// Creates a source that gives each byte once, such as standard input.
    #[must_use]
    pub fn pipe(reader: impl Read + Send + 'a) -> Self {
        Self::of(Reader::Pipe(Box::new(reader)))
    }

    fn of(reader: Reader<'a>) -> Self {
        Self { reader, stamp: SourceStamp::default(), len: None, file: None }
    }

    /// Sets the length and time of modification.
    ///
    /// A run that resumes refuses a source with others.
    #[must_use]
    pub fn stamp(self, stamp: SourceStamp) -> Self {
        Self { stamp, len: stamp.len, ..self }
    }

    /// Lets workers read `file` in parallel with positioned reads.
    ///
    /// It must be the file of the reader, without a buffer in between, and share its position:
    /// [`File::try_clone`] returns such a handle.
    #[must_use]
    pub fn file(self, file: Option<File>) -> Self {
        Self { file, ..self }
    }

    /// Returns the known length and time of modification.
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
