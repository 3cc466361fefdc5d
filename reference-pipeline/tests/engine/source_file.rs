//! A source that is a file: each worker reads for itself, the caller is one of them, and nothing
//! else differs.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};

use stream_v2_format::crypto::{Committed, JournalKey};
use stream_v2_format::wire::Trailer;
use stream_v2_format::{Detail, SegmentIndex};
use stream_v2_pipeline::{
    Cause, Commit, CrashManager, DecryptPipeline, EncryptPipeline, Error, LogEvent, LogManager, Managers,
    OutputSink, Stage, WriterSink,
};
use stream_v2_testing::plaintext;
use stream_v2_testing::sinks::Recording;
use stream_v2_testing::streams::{decrypt, encrypt, encrypting, key};

const SEGMENT: usize = 8192;

fn file_of(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file.rewind().unwrap();
    file
}

fn encrypt_file(
    pipeline: &mut EncryptPipeline<'_>,
    file: File,
    sink: &mut dyn OutputSink,
) -> Result<(), Error> {
    pipeline.set_source_file(Some(file.try_clone().unwrap()));
    pipeline.run(file, sink, Managers::none()).map(drop)
}

fn decrypt_file(pipeline: &mut DecryptPipeline<'_>, stream: &[u8]) -> (Vec<u8>, Result<(), Error>) {
    let (file, mut plaintext) = (file_of(stream), Vec::new());
    pipeline.set_source_file(Some(file.try_clone().unwrap()));
    let result = pipeline.run(file, &mut WriterSink::new(&mut plaintext), Managers::none());
    (plaintext, result.map(drop))
}

#[test]
fn the_stream_is_that_of_any_other_source() {
    let key = key();
    for jobs in [1, 2, 5] {
        for len in [0, 1, SEGMENT - 1, SEGMENT, SEGMENT + 1, 7 * SEGMENT, 40 * SEGMENT + 5] {
            let mut pipeline = encrypting(&key, jobs);
            let expected = encrypt(&pipeline, &plaintext(len));
            let mut sink = Recording::default();
            encrypt_file(&mut pipeline, file_of(&plaintext(len)), &mut sink).unwrap();
            assert!(sink.bytes == expected, "{len} with {jobs}");

            let mut pipeline = DecryptPipeline::new(&key);
            pipeline.parallelism.workers = jobs;
            let (back, result) = decrypt_file(&mut pipeline, &expected);
            result.unwrap();
            assert!(back == plaintext(len), "{len} with {jobs}");
        }
    }
}

#[test]
fn so_are_index_segments_and_a_declared_length() {
    let key = key();
    let text = plaintext(30 * SEGMENT + 9);
    let expected = |set: fn(&mut EncryptPipeline<'_>)| {
        let mut pipeline = encrypting(&key, 3);
        set(&mut pipeline);
        let expected = encrypt(&pipeline, &text);
        let mut sink = Recording::default();
        encrypt_file(&mut pipeline, file_of(&text), &mut sink).unwrap();
        assert!(sink.bytes == expected);
    };
    expected(|pipeline| pipeline.set_index(true));
    expected(|pipeline| pipeline.params.plaintext_len = Some(30 * SEGMENT as u64 + 9));
    // Bytes behind the declared length are not read.
    expected(|pipeline| pipeline.params.plaintext_len = Some(10 * SEGMENT as u64));
}

#[test]
fn source_is_read_from_its_current_position() {
    let key = key();
    let mut file = file_of(&plaintext(20 * SEGMENT));
    file.seek(SeekFrom::Start(77)).unwrap();
    let (mut pipeline, mut sink) = (encrypting(&key, 2), Recording::default());
    encrypt_file(&mut pipeline, file, &mut sink).unwrap();
    assert!(sink.bytes == encrypt(&pipeline, &plaintext(20 * SEGMENT)[77..]));

    let stream = file_of(&sink.bytes);
    let mut reader = DecryptPipeline::new(&key);
    reader.set_source_file(Some(stream.try_clone().unwrap()));
    let opened = reader.open_stream(&mut &stream).unwrap();
    let mut released = Vec::new();
    let mut out = WriterSink::new(&mut released);
    reader.resume(&opened, &Committed::NOTHING, &stream, &mut out, Managers::none()).unwrap();
    assert!(released == plaintext(20 * SEGMENT)[77..]);
    // The source is at its end, as after a normal read.
    assert_eq!((&stream).read(&mut [0]).unwrap(), 0);
}

/// Makes the source shorter once the first segment is written.
struct Shortening(File, u64);

impl LogManager for Shortening {
    fn log(&mut self, event: LogEvent<'_>) {
        if let LogEvent::Committed(_) = event {
            self.0.set_len(self.1).unwrap();
        }
    }
}

#[test]
fn shrinking_file_is_an_error() {
    let key = key();
    let text = plaintext(20 * SEGMENT);
    let source = file_of(&text);
    let mut pipeline = encrypting(&key, 1);
    let whole = encrypt(&pipeline, &text);
    let mut log = Shortening(source.try_clone().unwrap(), 5 * SEGMENT as u64 + 10);
    let mut sink = Recording::default();
    pipeline.set_source_file(Some(source.try_clone().unwrap()));
    let managers = Managers { log: Some(&mut log), crash: None };
    let error = pipeline.run(source, &mut sink, managers).unwrap_err();
    assert_eq!((error.stage(), error.segment()), (Stage::Source, Some(5)));
    assert!(matches!(error.cause(), Cause::Io(error) if error.kind() == ErrorKind::UnexpectedEof), "{error}");
    assert!(whole.starts_with(&sink.bytes) && sink.bytes.len() > 5 * SEGMENT);

    let stream = file_of(&whole);
    let mut log = Shortening(stream.try_clone().unwrap(), 50_000);
    let mut sink = Recording::default();
    let mut reader = DecryptPipeline::new(&key);
    reader.parallelism.workers = 1;
    reader.set_source_file(Some(stream.try_clone().unwrap()));
    let managers = Managers { log: Some(&mut log), crash: None };
    let error = reader.run(stream, &mut sink, managers).unwrap_err();
    assert_eq!(error.format_error().unwrap().detail(), Detail::Truncated);
    assert!(text.starts_with(&sink.bytes));
}

/// The calls to the crash manager.
#[derive(Default)]
struct Recorded {
    segments: Vec<u32>,
    follows: bool,
    /// The plaintext of all segments, if it asks for it.
    followed: Vec<u8>,
}

impl Recorded {
    fn assert_of(&self, text: &[u8], segment_size: usize) {
        let last = text.len().div_ceil(segment_size) - 1;
        assert_eq!(self.segments.last().map(|&index| index as usize), Some(last));
        assert!(self.followed == if self.follows { text } else { &[] });
    }
}

impl CrashManager for Recorded {
    fn began(&mut self, _: &JournalKey) -> io::Result<()> {
        Ok(())
    }

    fn committed(&mut self, _: &Commit) -> io::Result<()> {
        Ok(())
    }

    fn wants_plaintext(&self) -> bool {
        self.follows
    }

    fn holds(&mut self, commit: &Commit, plaintext: &[u8]) -> io::Result<()> {
        self.followed.extend(plaintext);
        assert_eq!(commit.plaintext_len, self.followed.len() as u64);
        Ok(())
    }

    fn durable(&mut self, commit: &Commit) -> io::Result<()> {
        self.segments.push(commit.index.0);
        Ok(())
    }

    fn ending(&mut self, _: SegmentIndex, _: &Trailer) -> io::Result<()> {
        Ok(())
    }

    fn ended(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Segments of more than one piece, and frames that are larger than one piece.
///
/// With a journal, with one that needs the plaintext of all segments, and without.
#[test]
fn segments_read_in_pieces_are_the_same() {
    let key = key();
    for (segment_size, frame_size_log2) in [(9 << 16, 16), (5 << 12, 12), (150 << 12, 12), (1 << 20, 19)] {
        for len in [segment_size, 3 * segment_size, 3 * segment_size + 5000] {
            let text = plaintext(len);
            let pipeline = || {
                let mut pipeline = encrypting(&key, 2);
                pipeline.params.segment_size = u32::try_from(segment_size).unwrap();
                pipeline.params.frame_size_log2 = frame_size_log2;
                pipeline.durability.segments = 2;
                pipeline
            };
            let expected = encrypt(&pipeline(), &text);
            let mut sink = Recording::default();
            encrypt_file(&mut pipeline(), file_of(&text), &mut sink).unwrap();
            assert!(sink.bytes == expected, "{segment_size} {len}");
            for (follows, in_file) in [(false, false), (false, true), (true, false), (true, true)] {
                let mut recorded = Recorded { follows, ..Recorded::default() };
                let managers = Managers { log: None, crash: Some(&mut recorded) };
                let (file, mut sink, mut kept) = (file_of(&text), Recording::default(), pipeline());
                kept.set_source_file(in_file.then(|| file.try_clone().unwrap()));
                kept.run(file, &mut sink, managers).unwrap();
                assert!(sink.bytes == expected, "{segment_size} {len} {follows} {in_file}");
                recorded.assert_of(&text, segment_size);
            }
            opens_as_any_other_source(&expected, &text);
        }
    }
}

/// Checks a whole stream, and one with damage in some pieces.
fn opens_as_any_other_source(stream: &[u8], text: &[u8]) {
    let key = key();
    let (back, result) = decrypt_file(&mut DecryptPipeline::new(&key), stream);
    result.unwrap();
    assert!(back == text);
    let mut damaged = stream.to_vec();
    for at in (300_000..stream.len()).step_by(400_000) {
        damaged[at] ^= 1;
        let mut reader = DecryptPipeline::new(&key);
        let (expected, wanted) = decrypt(&reader, &damaged);
        let (released, result) = decrypt_file(&mut reader, &damaged);
        assert_eq!(result.unwrap_err().to_string(), wanted.unwrap_err().to_string(), "{at}");
        assert!(released == expected, "{at}");
        damaged[at] ^= 1;
    }
}

#[test]
fn damage_is_found_as_in_any_other_source() {
    let key = key();
    let whole = encrypt(&encrypting(&key, 2), &plaintext(12 * SEGMENT + 3));
    for at in (0..whole.len()).step_by(997) {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x10;
        for stream in [&damaged[..], &whole[..at]] {
            let mut reader = DecryptPipeline::new(&key);
            let (expected, wanted) = decrypt(&reader, stream);
            let (released, result) = decrypt_file(&mut reader, stream);
            assert_eq!(result.unwrap_err().to_string(), wanted.unwrap_err().to_string(), "{at}");
            assert!(released == expected, "{at}");
        }
    }
}

#[test]
fn what_is_no_regular_file_is_read_as_ever() {
    let key = key();
    let mut pipeline = encrypting(&key, 2);
    let (read, mut write) = io::pipe().unwrap();
    write.write_all(&plaintext(3 * SEGMENT)).unwrap();
    drop(write);
    pipeline.set_source_file(Some(File::from(std::os::fd::OwnedFd::from(read.try_clone().unwrap()))));
    let mut sink = Recording::default();
    pipeline.run(read, &mut sink, Managers::none()).unwrap();
    assert!(sink.bytes == encrypt(&pipeline, &plaintext(3 * SEGMENT)));
}
