//! Every crash of an encryption: the command is run again, and the stream opens to exactly the
//! source (§19.2, §19.5).

use std::path::Path;

use stream_v2_format::Detail;
use stream_v2_pipeline::{InterruptedEncryption, SourceStamp};
use stream_v2_testing::crash_sim;
use stream_v2_testing::crash_sim::encryption::{Encryption, Run};
use stream_v2_testing::crash_sim::sim::{Contents, Op};
use stream_v2_testing::crash_sim::states::{durable_len, kills, lost_power};
use stream_v2_testing::crash_sim::{SEGMENT, at_night, sealings};
use stream_v2_testing::engine::Engine;
use stream_v2_testing::plaintext;

/// Streams of so many segments, the last one not full.
///
/// On tasks only the short ones, because the order of calls is the same code.
fn lens(engine: Engine) -> &'static [usize] {
    match engine {
        Engine::Threads => &[0, 1, 2, 9],
        Engine::Tasks => &[0, 1, 2][..at_night(2, 3)],
    }
}

fn encryption(segments: usize) -> Encryption {
    sealings::watch();
    Encryption::new(plaintext((segments * SEGMENT).saturating_sub(7)))
}

/// Passes the first run of each stream to `look`, and then checks all that was sealed.
//= spec/stream-v2.md#sv2-frm-008
//= type=test
//# A writer MUST NOT seal two different messages under one pair of run_salt and segment_index.
fn each_stream(look: impl Fn(usize, Encryption, Run)) {
    for &engine in Engine::ALL {
        for &segments in lens(engine) {
            let encryption = Encryption { engine, ..encryption(segments) };
            let first = encryption.first();
            look(segments, encryption, first);
        }
    }
    assert!(sealings::check() > 0);
}

//= spec/stream-v2.md#sv2-res-009
//= type=test
//# A writer MUST NOT seal a segment_index again that is committed in the output.
//= spec/stream-v2.md#sv2-res-013
//= type=test
//# An implementation MUST NOT drop a committed segment unless its caller has asked for exactly
//# that, or a durability point after it has failed (SV2-RES-023).
fn killed_at_every_byte(engine: Engine, segments: usize) {
    let encryption = Encryption { engine, ..encryption(segments) };
    let first = encryption.first();
    // At every byte of each piece that is written, or at thirty.
    let cuts = if engine == Engine::Tasks || segments > 2 { at_night(30, usize::MAX) } else { usize::MAX };
    for place in kills(&first.log, cuts) {
        encryption.again(&first, &first.killed(place));
    }
    assert!(sealings::check() > 0);
}

#[test]
fn killed_at_every_byte_of_up_to_two_segments() {
    [0, 1, 2].into_iter().for_each(|segments| killed_at_every_byte(Engine::Threads, segments));
}

/// At every byte at night.
#[test]
fn killed_at_many_bytes_of_nine_segments() {
    killed_at_every_byte(Engine::Threads, 9);
}

/// At every byte at night.
#[test]
fn killed_at_many_bytes_on_tasks() {
    lens(Engine::Tasks).iter().for_each(|&segments| killed_at_every_byte(Engine::Tasks, segments));
}

//= spec/stream-v2.md#sv2-jrn-009
//= type=test
//# An owner MUST write the journal's header, and make it and the journal's name durable, before it
//# hands over the first byte of segment 0 or of the plaintext.
//= spec/stream-v2.md#sv2-res-001
//= type=test
//# A writer MUST reach a durability point after the stream header and envelope, of the output's
//# name too, before it writes its journal and before it hands over segment 0.
//= spec/stream-v2.md#sv2-res-003
//= type=test
//# An owner MUST publish an output that is complete in this order: durability point, name,
//# durability point of the name, removal of the other name if it still stands, removal of the
//# journal, durability point of the names.
#[test]
fn power_lost_at_every_point() {
    each_stream(|_, encryption, first| {
        lost_power(&first.start, &first.log, 0, |calls, contents| {
            encryption.again_with(&first, contents, durable_len(&first.log, calls));
        });
    });
}

/// Recovery changes nothing, so every crash during recovery is the crash before it. These are the
/// crashes of the resumed run: every third, at night each.
#[test]
fn killed_twice_at_every_call() {
    each_stream(|_, encryption, first| {
        for place in kills(&first.log, 2) {
            let second = encryption.again(&first, &first.killed(place));
            for place in kills(&second.log, 2).step_by(at_night(5, 1)) {
                encryption.again(&second, &second.killed(place));
            }
        }
    });
}

/// With nine segments, every third first crash.
#[test]
#[ignore = "takes minutes: .ci/nightly laboratory"]
fn killed_and_then_power_lost() {
    each_stream(|segments, encryption, first| {
        for place in kills(&first.log, 2).step_by(if segments == 9 { 3 } else { 1 }) {
            let second = encryption.again(&first, &first.killed(place));
            // Data that the first process had not made durable can still be lost.
            let log = first.killed_and(place, &second);
            lost_power(&first.start, &log, log.len() - second.log.len(), |calls, contents| {
                encryption.again_with(&second, contents, durable_len(&log, calls));
            });
        }
    });
}

#[test]
#[ignore = "takes minutes: .ci/nightly laboratory"]
fn power_lost_and_then_killed() {
    each_stream(|_, encryption, first| {
        lost_power(&first.start, &first.log, 0, |_, contents| {
            let second = encryption.again(&first, contents);
            for place in kills(&second.log, 1) {
                encryption.again(&second, &second.killed(place));
            }
        });
    });
}

/// All pairs for streams of up to one segment. For two segments every eleventh first loss, at night
/// every third, and for nine some, at night every 97th.
//= spec/stream-v2.md#sv2-jrn-008
//= type=test
//# An owner that resumes MUST replace the journal that it finds, as for compacting, before it
//# appends a record.
#[test]
fn power_lost_twice() {
    for (segments, nth) in [(0, 1), (1, 1), (2, at_night(23, 3)), (9, at_night(4001, 97))] {
        let encryption = encryption(segments);
        let first = encryption.first();
        let mut states = 0;
        lost_power(&first.start, &first.log, 0, |_, contents| {
            states += 1;
            if states % nth == 0 {
                let second = encryption.again(&first, contents);
                lost_power(&second.start, &second.log, 0, |calls, contents| {
                    encryption.again_with(&second, contents, durable_len(&second.log, calls));
                });
            }
        });
    }
    assert!(sealings::check() > 0);
}

/// A source that was touched, and compared: the journal is compacted under a new header, and a
/// crash can come then too.
//= spec/stream-v2.md#sv2-jrn-005
//= type=test
//# An owner MUST compact a journal of JOURNAL_RECORDS_MAX records before it appends another one.
#[test]
fn crash_while_journal_is_compacted_resumes() {
    let nth = |segments| match segments {
        9 => at_night(241, 11),
        2 => at_night(5, 1),
        _ => 1,
    };
    each_stream(|segments, encryption, first| {
        let touched = SourceStamp { mtime: Some(8), ..encryption.stamp };
        let comparing = Encryption { stamp: touched, compares: true, ..encryption };
        for place in kills(&first.log, 1).step_by(nth(segments)) {
            let second = comparing.again(&first, &first.killed(place));
            let log = first.killed_and(place, &second);
            for place in kills(&second.log, 2) {
                comparing.again(&second, &second.killed(place));
            }
            lost_power(&first.start, &log, log.len() - second.log.len(), |calls, contents| {
                comparing.again_with(&second, contents, durable_len(&log, calls));
            });
        }
    });
}

/// A run that is killed again and again reaches its end, and the next one finds nothing to do.
#[test]
fn killed_ten_times_in_a_row() {
    let encryption = encryption(9);
    let mut seed = 1_u64;
    for _ in 0..100 {
        let mut run = encryption.first();
        for _ in 0..10 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let places: Vec<_> = kills(&run.log, 3).collect();
            let place = places[usize::try_from(seed >> 33).unwrap() % places.len()];
            run = encryption.again(&run, &run.killed(place));
        }
    }
    assert!(sealings::check() > 0);
}

/// Returns every content of the journal's name in the first so many operations.
fn journals(run: &Run, calls: usize) -> Vec<Vec<u8>> {
    let mut contents = run.start.clone();
    let mut journals = Vec::new();
    for op in &run.log[..calls] {
        contents.apply(op);
        if let Some(journal) = contents.file("out.journal")
            && journals.last() != Some(journal)
        {
            journals.push(journal.clone());
        }
    }
    journals
}

/// Returns the state of the disk after a kill, and the journal at that time.
fn interrupted(run: &Run) -> impl Iterator<Item = Contents> + '_ {
    kills(&run.log, 2)
        .map(|place| run.killed(place))
        .filter(|contents| contents.file("out.partial").is_some())
}

#[test]
fn journal_deleted_after_every_crash() {
    each_stream(|_, encryption, first| {
        for mut contents in interrupted(&first) {
            contents.names.remove(Path::new("out.journal"));
            encryption.again(&first, &contents);
        }
    });
}

#[test]
fn rolled_back_journal_after_any_crash_resumes() {
    each_stream(|_, encryption, first| {
        for place in kills(&first.log, 2) {
            for older in journals(&first, place.0) {
                let mut contents = first.killed(place);
                contents.put("out.journal", older);
                if contents.file("out.partial").is_some() {
                    encryption.again(&first, &contents);
                }
            }
        }
    });
}

/// Without its journal a writer does not know which data was durable. It resumes with the whole
/// segments, or reports damage and changes nothing.
#[test]
fn journal_deleted_where_power_was_lost() {
    each_stream(|segments, encryption, first| {
        let (mut on, mut refused) = (0, 0);
        lost_power(&first.start, &first.log, 0, |_, contents| {
            let mut contents = contents.clone();
            contents.names.remove(Path::new("out.journal"));
            let (found, sim) = encryption.run(&contents);
            match found {
                Ok(_) => {
                    on += 1;
                    encryption.again(&first, &contents);
                }
                Err(error) => {
                    refused += 1;
                    assert_eq!(error.format_error().unwrap().detail(), Detail::MalformedDamaged);
                    assert_eq!(sim.log(), []);
                }
            }
        });
        assert!(on > 0 && (segments < 2 || refused > 0), "{segments}: {on} {refused}");
    });
}

/// The text after the committed part differs each time: the same indices are sealed again, and
/// never under the same nonce.
#[test]
fn source_changed_after_every_crash() {
    for segments in [1, 2, 9] {
        let mut encryption = encryption(segments);
        encryption.stamp = SourceStamp::default();
        let first = encryption.first();
        for (number, contents) in interrupted(&first).enumerate() {
            let mut changed = encryption.source.clone();
            changed.iter_mut().for_each(|byte| *byte ^= u8::try_from(number % 255 + 1).unwrap());
            let whole = Encryption::new(changed.clone());
            let other = Encryption { stamp: SourceStamp::default(), ..whole };
            let (found, sim) = other.run(&contents);
            match found {
                // Nothing was committed yet, so the change cannot be found.
                Ok(_) => other.assert_complete(&sim.contents()),
                Err(error) => {
                    assert_eq!(error.format_error().unwrap().detail(), Detail::JournalSource);
                    assert_eq!(sim.log(), []);
                    // It has changed behind the committed part.
                    let (found, _) = encryption.run(&contents);
                    let kept =
                        usize::try_from(found.unwrap().unwrap().segments).unwrap().min(segments) * SEGMENT;
                    let kept = kept.min(changed.len());
                    changed[..kept].copy_from_slice(&encryption.source[..kept]);
                    let other = Encryption { source: changed, ..other };
                    other.again(&first, &contents);
                }
            }
        }
    }
    assert!(sealings::check() > 0);
}

#[test]
fn every_run_is_recorded() {
    let first = encryption(2).first();
    let before = sealings::check();
    // Two data segments of two more frames, a final one of two: in the simulated file system as on
    // a disk.
    let writes = first.log.iter().filter(|op| matches!(op, Op::Write(..))).count();
    assert!(before >= 3 + 3 + 2 && writes > 6);
}

/// The journal of the result is still there, and one byte of the result has changed.
#[test]
fn changed_result_is_not_complete() {
    let encryption = encryption(5);
    let first = encryption.first();
    let is_named = |contents: &Contents| {
        contents.file("out.partial").is_none() && contents.file("out.journal").is_some()
    };
    let place = kills(&first.log, 1).filter(|&place| is_named(&first.killed(place))).last().unwrap();
    let contents = first.killed(place);
    encryption.again(&first, &contents);
    // In the first segment, far before the last commit.
    let (mut changed, file) = (contents.clone(), contents.names[Path::new("out")]);
    changed.files[file][crash_sim::BODY + 200] ^= 1;
    let sim = crash_sim::sim::Sim::new(changed);
    let found = InterruptedEncryption::find(&encryption.pipeline(), &crash_sim::output(&sim)).unwrap();
    assert!(found.is_none());
    assert_eq!(sim.log(), []);
}

/// Nothing is committed yet, and the journal knows the length of the source.
//= spec/stream-v2.md#sv2-res-008
//= type=test
//# A writer that resumes MUST refuse a source with `journal.source`, and change nothing, where its
//# length or its time of modification is known and differs from the journal's,
#[test]
fn source_that_has_become_empty_is_refused() {
    let encryption = encryption(2);
    let first = encryption.first();
    let is_begun = |contents: &Contents| {
        contents.file("out.partial").is_some_and(|partial| partial.len() == crash_sim::BODY)
            && contents.file("out.journal").is_some()
    };
    let place = kills(&first.log, 1).find(|&place| is_begun(&first.killed(place))).unwrap();
    let contents = first.killed(place);
    let empty =
        Encryption { stamp: SourceStamp { len: Some(0), mtime: Some(7) }, ..Encryption::new(Vec::new()) };
    let earlier = SourceStamp { mtime: Some(-7), ..encryption.stamp };
    let touched = Encryption { stamp: earlier, ..Encryption::new(encryption.source.clone()) };
    for other in [empty, touched] {
        let (found, sim) = other.run(&contents);
        assert_eq!(found.unwrap_err().format_error().unwrap().detail(), Detail::JournalSource);
        assert_eq!(sim.log(), []);
    }
}
