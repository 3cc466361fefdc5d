//! A durability point that fails: nothing since the last recorded commit counts as durable (§19.1).
//!
//! The same command ends with exactly the source, whatever happens to the machine meanwhile.

use stream_v2_testing::crash_sim;
use stream_v2_testing::crash_sim::decryption::Decryption;
use stream_v2_testing::crash_sim::encryption::Encryption;
use stream_v2_testing::crash_sim::failing::{CODES, Command};
use stream_v2_testing::crash_sim::sim::{Contents, Op, Sim, Trouble};
use stream_v2_testing::crash_sim::{SEGMENT, at_night, output, sealings};
use stream_v2_testing::engine::Engine;
use stream_v2_testing::indexed::{FULL, Indexed};
use stream_v2_testing::plaintext;

fn encryption(segments: usize) -> Encryption {
    sealings::watch();
    Encryption::new(plaintext((segments * SEGMENT).saturating_sub(7)))
}

fn assert_clear(contents: &Contents) {
    assert_eq!(contents.names(), ["out"]);
}

fn each_sync_fails_encrypting(encryption: &Encryption, start: &Contents, (code, nth): (i32, usize)) {
    encrypting(encryption, nth, |command| command.every_sync_fails(start, code));
}

fn encrypting(encryption: &Encryption, nth: usize, does: impl FnOnce(&Command<'_>)) {
    does(&Command {
        run: &|sim: &Sim| encryption.attempt(&output(sim)).map(drop),
        nth,
        folders: true,
        assert_result: &|contents| encryption.assert_opens(contents.file("out").unwrap()),
        assert_clear: &assert_clear,
    });
}

/// NFS reports with a write that an earlier one was lost, and the sync after it succeeds.
#[test]
fn encryption_survives_lost_writes() {
    let encryption = encryption(3);
    encrypting(&encryption, 7, |command| command.every_write_fails(&Contents::default(), CODES[1]));
    assert!(sealings::check() > 0);
}

//= spec/stream-v2.md#sv2-res-023
//= type=test
//# An owner MUST NOT record, after a durability point of its output has failed, anything that was
//# handed over since the last recorded commit, nor reach another durability point for it.
//= spec/stream-v2.md#sv2-res-024
//= type=test
//# An owner that resumes MUST write what it keeps of its output after the last recorded commit
//# again, in its place, before its next durability point.
//= spec/stream-v2.md#sv2-res-025
//= type=test
//# An owner that finds a complete output under its name with a journal, or under two names, MUST
//# give it that name again, in the order of SV2-RES-003, before it removes the other name or the
//# journal.
//= spec/stream-v2.md#sv2-jrn-010
//= type=test
//# An owner MUST NOT append a record to a journal of which a durability point has failed.
#[test]
fn encryption_survives_each_failed_sync() {
    for &engine in Engine::ALL {
        for (segments, nth) in [(0, 1), (1, 1), (2, at_night(5, 1)), (5, at_night(59, 1))] {
            let encryption = Encryption { engine, ..encryption(segments) };
            each_sync_fails_encrypting(&encryption, &Contents::default(), (CODES[0], nth));
        }
    }
    assert!(sealings::check() > 0);
}

#[test]
fn every_kind_of_failed_sync_is_the_same() {
    for code in CODES {
        each_sync_fails_encrypting(&encryption(3), &Contents::default(), (code, at_night(11, 1)));
    }
}

/// The source is compared as a whole, so that the journal is compacted with another time.
#[test]
fn touched_source_survives_each_failed_sync() {
    let encryption = encryption(5);
    let first = encryption.first();
    let place = first.log.len() / 2;
    let stamp = stream_v2_pipeline::SourceStamp { mtime: Some(8), ..encryption.stamp };
    let comparing = Encryption { stamp, compares: true, ..encryption };
    each_sync_fails_encrypting(&comparing, &first.killed((place, 0)), (CODES[0], 3));
}

//= spec/stream-v2.md#sv2-res-023
//= type=test
//# It SHOULD cut the output to the end of that commit.
#[test]
fn output_ends_with_its_last_recorded_commit() {
    let encryption = encryption(5);
    let first = encryption.first();
    let ends = crash_sim::encryption::ends(&first.result);
    let syncs: Vec<usize> = (0..first.log.len()).filter(|&at| matches!(first.log[at], Op::Sync(0))).collect();
    // After the magic, of the stream header, of two segments each, of the last one, and before the
    // name.
    let syncs = &syncs[1..];
    let kept = [0, ends[0], ends[2], ends[4], ends[5]];
    assert_eq!(syncs.len(), kept.len());
    for (&at, kept) in syncs.iter().zip(kept) {
        let sim = Sim::troubled(at, Trouble::FailsWith(CODES[0]));
        encryption.attempt(&output(&sim)).unwrap_err();
        assert_eq!(sim.contents().file("out.partial").map(Vec::len), Some(kept), "{at}");
        let later = sim.log().iter().filter(|op| matches!(op, Op::Sync(0))).count();
        assert_eq!(later, first.log[..at].iter().filter(|op| matches!(op, Op::Sync(0))).count());
    }
}

/// The run that resumes fails, too.
#[test]
fn resumed_encryption_survives_each_failed_sync() {
    let encryption = encryption(3);
    let first = encryption.first();
    for place in (0..first.log.len()).step_by(4) {
        each_sync_fails_encrypting(&encryption, &first.killed((place, 0)), (CODES[0], 5));
    }
    assert!(sealings::check() > 0);
}

#[test]
fn index_segments_survive_each_failed_sync() {
    sealings::watch();
    let source = plaintext(FULL - 2 + 3 * SEGMENT - 7);
    let encryption = Encryption { uniform: false, index: Some(FULL as u64 + 4), ..Encryption::new(source) };
    let mut start = Contents::default();
    start.put("out.partial", Indexed::of_bytes(FULL, |_, _| {}).before(FULL - 2).to_vec());
    each_sync_fails_encrypting(&encryption, &start, (CODES[0], at_night(97, 11)));
    assert!(sealings::check() > 0);
}

fn each_sync_fails_decrypting(decryption: &Decryption, start: &Contents, nth: usize) {
    let command = Command {
        run: &|sim: &Sim| decryption.attempt(&output(sim)),
        nth,
        folders: true,
        assert_result: &|contents| assert!(contents.file("out") == Some(&decryption.plaintext)),
        assert_clear: &assert_clear,
    };
    command.every_sync_fails(start, CODES[0]);
}

fn decryption(segments: usize) -> Decryption {
    let encryption = encryption(segments);
    Decryption::new(encryption.first().result, encryption.source)
}

#[test]
fn decryption_survives_each_failed_sync() {
    for &engine in Engine::ALL {
        for segments in [0, 1, 2, 5] {
            let decryption = Decryption { engine, ..decryption(segments) };
            each_sync_fails_decrypting(&decryption, &Contents::default(), 1);
        }
    }
}

#[test]
fn resumed_decryption_survives_each_failed_sync() {
    let decryption = decryption(3);
    let first = decryption.first();
    for place in (0..first.log.len()).step_by(4) {
        each_sync_fails_decrypting(&decryption, &first.killed((place, 0)), 5);
    }
}
