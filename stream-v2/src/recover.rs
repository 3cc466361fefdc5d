//! The committed part of a stream whose writer was interrupted.

use std::io::{Read, Seek};

use crate::decryptor::Decryptor;
use crate::error::{Error, Problem};
use crate::unlock::Unlock;

pub use stream_v2_pipeline::{JournalState, KeylessRecovered, LastSegment, Recovered, recover_keyless};

/// Finds the committed segments of a stream whose writer was interrupted, and changes nothing.
///
/// All of the stream is read, from its first byte on, and no journal is used (§19.3). To encrypt
/// the rest, call [`encrypt_file`](crate::encrypt_file) again. To decrypt the committed part, use
/// [`Unlock::salvage`].
///
/// # Errors
///
/// - [`ErrorKind::Key`](crate::error::ErrorKind::Key) for another key.
/// - [`ErrorKind::Stream`](crate::error::ErrorKind::Stream) if more is damaged than a crash can
///   tear.
/// - [`ErrorKind::Io`](crate::error::ErrorKind::Io) if `output` cannot be read.
///
/// # Examples
///
/// ```
/// use std::io::Cursor;
/// use stream_v2::{ContentKey, Unlock, encrypt, recover};
///
/// let key = ContentKey::new([7; 32]); // from a key file, never a constant
/// let mut stream = encrypt(&key, "hello")?;
/// stream.truncate(stream.len() - 1);
/// let recovered = recover(&Unlock::new(&key), Cursor::new(stream))?;
/// assert_eq!((recovered.committed.plaintext_len, recovered.sealed), (5, false));
/// # Ok::<(), stream_v2::Error>(())
/// ```
pub fn recover<R: Read + Seek>(unlock: &Unlock, mut output: R) -> Result<Recovered, Error> {
    let stream = Decryptor::rewound(&mut output, unlock)?.opener(&unlock.pipeline())?;
    stream_v2_pipeline::recover(output, &stream, JournalState::Missing)
        .map_err(|error| Problem::Run(error).into())
}
