//! An encryption into a file on the disk, with every state of its journal (§19.5).
//!
//! Each state has its outcome, and no committed segment is lost or sealed twice.

use std::fs::{self, File};
use std::io::{Cursor, ErrorKind};
use std::path::Path;

use stream_v2_format::Detail;
use stream_v2_pipeline::{
    Cause, ContentKey, DecryptPipeline, EncryptPipeline, Error, FileSink, InterruptedEncryption, OutputFile,
    ResumeWarning, SourceStamp, Summary,
};
use stream_v2_testing::plaintext;
use stream_v2_testing::sources::Failing;
use stream_v2_testing::streams::{decrypt, key, small_segments};

const SEGMENT: usize = 4096;
const LEN: usize = 9 * SEGMENT - 5;
/// Bytes of a segment after the first: only full ones, in a stream with UNIFORM.
const SEGMENT_LEN: u64 = 96 + 4096 + 24 * 3 + 36 + 52;
const STAMP: SourceStamp = SourceStamp { len: Some(LEN as u64), mtime: Some(7) };

/// An output in a folder of its own, interrupted after five segments that are durable.
struct Interrupted {
    folder: tempfile::TempDir,
    key: ContentKey,
}

impl Interrupted {
    fn new() -> Self {
        let interrupted = Self { folder: tempfile::tempdir().unwrap(), key: key() };
        let plaintext = plaintext(LEN);
        let source = Failing::new(&plaintext[..], 5, ErrorKind::ConnectionReset);
        let sink = FileSink::create(&interrupted.output()).unwrap();
        interrupted.pipeline().run_to_file(source, STAMP, sink, None).unwrap_err();
        interrupted
    }

    fn pipeline(&self) -> EncryptPipeline<'_> {
        small_segments(&self.key, 2)
    }

    fn output(&self) -> OutputFile {
        OutputFile::new(self.folder.path().join("out"))
    }

    fn partial(&self) -> Vec<u8> {
        fs::read(self.output().partial()).unwrap()
    }

    fn find(&self) -> Result<Option<InterruptedEncryption>, Error> {
        InterruptedEncryption::find(&self.pipeline(), &self.output())
    }

    /// Recovers, and checks the number of committed segments.
    fn found(&self, segments: u64) -> InterruptedEncryption {
        let found = self.find().unwrap().unwrap();
        assert_eq!(found.recovered().committed.segments, segments);
        found
    }

    /// Resumes, and checks the result against the part that was committed before.
    fn resume(&self, mut found: InterruptedEncryption) -> Summary {
        let committed_len = usize::try_from(found.recovered().stream_len).unwrap();
        let committed = self.partial()[..committed_len].to_vec();
        let mut source = Cursor::new(plaintext(LEN));
        found.check_source(&mut source, STAMP).unwrap();
        let summary = found.resume(&self.pipeline(), source, None).unwrap();
        let output = fs::read(self.output().target()).unwrap();
        assert!(output.starts_with(&committed));
        let (released, result) = decrypt(&DecryptPipeline::new(&self.key), &output);
        assert_eq!(result.unwrap(), summary);
        assert!(released == plaintext(LEN));
        assert_eq!(fs::read_dir(self.folder.path()).unwrap().count(), 1);
        summary
    }
}

/// Returns the first difference of another source, which no message shows unless its owner asks.
//= spec/stream-v2.md#sv2-res-029
//= type=test
//# An owner MUST tell the offset of `journal.source` to the owner of the source only.
fn differs(error: Error) -> u64 {
    let shown = format!("{error} {error:?}");
    let withheld = *error.format_error().unwrap();
    assert_eq!((withheld.detail(), withheld.offset().0), (Detail::JournalSource, 0));
    let told = *error.for_source_owner().format_error().unwrap();
    assert_eq!(told.detail(), Detail::JournalSource);
    let at = told.offset().0;
    assert!(at < 2 || !shown.contains(&at.to_string()), "{at} in {shown}");
    at
}

fn cut(path: &Path, len: u64) {
    File::options().write(true).open(path).unwrap().set_len(len).unwrap();
}

#[test]
fn with_its_journal() {
    let interrupted = Interrupted::new();
    let found = interrupted.found(5);
    assert_eq!((found.source(), found.notice()), (Some(&STAMP), None));
    let last = found.recovered().last_segment.clone().unwrap();
    assert!((last.header.index.0, &last.plaintext[..]) == (4, &plaintext(LEN)[4 * SEGMENT..5 * SEGMENT]));
    assert_eq!(interrupted.resume(found).segments, 10);
}

#[test]
fn journal_torn_or_rolled_back() {
    let whole = fs::metadata(Interrupted::new().output().journal()).unwrap().len();
    assert_eq!(whole, 212 + 5 * 136);
    // It gets its name when its header is durable: a shorter one is not a journal.
    for journal_len in (8..whole).step_by(41) {
        let interrupted = Interrupted::new();
        cut(&interrupted.output().journal(), journal_len);
        let found = interrupted.found(5);
        assert_eq!(found.source().is_some(), journal_len >= 212, "journal of {journal_len} bytes");
        interrupted.resume(found);
    }
}

#[test]
fn journal_lost() {
    let interrupted = Interrupted::new();
    fs::remove_file(interrupted.output().journal()).unwrap();
    let found = interrupted.found(5);
    assert_eq!((found.source(), found.notice()), (None, None));
    interrupted.resume(found);
}

#[test]
fn journal_ahead_of_its_output() {
    let interrupted = Interrupted::new();
    cut(&interrupted.output().partial(), 128 + 3 * SEGMENT_LEN + 50);
    let found = interrupted.found(3);
    assert_eq!((found.source(), found.notice()), (Some(&STAMP), Some(ResumeWarning::LostDurable)));
    interrupted.resume(found);
}

#[test]
fn journal_behind_its_output() {
    let interrupted = Interrupted::new();
    cut(&interrupted.output().journal(), 212 + 136);
    let mut other = plaintext(LEN);
    other[7] ^= 1;
    let error = interrupted.found(5).check_source(&mut Cursor::new(other), STAMP).unwrap_err();
    assert_eq!(differs(error), 7);
    let found = interrupted.found(5);
    let confirmed = found.recovered().confirmed.as_ref().unwrap();
    assert!(confirmed.header.index.0 == 0 && confirmed.plaintext == plaintext(LEN)[..SEGMENT]);
    interrupted.resume(found);
}

#[test]
fn journal_of_another_stream_or_altered() {
    for (place, detail) in
        [(16 + 64, Detail::JournalForeign), (144, Detail::JournalMac), (10, Detail::JournalHeader)]
    {
        let interrupted = Interrupted::new();
        let mut bytes = fs::read(interrupted.output().journal()).unwrap();
        bytes[place] ^= 3;
        let crc = stream_v2_format::wire::crc32c(&bytes[..208]);
        bytes[208..212].copy_from_slice(&crc.to_le_bytes());
        fs::write(interrupted.output().journal(), bytes).unwrap();
        let found = interrupted.found(5);
        let Some(ResumeWarning::JournalUnusable(error)) = found.notice() else {
            panic!("{:?}", found.notice())
        };
        assert_eq!(error.detail(), detail);
        interrupted.resume(found);
    }
}

#[test]
fn record_repeated() {
    let interrupted = Interrupted::new();
    let mut bytes = fs::read(interrupted.output().journal()).unwrap();
    bytes.extend_from_within(bytes.len() - 136..);
    fs::write(interrupted.output().journal(), bytes).unwrap();
    interrupted.resume(interrupted.found(5));
}

#[test]
fn any_bytes_after_last_commit_are_dropped() {
    let interrupted = Interrupted::new();
    let mut bytes = interrupted.partial();
    bytes.extend_from_slice(&[0; 300]);
    fs::write(interrupted.output().partial(), bytes).unwrap();
    interrupted.resume(interrupted.found(5));
}

#[test]
fn a_damaged_commit_changes_nothing() {
    let interrupted = Interrupted::new();
    let mut bytes = interrupted.partial();
    let place = bytes.len() - 1000;
    bytes[place] ^= 1;
    fs::write(interrupted.output().partial(), &bytes).unwrap();
    let error = interrupted.find().err().unwrap();
    let format = error.format_error().unwrap();
    assert_eq!((format.detail(), format.segment()), (Detail::MalformedDamaged, Some(4)));
    assert!(interrupted.partial() == bytes);
}

#[test]
fn damage_without_journal_changes_nothing() {
    let interrupted = Interrupted::new();
    fs::remove_file(interrupted.output().journal()).unwrap();
    let mut bytes = interrupted.partial();
    bytes[1000] ^= 1;
    fs::write(interrupted.output().partial(), &bytes).unwrap();
    let error = interrupted.find().err().unwrap();
    assert_eq!(error.format_error().unwrap().detail(), Detail::MalformedDamaged);
    assert!(interrupted.partial() == bytes);
}

//= spec/stream-v2.md#sv2-res-008
//= type=test
//# A writer that resumes MUST refuse a source with `journal.source`, and change nothing, where its
//# length or its time of modification is known and differs from the journal's, where it ends before
//# the committed plaintext_len, where the plaintext of the last commit's segment or of the last
//# committed data segment differs from it,
#[test]
fn changed_source_is_refused_unless_same_content() {
    let interrupted = Interrupted::new();
    let same = plaintext(LEN);
    let mut last = same.clone();
    last[4 * SEGMENT + 7] ^= 1;
    let mut early = same.clone();
    early[7] ^= 1;
    let mut longer = same.clone();
    longer.extend_from_slice(b"more");
    let longer_stamp = SourceStamp { len: Some(longer.len() as u64), mtime: Some(8) };
    let refused = |source: &[u8], stamp| {
        let error = interrupted.found(5).check_source(&mut Cursor::new(source), stamp).unwrap_err();
        differs(error)
    };
    assert_eq!(refused(&longer, longer_stamp), 0);
    assert_eq!(refused(&same, SourceStamp { mtime: Some(8), ..STAMP }), 0);
    assert_eq!(refused(&last, STAMP), 4 * SEGMENT as u64 + 7);
    assert_eq!(refused(&same[..4 * SEGMENT + 9], SourceStamp::default()), 4 * SEGMENT as u64 + 9);
    let compared = |source: &[u8]| {
        let mut found = interrupted.found(5);
        let result = found.compare_source(&interrupted.pipeline(), &mut &source[..], longer_stamp, None);
        result.map(|()| found).map_err(differs)
    };
    assert_eq!(compared(&early).err(), Some(7));
    assert_eq!(compared(&same[..100]).err(), Some(100));
    // A log has grown. Its owner accepts that by having everything compared.
    let found = compared(&longer).unwrap();
    found.resume(&interrupted.pipeline(), &longer[5 * SEGMENT..], None).unwrap();
    let output = fs::read(interrupted.output().target()).unwrap();
    assert!(decrypt(&DecryptPipeline::new(&interrupted.key), &output).0 == longer);
}

#[test]
fn kept_part_is_recorded_before_more_is_written() {
    let interrupted = Interrupted::new();
    fs::remove_file(interrupted.output().journal()).unwrap();
    let mut found = interrupted.found(5);
    let mut source = Cursor::new(plaintext(LEN));
    found.check_source(&mut source, STAMP).unwrap();
    let source = Failing::new(source, 0, ErrorKind::ConnectionReset);
    found.resume(&interrupted.pipeline(), source, None).unwrap_err();
    assert_eq!(fs::metadata(interrupted.output().journal()).unwrap().len(), 212 + 136);
    // It vouches for all five, so none of them counts as a torn tail.
    let mut bytes = interrupted.partial();
    let place = bytes.len() - 1000;
    bytes[place] ^= 1;
    fs::write(interrupted.output().partial(), bytes).unwrap();
    let error = interrupted.find().err().unwrap();
    assert_eq!(error.format_error().unwrap().detail(), Detail::MalformedDamaged);
}

#[test]
fn damaged_records_are_told_and_not_relied_on() {
    let interrupted = Interrupted::new();
    let mut journal = fs::read(interrupted.output().journal()).unwrap();
    journal[212 + 50] ^= 1;
    fs::write(interrupted.output().journal(), journal).unwrap();
    let found = interrupted.found(5);
    assert_eq!((found.source(), found.notice()), (Some(&STAMP), Some(ResumeWarning::JournalDamaged)));
    drop(found);
    let whole = interrupted.partial();
    let mut bytes = whole.clone();
    bytes[1000] ^= 1;
    fs::write(interrupted.output().partial(), bytes).unwrap();
    let error = interrupted.find().err().unwrap();
    assert_eq!(error.format_error().unwrap().detail(), Detail::MalformedDamaged);
    fs::write(interrupted.output().partial(), whole).unwrap();
    interrupted.resume(interrupted.found(5));
}

//= spec/stream-v2.md#sv2-res-014
//= type=test
//# An owner MUST NOT drop or replace, unless its caller has asked for exactly that, an output that
//# is not empty and that does not begin as its own kind does, or that, for a reader, no journal of
//# its stream vouches for; nor a file under the name of its journal that does not begin with the
//# magic of one.
#[test]
fn files_of_somebody_else_are_left_alone() {
    let refused = |name: &str, content: &[u8], kind: ErrorKind| {
        let interrupted = Interrupted { folder: tempfile::tempdir().unwrap(), key: key() };
        let path = interrupted.folder.path().join(name);
        fs::write(&path, content).unwrap();
        let io_kind = |error: &Error| match error.cause() {
            Cause::Io(error) => error.kind(),
            _ => ErrorKind::Other,
        };
        let found = interrupted.find().map_err(|error| io_kind(&error));
        let kinds = match found {
            Ok(None) => [interrupted.output().discard(), FileSink::create(&interrupted.output()).map(|_| ())]
                .map(|refused| refused.unwrap_err().kind()),
            Ok(Some(_)) => [ErrorKind::Other; 2],
            Err(found) => [found; 2],
        };
        assert_eq!(kinds, [kind; 2], "{name}");
        assert_eq!(fs::read(&path).unwrap(), content);
    };
    for content in [&b"2024/01/01 groceries"[..], b"", b"\x89SV", &[0; 8], &[0; 500]] {
        refused("out.journal", content, ErrorKind::InvalidData);
    }
    for content in [&b"2024/01/01 groceries"[..], &[0; 9], &[0; 500]] {
        refused("out.journal.new", content, ErrorKind::InvalidData);
    }
    for content in [&b"my notes"[..], &[0; 9], &[0; 127], &[b'x'; 500], &[0; 500]] {
        refused("out.partial", content, ErrorKind::Other);
    }
    refused("out.partial", &[0; 128], ErrorKind::Other);
}

#[test]
fn starting_over_removes_only_own_files() {
    let discard = |name: &str, content: &[u8]| {
        let interrupted = Interrupted { folder: tempfile::tempdir().unwrap(), key: key() };
        let path = interrupted.folder.path().join(name);
        fs::write(&path, content).unwrap();
        let result = interrupted.output().discard().map_err(|error| error.kind());
        assert!(path.exists() == result.is_err(), "{name}");
        result
    };
    let magic = &stream_v2_format::wire::STREAM_MAGIC[..];
    for own in [b"", &magic[..5], &[0; 8], &[0x89, 0, 0, 0], &[magic, b"anything"].concat()[..]] {
        assert_eq!(discard("out.partial", own), Ok(()), "{own:?}");
    }
    for foreign in [&b"a"[..], &[0; 9], &[0; 1 << 20], b"0000", b"\x89PNG\r\n\x1a\n"] {
        assert_eq!(discard("out.partial", foreign), Err(ErrorKind::InvalidData), "{foreign:?}");
    }
    assert_eq!(discard("out.journal", b""), Err(ErrorKind::InvalidData));
    assert_eq!(discard("out.journal.new", b""), Ok(()));
    // A plaintext that a journal vouches for.
    let interrupted = Interrupted::new();
    fs::write(interrupted.output().partial(), b"plaintext").unwrap();
    interrupted.output().discard().unwrap();
    assert_eq!(fs::read_dir(interrupted.folder.path()).unwrap().count(), 0);
}

#[test]
fn unsealed_file_with_both_names_is_not_complete() {
    let interrupted = Interrupted::new();
    fs::hard_link(interrupted.output().partial(), interrupted.output().target()).unwrap();
    let error = interrupted.find().err().unwrap();
    assert!(matches!(error.cause(), Cause::Io(error) if error.kind() == ErrorKind::AlreadyExists));
    assert_eq!(fs::read_dir(interrupted.folder.path()).unwrap().count(), 3);
}

//= spec/stream-v2.md#sv2-res-008
//= type=test
//# or where bytes that belong to the stream (SV2-HDR-017) follow the committed plaintext_len
//# although there is an ending record, a final segment, an index segment of fewer than n entries,
//# or, with UNIFORM, a data segment that is not full.
#[test]
fn source_grown_after_short_segment_is_refused() {
    let interrupted = Interrupted { folder: tempfile::tempdir().unwrap(), key: key() };
    let sink = FileSink::create(&interrupted.output()).unwrap();
    interrupted.pipeline().run_to_file(&plaintext(LEN)[..], STAMP, sink, None).unwrap();
    let sealed = fs::read(interrupted.output().target()).unwrap();
    fs::remove_file(interrupted.output().target()).unwrap();
    fs::write(interrupted.output().partial(), &sealed[..sealed.len() - 256]).unwrap();
    let grown = plaintext(LEN + 1);
    let mut found = interrupted.found(9);
    let error = found.compare_source(&interrupted.pipeline(), &mut &grown[..], STAMP, None).unwrap_err();
    assert_eq!(differs(error), LEN as u64);
    drop(found);
    interrupted.resume(interrupted.found(9));
}
