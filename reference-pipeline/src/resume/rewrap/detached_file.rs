//! Writes a detached envelope into a file of its own (§12.4).

use std::io::{self, ErrorKind};

use stream_v2_format::envelope::DetachedEnvelope;

use super::copy::{create, read, write_new};
use crate::storage::OutputFile;

/// Writes a detached envelope into a new file, and makes it durable.
///
/// A file that already holds exactly this envelope is left: an interrupted call has written it. The
/// name appears when the file is whole.
///
/// # Errors
///
/// - `AlreadyExists` for another file of that name that may not be replaced.
/// - `WouldBlock` if another process is writing it.
/// - any other error of the file system.
pub fn write_detached(place: &OutputFile, envelope: &DetachedEnvelope) -> io::Result<()> {
    let (storage, target) = (place.storage(), place.target());
    if let Some(mut file) = place.open_if_there(target)? {
        if read(&mut *file)?.as_ref() == Some(envelope) {
            file.rewrite(0)?;
            file.sync()?;
            return storage.sync_folder(target);
        }
        if !place.overwrites() {
            let what = format!("{}: exists already", target.display());
            return Err(io::Error::new(ErrorKind::AlreadyExists, what));
        }
    }
    let path = place.new_rewrap_copy();
    let mut file = create(place, &path)?;
    let written = write_new(&mut *file, envelope, target).and_then(|()| {
        if place.overwrites() {
            return storage.rename(&path, target);
        }
        match storage.link(&path, target) {
            Ok(()) => place.remove(&path),
            // The check and the rename are two steps there.
            Err(error) if error.kind() == ErrorKind::Unsupported && !storage.exists(target) => {
                storage.rename(&path, target)
            }
            Err(error) => Err(error),
        }
    });
    if let Err(error) = written {
        if file.is_named(&path).unwrap_or(false) {
            let _ = place.remove(&path);
        }
        return Err(error);
    }
    storage.sync_folder(target)
}

#[cfg(test)]
mod tests {
    use super::*;
    use stream_v2_format::crypto::{ContentKey, StreamSealer};
    use stream_v2_format::envelope::{Envelope, WrappedKey};
    use stream_v2_format::wire::StreamParams;

    fn envelope(salt: u8) -> DetachedEnvelope {
        let (key, content_key) = (ContentKey::new([1; 32]), ContentKey::new([2; 32]));
        let stream = StreamSealer::new(StreamParams::new([3; 32]), &content_key, b"").unwrap();
        let wrapped = WrappedKey::by_key(&key, key.id(), [salt; 32], &content_key).unwrap();
        DetachedEnvelope::new(stream.header(), &Envelope::new([wrapped]).unwrap()).unwrap()
    }

    #[test]
    fn files_are_replaced_only_on_request() {
        let folder = tempfile::tempdir().unwrap();
        let place = OutputFile::new(folder.path().join("data.envelope"));
        write_detached(&place, &envelope(1)).unwrap();
        assert_eq!(std::fs::read(place.target()).unwrap(), envelope(1).to_bytes());
        write_detached(&place, &envelope(1)).unwrap();
        let taken = write_detached(&place, &envelope(2)).unwrap_err();
        assert_eq!(taken.kind(), ErrorKind::AlreadyExists);
        write_detached(&place.clone().overwriting(true), &envelope(2)).unwrap();
        assert_eq!(std::fs::read(place.target()).unwrap(), envelope(2).to_bytes());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
