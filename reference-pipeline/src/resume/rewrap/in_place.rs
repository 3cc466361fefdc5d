//! Replaces the envelope of a file in place (§12.4). Only the bytes from 128 to segment 0 change.
//!
//! # Assumptions
//!
//! - Those of [`FileSink`](crate::FileSink).
//! - A loss of power during an overwriting leaves the old bytes, the new ones, or any mix of both,
//!   and no other byte of the file changes.
//!
//! # Crash table
//!
//! | killed, or power lost | on disk | opens with | the same call |
//! |---|---|---|---|
//! | before `NAME.rewrap` | old envelope, perhaps `NAME.rewrap.new` | old | starts |
//! | before the new one is durable | old, new or any mix; copy | copy | unlocks it, wraps again |
//! | before the copy is removed | new envelope, copy or not | both | the same, or nothing |
//!
//! The last row wraps again, too: after a failed sync a new envelope that can be read is not
//! necessarily on the disk. Without the copy it was durable, and there is nothing to do.

use std::io::{self, ErrorKind, SeekFrom};
use std::sync::Mutex;

use stream_v2_format::Misuse;
use stream_v2_format::envelope::DetachedEnvelope;
use stream_v2_format::limits::STREAM_HEADER_LEN;
use stream_v2_format::wire::HeaderV1;

use super::copy::{self, Copy};
use super::detached_file::write_detached;
use super::prepared::{Prepared, Replaced};
use super::{Rewrap, Unlocked, misuse, with_envelope};
use crate::error::{Error, Stage};
use crate::io::read_own_header;
use crate::storage::output_file::not_ours;
use crate::storage::{OutputFile, StoredFile};

const PARTIAL: &str = ".partial";

impl Rewrap<'_> {
    /// Replaces the envelope of the file `place` by one of the same length.
    ///
    /// The old envelope is also written to `keep`, if that is given. The same call completes a
    /// replacement that was interrupted.
    ///
    /// # Errors
    ///
    /// - `misuse` for an unfinished output, a stream without an envelope, new keys that do not fit,
    ///   and a content key that the caller brought.
    /// - the errors of [`unlock`](Self::unlock), and of the stream header.
    /// - `io` with `WouldBlock` if another process replaces the same envelope, and with
    ///   `InvalidData` if a file of another program has one of the names.
    /// - any other error of the file system. The copy of the old envelope may be left then.
    pub fn in_place(&self, place: &OutputFile, keep: Option<&OutputFile>) -> Result<Replaced, Error> {
        self.in_place_after(place, keep, &mut |_| Ok(()))
    }

    /// Does the same as [`in_place`](Self::in_place), and calls `before` before it writes to the
    /// stream.
    ///
    /// # Errors
    ///
    /// - the errors of [`in_place`](Self::in_place), and those of `before`.
    pub fn in_place_after(
        &self,
        place: &OutputFile,
        keep: Option<&OutputFile>,
        before: &mut dyn FnMut(&Replaced) -> io::Result<()>,
    ) -> Result<Replaced, Error> {
        let mut copy = Copy::lock(place).map_err(failed)?;
        let mut file = place.storage().open(place.target()).map_err(failed)?;
        let prepared = self.prepare_file(place, &mut *file, copy.found())?;
        if prepared.is_done() {
            return Ok(prepared.replaced);
        }
        if let Some(keep) = keep {
            write_detached(keep, &prepared.rescue).map_err(failed)?;
        }
        //= spec/stream-v2.md#sv2-env-016
        //# A tool that replaces an envelope in place MUST first make a copy of the old one durable
        //# elsewhere.
        //= spec/stream-v2.md#sv2-env-031
        //# The copy of the old envelope (SV2-ENV-016) MUST be a detached envelope.
        copy.make(&prepared.rescue).map_err(failed)?;
        before(&prepared.replaced).map_err(failed)?;
        overwrite(&mut *file, &prepared.new).map_err(failed)?;
        let is_there = file.is_named(place.target()).map_err(failed)?;
        //= spec/stream-v2.md#sv2-env-032
        //# A tool that replaces an envelope in place MUST remove the copy of the old one when the
        //# new one is durable, unless its caller asks to keep it.
        copy.remove().map_err(failed)?;
        if !is_there {
            let what = "another file has taken its name; the one before it has the new envelope";
            return Err(failed(io::Error::new(ErrorKind::NotFound, what)));
        }
        Ok(prepared.replaced)
    }

    /// Does all that [`in_place`](Self::in_place) does before it writes, and writes nothing.
    ///
    /// A storage with transactions replaces [`old_head`](Prepared::old_head) by
    /// [`new_head`](Prepared::new_head) in one of them.
    ///
    /// # Errors
    ///
    /// - the errors of [`in_place`](Self::in_place).
    pub fn prepare(&self, place: &OutputFile) -> Result<Prepared, Error> {
        let found = copy::look(place).map_err(failed)?;
        let mut file = place.storage().open(place.target()).map_err(failed)?;
        self.prepare_file(place, &mut *file, found.as_ref())
    }

    fn prepare_file(
        &self,
        place: &OutputFile,
        file: &mut dyn StoredFile,
        found: Option<&DetachedEnvelope>,
    ) -> Result<Prepared, Error> {
        let (header, old) = read_own_header(&mut &mut *file).map_err(Error::of_output)?;
        if header.envelope_len() == 0 {
            return Err(misuse(Misuse::EnvelopeMissing));
        }
        let opened = self.unlock_any(place, &header, &old, found);
        let done = || if found.is_none() { self.unlock_done(&header, &old) } else { None };
        let (unlocked, rescue, is_done) = match (opened, done) {
            (Ok((unlocked, rescue)), _) => (unlocked, rescue, false),
            (Err(error), done) => {
                let unlocked = done().ok_or(error)?;
                let own = DetachedEnvelope::of_stream(&header, &old);
                (unlocked, own.map_err(|error| Error::format(Stage::Source, error))?, true)
            }
        };
        refuse_unfinished(place, file, &unlocked)?;
        let new = match is_done {
            true => old.clone(),
            false => self.wrap_in_place(&unlocked)?.as_bytes().to_vec(),
        };
        let replaced = Replaced::new(&unlocked, &old, &new);
        Ok(Prepared { header, old, new, rescue, replaced })
    }

    /// Unlocks the envelope in the stream, or else the copy that an interrupted replacement has
    /// left. Returns what the next copy holds.
    fn unlock_any(
        &self,
        place: &OutputFile,
        header: &HeaderV1,
        own: &[u8],
        found: Option<&DetachedEnvelope>,
    ) -> Result<(Unlocked, DetachedEnvelope), Error> {
        if let Some(found) = found
            && found.check_stream(header).is_err()
        {
            let copy = place.rewrap_copy();
            return Err(failed(not_ours(&copy, "is a copy of the envelope of another stream")));
        }
        let by_copy = || {
            let found = found?;
            let unlocked = self.unlock_by(&with_envelope(self.credentials, found), header, &[]);
            Some(unlocked.map(|unlocked| (unlocked, found.clone())))
        };
        match DetachedEnvelope::of_stream(header, own) {
            Ok(intact) => match self.unlock(header, own) {
                Ok(unlocked) => Ok((unlocked, intact)),
                Err(error) => by_copy().and_then(Result::ok).ok_or(error),
            },
            Err(error) if error.is_torn_envelope() => by_copy()
                .or_else(|| self.by_detached(header))
                .unwrap_or_else(|| Err(Error::format(Stage::Source, error))),
            Err(error) => Err(Error::format(Stage::Source, error)),
        }
    }

    /// Unlocks a torn envelope by the detached one of the credentials.
    fn by_detached(&self, header: &HeaderV1) -> Option<Result<(Unlocked, DetachedEnvelope), Error>> {
        let detached = self.credentials.detached_envelope()?;
        Some(self.unlock(header, &[]).map(|unlocked| (unlocked, detached.clone())))
    }
}

/// Refuses an output that a writer has open or can resume.
fn refuse_unfinished(
    place: &OutputFile,
    file: &mut dyn StoredFile,
    unlocked: &Unlocked,
) -> Result<(), Error> {
    //= spec/stream-v2.md#sv2-env-033
    //# A tool MUST NOT replace the envelope of an output that a writer has open or can resume.
    let is_partial = place.target().as_os_str().as_encoded_bytes().ends_with(PARTIAL.as_bytes());
    let has_both_names = file.is_named(&place.partial()).map_err(failed)?;
    // The journal beside another partial file is about that one.
    let is_of_journal = place.has_journal() && !place.has_partial();
    if is_partial || has_both_names || is_of_journal {
        return Err(misuse(Misuse::EnvelopeUnfinished));
    }
    unlocked.check_sealed(Mutex::new(file))
}

/// Overwrites the envelope and its CRC, makes them durable, and reads them back.
fn overwrite(file: &mut dyn StoredFile, new: &[u8]) -> io::Result<()> {
    //= spec/stream-v2.md#sv2-env-030
    //# A tool that replaces an envelope in place MUST NOT change a byte outside the envelope and
    //# its CRC.
    let begin = SeekFrom::Start(STREAM_HEADER_LEN as u64);
    file.seek(begin)?;
    file.write_all(new)?;
    file.sync()?;
    let mut found = vec![0; new.len()];
    file.seek(begin)?;
    file.read_exact(&mut found)?;
    if found != new {
        let what = "the new envelope is not what is read back: another program writes to the file";
        return Err(io::Error::new(ErrorKind::InvalidData, what));
    }
    Ok(())
}

fn failed(error: io::Error) -> Error {
    Error::io(Stage::Sink, None, error)
}

#[cfg(test)]
mod tests {
    use stream_v2_format as format;

    use super::*;
    use crate::keys::{Credentials, KeyFile, OpenedBy, Recipients};
    use crate::observe::Managers;
    use crate::pipeline::EncryptPipeline;
    use crate::sink::WriterSink;

    fn key_file(key: u8) -> KeyFile {
        KeyFile::parse(KeyFile::text(&[key; 32]).as_bytes()).unwrap()
    }

    struct Case {
        _folder: tempfile::TempDir,
        place: OutputFile,
        stream: Vec<u8>,
    }

    impl Case {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let recipients = Recipients::new().with_key_file(key_file(1));
            let mut stream = Vec::new();
            let pipeline = EncryptPipeline::for_recipients(&recipients);
            pipeline.run(&[5; 9000][..], &mut WriterSink::new(&mut stream), Managers::none()).unwrap();
            let place = OutputFile::new(folder.path().join("data.sv2"));
            std::fs::write(place.target(), &stream).unwrap();
            Self { _folder: folder, place, stream }
        }

        fn read(&self) -> Vec<u8> {
            std::fs::read(self.place.target()).unwrap()
        }

        fn names(&self) -> usize {
            std::fs::read_dir(self.place.target().parent().unwrap()).unwrap().count()
        }

        fn rewrap(&self, old: u8, new: &[u8]) -> Result<Replaced, Error> {
            let credentials = Credentials::new().with_key_file(key_file(old));
            let files = new.iter().map(|key| key_file(*key));
            let recipients = files.fold(Recipients::new(), Recipients::with_key_file);
            Rewrap::new(&credentials, &recipients).in_place(&self.place, None)
        }

        fn rule(&self, old: u8, new: &[u8]) -> Option<Misuse> {
            self.rewrap(old, new).unwrap_err().format_error().and_then(format::Error::rule)
        }
    }

    //= spec/stream-v2.md#sv2-env-030
    //= type=test
    //# A tool that replaces an envelope in place MUST NOT change a byte outside the envelope and
    //# its CRC.
    #[test]
    fn only_the_envelope_changes() {
        let case = Case::new();
        let replaced = case.rewrap(1, &[2]).unwrap();
        assert_eq!(replaced.opened_by, OpenedBy::KeyStanza(key_file(1).key_id));
        let after = case.read();
        let body = 128 + 1024;
        assert_eq!((after.len(), case.names()), (case.stream.len(), 1));
        assert!(after[..128] == case.stream[..128] && after[body..] == case.stream[body..]);
        assert!(after[128..body] != case.stream[128..body]);
        assert_eq!(case.rule(1, &[3]), Some(Misuse::NothingForEnvelope));
        case.rewrap(2, &[3, 2, 1]).unwrap();
        case.rewrap(1, &[1]).unwrap();
        assert_eq!(case.names(), 1);
    }

    #[test]
    fn an_envelope_that_is_done_is_left() {
        let case = Case::new();
        case.rewrap(1, &[2, 3]).unwrap();
        let after = case.read();
        let again = case.rewrap(1, &[3, 2]).unwrap();
        assert!(again.old == again.new && case.read() == after && case.names() == 1);
        // Others can open it, or cannot.
        for other in [&[2][..], &[2, 3, 4], &[2, 2], &[4, 5]] {
            assert_eq!(case.rule(1, other), Some(Misuse::NothingForEnvelope), "{other:?}");
        }
    }

    #[test]
    fn keys_that_do_not_fit_change_nothing() {
        let case = Case::new();
        assert_eq!(case.rule(1, &[2; 8]), Some(Misuse::EnvelopeRoom));
        assert_eq!(case.rule(1, &[]), Some(Misuse::EnvelopeEmpty));
        assert!(case.read() == case.stream && case.names() == 1);
    }

    //= spec/stream-v2.md#sv2-env-033
    //= type=test
    //# A tool MUST NOT replace the envelope of an output that a writer has open or can resume.
    #[test]
    fn unfinished_outputs_are_refused() {
        let case = Case::new();
        let unfinished = |case: &Case| {
            assert_eq!(case.rule(1, &[2]), Some(Misuse::EnvelopeUnfinished));
        };
        std::fs::write(case.place.journal(), b"any").unwrap();
        unfinished(&case);
        // The journal of another output that replaces this one.
        std::fs::write(case.place.partial(), b"any").unwrap();
        case.rewrap(1, &[1]).unwrap();
        std::fs::remove_file(case.place.journal()).unwrap();
        std::fs::remove_file(case.place.partial()).unwrap();
        std::fs::hard_link(case.place.target(), case.place.partial()).unwrap();
        unfinished(&case);
        let partial = OutputFile::new(case.place.partial());
        std::fs::remove_file(case.place.target()).unwrap();
        unfinished(&Case { place: partial, ..case });
        let case = Case::new();
        std::fs::write(case.place.target(), &case.stream[..case.stream.len() - 1]).unwrap();
        unfinished(&case);
    }

    #[test]
    fn files_of_others_are_left_alone() {
        let case = Case::new();
        let other = Case::new();
        let kind = |case: &Case| match case.rewrap(1, &[2]).unwrap_err().cause() {
            crate::error::Cause::Io(error) => error.kind(),
            cause => panic!("{cause:?}"),
        };
        for (path, bytes) in [
            (case.place.new_rewrap_copy(), &b"not ours"[..]),
            (case.place.rewrap_copy(), b"not ours"),
            (case.place.rewrap_copy(), &other.stream[..1152]),
        ] {
            std::fs::write(&path, bytes).unwrap();
            assert_eq!(kind(&case), ErrorKind::InvalidData, "{path:?}");
            assert_eq!(std::fs::read(&path).unwrap(), bytes);
            std::fs::remove_file(path).unwrap();
        }
        assert!(case.read() == case.stream && case.names() == 1);
    }

    #[test]
    fn two_replacements_at_once_are_refused() {
        let case = Case::new();
        let copy = Copy::lock(&case.place).unwrap();
        let busy = case.rewrap(1, &[2]).unwrap_err();
        assert!(
            matches!(busy.cause(), crate::error::Cause::Io(error) if error.kind() == ErrorKind::WouldBlock)
        );
        drop(copy);
        case.rewrap(1, &[2]).unwrap();
    }
}
