//! Files that resume: sources, outputs, events, and reports of what was done.
//!
//! An output has the name `NAME.partial` until it is complete, with `NAME.journal` beside it. Then
//! it is renamed to `NAME`. A run that finds a partial output resumes it. [`encrypt_file`] and
//! [`decrypt_file`] take paths. The same is done for any [`Source`] and any [`OutputFile`], of a
//! database or of S3 for instance, by [`Encryptor::encrypt_to`](crate::Encryptor::encrypt_to) and
//! [`Decryptor::decrypt_to`](crate::Decryptor::decrypt_to).

use std::path::Path;

use crate::decryptor::Decryptor;
use crate::encryptor::Encryptor;
use crate::error::Error;
use crate::options::Options;
use crate::unlock::Unlock;

pub use crate::report::{Event, Outcome, Progress, Report, Warning};
pub use crate::source::Source;
pub use stream_v2_pipeline::{OutputFile, SourceStamp, Summary};

/// Encrypts a file into a stream, or resumes the partial output of an earlier run.
///
/// The same call starts, resumes after an interruption, and does nothing if the stream is complete.
/// Before it resumes, it checks that the source has not changed ([`Options::compare_source`]). It
/// replaces a file only with [`Options::overwrite`], and discards a partial output only with
/// [`Options::restart`].
///
/// A source that is not a regular file, such as a pipe, is read from its beginning and compared
/// with all committed plaintext.
///
/// # Errors
///
/// - [`ErrorKind::Exists`](crate::error::ErrorKind::Exists) for a file under the name of the
///   stream.
/// - [`ErrorKind::Busy`](crate::error::ErrorKind::Busy) if another process is writing it.
/// - [`ErrorKind::SourceChanged`](crate::error::ErrorKind::SourceChanged) for another source than
///   that of the earlier run.
/// - [`ErrorKind::Key`](crate::error::ErrorKind::Key) for another key than that of the earlier run.
/// - [`ErrorKind::OtherParameters`](crate::error::ErrorKind::OtherParameters) for other parameters
///   than those of the earlier run.
/// - [`ErrorKind::NotOurs`](crate::error::ErrorKind::NotOurs) for a partial output that belongs to
///   something else.
/// - [`ErrorKind::Stream`](crate::error::ErrorKind::Stream) for a partial output that is damaged.
/// - [`ErrorKind::Interrupted`](crate::error::ErrorKind::Interrupted) after a shutdown was
///   requested.
/// - [`ErrorKind::Io`](crate::error::ErrorKind::Io) for everything that the operating system
///   reports.
///
/// # Examples
///
/// ```
/// use stream_v2::file::Outcome;
/// use stream_v2::{ContentKey, Options, encrypt_file};
///
/// # let folder = tempfile::tempdir()?;
/// # let (source, target) = (folder.path().join("dump"), folder.path().join("dump.sv2"));
/// # std::fs::write(&source, "hello")?;
/// let key = ContentKey::new([7; 32]); // from a key file, never a constant
/// let report = encrypt_file(&Options::new(&key), &source, &target)?;
/// assert_eq!((report.outcome(), report.plaintext_len()), (Outcome::Fresh, Some(5)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn encrypt_file(
    options: &Options,
    source: impl AsRef<Path>,
    target: impl AsRef<Path>,
) -> Result<Report, Error> {
    let encryptor = Encryptor::new(options)?;
    let output = OutputFile::new(target.as_ref()).overwriting(options.settings.overwrite);
    encryptor.encrypt_to(Source::open(source)?, &output, &mut |_| {})
}

/// Decrypts a stream into a file, or resumes the partial output of an earlier run.
///
/// The same call starts, resumes after an interruption, and does nothing if the plaintext is
/// complete. The plaintext gets its name when all of the stream is verified. It replaces a file
/// only with [`Unlock::overwrite`], and discards a partial output only with [`Unlock::restart`].
///
/// # Errors
///
/// - [`ErrorKind::Key`](crate::error::ErrorKind::Key) for another key, another context, or an
///   altered stream header.
/// - [`ErrorKind::Truncated`](crate::error::ErrorKind::Truncated) for a stream that was cut off.
/// - [`ErrorKind::Stream`](crate::error::ErrorKind::Stream) for one that was altered.
/// - [`ErrorKind::Exists`](crate::error::ErrorKind::Exists) for a file under the name of the
///   plaintext.
/// - [`ErrorKind::Busy`](crate::error::ErrorKind::Busy) if another process is writing it.
/// - [`ErrorKind::NotOurs`](crate::error::ErrorKind::NotOurs) for a partial output that no journal
///   vouches for.
/// - [`ErrorKind::OutputChanged`](crate::error::ErrorKind::OutputChanged) for a partial output that
///   is compared and differs.
/// - [`ErrorKind::Interrupted`](crate::error::ErrorKind::Interrupted) after a shutdown was
///   requested.
/// - [`ErrorKind::Io`](crate::error::ErrorKind::Io) for everything that the operating system
///   reports.
///
/// # Examples
///
/// ```
/// use stream_v2::{ContentKey, Unlock, decrypt_file, encrypt};
///
/// # let folder = tempfile::tempdir()?;
/// # let (stream, target) = (folder.path().join("dump.sv2"), folder.path().join("dump"));
/// let key = ContentKey::new([7; 32]); // from a key file, never a constant
/// std::fs::write(&stream, encrypt(&key, "hello")?)?;
/// decrypt_file(&Unlock::new(&key), &stream, &target)?;
/// assert_eq!(std::fs::read(&target)?, b"hello");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn decrypt_file(
    unlock: &Unlock,
    stream: impl AsRef<Path>,
    target: impl AsRef<Path>,
) -> Result<Report, Error> {
    let decryptor = Decryptor::for_unlock(Source::open(stream)?, unlock)?;
    let output = OutputFile::new(target.as_ref()).overwriting(unlock.settings.overwrite);
    decryptor.decrypt_to(unlock, &output, &mut |_| {})
}
