//! Streams in memory.

use stream_v2_pipeline::{ContentKey, WriterSink};

use crate::decryptor::Decryptor;
use crate::encryptor::Encryptor;
use crate::error::Error;
use crate::options::Options;
use crate::source::Source;
use crate::unlock::Unlock;

/// Encrypts bytes into a stream in memory.
///
/// A plaintext of up to 64 KiB becomes 640 bytes longer, and an empty one becomes 384 bytes. Longer
/// ones grow by about 0.06 %. [`Lengths`](crate::format::lengths::Lengths) has the exact length.
///
/// # Errors
///
/// - [`ErrorKind::Io`](crate::error::ErrorKind::Io) if the operating system has no random bytes.
///
/// # Examples
///
/// ```
/// use stream_v2::{ContentKey, decrypt, encrypt};
///
/// let key = ContentKey::new([7; 32]); // from a key file, never a constant
/// let stream = encrypt(&key, "hello")?;
/// assert_eq!(stream.len(), 5 + 640);
/// assert_eq!(decrypt(&key, &stream)?, b"hello");
/// # Ok::<(), stream_v2::Error>(())
/// ```
pub fn encrypt(key: &ContentKey, plaintext: impl AsRef<[u8]>) -> Result<Vec<u8>, Error> {
    let mut stream = Vec::new();
    let source = Source::pipe(plaintext.as_ref());
    let encryptor = Encryptor::new(&Options::new(key))?;
    encryptor.encrypt_into(source, &mut WriterSink::new(&mut stream), &mut |_| {})?;
    Ok(stream)
}

/// Decrypts a stream in memory.
///
/// Nothing is returned of a stream that is not whole and genuine. The stream must have no context:
/// for one that is bound to a context, use [`Decryptor`] with [`Unlock::context`].
///
/// # Errors
///
/// - [`ErrorKind::Key`](crate::error::ErrorKind::Key) for another key, or an altered stream header.
/// - [`ErrorKind::Truncated`](crate::error::ErrorKind::Truncated) for a stream that was cut off.
/// - [`ErrorKind::Stream`](crate::error::ErrorKind::Stream) for bytes that are not a stream, and
///   for one that was altered.
///
/// # Examples
///
/// ```
/// use stream_v2::{ContentKey, decrypt, encrypt, error::ErrorKind};
///
/// let key = ContentKey::new([7; 32]); // from a key file, never a constant
/// let mut stream = encrypt(&key, "hello")?;
/// stream.pop();
/// assert_eq!(decrypt(&key, &stream).unwrap_err().kind(), ErrorKind::Truncated);
/// # Ok::<(), stream_v2::Error>(())
/// ```
pub fn decrypt(key: &ContentKey, stream: impl AsRef<[u8]>) -> Result<Vec<u8>, Error> {
    let mut plaintext = Vec::new();
    let decryptor = Decryptor::new(Source::pipe(stream.as_ref()))?;
    decryptor.decrypt_into(&Unlock::new(key), &mut WriterSink::new(&mut plaintext), &mut |_| {})?;
    Ok(plaintext)
}
