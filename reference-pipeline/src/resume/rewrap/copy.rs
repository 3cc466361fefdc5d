//! The copy of an old envelope while a new one overwrites it: `NAME.rewrap`, and `NAME.rewrap.new`
//! until it is durable.
//!
//! Both are locked as long as the replacement takes, and the stream is not: readers have it open.

use std::io::{self, ErrorKind, Read};
use std::path::Path;

use stream_v2_format::envelope::DetachedEnvelope;
use stream_v2_format::wire::STREAM_MAGIC;

use crate::storage::output_file::{begins_as, not_ours};
use crate::storage::{OutputFile, StoredFile};

/// The names of the copy, which this process holds alone.
pub(super) struct Copy<'a> {
    place: &'a OutputFile,
    new: Option<Box<dyn StoredFile>>,
    /// The copy that an interrupted replacement has left, and its lock.
    found: Option<(Box<dyn StoredFile>, DetachedEnvelope)>,
    /// The copy of this replacement, and its lock.
    made: Option<Box<dyn StoredFile>>,
}

impl<'a> Copy<'a> {
    /// Takes both names, so that no other process replaces the same envelope.
    ///
    /// # Errors
    ///
    /// - `WouldBlock` if another process does.
    /// - `InvalidData` for a file of another program under one of the names.
    /// - any other error of the file system.
    pub(super) fn lock(place: &'a OutputFile) -> io::Result<Self> {
        let new = create(place, &place.new_rewrap_copy())?;
        let mut copy = Self { place, new: Some(new), found: None, made: None };
        // Whoever holds the other name has given this one up, so it is looked for afterwards.
        copy.found = find(place)?;
        Ok(copy)
    }

    /// Returns the copy of an interrupted replacement.
    pub(super) fn found(&self) -> Option<&DetachedEnvelope> {
        self.found.as_ref().map(|(_, envelope)| envelope)
    }

    /// Makes a copy durable, in the place of one that was found.
    pub(super) fn make(&mut self, envelope: &DetachedEnvelope) -> io::Result<()> {
        let (place, storage) = (self.place, self.place.storage());
        let Some(mut new) = self.new.take() else { return Ok(()) };
        let made = write_new(&mut *new, envelope, place.target())
            .and_then(|()| storage.rename(&place.new_rewrap_copy(), &place.rewrap_copy()))
            .and_then(|()| storage.sync_folder(place.target()));
        self.made = Some(new);
        made
    }

    /// Removes the copy, and makes that durable.
    pub(super) fn remove(self) -> io::Result<()> {
        let copy = self.place.rewrap_copy();
        if let Some(made) = &self.made
            && made.is_named(&copy)?
        {
            self.place.remove(&copy)?;
        }
        self.place.storage().sync_folder(self.place.target())
    }

    /// Removes a name that was never needed. The failure to report is another one.
    fn give_up(&mut self) {
        let path = self.place.new_rewrap_copy();
        if let Some(new) = self.new.take()
            && new.is_named(&path).unwrap_or(false)
        {
            let _ = self.place.remove(&path);
        }
    }
}

impl Drop for Copy<'_> {
    fn drop(&mut self) {
        self.give_up();
    }
}

/// Opens and locks the copy of an interrupted replacement.
fn find(place: &OutputFile) -> io::Result<Option<(Box<dyn StoredFile>, DetachedEnvelope)>> {
    let path = place.rewrap_copy();
    let Some(mut file) = place.lock_if_there(&path)? else { return Ok(None) };
    let found = read(&mut *file)?;
    let found = found.ok_or_else(|| not_ours(&path, "is not a copy of an envelope"))?;
    Ok(Some((file, found)))
}

/// Returns what a copy of an interrupted replacement holds, and changes nothing.
pub(super) fn look(place: &OutputFile) -> io::Result<Option<DetachedEnvelope>> {
    place.open_if_there(&place.rewrap_copy())?.map_or(Ok(None), |mut file| read(&mut *file))
}

/// Reads a detached envelope, or returns `None` if a file is something else.
pub(super) fn read(file: &mut dyn StoredFile) -> io::Result<Option<DetachedEnvelope>> {
    let mut bytes = Vec::new();
    file.take(DetachedEnvelope::LEN_MAX as u64 + 1).read_to_end(&mut bytes)?;
    Ok(DetachedEnvelope::parse(&bytes).ok())
}

/// Creates and locks an empty file, in the place of one that a killed process has left.
pub(super) fn create(place: &OutputFile, path: &Path) -> io::Result<Box<dyn StoredFile>> {
    let storage = place.storage();
    let mut file = match storage.create(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            remove_leftover(place, path)?;
            storage.create(path).map_err(|error| match error.kind() {
                ErrorKind::AlreadyExists => ErrorKind::WouldBlock.into(),
                _ => error,
            })?
        }
        created => created?,
    };
    if let Err(error) = file.lock() {
        if error.kind() != ErrorKind::WouldBlock && file.is_named(path)? {
            place.remove(path)?;
        }
        return Err(error);
    }
    // Between creating and locking, another process may have taken it for a leftover.
    if file.is_named(path)? { Ok(file) } else { Err(ErrorKind::WouldBlock.into()) }
}

/// Writes a detached envelope into an empty file, and makes it durable.
///
/// It gets the permissions of the stream `target`, so that the readers of the stream can open it.
pub(super) fn write_new(
    file: &mut dyn StoredFile,
    envelope: &DetachedEnvelope,
    target: &Path,
) -> io::Result<()> {
    let bytes = envelope.to_bytes();
    // The magic is durable first: by it the next run knows that the file is ours.
    let (magic, rest) = bytes.split_at(STREAM_MAGIC.len());
    file.append(None, magic, rest)?;
    file.permit(target);
    file.sync()
}

/// Removes a file that was torn before it got its name.
fn remove_leftover(place: &OutputFile, path: &Path) -> io::Result<()> {
    let Some(mut file) = place.lock_if_there(path)? else { return Ok(()) };
    let (len, mut begin) = (file.size()?, Vec::new());
    (&mut file).take(STREAM_MAGIC.len() as u64).read_to_end(&mut begin)?;
    if !begins_as(&begin, len, &STREAM_MAGIC) {
        return Err(not_ours(path, "is not a copy of an envelope"));
    }
    place.remove(path)
}
