//! §19 Resuming a file with its journal: whatever became of the two, nothing committed is lost, and nothing is sealed twice.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use stream_v2_format::Detail;
use stream_v2_format::crypto::{RunSalt, StreamOpener};
use stream_v2_pipeline::io::read_stream_header;
use stream_v2_pipeline::{
    ContentKey, DecryptPipeline, EncryptPipeline, Error, FileJournal, FileSink, Managers, Recovered, Salts,
    SourceStamp, journal_path, partial_path, recover,
};
use support::sources::Failing;
use support::{decrypt, encrypting, key, plaintext, salts};

const SEGMENT: usize = 4096;
const LEN: usize = 9 * SEGMENT - 5;
/// Bytes of a segment after the first: nothing but full ones, in a stream with UNIFORM.
const SEGMENT_LEN: u64 = 96 + 4096 + 24 * 3 + 36 + 32;
const STAMP: SourceStamp = SourceStamp { len: Some(LEN as u64), mtime: Some(7) };

/// An output in a folder of its own, interrupted after five segments that are durable.
struct Interrupted {
    folder: tempfile::TempDir,
    key: ContentKey,
}

fn pipeline(key: &ContentKey, run: u8) -> EncryptPipeline<'_> {
    let mut pipeline = encrypting(key, 2).with_salts(Salts { run_salt: RunSalt::new([run; 16]), ..salts() });
    pipeline.params.segment_size = 4096;
    pipeline.durable_every = 1;
    pipeline
}

impl Interrupted {
    fn new() -> Self {
        let interrupted = Self { folder: tempfile::tempdir().unwrap(), key: key() };
        let target = interrupted.target();
        let mut sink = FileSink::create(&target, false).unwrap();
        let mut journal = FileJournal::new(&target, STAMP);
        let plaintext = plaintext(LEN);
        let source = Failing::new(&plaintext[..], 5, ErrorKind::ConnectionReset);
        let managers = Managers { log: None, crash: Some(&mut journal) };
        pipeline(&interrupted.key, 0x40).run(source, &mut sink, managers).unwrap_err();
        interrupted
    }

    fn target(&self) -> PathBuf {
        self.folder.path().join("out")
    }

    fn opener(&self) -> StreamOpener {
        let mut file = File::open(partial_path(&self.target())).unwrap();
        StreamOpener::new(&read_stream_header(&mut file).unwrap().0, &self.key, b"").unwrap()
    }

    /// The journal, if it is to be used, and what is committed.
    fn recover(&self) -> (Option<FileJournal>, Result<Recovered, Error>) {
        let opener = self.opener();
        let journal = FileJournal::find(&self.target(), &opener).unwrap().and_then(Result::ok);
        let file = File::open(partial_path(&self.target())).unwrap();
        let last_commit = journal.as_ref().and_then(FileJournal::last_commit);
        let recovered = recover(file, &opener, last_commit);
        (journal, recovered)
    }

    /// Goes on, and checks the result against what was committed before.
    fn resume(&self, journal: Option<FileJournal>, recovered: &Recovered) {
        let before = fs::read(partial_path(&self.target())).unwrap();
        let committed = &before[..usize::try_from(recovered.stream_len).unwrap()];
        let mut sink = FileSink::reopen(&self.target(), false, recovered.stream_len).unwrap();
        let mut journal = journal.unwrap_or_else(|| FileJournal::new(&self.target(), STAMP));
        let source = plaintext(LEN);
        let rest = &source[usize::try_from(recovered.committed.plaintext_len).unwrap()..];
        let managers = Managers { log: None, crash: Some(&mut journal) };
        pipeline(&self.key, 0x60).resume(&self.opener(), recovered, rest, &mut sink, managers).unwrap();
        let output = fs::read(self.target()).unwrap();
        assert!(output.starts_with(committed));
        let (released, result) = decrypt(&DecryptPipeline::new(&self.key), &output);
        assert_eq!(result.unwrap().segments, 10);
        assert!(released == source);
        FileJournal::remove(&self.target()).unwrap();
        assert_eq!(fs::read_dir(self.folder.path()).unwrap().count(), 1);
    }
}

fn len(path: &Path) -> u64 {
    path.metadata().unwrap().len()
}

fn cut(path: &Path, len: u64) {
    File::options().write(true).open(path).unwrap().set_len(len).unwrap();
}

#[test]
fn with_its_journal() {
    let interrupted = Interrupted::new();
    let (journal, recovered) = interrupted.recover();
    let (journal, recovered) = (journal.unwrap(), recovered.unwrap());
    assert_eq!(*journal.source(), STAMP);
    assert_eq!(journal.last_commit().unwrap().index.0, 4);
    assert_eq!((recovered.committed.segments, recovered.sealed), (5, false));
    let (index, bytes) = recovered.last_segment.clone().unwrap();
    assert!((index.0, &bytes[..]) == (4, &plaintext(LEN)[4 * SEGMENT..5 * SEGMENT]));
    interrupted.resume(Some(journal), &recovered);
}

#[test]
fn with_its_journal_lost_torn_or_rolled_back() {
    let records = len(&journal_path(&Interrupted::new().target()));
    for journal_len in (0..records).step_by(41) {
        let interrupted = Interrupted::new();
        cut(&journal_path(&interrupted.target()), journal_len);
        let (journal, recovered) = interrupted.recover();
        let recovered = recovered.unwrap();
        assert_eq!(recovered.committed.segments, 5, "journal of {journal_len} bytes");
        assert_eq!(journal.is_some(), journal_len >= 212);
        interrupted.resume(journal, &recovered);
    }
    let interrupted = Interrupted::new();
    FileJournal::remove(&interrupted.target()).unwrap();
    let (journal, recovered) = interrupted.recover();
    assert!(journal.is_none());
    interrupted.resume(None, &recovered.unwrap());
}

#[test]
fn a_journal_ahead_of_its_output_is_told_and_not_used() {
    let interrupted = Interrupted::new();
    cut(&partial_path(&interrupted.target()), 128 + 3 * SEGMENT_LEN + 50);
    let (journal, recovered) = interrupted.recover();
    assert!(journal.is_some());
    assert_eq!(recovered.unwrap_err().format_error().unwrap().detail(), Detail::Truncated);
    FileJournal::remove(&interrupted.target()).unwrap();
    let recovered = interrupted.recover().1.unwrap();
    assert_eq!(recovered.committed.segments, 3);
    interrupted.resume(None, &recovered);
}

#[test]
fn what_is_behind_the_last_commit_is_dropped_with_a_journal_only() {
    let interrupted = Interrupted::new();
    let partial = partial_path(&interrupted.target());
    let mut bytes = fs::read(&partial).unwrap();
    bytes.extend_from_slice(&[0; 300]);
    fs::write(&partial, bytes).unwrap();
    let (journal, recovered) = interrupted.recover();
    interrupted.resume(journal, &recovered.unwrap());
}

#[test]
fn a_damaged_commit_changes_nothing() {
    let interrupted = Interrupted::new();
    let partial = partial_path(&interrupted.target());
    let mut bytes = fs::read(&partial).unwrap();
    let place = bytes.len() - 1000;
    bytes[place] ^= 1;
    fs::write(&partial, bytes).unwrap();
    let error = interrupted.recover().1.unwrap_err();
    let format = error.format_error().unwrap();
    assert_eq!((format.detail(), format.segment()), (Detail::MalformedDamaged, Some(4)));
}

#[test]
fn a_foreign_journal_is_named() {
    let (one, other) = (Interrupted::new(), Interrupted::new());
    let mut bytes = fs::read(journal_path(&other.target())).unwrap();
    // Another key_id, with a checksum that fits.
    bytes[16 + 64] ^= 1;
    let crc = stream_v2_format::wire::crc32c(&bytes[..208]);
    bytes[208..212].copy_from_slice(&crc.to_le_bytes());
    fs::write(journal_path(&one.target()), bytes).unwrap();
    let found = FileJournal::find(&one.target(), &one.opener()).unwrap().unwrap();
    assert_eq!(found.err().unwrap().detail(), Detail::JournalForeign);
}

#[test]
fn an_ending_stands_for_a_stream_that_lacks_its_final_segment() {
    let interrupted = Interrupted::new();
    let (journal, recovered) = interrupted.recover();
    let recovered = recovered.unwrap();
    let mut sink = FileSink::reopen(&interrupted.target(), false, recovered.stream_len).unwrap();
    let mut journal = journal.unwrap();
    let source = &plaintext(LEN)[5 * SEGMENT..];
    let managers = Managers { log: None, crash: Some(&mut journal) };
    pipeline(&interrupted.key, 0x50)
        .resume(&interrupted.opener(), &recovered, source, &mut sink, managers)
        .unwrap();
    // Back to before the final segment was written.
    fs::rename(interrupted.target(), partial_path(&interrupted.target())).unwrap();
    let sealed_len = len(&partial_path(&interrupted.target()));
    cut(&partial_path(&interrupted.target()), sealed_len - 100);
    drop(sink);
    let (journal, recovered) = interrupted.recover();
    let (journal, recovered) = (journal.unwrap(), recovered.unwrap());
    let ending = journal.ending().unwrap();
    assert_eq!((ending.index.0, ending.plaintext_len), (9, LEN as u64));
    assert_eq!(recovered.committed.segments, 9);
    interrupted.resume(Some(journal), &recovered);
}
