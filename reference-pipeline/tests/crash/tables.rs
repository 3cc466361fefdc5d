//! The crash tables and the resume invariant (§19.5): a test for each of their sentences.

use stream_v2_conformance::operations::read::{Expect, Refusal};
use stream_v2_format::Detail;
use stream_v2_format::crypto::StreamOpener;
use stream_v2_pipeline::io::read_stream_header;
use stream_v2_pipeline::{InterruptedEncryption, JournalState, recover, recover_keyless};
use stream_v2_testing::crash_sim;
use stream_v2_testing::crash_sim::decryption::{Decryption, Found};
use stream_v2_testing::crash_sim::encryption::{Encryption, Run, ends};
use stream_v2_testing::crash_sim::sim::{Contents, Op};
use stream_v2_testing::crash_sim::{SEGMENT, output};
use stream_v2_testing::plaintext;
use stream_v2_testing::streams::key;
use stream_v2_testing::vectors::{self, keys, load};

const SEGMENTS: usize = 5;
/// The segment during which the crash comes.
const TORN: usize = 3;

fn encryption() -> Encryption {
    Encryption::new(plaintext(SEGMENTS * SEGMENT - 7))
}

/// Returns the operation that writes the header of segment `TORN`. The next one writes its wire.
fn header_call(first: &Run) -> usize {
    let begin = ends(&first.result)[TORN];
    first
        .log
        .iter()
        .position(|op| matches!(op, Op::Write(_, at, bytes) if *at == begin && bytes.len() == 96))
        .unwrap()
}

/// Kills an encryption after so many operations from the header of segment `TORN` on, and so many
/// bytes.
///
/// Checks that so many segments are there with the key and without it, and that resuming gives
/// exactly the source.
fn killed_encryption(calls: usize, cut: usize, expected: u64) {
    let encryption = encryption();
    let first = encryption.first();
    let contents = first.killed((header_call(&first) + calls, cut));
    let partial = contents.file("out.partial").unwrap();
    assert_eq!(recover_keyless(std::io::Cursor::new(partial)).unwrap().segments, expected);
    let sim = crash_sim::sim::Sim::new(contents.clone());
    let found = InterruptedEncryption::find(&encryption.pipeline(), &output(&sim)).unwrap().unwrap();
    assert_eq!(found.recovered().committed.segments, expected);
    drop(found);
    let second = encryption.again(&first, &contents);
    assert!(second.result.starts_with(&first.result[..ends(&first.result)[TORN]]));
}

#[test]
fn encrypt_before_segment_header_no_segment() {
    killed_encryption(0, 0, TORN as u64);
}

#[test]
fn encrypt_before_wire_segment_ignored() {
    killed_encryption(1, 0, TORN as u64);
}

#[test]
fn encrypt_mid_wire_crc_mismatch_segment_dropped() {
    killed_encryption(1, 2000, TORN as u64);
    // The length may be right without the bytes. Then only the CRC finds the fault.
    let encryption = encryption();
    let first = encryption.first();
    let mut contents = first.killed((header_call(&first) + 2, 0));
    let (end, file) = (ends(&first.result)[TORN + 1], crash_sim::inode(&contents).unwrap());
    contents.files[file][end - 2000..].fill(0);
    let found = recover_keyless(std::io::Cursor::new(&contents.files[file])).unwrap();
    assert_eq!((found.segments, found.file_len), (TORN as u64, end as u64));
    encryption.again(&first, &contents);
}

#[test]
fn encrypt_after_full_segment_safe_and_committed() {
    killed_encryption(2, 0, TORN as u64 + 1);
}

fn decryption() -> Decryption {
    let encryption = encryption();
    Decryption::new(encryption.first().result, encryption.source)
}

/// Returns the operation that releases the plaintext of this segment.
///
/// The decryption makes every segment durable.
fn release_call(first: &Run, segment: usize) -> usize {
    first.log.iter().position(|op| matches!(op, Op::Write(_, at, bytes) if *at == segment * SEGMENT && bytes.len() >= SEGMENT - 7)).unwrap()
}

/// Kills a decryption there, runs the command again, and returns the recovered state, and the place
/// of the first write.
fn killed_decryption(place: impl FnOnce(&Run) -> (usize, usize)) -> (Found, usize) {
    let decryption = decryption();
    let first = decryption.first();
    let contents = first.killed(place(&first));
    let file = crash_sim::inode(&contents).unwrap();
    let (found, sim) = decryption.run(&contents);
    decryption.assert_complete(&sim.contents());
    let written = sim.log().into_iter().find_map(|op| match op {
        Op::Write(inode, at, _) if inode == file => Some(at),
        _ => None,
    });
    (found.unwrap(), written.unwrap())
}

#[test]
fn decrypt_before_segment_header_safe() {
    // Segments 0 and 1 are durable and recorded, and the next one was not read yet.
    let (found, written) = killed_decryption(|first| (release_call(first, 2), 0));
    assert_eq!((found, written), (Found::Committed(2 * SEGMENT), 2 * SEGMENT));
}

#[test]
fn decrypt_mid_segment_segment_is_read_again() {
    let (found, written) = killed_decryption(|first| (release_call(first, 2), 100));
    assert_eq!((found, written), (Found::Committed(2 * SEGMENT), 2 * SEGMENT));
}

#[test]
fn decrypt_after_segment_next_segment_index() {
    // After segment 3 its record follows, and then segment 4 comes next.
    let (found, written) = killed_decryption(|first| (release_call(first, 4), 0));
    assert_eq!((found, written), (Found::Committed(4 * SEGMENT), 4 * SEGMENT));
}

/// Opens the segments of a stream, as its writer does when it resumes.
fn committed(stream: &[u8]) -> u64 {
    let (header, _) = read_stream_header(&mut &stream[..]).unwrap();
    let opener = StreamOpener::new(&header, &key(), b"").unwrap();
    recover(std::io::Cursor::new(stream), &opener, JournalState::Empty).unwrap().committed.segments
}

#[test]
fn only_valid_segments_are_committed() {
    let stream = encryption().first().result;
    let ends = ends(&stream);
    assert_eq!(committed(&stream[..ends[TORN + 1]]), TORN as u64 + 1);
    // Any byte of the last segment.
    for place in (ends[TORN]..ends[TORN + 1]).step_by(13) {
        let mut damaged = stream[..ends[TORN + 1]].to_vec();
        damaged[place] ^= 1;
        assert_eq!(committed(&damaged), TORN as u64, "{place}");
    }
    // A segment with correct checksums and tags and a wrong digest: the golden vectors have them.
    let mut seen = 0;
    for vector in vectors::all() {
        let stream_v2_conformance::operations::Vector::Read(vector) = vector else { continue };
        let Some(Expect::Reject(Refusal { fault, .. })) = &vector.expect else { continue };
        if fault.error != ["auth.digest"] || !vector.about.features.is_empty() {
            continue;
        }
        let (bytes, (key, context)) = (load(&vector.input), keys(&vector.keys));
        let (header, _) = read_stream_header(&mut &bytes[..]).unwrap();
        let opener = StreamOpener::new(&header, &key.unwrap(), &context).unwrap();
        let found = recover(std::io::Cursor::new(&bytes), &opener, JournalState::Empty).unwrap();
        assert_eq!(usize::try_from(found.committed.segments).ok(), fault.segment);
        seen += 1;
    }
    assert!(seen > 0);
}

#[test]
fn last_committed_index_suffices_to_resume() {
    let encryption = encryption();
    let first = encryption.first();
    let contents = first.killed((header_call(&first), 0));
    let (found, _) = encryption.run(&contents);
    let found = found.unwrap().unwrap();
    // Seek to the next segment: it begins where the committed ones end.
    assert_eq!((found.segments, found.stream_len), (TORN as u64, ends(&first.result)[TORN]));
    // Keys are derived again, under a salt of the new run, and the stream continues.
    let second = encryption.again(&first, &contents);
    let salt = |stream: &[u8], segment: usize| stream[ends(stream)[segment] + 40..][..16].to_vec();
    assert_eq!(salt(&second.result, TORN - 1), salt(&first.result, TORN - 1));
    assert_ne!(salt(&second.result, TORN), salt(&first.result, TORN));
    assert_eq!(salt(&second.result, TORN), salt(&second.result, TORN + 1));
}

#[test]
fn file_append_is_safe() {
    // Resuming cuts everything behind the committed part.
    let encryption = encryption();
    let first = encryption.first();
    let before = first.killed((header_call(&first), 0));
    let file = crash_sim::inode(&before).unwrap();
    for tail in [
        &b"x"[..],
        &[0; 96],
        &[0; 9000],
        b"SV2S",
        &first.result[ends(&first.result)[0]..ends(&first.result)[1]],
    ] {
        let mut contents: Contents = before.clone();
        contents.files[file].extend_from_slice(tail);
        let (found, sim) = encryption.run(&contents);
        match found {
            Ok(_) => encryption.assert_complete(&sim.contents()),
            // A genuine segment in the wrong place is not a torn write.
            Err(error) => {
                assert_eq!(error.format_error().unwrap().detail(), Detail::OrderSegmentIndex);
                assert_eq!(sim.log(), []);
            }
        }
    }
}
