//! Streams on a Tokio runtime.
//!
//! [`encrypt`] and [`decrypt`] are futures over any `AsyncRead` and `AsyncWrite`. They start no
//! task: sealing and opening is done on the blocking threads of the runtime. The other names are
//! those of the pipeline, whose futures you reach by [`Options::pipeline`] and
//! [`Unlock::pipeline`].

use ::tokio::io::AsyncWrite;
use stream_v2_pipeline::Summary;

pub use stream_v2_pipeline::tokio::*;

use crate::error::{Error, Problem};
use crate::options::Options;
use crate::unlock::Unlock;

/// Encrypts all of `source` into `out`, and flushes it.
///
/// A future that is dropped leaves an unsealed stream.
///
/// # Errors
///
/// - [`ErrorKind::Option`](crate::error::ErrorKind::Option) for settings that no stream can have.
/// - [`ErrorKind::Io`](crate::error::ErrorKind::Io) if `source` or `out` fails.
/// - [`ErrorKind::Interrupted`](crate::error::ErrorKind::Interrupted) after a shutdown was
///   requested.
///
/// # Examples
///
/// ```
/// use stream_v2::{ContentKey, Options, Unlock};
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let key = ContentKey::new([7; 32]); // from a key file, never a constant
/// let (mut stream, mut plaintext) = (Vec::new(), Vec::new());
/// stream_v2::tokio::encrypt(&Options::new(&key), &b"hello"[..], &mut stream).await?;
/// stream_v2::tokio::decrypt(&Unlock::new(&key), &stream[..], &mut plaintext).await?;
/// assert_eq!(plaintext, b"hello");
/// # Ok::<(), stream_v2::Error>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub async fn encrypt(
    options: &Options,
    source: impl AsyncSource,
    out: impl AsyncWrite + Unpin + Send,
) -> Result<Summary, Error> {
    options.check()?;
    let mut sink = AsyncWriterSink::new(out);
    let run = options.pipeline();
    run.run_async(source, &mut sink, AsyncManagers::none()).await.map_err(|error| Problem::Run(error).into())
}

/// Decrypts all of `source` into `out`, and flushes it.
///
/// `out` gets each segment once that is verified.
///
/// # Errors
///
/// - [`ErrorKind::Key`](crate::error::ErrorKind::Key) for another key, or an altered stream header.
/// - [`ErrorKind::Truncated`](crate::error::ErrorKind::Truncated) for a stream that was cut off:
///   `out` then has a verified beginning of the plaintext.
/// - [`ErrorKind::Stream`](crate::error::ErrorKind::Stream) for bytes that are not a stream, and
///   for one that was altered.
/// - [`ErrorKind::Io`](crate::error::ErrorKind::Io) if `source` or `out` fails.
///
/// # Examples
///
/// As for [`encrypt`].
pub async fn decrypt(
    unlock: &Unlock,
    source: impl AsyncSource,
    out: impl AsyncWrite + Unpin + Send,
) -> Result<Summary, Error> {
    let mut sink = AsyncWriterSink::new(out);
    let run = unlock.pipeline();
    run.run_async(source, &mut sink, AsyncManagers::none()).await.map_err(|error| Problem::Run(error).into())
}
