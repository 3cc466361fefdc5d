//! Index segments of the pipeline: their places, their bytes, and resumed runs (§11).

use std::fs;
use std::io::Cursor;

use proptest::prelude::*;
use stream_v2_format::crypto::{Committed, StreamOpener};
use stream_v2_format::wire::{JournalRole, StreamFlags, Trailer};
use stream_v2_format::{Detail, Misuse, SegmentIndex};
use stream_v2_pipeline::{
    Commit, CrashManager, DecryptPipeline, EncryptPipeline, Error, FileJournal, InterruptedEncryption,
    JournalState, LogEvent, LogManager, Managers, OutputFile, Parallelism, SourceStamp, WriterSink, recover,
};
use stream_v2_testing::indexed::{FULL, Indexed, S};
use stream_v2_testing::plaintext;
use stream_v2_testing::streams::{decrypt, encrypt, encrypting, key, small_segments};

fn with_index(key: &stream_v2_pipeline::ContentKey, parallelism: Parallelism) -> EncryptPipeline<'_> {
    let mut pipeline = encrypting(key, 1);
    (pipeline.parallelism, pipeline.params.segment_size) = (parallelism, 4096);
    pipeline.set_index(true);
    pipeline
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// It is the stream that the format crate writes segment by segment, for every width of the
    /// run.
    #[test]
    fn stream_is_the_same_for_any_worker_count(
        segments in 0_usize..2 * FULL + 3,
        less in 0_usize..S,
        workers in 1_usize..6,
        window in 1_usize..9,
    ) {
        let len = (segments * S).saturating_sub(less);
        let written = encrypt(&with_index(&key(), Parallelism { workers, window }), &plaintext(len));
        prop_assert!(written == Indexed::full(len).bytes);
    }
}

//= spec/stream-v2.md#sv2-idx-001
//= type=test
//# A writer of index segments MUST write one as soon as n data segments are uncovered, one before
//# the final segment if any data segment is uncovered then, and no others.
//= spec/stream-v2.md#sv2-idx-002
//= type=test
//# An index segment MUST hold one entry for each data segment since the index segment before it, or
//# since the beginning of the stream.
#[test]
fn index_follows_every_n_segments_and_the_last() {
    let key = key();
    let cases = [
        (0, 0, 0),
        (1, 1, 1),
        (FULL - 1, 0, 1),
        (FULL, 0, 1),
        (FULL, 1, 2),
        (2 * FULL, 0, 2),
        (2 * FULL, 1, 3),
    ];
    for (full, short, index) in cases {
        let text = plaintext(full * S + short);
        for declared in [None, Some(text.len() as u64)] {
            let mut pipeline = with_index(&key, Parallelism::with_workers(2));
            pipeline.params.plaintext_len = declared;
            let stream = encrypt(&pipeline, &text);
            let (released, result) = decrypt(&DecryptPipeline::new(&key), &stream);
            assert!(released == text);
            assert_eq!(result.unwrap().segments, (full + short.min(1) + index + 1) as u64);
            if declared.is_none() {
                assert!(stream == Indexed::full(text.len()).bytes, "{full} {short}");
            }
        }
    }
}

fn refused(error: &Error) -> Misuse {
    error.format_error().unwrap().rule().unwrap()
}

//= spec/stream-v2.md#sv2-hdr-016
//= type=test
//# Where the flag UNIFORM is set, a writer MUST NOT write an index segment,
#[test]
fn a_stream_with_uniform_cannot_have_them() {
    let key = key();
    let mut pipeline = encrypting(&key, 1);
    pipeline.set_index(true);
    pipeline.set_uniform(true);
    let mut stream = Vec::new();
    let error = pipeline.run(&b"data"[..], &mut WriterSink::new(&mut stream), Managers::none()).unwrap_err();
    assert_eq!((refused(&error), stream.len()), (Misuse::UniformWithIndex, 0));
}

/// The last place that a data or index segment may have is that of an index segment.
#[test]
fn full_stream_has_room_for_last_index_segment() {
    let key = key();
    let mut pipeline = with_index(&key, Parallelism::with_workers(2));
    pipeline.params.epoch_segments = 1;
    let header = encrypt(&pipeline, b"")[..128].to_vec();
    let opener: StreamOpener = DecryptPipeline::new(&key).open_stream(&mut &header[..]).unwrap();
    let mut recovered = recover(Cursor::new(&header), &opener, JournalState::Missing).unwrap();
    // Only the number of the last committed segment matters here.
    recovered.committed = Committed::NOTHING;
    recovered.committed.segments = 65_532;
    let resumed = |len: usize| {
        let mut sink = WriterSink::new(std::io::sink());
        pipeline.resume(&opener, &recovered, &plaintext(len)[..], &mut sink, Managers::none())
    };
    // Two data segments, index segment 65534, and the final one.
    assert_eq!(resumed(2 * S).unwrap().segments, 65_536);
    let error = resumed(2 * S + 1).unwrap_err();
    insta::assert_snapshot!(error, @"source, segment 65534: the stream is full (limit.segment_index); larger segments hold more");
}

/// Keeps every commit.
struct Commits(Vec<Commit>);

impl LogManager for Commits {
    fn log(&mut self, event: LogEvent<'_>) {
        if let LogEvent::Committed(commit) = event {
            self.0.push(*commit);
        }
    }
}

/// The output of an interrupted run.
///
/// It is a part of a stream of data segments of one byte each, and a journal that ends with the
/// last whole segment.
struct Left {
    folder: tempfile::TempDir,
    output: OutputFile,
    partial: Vec<u8>,
}

impl Left {
    fn new(partial: &[u8], journal: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let output = OutputFile::new(folder.path().join("out"));
        fs::write(output.partial(), partial).unwrap();
        if journal {
            let key = key();
            let mut commits = Commits(Vec::new());
            let mut reader = DecryptPipeline::new(&key);
            reader.salvage = true;
            let managers = Managers { log: Some(&mut commits), crash: None };
            reader.run(partial, &mut WriterSink::new(std::io::sink()), managers).unwrap_err();
            let opener = reader.open_stream(&mut &partial[..]).unwrap();
            let stamp = SourceStamp { len: Some(SOURCE as u64), mtime: None };
            let mut journal = FileJournal::new(&output, JournalRole::Encrypt, stamp);
            journal.began(&(&opener).into()).unwrap();
            let commit = commits.0.last().unwrap();
            journal.durable(commit).unwrap();
        }
        Self { folder, output, partial: partial.to_vec() }
    }

    fn find(&self, pipeline: &EncryptPipeline<'_>) -> Result<InterruptedEncryption, Error> {
        let found = InterruptedEncryption::find(pipeline, &self.output);
        if found.is_err() {
            self.assert_unchanged();
        }
        found.map(Option::unwrap)
    }

    fn assert_unchanged(&self) {
        assert!(fs::read(self.output.partial()).unwrap() == self.partial, "nothing is changed");
    }

    /// Resumes with a source, and returns the sealed stream.
    fn resumed(&self, pipeline: &EncryptPipeline<'_>, source: &[u8]) -> Result<Vec<u8>, Error> {
        let mut found = self.find(pipeline)?;
        let mut source = Cursor::new(source);
        let stamp = SourceStamp { len: Some(source.get_ref().len() as u64), mtime: None };
        found.check_source(&mut source, stamp).inspect_err(|_| self.assert_unchanged())?;
        found.resume(pipeline, source, None)?;
        assert_eq!(fs::read_dir(self.folder.path()).unwrap().count(), 1);
        Ok(fs::read(self.output.target()).unwrap())
    }
}

/// Bytes of the source. One byte is committed for each data segment, and the rest takes three more
/// segments.
const SOURCE: usize = FULL + 1 + 3 * S;

/// Returns the kinds of the segments, and how many of them begin a run.
fn kinds(stream: &[u8]) -> (Vec<u8>, usize) {
    let (mut at, mut kinds, mut runs) = (128, Vec::new(), 0);
    while at < stream.len() {
        kinds.push(stream[at + 8]);
        runs += usize::from(stream[at + 12] & 2 != 0);
        at += 96 + u32::from_le_bytes(stream[at + 36..at + 40].try_into().unwrap()) as usize;
    }
    (kinds, runs)
}

//= spec/stream-v2.md#sv2-idx-010
//= type=test
//# A writer of index segments that resumes a stream MUST go on with them where the stream has one,
//# and where its caller asks for them.
#[test]
fn a_resumed_run_goes_on_with_index_segments() {
    let key = key();
    let whole = Indexed::of_bytes(FULL + 20, |_, _| {});
    for cut in [1, FULL - 1, FULL, FULL + 1, FULL + 2, FULL + 5] {
        for journal in [false, true] {
            for asks in [true, false] {
                let left = Left::new(whole.before(cut), journal);
                let mut pipeline = small_segments(&key, 2);
                pipeline.set_index(asks);
                let stream = left.resumed(&pipeline, &plaintext(SOURCE)).unwrap();
                assert!(stream.starts_with(whole.before(cut)), "{cut}");
                let (released, result) = decrypt(&DecryptPipeline::new(&key), &stream);
                result.unwrap();
                assert!(released == plaintext(SOURCE));
                let (kinds, runs) = kinds(&stream);
                assert_eq!(runs, 2);
                let index: Vec<usize> = (0..kinds.len()).filter(|&at| kinds[at] == 1).collect();
                // Before the first one only the caller knows.
                let expected = match cut > FULL {
                    false if !asks => vec![],
                    _ if kinds.len() - 2 == FULL => vec![FULL],
                    _ if kinds.len() - 2 < FULL => vec![kinds.len() - 2],
                    _ => vec![FULL, kinds.len() - 2],
                };
                assert_eq!(index, expected, "{cut} {journal} {asks}");
            }
        }
    }
}

/// Streams that cannot have index segments any more, or never could.
//= spec/stream-v2.md#sv2-idx-010
//= type=test
//# It MUST report `misuse`, and change nothing, where its caller asks for them in a stream with
//# UNIFORM, in one without index segments in which more than n data segments are committed, and in
//# one in which data segments are uncovered although there is an ending record or a final segment.
#[test]
fn index_segments_that_come_too_late_are_misuse() {
    let key = key();
    let without = |uniform: bool, len: usize| {
        let mut pipeline = small_segments(&key, 2);
        pipeline.params.flags = StreamFlags::NONE.with(StreamFlags::UNIFORM, uniform);
        encrypt(&pipeline, &plaintext(len))
    };
    let mut asks = small_segments(&key, 2);
    asks.set_index(true);
    let final_len = 256;
    let whole = without(false, 3 * S);
    let many = without(false, (FULL + 1) * S);
    let uniform = without(true, 3 * S);
    for (partial, rule) in [
        (&uniform[..5000], Misuse::UniformWithIndex),
        (&uniform[..], Misuse::UniformWithIndex),
        (&whole[..], Misuse::IndexAfterEnd),
        (&many[..many.len() - final_len], Misuse::IndexTooLate),
    ] {
        let error = Left::new(partial, false).find(&asks).err().unwrap();
        assert_eq!(refused(&error), rule);
        // A caller that does not request them can resume.
        Left::new(partial, false).find(&small_segments(&key, 2)).unwrap();
    }
    // As many as one index segment covers, and none.
    for partial in
        [&whole[..whole.len() - final_len], &without(false, 0)[..], &without(false, FULL * S)[..128]]
    {
        Left::new(partial, false).find(&asks).unwrap();
    }
    // The run before has reached the end of its source, and wrote no index segment.
    let left = Left::new(&whole[..whole.len() - final_len], false);
    let opener = DecryptPipeline::new(&key).open_stream(&mut &whole[..]).unwrap();
    let mut journal = FileJournal::new(&left.output, JournalRole::Encrypt, SourceStamp::default());
    let found = left.find(&asks).unwrap();
    let committed = found.recovered().committed.clone();
    drop(found);
    journal.began(&(&opener).into()).unwrap();
    let trailer = Trailer {
        plaintext_len: committed.plaintext_len,
        position: committed.position,
        index_distance: 0,
        transcript: *committed.transcript.bytes(),
        link: committed.run,
    };
    CrashManager::ending(&mut journal, SegmentIndex(3), &trailer).unwrap();
    assert_eq!(refused(&left.find(&asks).err().unwrap()), Misuse::IndexAfterEnd);
}

/// Only the final segment follows an index segment that is not full.
//= spec/stream-v2.md#sv2-res-008
//= type=test
//# or where bytes that belong to the stream (SV2-HDR-017) follow the committed plaintext_len
//# although there is an ending record, a final segment, an index segment of fewer than n entries,
//# or, with UNIFORM, a data segment that is not full.
#[test]
fn source_grown_after_last_index_is_refused() {
    let key = key();
    let whole = Indexed::of_bytes(20, |_, _| {});
    let pipeline = small_segments(&key, 1);
    let left = Left::new(whole.before(21), false);
    let error = left.resumed(&pipeline, &plaintext(21)).unwrap_err().for_source_owner();
    let format = *error.format_error().unwrap();
    assert_eq!((format.detail(), format.offset().0), (Detail::JournalSource, 20));
    let stream = left.resumed(&pipeline, &plaintext(20)).unwrap();
    assert_eq!(decrypt(&DecryptPipeline::new(&key), &stream).0, plaintext(20));
}

/// An index segment has no plaintext, so the source is compared with the data segment before it.
//= spec/stream-v2.md#sv2-res-008
//= type=test
//# where the plaintext of the last commit's segment or of the last committed data segment differs
//# from it,
#[test]
fn other_source_after_index_commit_is_reported() {
    let key = key();
    let whole = Indexed::of_bytes(FULL + 20, |_, _| {});
    for journal in [false, true] {
        let mut other = plaintext(SOURCE);
        other[FULL - 1] ^= 1;
        let left = Left::new(whole.before(FULL + 1), journal);
        let error = left.resumed(&small_segments(&key, 1), &other).unwrap_err().for_source_owner();
        let format = *error.format_error().unwrap();
        assert_eq!(
            (format.detail(), format.offset().0),
            (Detail::JournalSource, FULL as u64 - 1),
            "{journal}"
        );
    }
    // The same segment, damaged.
    let mut damaged = whole.before(FULL + 1).to_vec();
    damaged[whole.segments[FULL - 1].start + 110] ^= 1;
    let error = {
        let left = Left::new(whole.before(FULL + 1), true);
        fs::write(left.output.partial(), &damaged).unwrap();
        Left { partial: damaged, ..left }.find(&small_segments(&key, 1)).err().unwrap()
    };
    let format = *error.format_error().unwrap();
    assert_eq!((format.detail(), format.segment()), (Detail::MalformedDamaged, Some(FULL as u64 - 1)));
}
