//! Replacing the envelope of a stream, so that other keys open it: no segment is encrypted anew.
//!
//! The new envelope takes the place of the old one in a file ([`Rewrap::file`]), in a database or
//! in S3, is written with the same segments elsewhere ([`Rewrap::copy_to`]), or is kept apart from
//! the stream ([`Rewrap::detached`]).
//!
//! It revokes nothing: whoever could open the stream may have kept its content key, or the old
//! envelope. After a leak, decrypt the stream and encrypt it anew.
//!
//! # Examples
//!
//! ```
//! use stream_v2::key::{self, Credentials, Recipients};
//! use stream_v2::rewrap::Rewrap;
//! use stream_v2::{Options, Unlock, decrypt_file, encrypt_file};
//!
//! # let folder = tempfile::tempdir()?;
//! # let path = |name| folder.path().join(name);
//! # std::fs::write(path("dump"), "hello")?;
//! # key::create(path("old.key"))?;
//! # key::create(path("new.key"))?;
//! let (old, new) = (key::read_file(path("old.key"))?, key::read_file(path("new.key"))?);
//! let options = Options::for_recipients(Recipients::new().with_key_file(old.clone()));
//! encrypt_file(&options, path("dump"), path("dump.sv2"))?;
//!
//! let recipients = Recipients::new().with_key_file(new.clone());
//! Rewrap::new(Credentials::new().with_key_file(old), recipients).file(path("dump.sv2"))?;
//!
//! let unlock = Unlock::with(Credentials::new().with_key_file(new));
//! decrypt_file(&unlock, path("dump.sv2"), path("copy"))?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::{fmt, fs};

use stream_v2_format::envelope::DetachedEnvelope;
use stream_v2_format::wire::HeaderV1;
use stream_v2_pipeline::io::{read_own_header_at, read_stream_header_at};
use stream_v2_pipeline::{
    self as pipeline, Credentials, OutputFile, OutputSink, ReadAt, Recipients, Unlocked,
};

use crate::decryptor::Decryptor;
use crate::error::{Error, Problem};
use crate::source::Source;
use crate::unlock::Unlock;

pub use stream_v2_pipeline::{Prepared, Replaced, envelope_digest, write_detached};

/// Is called before a stream is written to, and may prevent that with an error.
pub type Before<'a> = &'a mut dyn FnMut(&Replaced) -> io::Result<()>;

/// Replaces envelopes: what opens the old ones, and for whom the new ones are.
///
/// The new envelope has exactly the recipients that are given. Nothing of the old one is kept.
#[derive(Clone)]
pub struct Rewrap {
    credentials: Credentials,
    recipients: Recipients,
    context: Vec<u8>,
    keep_old: Option<PathBuf>,
    dry_run: bool,
    wraps_brought: bool,
}

/// Shows no context: callers may take it for a secret.
impl fmt::Debug for Rewrap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rewrap").field("dry_run", &self.dry_run).finish_non_exhaustive()
    }
}

impl Rewrap {
    /// Opens old envelopes with `credentials`, and writes new ones for `recipients`.
    #[must_use]
    pub fn new(credentials: Credentials, recipients: Recipients) -> Self {
        let (context, keep_old) = (Vec::new(), None);
        Self { credentials, recipients, context, keep_old, dry_run: false, wraps_brought: false }
    }

    /// Expects streams to be bound to `context`.
    #[must_use]
    pub fn context(mut self, context: impl Into<Vec<u8>>) -> Self {
        self.context = context.into();
        self
    }

    /// Keeps the old envelope in a file, as a detached one.
    ///
    /// It opens the stream for those who could open it before.
    #[must_use]
    pub fn keep_old(mut self, file: impl Into<PathBuf>) -> Self {
        self.keep_old = Some(file.into());
        self
    }

    /// Checks everything and writes nothing.
    #[must_use]
    pub const fn dry_run(mut self, dry_run: bool) -> Self {
        self.dry_run = dry_run;
        self
    }

    /// Says that no other stream has a content key of the credentials, so that it may be wrapped.
    ///
    /// By default it is refused: it may be the content key of many streams.
    #[must_use]
    pub const fn wrapping_brought_keys(mut self, wraps: bool) -> Self {
        self.wraps_brought = wraps;
        self
    }

    /// Replaces the envelope of a file in place.
    ///
    /// Less than 256 KiB of the file are read and written, whatever its length. Readers may have it
    /// open. The same call completes a replacement that was interrupted; until then the file
    /// `NAME.rewrap` beside the stream is a detached envelope that opens it.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::Key`](crate::error::ErrorKind::Key) for other keys, or another context.
    /// - [`ErrorKind::Option`](crate::error::ErrorKind::Option) if new keys do not fit, the stream
    ///   has no envelope or is unfinished, or its content key was brought.
    /// - [`ErrorKind::Busy`](crate::error::ErrorKind::Busy) if another process replaces it.
    /// - [`ErrorKind::NotOurs`](crate::error::ErrorKind::NotOurs) for a file of another program
    ///   under the name of the copy.
    /// - [`ErrorKind::Io`](crate::error::ErrorKind::Io) if a file cannot be read or written.
    pub fn file(&self, path: impl AsRef<Path>) -> Result<Replaced, Error> {
        self.file_after(path, &mut |_| Ok(()))
    }

    /// Does the same as [`file`](Self::file), and calls `before` before it writes to the stream.
    ///
    /// A program that keeps a list of what it has replaced knows from it what an interrupted call
    /// has done.
    ///
    /// # Errors
    ///
    /// - those of [`file`](Self::file), and of `before`.
    pub fn file_after(&self, path: impl AsRef<Path>, before: Before<'_>) -> Result<Replaced, Error> {
        let path = path.as_ref();
        // The copy lies beside the file itself, and not beside a link.
        let place = match path.is_symlink() {
            true => OutputFile::new(fs::canonicalize(path).map_err(Problem::Io)?),
            false => OutputFile::new(path),
        };
        let keep = self.keep_old.as_ref().map(OutputFile::new);
        let replaced = match self.dry_run {
            true => self.pipeline().prepare(&place).map(|prepared| *prepared.replaced()),
            false => self.pipeline().in_place_after(&place, keep.as_ref(), before),
        };
        replaced.map_err(|error| Problem::Rewrap(error).into())
    }

    /// Replaces the envelope of a stream in a database, in one transaction.
    ///
    /// # Errors
    ///
    /// - those of [`file`](Self::file).
    #[cfg(feature = "sqlite")]
    pub fn in_database(
        &self,
        database: &stream_v2_sqlite::Database,
        name: &str,
        before: Before<'_>,
    ) -> Result<Replaced, Error> {
        let prepared = self.pipeline().prepare(&database.output(name)).map_err(Problem::Rewrap)?;
        if !self.dry_run && !prepared.is_done() {
            self.keep(prepared.old_envelope())?;
            before(prepared.replaced()).map_err(Problem::Io)?;
            database.replace_head(name, &prepared.old_head(), &prepared.new_head()).map_err(Problem::Io)?;
        }
        Ok(*prepared.replaced())
    }

    /// Replaces the envelope of an object in S3, by a new object under the same key.
    ///
    /// The new envelope may have any length. S3 copies all of the stream but 5 MiB itself. An
    /// object that is archived or locked is refused; [`detached`](Self::detached) needs no new
    /// object.
    ///
    /// # Errors
    ///
    /// - those of [`file`](Self::file).
    #[cfg(feature = "s3")]
    pub fn in_bucket(
        &self,
        bucket: &stream_v2_s3::Bucket,
        key: &str,
        before: Before<'_>,
    ) -> Result<(Replaced, Option<stream_v2_s3::HeadReplaced>), Error> {
        let object = bucket.object(key).map_err(Problem::Io)?;
        let (header, old) = self.read_header(&object)?;
        let (envelope, replaced) = match self.new_detached(&object) {
            Ok(new) => new,
            Err(error) => {
                // An interrupted call may have replaced it.
                let done = self.pipeline().unlock_done(&header, &old).ok_or(error)?;
                return Ok((Replaced::new(&done, &old, &old), None));
            }
        };
        if self.dry_run {
            return Ok((replaced, None));
        }
        if self.keep_old.is_some() {
            let old = DetachedEnvelope::of_stream(&header, &old);
            self.keep(&old.map_err(Problem::Detached)?)?;
        }
        before(&replaced).map_err(Problem::Io)?;
        let moved = bucket.replace_head(&object, header.body_offset().0, &envelope.to_bytes());
        Ok((replaced, Some(moved.map_err(Problem::Io)?)))
    }

    /// Writes a new envelope into `to`, apart from the stream, which is only read.
    ///
    /// It opens the stream together with it. So does the stream's own envelope, as before.
    ///
    /// # Errors
    ///
    /// - those of [`file`](Self::file).
    /// - [`ErrorKind::Exists`](crate::error::ErrorKind::Exists) for a file of the name `to`.
    pub fn detached(&self, stream: impl ReadAt, to: &OutputFile) -> Result<Replaced, Error> {
        let (envelope, replaced) = self.new_detached(stream)?;
        if !self.dry_run {
            write_detached(to, &envelope).map_err(Problem::Create)?;
        }
        Ok(replaced)
    }

    /// Returns a new envelope for a stream, to be kept apart from it.
    ///
    /// # Errors
    ///
    /// - those of [`detached`](Self::detached).
    pub fn new_detached(&self, stream: impl ReadAt) -> Result<(DetachedEnvelope, Replaced), Error> {
        let (header, old) = self.read_header(&stream)?;
        let unlocked = self.unlock(&header, &old)?;
        unlocked.check_sealed(stream).map_err(Problem::Rewrap)?;
        let new = self.pipeline().wrap(&unlocked).map_err(Problem::Rewrap)?;
        let replaced = Replaced::new(&unlocked, &old, new.as_bytes());
        let envelope = DetachedEnvelope::new(&header, &new);
        let envelope = envelope.map_err(|error| Problem::Option(error.to_string()))?;
        Ok((envelope, replaced))
    }

    /// Writes the stream with a new envelope of any length into `sink`, and seals that.
    ///
    /// Segments are checked as far as possible without opening them. After an error the sink is
    /// aborted.
    ///
    /// # Errors
    ///
    /// - those of [`file`](Self::file).
    /// - [`ErrorKind::Truncated`](crate::error::ErrorKind::Truncated) for a stream that was cut
    ///   off.
    /// - [`ErrorKind::Stream`](crate::error::ErrorKind::Stream) for one that was altered.
    pub fn copy_to(&self, stream: Source<'_>, sink: &mut dyn OutputSink) -> Result<Replaced, Error> {
        let decryptor = Decryptor::for_unlock(stream, &Unlock::with(self.credentials.clone()))?;
        let (source, header, old) = decryptor.into_parts();
        let unlocked = self.unlock(&header, &old)?;
        let new = self.pipeline().wrap(&unlocked).map_err(Problem::Rewrap)?;
        if !self.dry_run {
            unlocked.copy_with(&new, source, sink).map_err(Problem::Run)?;
        }
        Ok(Replaced::new(&unlocked, &old, new.as_bytes()))
    }

    /// Keeps the old envelope, if that was asked for.
    #[cfg(any(feature = "sqlite", feature = "s3"))]
    fn keep(&self, old: &DetachedEnvelope) -> Result<(), Error> {
        let Some(file) = &self.keep_old else { return Ok(()) };
        write_detached(&OutputFile::new(file), old).map_err(|error| Problem::Create(error).into())
    }

    fn read_header(&self, stream: &impl ReadAt) -> Result<(HeaderV1, Vec<u8>), Error> {
        let read = match self.credentials.detached_envelope() {
            Some(_) => read_own_header_at(stream),
            None => read_stream_header_at(stream),
        };
        read.map_err(|error| Problem::Rewrap(error).into())
    }

    fn unlock(&self, header: &HeaderV1, envelope: &[u8]) -> Result<Unlocked, Error> {
        self.pipeline().unlock(header, envelope).map_err(|error| Problem::Rewrap(error).into())
    }

    /// Returns the pipeline's part of it, for storages that this crate does not know.
    #[must_use]
    pub fn pipeline(&self) -> pipeline::Rewrap<'_> {
        let rewrap = pipeline::Rewrap::new(&self.credentials, &self.recipients);
        rewrap.with_context(&self.context).wrapping_brought_keys(self.wraps_brought)
    }
}

/// Reads a detached envelope.
///
/// # Errors
///
/// - [`ErrorKind::Stream`](crate::error::ErrorKind::Stream) for bytes that are not one.
/// - [`ErrorKind::Io`](crate::error::ErrorKind::Io) if they cannot be read.
pub fn read_detached(from: impl Read) -> Result<DetachedEnvelope, Error> {
    let mut bytes = Vec::new();
    from.take(DetachedEnvelope::LEN_MAX as u64 + 1).read_to_end(&mut bytes).map_err(Problem::Io)?;
    DetachedEnvelope::parse(&bytes).map_err(|error| Problem::Detached(error).into())
}
