//! The trust of a resumed run in its findings (§19, §21.8).
//!
//! These are the digest algorithm, endings, headers before the last commit, and its own output.

use std::fs;
use std::io::{Cursor, ErrorKind, Read};

use stream_v2_format::crypto::{Journal, StreamOpener};
use stream_v2_format::wire::{
    DigestAlg, JOURNAL_RECORD_LEN, JournalRecord, JournalRole, RunLink, StreamFlags, Trailer,
};
use stream_v2_format::{Detail, SegmentIndex};
use stream_v2_pipeline::{
    ContentKey, DecryptPipeline, EncryptPipeline, Error, FileSink, InterruptedDecryption,
    InterruptedEncryption, KeylessWalk, OutputFile, PartialDecryption, ResumeWarning, SourceStamp, WalkDepth,
};
use stream_v2_sqlite::Database;
use stream_v2_testing::plaintext;
use stream_v2_testing::sources::Failing;
use stream_v2_testing::streams::{decrypt, encrypt, key, small_segments};
use stream_v2_testing::tasks::{Sips, runtimes};

const SEGMENT: usize = 4096;
const LEN: usize = 9 * SEGMENT - 5;
const STAMP: SourceStamp = SourceStamp { len: None, mtime: None };

/// A folder with a file, or a stream in a database.
struct Place {
    folder: tempfile::TempDir,
    database: Option<Database>,
    key: ContentKey,
}

impl Place {
    fn file() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), database: None, key: key() }
    }

    fn all() -> [Self; 2] {
        let (file, mut row) = (Self::file(), Self::file());
        row.database = Some(Database::create(&row.folder.path().join("streams.db")).unwrap());
        [file, row]
    }

    fn output(&self) -> OutputFile {
        match &self.database {
            Some(database) => database.output("out"),
            None => OutputFile::new(self.folder.path().join("out")),
        }
    }

    fn result(&self) -> Vec<u8> {
        let Some(database) = &self.database else { return fs::read(self.output().target()).unwrap() };
        let mut bytes = Vec::new();
        database.read("out").unwrap().read_to_end(&mut bytes).unwrap();
        bytes
    }

    /// Returns the content of the partial name: bytes, or the number of segments.
    fn partial(&self) -> (Vec<u8>, u64) {
        match &self.database {
            None => (fs::read(self.output().partial()).unwrap(), 0),
            Some(database) => (Vec::new(), database.entries().unwrap()[0].segments),
        }
    }

    /// Encrypts `segments` segments, each recorded, and no more.
    fn begin(&self, pipeline: &EncryptPipeline<'_>, segments: usize) {
        let source = plaintext(LEN);
        let source = Failing::new(&source[..], segments, ErrorKind::ConnectionReset);
        let sink = FileSink::create(&self.output()).unwrap();
        pipeline.run_to_file(source, STAMP, sink, None).unwrap_err();
    }

    fn find(&self, pipeline: &EncryptPipeline<'_>) -> Result<InterruptedEncryption, Error> {
        InterruptedEncryption::find(pipeline, &self.output()).map(Option::unwrap)
    }

    fn resume(&self, pipeline: &EncryptPipeline<'_>, len: usize, tasks: bool) -> Vec<u8> {
        let mut source = Cursor::new(plaintext(len));
        let mut found = self.find(pipeline).unwrap();
        found.check_source(&mut source, STAMP).unwrap();
        match tasks {
            false => found.resume(pipeline, source, None).unwrap(),
            true => {
                let source = Sips::new(source, usize::MAX);
                runtimes()[1].block_on(found.resume_async(pipeline, source, None)).unwrap()
            }
        };
        let stream = self.result();
        let (released, result) = decrypt(&DecryptPipeline::new(&self.key), &stream);
        result.unwrap();
        assert!(released == plaintext(len));
        stream
    }
}

/// Returns the detail of an error of the format, and the number of segments before it.
fn told(error: &Error) -> (Detail, Option<u64>) {
    let error = error.format_error().unwrap();
    (error.detail(), error.segment())
}

//= spec/stream-v2.md#sv2-res-005
//= type=test
//# A writer that resumes MUST take suite, flags, sizes, epoch_segments, plaintext_len and key_id
//# from the stream header, and digest_alg from the last committed segment, and answer `misuse` to a
//# caller who asks for others.
//= spec/stream-v2.md#sv2-dig-008
//= type=test
//# A writer MUST use one digest_alg in all segments of a stream, index segments and the final one
//# included, and where it resumes that of the last committed segment.
#[test]
fn a_resumed_stream_keeps_its_digest_algorithm() {
    for tasks in [false, true] {
        for (place, index) in Place::all().into_iter().zip([true, false]) {
            let mut pipeline = small_segments(&place.key, 2);
            pipeline.set_index(index);
            pipeline.digest_alg = Some(DigestAlg::Sha3OverFrames);
            place.begin(&pipeline, 5);
            let partial = place.partial();
            pipeline.digest_alg = Some(DigestAlg::HmacSha3OverTags);
            let refused = place.find(&pipeline).err().unwrap();
            let rule = refused.format_error().and_then(stream_v2_format::Error::rule);
            assert_eq!(rule, Some(stream_v2_format::Misuse::ResumedDigestAlg));
            assert!(place.partial() == partial);
            // A caller without a choice gets the existing one.
            pipeline.digest_alg = None;
            let stream = place.resume(&pipeline, LEN, tasks);
            let mut walk = KeylessWalk::reading(&stream[..], WalkDepth::Headers).unwrap();
            while let Some(segment) = walk.next_segment().unwrap() {
                assert_eq!(segment.header.digest_alg, DigestAlg::Sha3OverFrames, "{}", walk.segments());
            }
            assert_eq!((walk.segments(), walk.runs()), (10 + u64::from(index), 2));
        }
    }
}

//= spec/stream-v2.md#sv2-res-005
//= type=test
//# and answer `misuse` to a caller who asks for others.
#[test]
fn nothing_committed_has_no_digest_algorithm_yet() {
    let place = Place::file();
    let mut pipeline = small_segments(&place.key, 1);
    place.begin(&pipeline, 0);
    pipeline.digest_alg = Some(DigestAlg::Sha3OverFrames);
    let stream = place.resume(&pipeline, LEN, false);
    let mut walk = KeylessWalk::reading(&stream[..], WalkDepth::Headers).unwrap();
    let first = walk.next_segment().unwrap().unwrap();
    assert_eq!(first.header.digest_alg, DigestAlg::Sha3OverFrames);
}

/// An ending of another branch, which covers more than this one holds, with another history.
//= spec/stream-v2.md#sv2-res-030
//= type=test
//# A writer that resumes MUST take from an ending record that the source has ended, and nothing
//# else.
#[test]
fn an_ending_gives_no_value() {
    let place = Place::file();
    let pipeline = small_segments(&place.key, 1);
    place.begin(&pipeline, 5);
    let output = place.output();
    let stream = fs::read(output.partial()).unwrap();
    let header = stream_v2_pipeline::io::read_stream_header(&mut &stream[..]).unwrap().0;
    let opener = StreamOpener::new(&header, &place.key, b"").unwrap();
    let mut bytes = fs::read(output.journal()).unwrap();
    let mut journal = Journal::read((&opener).into(), JournalRole::Encrypt, &bytes).unwrap();
    let trailer = Trailer {
        plaintext_len: 6 * SEGMENT as u64,
        position: 100_000,
        index_distance: 77,
        transcript: [9; 32],
        link: RunLink { run_salt: [9; 16], first: SegmentIndex(3) },
    };
    bytes.extend(journal.append(&JournalRecord::ending(SegmentIndex(8), &trailer)));
    fs::write(output.journal(), &bytes).unwrap();
    // The source must have ended there.
    let mut longer = Cursor::new(plaintext(5 * SEGMENT + 1));
    let error = place.find(&pipeline).unwrap().check_source(&mut longer, STAMP).unwrap_err();
    assert_eq!(told(&error).0, Detail::JournalSource);
    let stream = place.resume(&pipeline, 5 * SEGMENT, false);
    let mut walk = KeylessWalk::reading(&stream[..], WalkDepth::Headers).unwrap();
    while walk.next_segment().unwrap().is_some() {}
    assert_eq!(walk.segments(), 6);
}

/// Returns the place of each segment.
fn begins(stream: &[u8]) -> Vec<usize> {
    let mut walk = KeylessWalk::reading(stream, WalkDepth::Headers).unwrap();
    let mut begins = Vec::new();
    while let Ok(Some(segment)) = walk.next_segment() {
        begins.push(usize::try_from(segment.offset.0).unwrap());
    }
    begins
}

/// Two segments of one run in each other's place, which no torn write leaves.
//= spec/stream-v2.md#sv2-res-006
//= type=test
//# A writer that resumes MUST report `malformed.damaged`, and change nothing, where the output
//# reaches to the end of the last commit and the segment that it names is not there or not valid.
//= spec/stream-v2.md#sv2-res-016
//= type=test
//# A writer that resumes, or a tool that recovers without the key, MUST report the error and change
//# nothing where its walk ends with `order`, `unsupported`, `limit` or `trailing`.
#[test]
fn order_fault_before_last_commit_is_damage() {
    let place = Place::file();
    let mut pipeline = small_segments(&place.key, 1);
    pipeline.params.flags = StreamFlags::NONE;
    place.begin(&pipeline, 6);
    let output = place.output();
    let (whole, journal) = (fs::read(output.partial()).unwrap(), fs::read(output.journal()).unwrap());
    let begins = begins(&whole);
    let swapped = |first: usize| {
        let [a, b, c] = [begins[first], begins[first + 1], begins[first + 2]];
        [&whole[..a], &whole[b..c], &whole[a..b], &whole[c..]].concat()
    };
    let refused = |partial: &[u8], journal: Option<&[u8]>| {
        fs::write(output.partial(), partial).unwrap();
        match journal {
            Some(journal) => fs::write(output.journal(), journal).unwrap(),
            None => fs::remove_file(output.journal()).unwrap(),
        }
        let error = place.find(&pipeline).err().unwrap();
        assert!(fs::read(output.partial()).unwrap() == partial);
        let at = error.format_error().unwrap().offset().0;
        (told(&error), usize::try_from(at).unwrap())
    };
    // Before the segment of the last commit.
    assert_eq!(refused(&swapped(1), Some(&journal)), ((Detail::MalformedDamaged, Some(1)), begins[1]));
    // Its own place.
    let damaged = (Detail::MalformedDamaged, Some(5));
    let other = [&whole[..begins[5]], &whole[begins[4]..begins[5]]].concat();
    assert_eq!(refused(&other, Some(&journal)), (damaged, begins[5]));
    // After it, with a journal that is behind, and without a commit.
    let behind = &journal[..212 + 2 * JOURNAL_RECORD_LEN];
    let order = (Detail::OrderSegmentIndex, Some(3));
    assert_eq!(refused(&swapped(3), Some(behind)), (order, begins[3] + 4));
    assert_eq!(refused(&swapped(3), None), (order, begins[3] + 4));
}

/// Begins an interrupted decryption: six segments are there, and recorded.
fn interrupted(stream: &[u8], place: &Place) -> StreamOpener {
    let mut pipeline = DecryptPipeline::new(&place.key);
    pipeline.durability.segments = 2;
    let mut source = &stream[..begins(stream)[6] + 50];
    let opener = pipeline.open_stream(&mut source).unwrap();
    let sink = FileSink::create(&place.output()).unwrap();
    pipeline.run_to_file(&opener, source, sink, None).unwrap_err();
    opener
}

/// A source that cannot seek.
struct Pipe<'a>(&'a [u8]);

impl Read for Pipe<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.0.read(buffer)
    }
}

//= spec/stream-v2.md#sv2-res-031
//= type=test
//# A reader that resumes MUST, where its caller asks for it, compare all of its output before the
//# end of the last commit with the plaintext of the stream before it goes on, and otherwise MUST
//# NOT claim that it has verified that part.
#[test]
fn all_of_an_output_is_compared_if_asked_for() {
    for index in [false, true] {
        let key = key();
        let mut writer = small_segments(&key, 1);
        writer.set_index(index);
        let stream = encrypt(&writer, &plaintext(LEN));
        for changed in [None, Some(0), Some(3 * SEGMENT + 1), Some(6 * SEGMENT - 1)] {
            let place = Place::file();
            let opener = interrupted(&stream, &place);
            let mut partial = fs::read(place.output().partial()).unwrap();
            assert_eq!(partial.len(), 6 * SEGMENT);
            changed.into_iter().for_each(|at| partial[at] ^= 1);
            fs::write(place.output().partial(), &partial).unwrap();
            let journal = fs::read(place.output().journal()).unwrap();
            let pipeline = DecryptPipeline::new(&key);
            let mut source = Pipe(&stream[128..]);
            let output = place.output();
            let left =
                InterruptedDecryption::find_comparing(&pipeline, &output, &opener, &mut source).unwrap();
            match (left, changed) {
                (PartialDecryption::Torn(found), None) => {
                    found.resume(&pipeline, source, None).unwrap();
                    assert!(fs::read(output.target()).unwrap() == plaintext(LEN));
                }
                (PartialDecryption::Changed(at), Some(changed)) => {
                    assert_eq!(at, changed as u64);
                    assert!(fs::read(output.partial()).unwrap() == partial);
                    assert_eq!(fs::read(output.journal()).unwrap(), journal);
                }
                _ => panic!("changed at {changed:?}"),
            }
        }
    }
}

/// A stream that is wrong before the last commit is an error of the stream, and not of the output.
#[test]
fn changed_stream_is_not_compared_with() {
    let key = key();
    let stream = encrypt(&small_segments(&key, 1), &plaintext(LEN));
    let place = Place::file();
    let opener = interrupted(&stream, &place);
    let mut damaged = stream[128..].to_vec();
    damaged[200] ^= 1;
    let pipeline = DecryptPipeline::new(&key);
    let output = place.output();
    let found = InterruptedDecryption::find_comparing(&pipeline, &output, &opener, &mut Pipe(&damaged));
    assert_eq!(told(&found.err().unwrap()), (Detail::MalformedWireCrc, Some(0)));
    // Without comparing, segments that were verified before are skipped.
    let found = InterruptedDecryption::find(&pipeline, &output, &opener, &mut Pipe(&damaged)).unwrap();
    assert!(matches!(found, PartialDecryption::Torn(_)));
}

/// Plaintext that no record vouches for is decrypted again, and the user is told.
#[test]
fn damaged_records_of_a_decryption_are_told() {
    const RECORD: usize = JOURNAL_RECORD_LEN;
    let key = key();
    let stream = encrypt(&small_segments(&key, 1), &plaintext(LEN));
    // Three records for six segments. The damaged byte, and the segments that stay.
    for (at, kept) in [(212 + 5, None), (212 + RECORD + 5, Some(2)), (212 + 2 * RECORD + 5, Some(4))] {
        let place = Place::file();
        let (opener, output) = (interrupted(&stream, &place), place.output());
        let mut journal = fs::read(output.journal()).unwrap();
        assert_eq!(journal.len(), 212 + 3 * RECORD);
        journal[at] ^= 1;
        fs::write(output.journal(), journal).unwrap();
        let pipeline = DecryptPipeline::new(&key);
        let found = InterruptedDecryption::find(&pipeline, &output, &opener, &mut &stream[128..]).unwrap();
        let (segments, notice) = match &found {
            PartialDecryption::Torn(found) => (Some(found.committed().segments), found.notice()),
            PartialDecryption::Nothing(notice) => (None, *notice),
            _ => panic!("damage at {at}"),
        };
        // A crash can tear the last record.
        let expected = Some(ResumeWarning::JournalDamaged).filter(|_| kept != Some(4));
        assert_eq!((segments, notice), (kept, expected), "damage at {at}");
    }
}
