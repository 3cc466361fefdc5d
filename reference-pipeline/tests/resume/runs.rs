//! Runs across resumes: journals, walks and decryptions know the run of the last committed segment
//! (§8.3, §18, §19).

use std::fs;
use std::io::{Cursor, ErrorKind, Read};

use stream_v2_format::crypto::{Journal, StreamOpener};
use stream_v2_format::wire::{JournalRecord, JournalRole};
use stream_v2_format::{Detail, SegmentIndex};
use stream_v2_pipeline::io::read_stream_header;
use stream_v2_pipeline::{
    DecryptPipeline, EncryptPipeline, Error, FileSink, InterruptedDecryption, InterruptedEncryption,
    OutputFile, PartialDecryption, SourceStamp,
};
use stream_v2_testing::plaintext;
use stream_v2_testing::sources::Failing;
use stream_v2_testing::streams::{Built, Plan, build_with, decrypt, key, small_params, small_segments};

const SEGMENT: usize = 4096;
const LEN: usize = 9 * SEGMENT - 5;
const STAMP: SourceStamp = SourceStamp { len: None, mtime: None };

/// An output in a folder of its own.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn output(&self) -> OutputFile {
        OutputFile::new(self.0.path().join("out"))
    }

    /// Encrypts so many more segments, and stops.
    fn encrypt(&self, pipeline: &EncryptPipeline<'_>, segments: usize) {
        let output = self.output();
        let mut source = Cursor::new(plaintext(LEN));
        let fails = |source| Failing::new(source, segments, ErrorKind::ConnectionReset);
        let result = match InterruptedEncryption::find(pipeline, &output).unwrap() {
            Some(mut found) => {
                found.check_source(&mut source, STAMP).unwrap();
                found.resume(pipeline, fails(source), None)
            }
            None => {
                let sink = FileSink::create(&output).unwrap();
                pipeline.run_to_file(fails(source), STAMP, sink, None)
            }
        };
        result.unwrap_err();
    }

    /// Returns the last commit of the journal: its segment, and the first of its run.
    fn commit(&self) -> (u32, u32) {
        let (stream, bytes) = (fs::read(self.output().partial()), fs::read(self.output().journal()));
        let (header, _) = read_stream_header(&mut &stream.unwrap()[..]).unwrap();
        let opener = StreamOpener::new(&header, &key(), b"").unwrap();
        let journal = Journal::read((&opener).into(), JournalRole::Encrypt, &bytes.unwrap()).unwrap();
        let JournalRecord { index, run_first, .. } = journal.last_commit().unwrap();
        (index.0, run_first.0)
    }
}

//= spec/stream-v2.md#sv2-jrn-011
//= type=test
//# An owner that resumes MUST take first_i (§8.3) from the commit whose segment_tag it confirmed in
//# the stream, and run_salt from the segment header with that tag.
//= spec/stream-v2.md#sv2-res-027
//= type=test
//# A writer without a commit MUST take R (§8.3) from its walk, to which SV2-ORD-002, SV2-ORD-003
//# and SV2-DIG-005 apply.
#[test]
fn journal_has_first_segment_of_its_run() {
    for (index, loses) in [(false, false), (true, false), (false, true), (true, true)] {
        let (place, key) = (Place::new(), key());
        let mut pipeline = small_segments(&key, 1);
        pipeline.set_index(index);
        let lose = || {
            if loses {
                fs::remove_file(place.output().journal()).unwrap();
            }
        };
        place.encrypt(&pipeline, 3);
        assert_eq!(place.commit(), (2, 0));
        lose();
        place.encrypt(&pipeline, 2);
        assert_eq!(place.commit(), (4, 3));
        // The journal is written anew, with its last commit, or with one from the walk.
        lose();
        place.encrypt(&pipeline, 0);
        assert_eq!(place.commit(), (4, 3));
        lose();
        place.encrypt(&pipeline, 1);
        assert_eq!(place.commit(), (5, 5));
        lose();
        let mut source = Cursor::new(plaintext(LEN));
        let mut found = InterruptedEncryption::find(&pipeline, &place.output()).unwrap().unwrap();
        assert_eq!(found.recovered().committed.run.first, SegmentIndex(5));
        assert_eq!(found.recovered().runs, if loses { 3 } else { 0 });
        found.check_source(&mut source, STAMP).unwrap();
        found.resume(&pipeline, source, None).unwrap();
        let stream = fs::read(place.output().target()).unwrap();
        let (released, result) = decrypt(&DecryptPipeline::new(&key), &stream);
        assert_eq!(result.unwrap().segments, 10 + u64::from(index));
        assert!(released == plaintext(LEN));
    }
}

/// Returns a stream of several runs, with UNIFORM or without, with the smallest segments.
fn stream(uniform: bool, salts: &[(u8, usize)]) -> Built {
    let params = small_params().with_uniform(uniform).with_segment_size(4096);
    let lens: Vec<_> = salts.iter().map(|&(salt, segments)| (salt, vec![SEGMENT; segments])).collect();
    let runs: Vec<_> = lens.iter().map(|(salt, lens)| (*salt, &lens[..])).collect();
    build_with(&Plan { params, runs: &runs })
}

/// A source that cannot seek.
struct Pipe<'a>(&'a [u8]);

impl Read for Pipe<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.0.read(buffer)
    }
}

/// Decrypts the segments before `end`, and recovers with `then`, read from its first segment on.
fn left_after<'s>(
    place: &Place,
    stream: &Built,
    end: usize,
    then: &'s [u8],
) -> (Result<PartialDecryption, Error>, Pipe<'s>) {
    let key = key();
    let mut pipeline = DecryptPipeline::new(&key);
    pipeline.durability.segments = 1;
    let mut source = &stream.bytes[..stream.segments[end].start + 50];
    let opener = pipeline.open_stream(&mut source).unwrap();
    let sink = FileSink::create(&place.output()).unwrap();
    pipeline.run_to_file(&opener, source, sink, None).unwrap_err();
    let mut source = Pipe(&then[128..]);
    (InterruptedDecryption::find(&pipeline, &place.output(), &opener, &mut source), source)
}

/// After each segment of four runs, also the last ones of each.
//= spec/stream-v2.md#sv2-jrn-011
//= type=test
//# An owner that resumes MUST take first_i (§8.3) from the commit whose segment_tag it confirmed in
//# the stream, and run_salt from the segment header with that tag.
#[test]
fn a_decryption_is_resumed_in_any_run() {
    for uniform in [true, false] {
        let built = stream(uniform, &[(1, 2), (2, 1), (3, 3), (4, 0)]);
        for end in 1..=6 {
            let (place, key) = (Place::new(), key());
            let (left, source) = left_after(&place, &built, end, &built.bytes);
            let PartialDecryption::Torn(found) = left.unwrap() else { panic!("a beginning is there") };
            assert_eq!(found.committed().run.first.0, [0, 0, 2, 3, 3, 3][end - 1]);
            found.resume(&DecryptPipeline::new(&key), source, None).unwrap();
            assert!(fs::read(place.output().target()).unwrap() == built.released(6));
        }
    }
}

/// Genuine segments of an abandoned run are placed before those that are decrypted already. With
/// UNIFORM they are not read.
#[test]
fn headers_of_abandoned_run_are_refused() {
    for uniform in [true, false] {
        let built = stream(uniform, &[(1, 2), (2, 2), (3, 3)]);
        let fork = stream(uniform, &[(1, 2), (9, 2), (3, 3)]);
        let mixed = [0, 1, 2, 3, 4, 5, 6, 7].map(|place| match place {
            2 | 3 => fork.segment(place),
            _ => built.segment(place),
        });
        let mixed = built.with_segments(mixed);
        let (place, key) = (Place::new(), key());
        let (left, source) = left_after(&place, &built, 6, &mixed);
        match (uniform, left) {
            (true, Ok(PartialDecryption::Torn(found))) => {
                found.resume(&DecryptPipeline::new(&key), source, None).unwrap();
                assert!(fs::read(place.output().target()).unwrap() == built.released(7));
            }
            (false, Err(error)) => {
                let error = error.format_error().unwrap();
                assert_eq!((error.detail(), error.segment()), (Detail::OrderTranscript, Some(4)));
                let terminator = built.segments[4].end - 76;
                assert_eq!(error.offset().0, terminator as u64);
            }
            (_, left) => panic!("{:?}", left.err()),
        }
    }
}
