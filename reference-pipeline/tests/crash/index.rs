//! Crashes around index segments: the command is run again, and they are in their usual places
//! (§11, §19.2).

use std::path::Path;

use stream_v2_pipeline::SourceStamp;
use stream_v2_testing::crash_sim::encryption::{Encryption, Run, ends};
use stream_v2_testing::crash_sim::sim::{Contents, Op};
use stream_v2_testing::crash_sim::states::{durable_len, kills, lost_power};
use stream_v2_testing::crash_sim::{SEGMENT, at_night, sealings};
use stream_v2_testing::indexed::{FULL, Indexed};
use stream_v2_testing::plaintext;

/// Data segments that are committed before the crashes, of one byte each: two less than an index
/// segment covers.
const BEFORE: usize = FULL - 2;

/// More full segments of the source, which is cut by 7 bytes, and the number of segments of the
/// stream.
///
/// The index segments then cover all but one data segment and the last one, or exactly all, or all
/// of fewer than n.
const ENDS: [(usize, u64); 3] = [(3, FULL as u64 + 4), (2, FULL as u64 + 2), (1, FULL as u64 + 1)];

/// Returns an encryption that resumes after `BEFORE` segments, and the disk that it finds.
fn encryption((segments, in_all): (usize, u64)) -> (Encryption, Contents) {
    sealings::watch();
    let source = plaintext(BEFORE + segments * SEGMENT - 7);
    let encryption = Encryption { uniform: false, index: Some(in_all), ..Encryption::new(source) };
    let mut start = Contents::default();
    start.put("out.partial", Indexed::of_bytes(FULL, |_, _| {}).before(BEFORE).to_vec());
    (encryption, start)
}

/// Returns the run whose crashes are tested.
fn first(encryption: &Encryption, start: &Contents) -> Run {
    let (found, sim) = encryption.run(start);
    assert_eq!(found.unwrap().unwrap().segments, BEFORE as u64);
    encryption.assert_complete(&sim.contents());
    let run = Run::new(start.clone(), &sim);
    assert_index(&run.result);
    run
}

/// Checks that index segments are after every n data segments and before the end, and nowhere else.
fn assert_index(stream: &[u8]) {
    let ends = ends(stream);
    let kinds: Vec<u8> = ends[..ends.len() - 1].iter().map(|&begin| stream[begin + 8]).collect();
    let last = kinds.len() - 2;
    for (place, kind) in kinds.iter().enumerate() {
        let expected = if place == FULL.min(last) || place == last { 1 } else { 2 * u8::from(place > last) };
        assert_eq!(*kind, expected, "segment {place} of {}", kinds.len());
    }
}

/// Runs the command again, and checks the places of the index segments.
fn again(encryption: &Encryption, before: &Run, contents: &Contents) -> Run {
    let run = encryption.again(before, contents);
    assert_index(&run.result);
    run
}

fn each(mut look: impl FnMut(Encryption, Run)) {
    for end in ENDS {
        let (encryption, start) = encryption(end);
        let first = first(&encryption, &start);
        look(encryption, first);
    }
    assert!(sealings::check() > 0);
}

/// At every call, and at ten places, at night thirty, of each piece that is written.
#[test]
fn killed_at_every_call() {
    each(|encryption, first| {
        for place in kills(&first.log, at_night(10, 30)) {
            again(&encryption, &first, &first.killed(place));
        }
    });
}

/// Some calls of the run that resumes, at night each second.
#[test]
fn killed_twice() {
    each(|encryption, first| {
        for place in kills(&first.log, 2) {
            let second = again(&encryption, &first, &first.killed(place));
            for place in kills(&second.log, 1).step_by(at_night(11, 2)) {
                again(&encryption, &second, &second.killed(place));
            }
        }
    });
}

/// Some of the states, at night each.
#[test]
fn power_lost_at_every_point() {
    let (mut states, nth) = (0, at_night(17, 1));
    each(|encryption, first| {
        lost_power(&first.start, &first.log, 0, |calls, contents| {
            states += 1;
            if states % nth > 0 {
                return;
            }
            // Bytes from before the first run are not in its log.
            let durable = durable_len(&first.log, calls);
            encryption.again_with(&first, contents, durable);
            assert_index(&first.result);
        });
    });
}

/// Every fifth call, and some of the states that the loss can leave then, at night every eleventh.
#[test]
fn killed_and_then_power_lost() {
    each(|encryption, first| {
        let mut states = 0;
        for place in kills(&first.log, 1).step_by(5) {
            let second = again(&encryption, &first, &first.killed(place));
            let log = first.killed_and(place, &second);
            lost_power(&first.start, &log, log.len() - second.log.len(), |_, contents| {
                states += 1;
                if states % at_night(71, 11) == 0 {
                    again(&encryption, &second, contents);
                }
            });
        }
        assert!(states > 500, "{states}");
    });
}

/// Without its journal, and with every earlier one.
#[test]
fn journal_deleted_or_rolled_back() {
    each(|encryption, first| {
        let mut journals: Vec<Vec<u8>> = Vec::new();
        let mut seen = first.start.clone();
        for (calls, op) in first.log.iter().enumerate() {
            let contents = first.killed((calls, 0));
            if contents.file("out.partial").is_some() {
                let mut without = contents.clone();
                without.names.remove(Path::new("out.journal"));
                again(&encryption, &first, &without);
                for older in &journals {
                    let mut with = contents.clone();
                    with.put("out.journal", older.clone());
                    again(&encryption, &first, &with);
                }
            }
            seen.apply(op);
            if let Some(journal) = seen.file("out.journal").filter(|journal| journals.last() != Some(journal))
            {
                journals.push(journal.clone());
            }
        }
    });
}

/// A source that was touched: all committed plaintext is compared, and the journal is compacted,
/// even if its last commit is an index segment.
#[test]
fn killed_while_the_source_is_compared() {
    each(|encryption, first| {
        let stamp = SourceStamp { mtime: Some(8), ..encryption.stamp };
        let comparing = Encryption { stamp, compares: true, ..encryption };
        for place in kills(&first.log, 1).step_by(2) {
            let second = again(&comparing, &first, &first.killed(place));
            for place in kills(&second.log, 1).step_by(at_night(11, 5)) {
                again(&comparing, &second, &second.killed(place));
            }
        }
    });
}

/// A whole stream, from an empty disk: killed at every call from two segments before the first
/// index segment on, and then again.
#[test]
fn crash_around_index_segments_resumes() {
    sealings::watch();
    let source = plaintext((FULL + 2) * SEGMENT - 7);
    let segments = FULL as u64 + 2 + 2 + 1;
    let encryption = Encryption { uniform: false, index: Some(segments), ..Encryption::new(source) };
    let first = encryption.first();
    assert_index(&first.result);
    let from = ends(&first.result)[FULL - 2];
    let near = first.log.iter().position(|op| matches!(op, Op::Write(_, at, _) if *at >= from)).unwrap();
    for place in kills(&first.log, 2).filter(|(calls, _)| *calls >= near) {
        let second = again(&encryption, &first, &first.killed(place));
        for place in kills(&second.log, 1).step_by(at_night(7, 3)) {
            again(&encryption, &second, &second.killed(place));
        }
    }
    assert!(sealings::check() > 0);
}
