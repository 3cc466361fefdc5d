//! Decrypting in two phases: the header of a stream first, and then, unlocked, its plaintext.

use std::fmt;
use std::io::{self, BufRead, Read};

use stream_v2_format::crypto::{Committed, StreamOpener};
use stream_v2_format::envelope::{EnvelopeView, Stanza};
use stream_v2_format::wire::{HeaderV1, Suite};
use stream_v2_pipeline::io::{read_stream_header, read_stream_header_at, read_stream_header_until};
use stream_v2_pipeline::{
    DecryptPipeline, Managers, OpenedBy, OutputFile, OutputSink, ReadAt, Shutdown, Summary, WriterSink,
};

use crate::background::{Background, Drainer, buffers};
use crate::error::{Error, Problem};
use crate::range::RangeReader;
use crate::report::{Event, Report};
use crate::resume::{Follower, decrypt_to};
use crate::source::Source;
use crate::unlock::Unlock;

/// Buffers between a reader and its thread: one that is read, one that waits, one that is filled.
const BUFFERS: usize = 3;

/// Decrypts one stream in two phases: it reads the header, and unlocks the rest with a key.
///
/// [`new`](Self::new) reads the header of 128 bytes and the envelope, so that you can choose a key
/// by [`key_id`](Self::key_id). Nothing in them is authentic before the stream is unlocked. Then
/// call one of these:
///
/// | call | gives |
/// |---|---|
/// | [`unlock`](Self::unlock) | a `Read` of the plaintext |
/// | [`unlock_ranges`](Self::unlock_ranges) | ranges of the plaintext of a stored stream |
/// | [`decrypt_to`](Self::decrypt_to) | a file that resumes, with reports |
/// | [`decrypt_into`](Self::decrypt_into) | the plaintext in a sink, on the caller's thread |
/// | [`verify`](Self::verify) | success or an error, and no plaintext |
///
/// # Examples
///
/// ```
/// use std::io::Read;
/// use stream_v2::{ContentKey, Decryptor, Unlock, encrypt};
///
/// let key = ContentKey::new([7; 32]); // from a key file, never a constant
/// let stream = std::io::Cursor::new(encrypt(&key, "hello")?);
/// let decryptor = Decryptor::new(stream)?;
/// assert_eq!(decryptor.key_id(), key.id());
/// let mut plaintext = String::new();
/// decryptor.unlock(&Unlock::new(&key))?.read_to_string(&mut plaintext)?;
/// assert_eq!(plaintext, "hello");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Decryptor<R> {
    source: R,
    header: HeaderV1,
    /// The stanzas and their checksum.
    envelope: Vec<u8>,
    /// The stream, once [`open`](Self::open) has unlocked it.
    opened: Option<(StreamOpener, OpenedBy)>,
}

/// Without the source: it may be a buffer.
impl<R> fmt::Debug for Decryptor<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decryptor").field("header", &self.header).finish_non_exhaustive()
    }
}

impl<R: Read> Decryptor<R> {
    /// Reads the stream header and the envelope of `source`.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::Truncated`](crate::error::ErrorKind::Truncated) for a source that ends in
    ///   them.
    /// - [`ErrorKind::Stream`](crate::error::ErrorKind::Stream) for bytes that are not a stream.
    /// - [`ErrorKind::Io`](crate::error::ErrorKind::Io) if `source` cannot be read.
    pub fn new(mut source: R) -> Result<Self, Error> {
        let read = read_stream_header(&mut source).map_err(Problem::Run)?;
        Ok(Self::of_parts(source, read))
    }

    /// Does the same as [`new`](Self::new), for a source that may wait.
    ///
    /// The call ends if the source reports `Interrupted` after a shutdown was requested.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::Interrupted`](crate::error::ErrorKind::Interrupted) after a shutdown was
    ///   requested.
    /// - As [`new`](Self::new).
    pub fn with_shutdown(mut source: R, shutdown: &Shutdown) -> Result<Self, Error> {
        let read = read_stream_header_until(&mut source, shutdown);
        Ok(Self::of_parts(source, read.map_err(Problem::Run)?))
    }
}

impl<S: ReadAt> Decryptor<S> {
    /// Reads the stream header and the envelope of a stored stream, from its first byte on.
    ///
    /// # Errors
    ///
    /// - the errors of [`new`](Self::new).
    pub fn over(source: S) -> Result<Self, Error> {
        let read = read_stream_header_at(&source).map_err(Problem::Run)?;
        Ok(Self::of_parts(source, read))
    }

    /// Opens the stream for reading ranges of its plaintext.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::Key`](crate::error::ErrorKind::Key) for another key, or an altered stream
    ///   header.
    /// - [`ErrorKind::Truncated`](crate::error::ErrorKind::Truncated) for a stream without its
    ///   final segment.
    /// - [`ErrorKind::Stream`](crate::error::ErrorKind::Stream) for one whose end is not genuine.
    /// - [`ErrorKind::Io`](crate::error::ErrorKind::Io) if the source cannot be read.
    pub fn unlock_ranges(self, unlock: &Unlock) -> Result<RangeReader<S>, Error> {
        let pipeline = unlock.pipeline();
        let stream = self.opener(&pipeline)?;
        pipeline.open_ranges_of(stream, self.source).map_err(Into::into)
    }
}

impl<R> Decryptor<R> {
    /// Returns the stream header.
    #[must_use]
    pub const fn header(&self) -> &HeaderV1 {
        &self.header
    }

    /// Returns the 16 bytes by which the stream names its key.
    ///
    /// They are [`ContentKey::id`](crate::ContentKey::id) unless the writer chose others
    /// ([`Options::key_id`](crate::Options::key_id)), and all zero if the stream names no key.
    #[must_use]
    pub const fn key_id(&self) -> [u8; 16] {
        self.header.params().key_id
    }

    /// Returns the cipher suite.
    #[must_use]
    pub const fn suite(&self) -> Suite {
        self.header.params().suite
    }

    /// Returns the plaintext bytes of a full segment.
    #[must_use]
    pub const fn segment_size(&self) -> u32 {
        self.header.segment_size()
    }

    /// Returns the length of the plaintext in bytes, if the header declares it.
    #[must_use]
    pub const fn plaintext_len(&self) -> Option<u64> {
        self.header.params().plaintext_len
    }

    /// Returns the stanzas of the envelope, in order: the wrapped forms of the content key (§12).
    ///
    /// There are none if it was not checked, and is damaged.
    pub fn stanzas(&self) -> impl Iterator<Item = Stanza<'_>> {
        let envelope = EnvelopeView::after(&self.header, &self.envelope);
        envelope.into_iter().flat_map(|view| view.stanzas())
    }

    /// Checks the key, the context and the limits, without reading more of the stream.
    ///
    /// Returns what opened the stream, which says something of its writer ([`OpenedBy`]).
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::Key`](crate::error::ErrorKind::Key) for another key, another context, or an
    ///   altered stream header.
    /// - [`ErrorKind::Stream`](crate::error::ErrorKind::Stream) for segments above the limit.
    pub fn check(&self, unlock: &Unlock) -> Result<OpenedBy, Error> {
        self.opened(&unlock.pipeline()).map(|(_, by)| by)
    }

    pub(crate) fn of_parts(source: R, (header, envelope): (HeaderV1, Vec<u8>)) -> Self {
        Self { source, header, envelope, opened: None }
    }

    /// Returns the source, the stream header, and the envelope with its checksum.
    pub(crate) fn into_parts(self) -> (R, HeaderV1, Vec<u8>) {
        (self.source, self.header, self.envelope)
    }

    /// Does the same as [`check`](Self::check), and keeps the keys for the calls that follow.
    ///
    /// They ignore the credentials, the context and the limit of the segment size of their
    /// [`Unlock`]. A passphrase costs memory and time, and a plugin may ask the user to touch a
    /// key. This call lets both happen once.
    ///
    /// # Errors
    ///
    /// - the errors of [`check`](Self::check).
    pub fn open(&mut self, unlock: &Unlock) -> Result<OpenedBy, Error> {
        self.opened = None;
        let opened = self.opened(&unlock.pipeline())?;
        let by = opened.1;
        self.opened = Some(opened);
        Ok(by)
    }

    pub(crate) fn opener(&self, pipeline: &DecryptPipeline<'_>) -> Result<StreamOpener, Error> {
        self.opened(pipeline).map(|(stream, _)| stream)
    }

    fn opened(&self, pipeline: &DecryptPipeline<'_>) -> Result<(StreamOpener, OpenedBy), Error> {
        if let Some(opened) = &self.opened {
            return Ok(opened.clone());
        }
        let opened = pipeline.open_header(&self.header, &self.envelope);
        opened.map_err(|error| Problem::Run(error).into())
    }
}

impl<R: Read + Send + 'static> Decryptor<R> {
    /// Checks the key, and makes a reader of the plaintext.
    ///
    /// The pipeline runs on one background thread, which the end of the plaintext and dropping the
    /// reader join. Three segments wait for the reader at most, beside those of the pipeline's
    /// window.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::Key`](crate::error::ErrorKind::Key) for another key, another context, or an
    ///   altered stream header.
    /// - [`ErrorKind::Stream`](crate::error::ErrorKind::Stream) for segments above the limit.
    /// - [`ErrorKind::Io`](crate::error::ErrorKind::Io) if the thread cannot be started.
    pub fn unlock(self, unlock: &Unlock) -> Result<PlaintextStream, Error> {
        let stream = self.opener(&unlock.pipeline())?;
        let (unlock, source) = (unlock.clone(), self.source);
        let (filler, drainer) = buffers(BUFFERS);
        let background = Background::run("sv2-decrypt", move || {
            let mut sink = WriterSink::new(filler);
            unlock.pipeline().resume(&stream, &Committed::NOTHING, source, &mut sink, Managers::none())
        })?;
        Ok(PlaintextStream { drainer, end: None, background })
    }
}

impl Decryptor<Source<'_>> {
    /// Decrypts all of the stream into `sink` on the caller's thread.
    ///
    /// The sink gets each segment once that is verified. If the call fails, the sink has a verified
    /// beginning of the plaintext.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::Key`](crate::error::ErrorKind::Key) for another key, another context, or an
    ///   altered stream header.
    /// - [`ErrorKind::Truncated`](crate::error::ErrorKind::Truncated) for a stream that was cut
    ///   off.
    /// - [`ErrorKind::Stream`](crate::error::ErrorKind::Stream) for one that was altered.
    /// - [`ErrorKind::Io`](crate::error::ErrorKind::Io) if the source or `sink` fails.
    /// - [`ErrorKind::Interrupted`](crate::error::ErrorKind::Interrupted) after a shutdown was
    ///   requested.
    pub fn decrypt_into(
        mut self,
        unlock: &Unlock,
        sink: &mut dyn OutputSink,
        observer: &mut dyn FnMut(Event<'_>),
    ) -> Result<Summary, Error> {
        let mut pipeline = unlock.pipeline();
        let stream = self.opener(&pipeline)?;
        pipeline.set_source_file(self.source.take_file());
        let mut follower = Follower::of_stream(&unlock.settings, self.source.len(), observer);
        let managers = Managers { log: Some(&mut follower), crash: None };
        let run = pipeline.resume(&stream, &Committed::NOTHING, self.source, sink, managers);
        run.map_err(|error| Problem::Run(error).into())
    }

    /// Verifies all of the stream on the caller's thread, and discards the plaintext.
    ///
    /// # Errors
    ///
    /// - the errors of [`decrypt_into`](Self::decrypt_into).
    pub fn verify(self, unlock: &Unlock, observer: &mut dyn FnMut(Event<'_>)) -> Result<Summary, Error> {
        self.decrypt_into(unlock, &mut WriterSink::new(io::sink()), observer)
    }

    /// Decrypts all of the stream into `output`, or resumes the partial output of an earlier run.
    ///
    /// This is [`decrypt_file`](crate::decrypt_file) for any source and any storage. `observer` is
    /// called with each event, on the caller's thread.
    ///
    /// # Errors
    ///
    /// - the errors of [`decrypt_file`](crate::decrypt_file).
    pub fn decrypt_to(
        self,
        unlock: &Unlock,
        output: &OutputFile,
        observer: &mut dyn FnMut(Event<'_>),
    ) -> Result<Report, Error> {
        let stream = self.opener(&unlock.pipeline())?;
        decrypt_to(unlock, (&stream, self.source), output, observer)
    }
}

/// Reads the plaintext of a stream. Made by [`Decryptor::unlock`].
///
/// It gives the plaintext of each segment when that is verified, and ends only after the whole
/// stream was: if the stream is cut off or altered, an error takes the place of the end. What was
/// read before is then a verified beginning of the plaintext, and no more. After an error every
/// read reports that error.
///
/// Dropping it waits until the read that its source is in returns.
pub struct PlaintextStream {
    // Dropped before the thread is joined, which then ends.
    drainer: Drainer,
    /// How it has ended, once it has.
    end: Option<Result<(), Error>>,
    background: Background<Result<Summary, stream_v2_pipeline::Error>>,
}

impl fmt::Debug for PlaintextStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PlaintextStream").finish_non_exhaustive()
    }
}

impl BufRead for PlaintextStream {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if let Some(end) = &self.end {
            return end.clone().map(|()| &[][..]).map_err(Into::into);
        }
        if self.drainer.pending().is_err() {
            // The thread has ended, and only its result says how.
            let end = self.background.join().and_then(|result| result.map(drop).map_err(Into::into));
            self.end = Some(end.clone());
            return end.map(|()| &[][..]).map_err(Into::into);
        }
        Ok(self.drainer.pending().unwrap_or(&[]))
    }

    fn consume(&mut self, len: usize) {
        self.drainer.consume(len);
    }
}

impl Read for PlaintextStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let bytes = self.fill_buf()?;
        let len = bytes.len().min(buffer.len());
        buffer[..len].copy_from_slice(&bytes[..len]);
        self.consume(len);
        Ok(len)
    }
}
