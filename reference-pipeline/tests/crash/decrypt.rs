//! Every crash of a decryption: the command is run again, and the plaintext is whole under its name
//! (§19.4, §19.5).

use std::path::Path;

use stream_v2_format::{Detail, ErrorKind};
use stream_v2_pipeline::{InterruptedDecryption, PartialDecryption};
use stream_v2_testing::crash_sim;
use stream_v2_testing::crash_sim::decryption::{Decryption, Found};
use stream_v2_testing::crash_sim::encryption::{Encryption, Run};
use stream_v2_testing::crash_sim::sim::Contents;
use stream_v2_testing::crash_sim::states::{kills, lost_power};
use stream_v2_testing::crash_sim::{SEGMENT, at_night, inode};
use stream_v2_testing::engine::Engine;
use stream_v2_testing::plaintext;

/// Lengths in segments. On tasks only the short ones, because the order of calls is the same code.
fn lens(engine: Engine) -> &'static [usize] {
    match engine {
        Engine::Threads => &[0, 1, 2, 9],
        Engine::Tasks => &[0, 1, 2][..at_night(2, 3)],
    }
}

/// Returns a stream of so many segments, written in two runs if there is more than one segment.
fn decryption(segments: usize) -> Decryption {
    let encryption = Encryption::new(plaintext((segments * SEGMENT).saturating_sub(7)));
    let first = encryption.first();
    let half = encryption.again(&first, &first.killed((first.log.len() / 2, 0)));
    Decryption::new(half.result, encryption.source)
}

/// Passes the first run over each stream to `look`.
fn each_stream(look: impl Fn(&Decryption, &Run)) {
    for &engine in Engine::ALL {
        for &segments in lens(engine) {
            let decryption = Decryption { engine, ..decryption(segments) };
            look(&decryption, &decryption.first());
        }
    }
}

/// At every byte of short streams on threads, and at thirty bytes of each piece of the others. At
/// night at every byte of all.
#[test]
fn killed_at_every_byte() {
    each_stream(|decryption, first| {
        let is_short = decryption.engine == Engine::Threads && decryption.plaintext.len() < 3 * SEGMENT;
        let cuts = if is_short { usize::MAX } else { at_night(30, usize::MAX) };
        for place in kills(&first.log, cuts) {
            decryption.again(&first.killed(place));
        }
    });
}

//= spec/stream-v2.md#sv2-res-011
//= type=test
//# A reader MUST reach a durability point of its output before it appends a commit record, and
//# release nothing from a segment before it is verified, resumed or not.
#[test]
fn power_lost_at_every_point() {
    each_stream(|decryption, first| {
        lost_power(&first.start, &first.log, 0, |_, contents| {
            decryption.again(contents);
        });
    });
}

#[test]
fn killed_twice_at_every_call() {
    each_stream(|decryption, first| {
        for place in kills(&first.log, 2) {
            let second = decryption.again(&first.killed(place));
            for place in kills(&second.log, 2) {
                decryption.again(&second.killed(place));
            }
        }
    });
}

/// Every third first crash, at night each.
#[test]
fn killed_and_then_power_lost() {
    each_stream(|decryption, first| {
        for place in kills(&first.log, 2).step_by(at_night(3, 1)) {
            let second = decryption.again(&first.killed(place));
            let log = first.killed_and(place, &second);
            lost_power(&first.start, &log, log.len() - second.log.len(), |_, contents| {
                decryption.again(contents);
            });
        }
    });
}

/// Every third first loss, at night each.
#[test]
fn power_lost_twice() {
    each_stream(|decryption, first| {
        let mut states = 0;
        lost_power(&first.start, &first.log, 0, |_, contents| {
            states += 1;
            if states % at_night(3, 1) > 0 {
                return;
            }
            let second = decryption.again(contents);
            lost_power(&second.start, &second.log, 0, |_, contents| {
                decryption.again(contents);
            });
        });
    });
}

/// Returns the plaintext of nine segments, five of them committed.
fn interrupted() -> (Decryption, Contents) {
    let decryption = decryption(9);
    let first = decryption.first();
    let whole = |contents: &Contents| {
        contents.file("out.partial").is_some_and(|partial| partial.len() == 5 * SEGMENT)
    };
    let place = kills(&first.log, 1).filter(|&place| whole(&first.killed(place))).last().unwrap();
    let contents = first.killed(place);
    (decryption, contents)
}

//= spec/stream-v2.md#sv2-res-014
//= type=test
//# or that, for a reader, no journal of its stream vouches for;
#[test]
fn partial_file_without_journal_is_unchanged() {
    let (decryption, mut contents) = interrupted();
    contents.names.remove(Path::new("out.journal"));
    let (found, sim) = decryption.run(&contents);
    assert_eq!((found.unwrap(), sim.log().len()), (Found::Unknown, 0));
}

#[test]
fn a_journal_that_is_not_to_be_used_is_as_none() {
    let (decryption, contents) = interrupted();
    for place in 0..212 {
        let mut contents = contents.clone();
        let mut journal = contents.file("out.journal").unwrap().clone();
        journal[place] ^= 1;
        contents.put("out.journal", journal);
        let (found, sim) = decryption.run(&contents);
        // Without the magic it may be a file of another program.
        assert_eq!(found.ok(), (place >= 8).then_some(Found::Unknown), "{place}");
        assert_eq!(sim.log(), []);
    }
}

#[test]
fn torn_or_old_journal_costs_reading_again() {
    let (decryption, contents) = interrupted();
    let journal = contents.file("out.journal").unwrap().clone();
    for cut in 212..=journal.len() {
        let mut contents = contents.clone();
        contents.put("out.journal", journal[..cut].to_vec());
        decryption.again(&contents);
    }
}

#[test]
fn lost_or_changed_plaintext_is_rewritten() {
    let (decryption, contents) = interrupted();
    let lost = |change: fn(&mut Vec<u8>)| {
        let mut contents = contents.clone();
        let file = inode(&contents).unwrap();
        change(&mut contents.files[file]);
        let (found, sim) = decryption.run(&contents);
        assert_eq!(found.unwrap(), Found::Nothing(Some(stream_v2_pipeline::ResumeWarning::LostDurable)));
        decryption.assert_complete(&sim.contents());
    };
    lost(|file| file.truncate(3 * SEGMENT));
    lost(|file| file[4 * SEGMENT - 1] ^= 1);
}

#[test]
fn stream_without_released_plaintext_is_refused() {
    let (decryption, contents) = interrupted();
    let ends = crash_sim::encryption::ends(&decryption.stream);
    let refused = |stream: Vec<u8>| {
        let other = Decryption::new(stream, Vec::new());
        let (found, sim) = other.run(&contents);
        assert_eq!(sim.log(), []);
        *found.unwrap_err().format_error().unwrap()
    };
    // Cut off before the last commit, which is that of segment 3.
    assert_eq!(refused(decryption.stream[..ends[3] + 50].to_vec()).kind(), ErrorKind::Truncated);
    // Damaged there.
    let mut damaged = decryption.stream.clone();
    damaged[ends[3] + 200] ^= 1;
    assert_eq!(refused(damaged).detail(), Detail::MalformedWireCrc);
    // The same stream, resumed after an earlier segment by another run: genuine, but other
    // segments.
    let encryption = Encryption::new(decryption.plaintext.clone());
    let first = encryption.first();
    let cut = |len: usize| {
        let mut contents = Contents::default();
        contents.put("out.partial", first.result[..len].to_vec());
        encryption.again(&first, &contents).result
    };
    let (one, other) = (
        cut(crash_sim::encryption::ends(&first.result)[1]),
        cut(crash_sim::encryption::ends(&first.result)[2]),
    );
    let reading = Decryption::new(one, decryption.plaintext.clone());
    let run = reading.first();
    let place = kills(&run.log, 1).filter(|&place| {
        run.killed(place).file("out.partial").is_some_and(|partial| partial.len() == 5 * SEGMENT)
    });
    let contents = run.killed(place.last().unwrap());
    let (found, sim) = Decryption { stream: other, ..reading }.run(&contents);
    assert_eq!(found.unwrap_err().format_error().unwrap().detail(), Detail::JournalSource);
    assert_eq!(sim.log(), []);
}

/// Any fault after the last commit is the same error as without an interruption, and nothing is
/// published.
//= spec/stream-v2.md#sv2-res-012
//= type=test
//# A reader that resumes MUST reject the stream as §15 says from the next segment on, the trailer
//# included.
#[test]
fn damage_after_last_commit_is_reported_as_usual() {
    let (decryption, contents) = interrupted();
    let ends = crash_sim::encryption::ends(&decryption.stream);
    // The last commit is that of segment 3. The faults are in the segments after it, in headers,
    // wires and the trailer, and one is an extra byte.
    let places = ends[4..].iter().flat_map(|end| [end - 200, end - 1]);
    let damaged = places.map(|place| {
        let mut stream = decryption.stream.clone();
        stream[place] ^= 1;
        stream
    });
    for stream in damaged.chain([[&decryption.stream[..], &[0]].concat()]) {
        let other = Decryption::new(stream, Vec::new());
        let resumed = other.run(&contents);
        let (whole, _) = other.run(&Contents::default());
        let error =
            |found: Result<Found, stream_v2_pipeline::Error>| *found.unwrap_err().format_error().unwrap();
        assert_eq!(error(resumed.0), error(whole));
        assert_eq!(resumed.1.contents().file("out"), None);
    }
}

/// A stream that is still being copied ends too early. The released plaintext is kept, and a later
/// run resumes.
//= spec/stream-v2.md#sv2-res-017
//= type=test
//# A reader that keeps a journal MUST keep it and the output where the stream ends too early
//# (`truncated`) after something was released, and SHOULD drop both where the stream is rejected
//# for any other reason.
#[test]
fn a_stream_that_ends_too_early_costs_nothing() {
    let decryption = decryption(9);
    let ends = crash_sim::encryption::ends(&decryption.stream);
    let early = Decryption::new(decryption.stream[..ends[6] + 50].to_vec(), Vec::new());
    let (found, sim) = early.run(&Contents::default());
    assert_eq!(found.unwrap_err().kind(), Some(ErrorKind::Truncated));
    let (found, sim) = decryption.run(&sim.contents());
    assert_eq!(found.unwrap(), Found::Committed(6 * SEGMENT));
    decryption.assert_complete(&sim.contents());
}

/// Returns a result whose journal is still there, after a kill between its name and the removal of
/// the journal.
fn published(twice: bool) -> (Decryption, Contents) {
    let decryption = decryption(5);
    let first = decryption.first();
    let is_named = |contents: &Contents| {
        contents.file("out").is_some()
            && contents.file("out.journal").is_some()
            && contents.file("out.partial").is_some() == twice
    };
    let place = kills(&first.log, 1).find(|&place| is_named(&first.killed(place))).unwrap();
    let contents = first.killed(place);
    (decryption, contents)
}

//= spec/stream-v2.md#sv2-res-026
//= type=test
//# An owner MUST verify all of a sealed stream, or compare all of a plaintext with its stream,
//# before it takes what it finds under the name of the result for complete.
#[test]
fn changed_result_is_not_complete() {
    for twice in [false, true] {
        let (decryption, contents) = published(twice);
        assert_eq!(decryption.run(&contents).0.unwrap(), Found::Complete);
        let file = contents.names[Path::new("out")];
        let changes: [fn(&mut Vec<u8>); 4] = [
            |bytes| bytes[0] ^= 1,
            |bytes| *bytes.last_mut().unwrap() ^= 1,
            |bytes| bytes.push(0),
            |bytes| bytes.truncate(bytes.len() - 1),
        ];
        for change in changes {
            let mut contents = contents.clone();
            change(&mut contents.files[file]);
            let sim = crash_sim::sim::Sim::new(contents.clone());
            let (pipeline, output) = (decryption.pipeline(), crash_sim::output(&sim));
            let mut source = std::io::Cursor::new(&decryption.stream);
            let stream = pipeline.open_stream(&mut source).unwrap();
            let found = InterruptedDecryption::find(&pipeline, &output, &stream, &mut source).unwrap();
            let notice = Some(stream_v2_pipeline::ResumeWarning::ResultChanged);
            assert!(matches!(found, PartialDecryption::Nothing(found) if found == notice));
            assert_eq!(sim.log(), []);
            // With permission to replace it, it is written again.
            let output = crash_sim::output(&sim).overwriting(true);
            decryption.give(&output).unwrap();
            decryption.assert_complete(&sim.contents());
        }
    }
}
