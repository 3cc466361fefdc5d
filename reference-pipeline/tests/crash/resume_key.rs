//! Every crash of an encryption for others: the output and the resume key are in two folders, each
//! of which may become durable without the other (§19.9).
//!
//! The writer has nothing that opens the envelope. The same command ends with exactly the source,
//! and leaves no resume key.

use std::collections::BTreeSet;
use std::path::PathBuf;

use stream_v2_testing::crash_sim::encryption::{Encryption, Run};
use stream_v2_testing::crash_sim::failing::{CODES, Command};
use stream_v2_testing::crash_sim::sim::{Contents, Sim};
use stream_v2_testing::crash_sim::states::{durable_len, kills, lost_power};
use stream_v2_testing::crash_sim::{BODY, SEGMENT, at_night, output, sealings};
use stream_v2_testing::engine::Engine;
use stream_v2_testing::plaintext;

/// Bytes of the envelope, with its CRC.
pub(crate) const ENVELOPE: usize = 1024;

pub(crate) fn encryption(segments: usize) -> Encryption {
    sealings::watch();
    Encryption::for_others(plaintext((segments * SEGMENT).saturating_sub(7)))
}

/// Returns the resume key that is there, whole or not.
pub(crate) fn key_in(contents: &Contents) -> Option<&Vec<u8>> {
    let is_key = |name: &&PathBuf| name.starts_with("state/resume-keys") && name.extension().is_none();
    let name = contents.names.keys().find(is_key)?;
    contents.file(name.to_str()?)
}

fn each_stream(of: &[usize], look: impl Fn(usize, Encryption, Run)) {
    for &engine in Engine::ALL {
        for &segments in of {
            let encryption = Encryption { engine, ..encryption(segments) };
            let first = encryption.first();
            look(segments, encryption, first);
        }
    }
    assert!(sealings::check() > 0);
}

#[test]
fn killed_at_every_byte() {
    for &engine in Engine::ALL {
        for segments in [0, 1, 3] {
            let encryption = Encryption { engine, ..encryption(segments) };
            let first = encryption.first();
            let cuts = if segments == 0 { at_night(200, usize::MAX) } else { at_night(30, usize::MAX) };
            for place in kills(&first.log, cuts) {
                encryption.again(&first, &first.killed(place));
            }
        }
    }
    assert!(sealings::check() > 0);
}

//= spec/stream-v2.md#sv2-res-018
//= type=test
//# A resume key MUST be durable after the stream header is, and before the journal is begun.
//= spec/stream-v2.md#sv2-res-020
//= type=test
//# A writer MUST remove its resume key durably after the other name of the output and before the
//# journal.
#[test]
fn power_lost_at_every_point() {
    each_stream(&[0, 1, 2, 5], |_, encryption, first| {
        lost_power(&first.start, &first.log, 0, |calls, contents| {
            encryption.again_with(&first, contents, durable_len(&first.log, calls));
        });
    });
}

#[test]
fn killed_twice_at_every_call() {
    each_stream(&[0, 2], |_, encryption, first| {
        for place in kills(&first.log, 2) {
            let second = encryption.again(&first, &first.killed(place));
            for place in kills(&second.log, 2) {
                encryption.again(&second, &second.killed(place));
            }
        }
    });
}

#[test]
fn killed_and_then_power_lost() {
    each_stream(&[0, 1], |_, encryption, first| {
        for place in kills(&first.log, 2).step_by(at_night(3, 1)) {
            let second = encryption.again(&first, &first.killed(place));
            let log = first.killed_and(place, &second);
            lost_power(&first.start, &log, log.len() - second.log.len(), |calls, contents| {
                encryption.again_with(&second, contents, durable_len(&log, calls));
            });
        }
    });
}

#[test]
fn power_lost_twice() {
    let encryption = encryption(1);
    let first = encryption.first();
    let mut states = 0;
    lost_power(&first.start, &first.log, 0, |_, contents| {
        states += 1;
        if states % at_night(3, 1) == 0 {
            let second = encryption.again(&first, contents);
            lost_power(&second.start, &second.log, 0, |calls, contents| {
                encryption.again_with(&second, contents, durable_len(&second.log, calls));
            });
        }
    });
}

/// Syncs of both folders, of the output, of the journal and of the resume key.
#[test]
fn each_failed_sync_is_survived() {
    for &engine in Engine::ALL {
        for (segments, nth) in [(0, 1), (1, at_night(5, 1)), (3, at_night(23, 1))] {
            let encryption = Encryption { engine, ..encryption(segments) };
            let command = Command {
                run: &|sim: &Sim| encryption.attempt(&encryption.keeping(sim, output(sim))).map(drop),
                nth,
                folders: true,
                assert_result: &|contents| encryption.assert_opens(contents.file("out").unwrap()),
                assert_clear: &|contents| assert_eq!(contents.names(), ["out"]),
            };
            command.every_sync_fails(&Contents::default(), CODES[0]);
            command.every_write_fails(&Contents::default(), CODES[1]);
        }
    }
    assert!(sealings::check() > 0);
}

/// What is there after a crash: part of a stream header, all of it, committed segments; the result;
/// the journal; the resume key.
pub(crate) fn row(contents: &Contents) -> (&'static str, bool, bool, bool) {
    let partial = match contents.file("out.partial").map(Vec::len) {
        None => "none",
        Some(len) if len < BODY + ENVELOPE => "torn",
        Some(len) if len == BODY + ENVELOPE => "header",
        Some(_) => "segments",
    };
    (
        partial,
        contents.file("out").is_some(),
        contents.file("out.journal").is_some(),
        key_in(contents).is_some(),
    )
}

/// The rows of the table in §19.9 are what the crashes leave, and nothing else is.
#[test]
fn crashes_leave_the_rows_of_the_table() {
    let encryption = encryption(2);
    let first = encryption.first();
    let mut rows: BTreeSet<_> = kills(&first.log, 9).map(|place| row(&first.killed(place))).collect();
    lost_power(&first.start, &first.log, 0, |_, contents| rows.extend([row(contents)]));
    let (there, not) = (true, false);
    let expected = BTreeSet::from([
        // Before the stream header, or the resume key and its name, are durable.
        ("none", not, not, not),
        ("torn", not, not, not),
        ("header", not, not, not),
        // After the resume key, before the journal is durable.
        ("header", not, not, there),
        // Any time up to the final segment, and before the name.
        ("header", not, there, there),
        ("segments", not, there, there),
        // After the name, before the other name is removed.
        ("segments", there, there, there),
        ("none", there, there, there),
        // After the resume key is removed, before the journal.
        ("none", there, there, not),
        // Complete.
        ("none", there, not, not),
    ]);
    assert_eq!(rows, expected);
}

/// Returns the disk after the first kill that leaves this row.
pub(crate) fn disk_of(first: &Run, wanted: (&str, bool, bool, bool)) -> Contents {
    let mut disks = kills(&first.log, 9).map(|place| first.killed(place));
    disks.find(|contents| row(contents) == wanted).unwrap()
}
