//! §11 Streams with index segments: read, gone on with by a reader, and left alone by a writer that writes none.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

mod support;

use std::fs;
use std::io::Cursor;
use std::ops::Range;

use stream_v2_format::crypto::{
    ContentKey, Progress, Run, SealedSegment, SegmentSealer, StreamOpener, StreamSealer,
};
use stream_v2_format::wire::{JournalRole, SegmentKind, StreamFlags, StreamParams};
use stream_v2_format::{Detail, SegmentIndex};
use stream_v2_pipeline::{
    Commit, CrashManager, DecryptPipeline, DecryptionLeft, Error, FileJournal, FileSink,
    InterruptedDecryption, InterruptedEncryption, LogEvent, LogManager, Managers, OutputFile, SourceStamp,
    WriterSink,
};
use support::{decrypt, key, plaintext, salts, small_params, small_segments};

/// Data segments of one byte each.
const LEN: usize = 200;
/// n where S is 4096: the first index segment is segment 169.
const FULL: usize = 169;

/// A stream with two index segments, and where its segments are.
struct Indexed {
    bytes: Vec<u8>,
    segments: Vec<Range<usize>>,
}

impl Indexed {
    /// `bend` may change the payloads of index segments.
    fn new(mut bend: impl FnMut(usize, &mut Vec<u8>)) -> Self {
        let params = StreamParams { flags: StreamFlags::NONE, segment_size: 4096, ..small_params() };
        let stream = StreamSealer::new(params, &key(), b"").unwrap();
        let mut sealer = SegmentSealer::new(&stream, Run::first(salts().run_salt));
        let mut progress = Progress::of_writer(&stream);
        let mut indexed = Self { bytes: stream.header_bytes().to_vec(), segments: Vec::new() };
        let text = plaintext(LEN);
        let mut data = text.chunks(1).peekable();
        loop {
            let index = SegmentIndex(u32::try_from(progress.segments()).unwrap());
            let (sealed, wire) = if let Some(mut payload) = progress.index_payload(data.peek().is_none()) {
                bend(indexed.segments.len(), &mut payload);
                sealer.seal_index(index, &payload, progress.transcript()).unwrap()
            } else if let Some(byte) = data.next() {
                let mut wire = vec![0; sealer.wire_len(index, 1)];
                (sealer.seal_data(index, byte, &mut wire).unwrap(), wire)
            } else {
                let mut wire = vec![0; SegmentSealer::final_wire_len()];
                (sealer.seal_final(index, &progress.trailer(), &mut wire).unwrap(), wire)
            };
            progress.sealed(&sealed).unwrap();
            indexed.push(&sealed, &wire);
            if sealed.header.kind == SegmentKind::Final {
                return indexed;
            }
        }
    }

    fn push(&mut self, sealed: &SealedSegment, wire: &[u8]) {
        let begin = self.bytes.len();
        self.bytes.extend_from_slice(&sealed.header.to_bytes());
        self.bytes.extend_from_slice(wire);
        self.segments.push(begin..self.bytes.len());
    }

    /// Decrypts what is before segment `cut` into a file, and then goes on with the whole stream.
    fn interrupted_at(&self, cut: usize) -> (Vec<u8>, Result<(), Error>) {
        let folder = tempfile::tempdir().unwrap();
        let output = OutputFile::new(folder.path().join("out"));
        let key = key();
        let mut pipeline = DecryptPipeline::new(&key);
        pipeline.durability.segments = 1;
        let mut source = &self.bytes[..self.segments[cut].start];
        let stream = pipeline.open_stream(&mut source).unwrap();
        let sink = FileSink::create(&output).unwrap();
        let error = pipeline.run_to_file(&stream, source, sink, None).unwrap_err();
        assert_eq!(error.format_error().unwrap().detail(), Detail::Truncated);

        let mut source = Cursor::new(&self.bytes);
        let stream = pipeline.open_stream(&mut source).unwrap();
        let left = InterruptedDecryption::find(&pipeline, &output, &stream, &mut source).unwrap();
        let DecryptionLeft::Torn(found) = left else { panic!("a beginning is there") };
        assert_eq!(found.committed().segments, cut as u64);
        let result = found.resume(&pipeline, source, None).map(|_| ());
        let found = fs::read(output.target()).or_else(|_| fs::read(output.partial())).unwrap_or_default();
        (found, result)
    }
}

#[test]
fn a_stream_with_index_segments_is_read() {
    let stream = Indexed::new(|_, _| {});
    assert_eq!(stream.segments.len(), LEN + 3);
    let (released, result) = decrypt(&DecryptPipeline::new(&key()), &stream.bytes);
    assert_eq!(released, plaintext(LEN));
    assert_eq!(result.unwrap().segments, LEN as u64 + 3);
}

#[test]
fn a_decryption_goes_on_before_at_and_after_an_index_segment() {
    let stream = Indexed::new(|_, _| {});
    for cut in [1, FULL - 1, FULL, FULL + 1, FULL + 2, LEN + 1, LEN + 2] {
        let (released, result) = stream.interrupted_at(cut);
        result.unwrap();
        assert_eq!(released, plaintext(LEN), "{cut}");
    }
}

//= spec/stream-v2.md#sv2-res-012
//= type=test
//# A reader that resumes MUST reject the stream as §15 says from the next segment on, the trailer included.
#[test]
fn a_decryption_that_goes_on_rejects_what_any_reader_rejects() {
    let bent = |at| Indexed::new(move |segment, payload| payload[at] ^= u8::from(segment > FULL));
    // The distance, the tag of the index segment before, the length of a data segment before the cut, and of one after it.
    for at in [0, 8, 24, 24 + 24 * 20] {
        let stream = bent(at);
        let (_, uninterrupted) = decrypt(&DecryptPipeline::new(&key()), &stream.bytes);
        let expected = *uninterrupted.unwrap_err().format_error().unwrap();
        assert_eq!(expected.detail(), Detail::MalformedIndex);
        let (_, result) = stream.interrupted_at(FULL + 11);
        assert_eq!(result.unwrap_err().format_error(), Some(&expected), "{at}");
    }
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

/// With a journal whose last commit is after the index segment, and without.
//= spec/stream-v2.md#sv2-idx-009
//= type=test
//# A writer that does not write index segments MUST report `unsupported.kind`, and change nothing, where it
//# resumes a stream that has one.
#[test]
fn a_writer_without_index_segments_leaves_a_stream_alone_that_has_them() {
    let stream = Indexed::new(|_, _| {});
    let mut commits = Commits(Vec::new());
    let key: ContentKey = key();
    let reader = DecryptPipeline::new(&key);
    let managers = Managers { log: Some(&mut commits), crash: None };
    reader.run(&stream.bytes[..], &mut WriterSink::new(std::io::sink()), managers).unwrap();
    let opener: StreamOpener = reader.open_stream(&mut &stream.bytes[..]).unwrap();
    for journal in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let output = OutputFile::new(folder.path().join("out"));
        let torn = &stream.bytes[..stream.segments[FULL + 5].end - 1];
        fs::write(output.partial(), torn).unwrap();
        if journal {
            let mut journal = FileJournal::new(&output, JournalRole::Encrypt, SourceStamp::default());
            journal.began(&(&opener).into()).unwrap();
            journal.durable(&commits.0[FULL + 4], &plaintext(LEN)[FULL + 3..FULL + 4]).unwrap();
        }
        let found = InterruptedEncryption::find(&small_segments(&key, 1), &output);
        let error = *found.err().unwrap().format_error().unwrap();
        let kind = stream.segments[FULL].start as u64 + 8;
        assert_eq!((error.detail(), error.offset().0), (Detail::UnsupportedKind, kind), "{journal}");
        assert_eq!(error.segment(), Some(FULL as u64));
        assert_eq!(fs::read(output.partial()).unwrap(), torn, "nothing is changed");
    }
}
