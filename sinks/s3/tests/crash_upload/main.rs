//! Every crash of a run into S3: the command is run again, and its output is exact.
//!
//! The bucket is in memory, and its calls are in the log of the file system. A process dies before
//! and after each of them, and a loss of power finds each of them done or not. The requests to a
//! real server are tested elsewhere (`fake-s3`, `.ci/s3`).

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod bucket;
mod for_others;

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use bucket::SimBucket;
use stream_v2_pipeline::{Error, OutputFile, SourceStamp};
use stream_v2_s3::Upload;
use stream_v2_testing::crash_sim::decryption::Decryption;
use stream_v2_testing::crash_sim::encryption::{Encryption, committed_len, is_other_source};
use stream_v2_testing::crash_sim::failing::{self, CODES, Command};
use stream_v2_testing::crash_sim::remote::RemoteOp;
use stream_v2_testing::crash_sim::sim::{Contents, Op, Sim, Trouble};
use stream_v2_testing::crash_sim::states::{killed, kills, lost_power};
use stream_v2_testing::crash_sim::{SEGMENT, at_night, sealings};
use stream_v2_testing::plaintext;
use stream_v2_testing::streams::{encrypt, key};

const KEY: &str = "a folder/out";
/// Two segments and a bit, so that parts are runs of three.
const PART: u64 = 2 * SEGMENT as u64 + 1000;

/// Returns the object as an output.
///
/// The caller that makes it durable sends the parts, so that the order of the calls is always the
/// same.
fn output(sim: &Sim) -> OutputFile {
    let (remote, local) = (Arc::new(SimBucket(sim.clone())), Arc::new(sim.clone()));
    let upload = Upload::with_storage(remote, local, KEY, Path::new("state")).unwrap();
    upload.with_lanes(0).with_part_len(PART).output()
}

/// A run to the end.
struct Run {
    start: Contents,
    log: Vec<Op>,
    /// The object.
    result: Vec<u8>,
}

impl Run {
    /// Runs a command on these contents. Then the object is there, and nothing else is left on this
    /// machine.
    fn of(start: &Contents, command: &impl Fn(&OutputFile) -> Result<(), Error>) -> Self {
        let sim = Sim::new(start.clone());
        command(&output(&sim)).unwrap();
        let mut contents = sim.contents();
        assert!(contents.names.is_empty(), "{:?}", contents.names());
        let (result, _) = contents.remote.objects.remove(KEY).unwrap();
        // An upload whose id was lost before it was recorded.
        assert!(contents.remote.uploads.values().all(|upload| upload.parts.is_empty()));
        Self { start: start.clone(), log: sim.log(), result }
    }

    /// Runs it again after a crash.
    ///
    /// The bytes that S3 has of it, and those committed here, must be in the result.
    fn again(
        &self,
        contents: &Contents,
        command: &impl Fn(&OutputFile) -> Result<(), Error>,
        kept: &impl Fn(&[u8]) -> usize,
    ) -> Self {
        let before = found(contents);
        let run = Self::of(contents, command);
        let kept = kept(&before);
        assert!(run.result[..kept] == before[..kept], "{kept} bytes");
        run
    }

    /// Returns the operations of this run's first `calls`, and of one that resumed after them.
    fn and(&self, calls: usize, next: &Self) -> Vec<Op> {
        self.log[..calls].iter().chain(&next.log).cloned().collect()
    }
}

/// Returns the output that is there: here, and at S3 if it was given up here.
fn found(contents: &Contents) -> Vec<u8> {
    let partial =
        contents.names.iter().find(|(name, _)| name.extension().is_some_and(|suffix| suffix == "partial"));
    let mut bytes = partial.map_or(Vec::new(), |(_, &inode)| contents.files[inode].clone());
    for upload in contents.remote.uploads.values() {
        let prefix = upload.prefix();
        assert!(bytes.len() >= prefix.len(), "S3 has more than was durable here");
        bytes[..prefix.len()].copy_from_slice(&prefix);
    }
    bytes
}

/// Returns streams of so many segments, the last one not full. Each segment is made durable by
/// itself.
fn encryption(segments: usize) -> Encryption {
    sealings::watch();
    let mut encryption = Encryption::new(plaintext((segments * SEGMENT).saturating_sub(7)));
    encryption.durable_every = 1;
    encryption
}

/// Returns the command, and its first run.
fn begun(encryption: &Encryption) -> (impl Fn(&OutputFile) -> Result<(), Error>, Run) {
    let command = |output: &OutputFile| encryption.give(output);
    let first = Run::of(&Contents::default(), &command);
    (command, first)
}

/// Passes each of these encryptions to `look`, with its first run and the command.
///
/// The command must keep the recovered bytes.
fn each_encryption(of: &[usize], look: impl Fn(&Run, &dyn Fn(&Contents) -> Run)) {
    for &segments in of {
        let encryption = encryption(segments);
        let (command, first) = begun(&encryption);
        let again = |contents: &Contents| {
            let kept = |found: &[u8]| committed_len(found, &first.result);
            let run = first.again(contents, &command, &kept);
            encryption.assert_opens(&run.result);
            run
        };
        look(&first, &again);
    }
    assert!(sealings::check() > 0);
}

#[test]
fn encryption_killed_at_every_call_resumes() {
    each_encryption(&[0, 1, 2, 3, 9], |first, again| {
        for (calls, cut) in kills(&first.log, 3) {
            again(&killed(&first.start, &first.log, calls, cut));
        }
    });
}

#[test]
fn an_encryption_that_lost_power_at_every_point() {
    each_encryption(&[0, 1, 2, 4, 7], |first, again| {
        lost_power(&first.start, &first.log, 0, |_, contents| drop(again(contents)));
    });
}

/// From a pipe: the bytes that S3 has are compared with the second output of the pipe.
#[test]
fn an_encryption_of_a_pipe_killed_and_power_lost() {
    for uniform in [true, false] {
        let encryption =
            Encryption { compares: true, stamp: SourceStamp::default(), uniform, ..encryption(7) };
        let (command, first) = begun(&encryption);
        let again = |contents: &Contents| {
            let run = first.again(contents, &command, &|found| committed_len(found, &first.result));
            encryption.assert_opens(&run.result);
            run
        };
        for (calls, cut) in kills(&first.log, 2) {
            let second = again(&killed(&first.start, &first.log, calls, cut));
            if calls % 5 == 0 {
                for (calls, cut) in kills(&second.log, 1) {
                    again(&killed(&second.start, &second.log, calls, cut));
                }
            }
        }
        lost_power(&first.start, &first.log, 0, |_, contents| drop(again(contents)));
    }
    assert!(sealings::check() > 0);
}

/// The source differs in one byte that S3 has already.
#[test]
fn a_pipe_that_gives_something_else_is_refused() {
    let encryption = Encryption { compares: true, stamp: SourceStamp::default(), ..encryption(9) };
    let (_, first) = begun(&encryption);
    let calls = first.log.iter().position(|op| matches!(op, Op::Forget(..))).unwrap() + 1;
    let contents = killed(&first.start, &first.log, calls, 0);
    for place in [0, SEGMENT, 2 * SEGMENT + 5] {
        let mut source = encryption.source.clone();
        source[place] ^= 1;
        let other =
            Encryption { source, compares: true, stamp: SourceStamp::default(), ..self::encryption(9) };
        let sim = Sim::new(contents.clone());
        let error = other.give(&output(&sim)).unwrap_err();
        assert!(is_other_source(&error), "{error}");
        assert_eq!(sim.contents(), contents);
    }
}

/// Without its checks a pipe is refused, and a file is resumed.
#[test]
fn without_its_checks_a_pipe_is_refused() {
    let encryption = Encryption { compares: true, stamp: SourceStamp::default(), ..encryption(9) };
    let (_, first) = begun(&encryption);
    let calls = first.log.iter().position(|op| matches!(op, Op::Forget(..))).unwrap() + 1;
    let mut contents = killed(&first.start, &first.log, calls, 0);
    contents.names.retain(|name, _| name.extension().is_none_or(|suffix| suffix != "checks"));
    let sim = Sim::new(contents.clone());
    assert!(encryption.give(&output(&sim)).is_err());
    assert_eq!(sim.contents(), contents);
    let file = Encryption { compares: false, ..encryption };
    let run = first.again(&contents, &|output: &OutputFile| file.give(output), &|_| 0);
    file.assert_opens(&run.result);
}

#[test]
fn an_encryption_killed_twice() {
    each_encryption(&[0, 1, 4], |first, again| {
        for (calls, cut) in kills(&first.log, 1) {
            let second = again(&killed(&first.start, &first.log, calls, cut));
            for (calls, cut) in kills(&second.log, 1) {
                again(&killed(&second.start, &second.log, calls, cut));
            }
        }
    });
}

/// Every fifth call, at night each.
#[test]
fn an_encryption_killed_and_then_power_lost() {
    each_encryption(&[1, 4], |first, again| {
        for (calls, _) in kills(&first.log, 1).step_by(at_night(5, 1)) {
            let second = again(&killed(&first.start, &first.log, calls, 0));
            let log = first.and(calls, &second);
            lost_power(&first.start, &log, calls, |_, contents| drop(again(contents)));
        }
    });
}

fn decryption(segments: usize) -> Decryption {
    let input = plaintext((segments * SEGMENT).saturating_sub(7));
    let stream = encrypt(&stream_v2_testing::streams::small_segments(&key(), 1), &input);
    Decryption::new(stream, input)
}

fn each_decryption(of: &[usize], look: impl Fn(&Run, &dyn Fn(&Contents) -> Run)) {
    for &segments in of {
        let decryption = decryption(segments);
        let command = |output: &OutputFile| decryption.give(output);
        let first = Run::of(&Contents::default(), &command);
        let again = |contents: &Contents| {
            let run = first.again(contents, &command, &|_| 0);
            assert!(run.result == decryption.plaintext);
            run
        };
        look(&first, &again);
    }
}

#[test]
fn decryption_killed_at_every_call_resumes() {
    each_decryption(&[0, 1, 2, 3, 9], |first, again| {
        for (calls, cut) in kills(&first.log, 3) {
            again(&killed(&first.start, &first.log, calls, cut));
        }
    });
}

#[test]
fn a_decryption_that_lost_power_at_every_point() {
    each_decryption(&[0, 1, 2, 7], |first, again| {
        lost_power(&first.start, &first.log, 0, |_, contents| drop(again(contents)));
    });
}

/// Returns the states after runs that fail at a call and are not killed, each at another one from
/// the beginning of its upload on.
fn failed_runs<'a>(
    first: &'a Run,
    command: &'a impl Fn(&OutputFile) -> Result<(), Error>,
) -> impl Iterator<Item = Contents> + 'a {
    let begin = first.log.iter().position(|op| matches!(op, Op::Remote(RemoteOp::Begin { .. })));
    (begin.unwrap()..first.log.len()).map(|at| {
        let sim = Sim::troubled(at, Trouble::Fails(ErrorKind::StorageFull));
        // Some failures are of no consequence.
        let _ = command(&output(&sim));
        sim.contents()
    })
}

/// A run's steps after its failure must not hinder resuming.
#[test]
fn a_run_that_failed_at_any_call_is_gone_on_with() {
    for segments in [1, 4, 9] {
        let encryption = encryption(segments);
        let (command, first) = begun(&encryption);
        for contents in failed_runs(&first, &command) {
            encryption.assert_opens(&first.again(&contents, &command, &|_| 0).result);
        }
        let decryption = decryption(segments);
        let command = |output: &OutputFile| decryption.give(output);
        let first = Run::of(&Contents::default(), &command);
        for contents in failed_runs(&first, &command) {
            assert!(first.again(&contents, &command, &|_| 0).result == decryption.plaintext);
        }
    }
    assert!(sealings::check() > 0);
}

fn each_sync_fails(run: &dyn Fn(&OutputFile) -> failing::Done, opens: &dyn Fn(&[u8])) {
    let command = Command {
        run: &|sim: &Sim| run(&output(sim)),
        nth: 7,
        // A partial name that comes back without its record is refused (spec/decisions/0023).
        folders: false,
        assert_result: &|contents| opens(&contents.remote.objects[KEY].0),
        assert_clear: &|contents| assert!(contents.names.is_empty(), "{:?}", contents.names()),
    };
    command.every_sync_fails(&Contents::default(), CODES[0]);
}

/// Of the staged file, of the record, of the journal and of the checks next to it.
#[test]
fn uploads_survive_each_failed_sync() {
    for segments in [1, 5] {
        let encryption = encryption(segments);
        let opens = |stream: &[u8]| encryption.assert_opens(stream);
        each_sync_fails(&|output| encryption.attempt(output).map(drop), &opens);
        let decryption = decryption(segments);
        let opens = |found: &[u8]| assert!(found == decryption.plaintext);
        each_sync_fails(&|output| decryption.attempt(output), &opens);
    }
    assert!(sealings::check() > 0);
}

/// The laboratory fulfils its purpose: parts are sent during the run, and given up here.
#[test]
fn parts_are_sent_and_given_up_before_the_end() {
    each_encryption(&[9], |first, _| {
        let place = |is: fn(&Op) -> bool| first.log.iter().position(is).unwrap();
        let sent = first.log.iter().filter(|op| matches!(op, Op::Remote(RemoteOp::Send { .. }))).count();
        assert!(sent >= 3, "{sent}");
        let last_write = first.log.iter().rposition(|op| matches!(op, Op::Write(..))).unwrap();
        assert!(place(|op| matches!(op, Op::Remote(RemoteOp::Send { .. }))) < last_write);
        assert!(place(|op| matches!(op, Op::Forget(..))) < last_write);
    });
}
