//! Content keys: fresh ones, those in key files (Appendix C of the specification), and those that
//! an envelope wraps for key files, recipients of age or a passphrase (§12).

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;

use stream_v2_pipeline::{ContentKey, Disk, KEY_FILE_LEN_MAX, Storage};
use zeroize::Zeroizing;

use crate::error::{Error, Problem};

pub use stream_v2_format::envelope::{Argon2idLimits, Argon2idParams};
#[cfg(feature = "age")]
pub use stream_v2_pipeline::{
    AGE_TEXT_LEN_MAX, Identity, IdentityFile, IdentityFileError, LineError, PluginUi, Plugins, Recipient,
    RecipientError,
};
pub use stream_v2_pipeline::{
    Credentials, KeyFile, KeyFileError, LineFault, OpenedBy, Part, Passphrase, Recipients,
};

/// Draws a content key of 32 bytes from the operating system's random generator.
///
/// # Errors
///
/// - [`ErrorKind::Io`](crate::error::ErrorKind::Io) if there are no random bytes.
///
/// # Examples
///
/// ```
/// let key = stream_v2::key::generate()?;
/// assert_ne!(key.id(), stream_v2::key::generate()?.id());
/// # Ok::<(), stream_v2::Error>(())
/// ```
pub fn generate() -> Result<ContentKey, Error> {
    ContentKey::filled_by(draw)
}

/// Reads a key file.
///
/// # Errors
///
/// - [`ErrorKind::Key`](crate::error::ErrorKind::Key) for a file that is not a key file.
/// - [`ErrorKind::Io`](crate::error::ErrorKind::Io) if it cannot be read.
///
/// # Examples
///
/// ```
/// use stream_v2::key;
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("backup.key");
/// let made = key::create(&path)?;
/// assert_eq!(key::read(&path)?.id(), made.id());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn read(path: impl AsRef<Path>) -> Result<ContentKey, Error> {
    read_file(path).map(|file| file.key)
}

/// Reads a key file, and returns the key with its id.
///
/// The id is for [`Options::key_id`](crate::Options::key_id).
///
/// # Errors
///
/// - the errors of [`read`].
pub fn read_file(path: impl AsRef<Path>) -> Result<KeyFile, Error> {
    // Made once and never moved, so that no copy of the key stays behind.
    let mut text = Zeroizing::new(Vec::with_capacity(KEY_FILE_LEN_MAX + 1));
    let file = File::open(path).map_err(Problem::Io)?;
    file.take(KEY_FILE_LEN_MAX as u64 + 1).read_to_end(&mut text).map_err(Problem::Io)?;
    KeyFile::parse(&text).map_err(|error| Problem::KeyFile(error).into())
}

/// Creates a key file with a fresh key.
///
/// On Unix only the owner of the file may read it. A file that exists is not replaced.
///
/// # Errors
///
/// - [`ErrorKind::Exists`](crate::error::ErrorKind::Exists) for a file that exists.
/// - [`ErrorKind::Io`](crate::error::ErrorKind::Io) if it cannot be written, or there are no random
///   bytes.
pub fn create(path: impl AsRef<Path>) -> Result<ContentKey, Error> {
    let mut key = Zeroizing::new([0; 32]);
    draw(&mut key)?;
    let text = KeyFile::text(&key);
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&path).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => Problem::Exists,
        _ => Problem::Io(error),
    })?;
    let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
    written.and_then(|()| Disk::default().sync_folder(path.as_ref())).map_err(Problem::Io)?;
    KeyFile::parse(text.as_bytes()).map(|file| file.key).map_err(|error| Problem::KeyFile(error).into())
}

fn draw(bytes: &mut [u8; 32]) -> Result<(), Error> {
    //= spec/stream-v2.md#sv2-key-001
    //# A content key MUST be 32 bytes that are indistinguishable from random.
    getrandom::fill(bytes).map_err(|error| Problem::Io(io::Error::other(error)).into())
}
