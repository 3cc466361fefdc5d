//! An interrupted encryption whose output was damaged before its last commit (§19.2, SV2-RES-006).

use std::fs;
use std::io::ErrorKind;

use stream_v2_format::Detail;
use stream_v2_pipeline::{
    ContentKey, EncryptPipeline, Error, FileSink, InterruptedEncryption, OutputFile, SourceStamp,
};
use stream_v2_testing::plaintext;
use stream_v2_testing::sources::Failing;
use stream_v2_testing::streams::{key, small_segments};

const SEGMENT: usize = 4096;
const LEN: usize = 9 * SEGMENT;
const HEADER: usize = 96;

/// Five committed segments of 4,096 bytes, and the place of each.
struct Interrupted {
    folder: tempfile::TempDir,
    key: ContentKey,
    begins: Vec<usize>,
    uniform: bool,
}

impl Interrupted {
    fn new(uniform: bool) -> Self {
        let (folder, begins) = (tempfile::tempdir().unwrap(), Vec::new());
        let mut interrupted = Self { folder, key: key(), begins, uniform };
        let plaintext = plaintext(LEN);
        let source = Failing::new(&plaintext[..], 5, ErrorKind::ConnectionReset);
        let sink = FileSink::create(&interrupted.output()).unwrap();
        interrupted.pipeline().run_to_file(source, SourceStamp::default(), sink, None).unwrap_err();
        let bytes = interrupted.bytes();
        let mut at = 128;
        while at < bytes.len() {
            interrupted.begins.push(at);
            at += HEADER + u32::from_le_bytes(bytes[at + 36..at + 40].try_into().unwrap()) as usize;
        }
        assert_eq!(interrupted.begins.len(), 5);
        interrupted
    }

    fn pipeline(&self) -> EncryptPipeline<'_> {
        let mut pipeline = small_segments(&self.key, 2);
        pipeline.set_uniform(self.uniform);
        pipeline
    }

    fn output(&self) -> OutputFile {
        OutputFile::new(self.folder.path().join("out"))
    }

    fn bytes(&self) -> Vec<u8> {
        fs::read(self.output().partial()).unwrap()
    }

    fn write(&self, bytes: &[u8]) {
        fs::write(self.output().partial(), bytes).unwrap();
    }

    fn find(&self) -> Result<InterruptedEncryption, Error> {
        InterruptedEncryption::find(&self.pipeline(), &self.output()).map(Option::unwrap)
    }

    /// Returns detail, offset and segments of the error after comparing everything with a source.
    fn compared(&self, source: &[u8]) -> (Detail, u64, Option<u64>) {
        let mut found = self.find().unwrap();
        let compared = found.compare_source(&self.pipeline(), &mut &*source, SourceStamp::default(), None);
        found_at(&compared.unwrap_err().for_source_owner())
    }
}

fn found_at(error: &Error) -> (Detail, u64, Option<u64>) {
    let error = error.format_error().unwrap();
    (error.detail(), error.offset().0, error.segment())
}

//= spec/stream-v2.md#sv2-res-006
//= type=test
//# It MUST report the same, unless the error is `unsupported`, where a segment header in front of
//# the last commit that it walks over fails a check, and where a committed segment that it reads
//# again for its plaintext is not valid.
#[test]
fn misplaced_header_before_commit_is_damage() {
    let interrupted = Interrupted::new(false);
    let bytes = interrupted.bytes();
    let begins = &interrupted.begins;
    // Segment 2 is in the place of segment 1, as well: genuine, and in the wrong place.
    let mut moved = bytes.clone();
    moved.copy_within(begins[2]..begins[3], begins[1]);
    // Its header lacks a bit, which the checksum covers.
    let mut flipped = bytes;
    flipped[begins[1] + 40] ^= 1;
    for damaged in [moved, flipped] {
        interrupted.write(&damaged);
        let error = interrupted.find().err().unwrap();
        assert_eq!(found_at(&error), (Detail::MalformedDamaged, begins[1] as u64, Some(1)));
        assert_eq!(interrupted.bytes(), damaged);
    }
}

#[test]
fn damage_found_by_comparing_names_its_segment() {
    for uniform in [true, false] {
        let interrupted = Interrupted::new(uniform);
        let mut bytes = interrupted.bytes();
        bytes[interrupted.begins[1] + HEADER + 100] ^= 1;
        interrupted.write(&bytes);
        let damaged = (Detail::MalformedDamaged, interrupted.begins[1] as u64, Some(1));
        assert_eq!(interrupted.compared(&plaintext(LEN)), damaged);
        // The first fault is reported.
        let changed = |place: usize| {
            let mut source = plaintext(LEN);
            source[place] ^= 1;
            source
        };
        assert_eq!(interrupted.compared(&changed(2 * SEGMENT)), damaged);
        assert_eq!(interrupted.compared(&changed(7)), (Detail::JournalSource, 7, None));
        assert_eq!(interrupted.bytes(), bytes);
    }
}

#[test]
fn two_names_of_a_sealed_file_need_no_journal() {
    let interrupted = Interrupted::new(true);
    let mut found = interrupted.find().unwrap();
    found
        .compare_source(
            &interrupted.pipeline(),
            &mut &plaintext(5 * SEGMENT)[..],
            SourceStamp::default(),
            None,
        )
        .unwrap();
    found.resume(&interrupted.pipeline(), &b""[..], None).unwrap();
    let output = interrupted.output();
    let sealed = fs::read(output.target()).unwrap();
    fs::hard_link(output.target(), output.partial()).unwrap();
    let found = interrupted.find().unwrap();
    assert!(found.is_complete() && found.is_published());
    found.resume(&interrupted.pipeline(), &b""[..], None).unwrap();
    assert_eq!(fs::read_dir(interrupted.folder.path()).unwrap().count(), 1);
    assert_eq!(fs::read(output.target()).unwrap(), sealed);
}
