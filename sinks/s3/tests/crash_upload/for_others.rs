//! An encryption for others into S3: its resume key is in a folder of its own, beside the data that
//! is not uploaded yet (§19.9).

use stream_v2_pipeline::{Error, OutputFile, SourceStamp};
use stream_v2_testing::crash_sim::encryption::{Encryption, ends};
use stream_v2_testing::crash_sim::failing::{CODES, Command};
use stream_v2_testing::crash_sim::remote::RemoteOp;
use stream_v2_testing::crash_sim::sim::{Contents, Op, Sim};
use stream_v2_testing::crash_sim::states::{killed, kills, lost_power};
use stream_v2_testing::crash_sim::{SEGMENT, sealings};
use stream_v2_testing::plaintext;

use crate::{KEY, output};

fn encryption(segments: usize) -> Encryption {
    sealings::watch();
    let mut encryption = Encryption::for_others(plaintext((segments * SEGMENT).saturating_sub(7)));
    encryption.durable_every = 1;
    encryption
}

/// A run to the end.
struct Run {
    log: Vec<Op>,
    /// The object.
    result: Vec<u8>,
}

fn placed(encryption: &Encryption, sim: &Sim, overwrite: bool) -> OutputFile {
    encryption.keeping(sim, output(sim).overwriting(overwrite))
}

/// Runs the command. Then the object is there, and nothing is left on this machine.
fn run(encryption: &Encryption, start: &Contents, overwrite: bool) -> Run {
    let sim = Sim::new(start.clone());
    encryption.give(&placed(encryption, &sim, overwrite)).unwrap();
    let mut contents = sim.contents();
    assert!(contents.names.is_empty(), "{:?}", contents.names());
    let (result, _) = contents.remote.objects.remove(KEY).unwrap();
    encryption.assert_opens(&result);
    Run { log: sim.log(), result }
}

fn each_encryption(of: &[usize], look: impl Fn(&Encryption, bool, &Run)) {
    for &segments in of {
        for overwrite in [false, true] {
            let encryption = encryption(segments);
            let first = run(&encryption, &Contents::default(), overwrite);
            look(&encryption, overwrite, &first);
        }
    }
    assert!(sealings::check() > 0);
}

#[test]
fn killed_at_every_call() {
    each_encryption(&[0, 1, 5], |encryption, overwrite, first| {
        for (calls, cut) in kills(&first.log, 3) {
            let second = run(encryption, &killed(&Contents::default(), &first.log, calls, cut), overwrite);
            // Bytes that S3 has are not sent again with others.
            let sent = first.log[..calls].iter().any(|op| matches!(op, Op::Remote(RemoteOp::Send { .. })));
            let header = ends(&first.result)[0];
            assert!(!sent || second.result[..header] == first.result[..header]);
        }
    });
}

#[test]
fn power_lost_at_every_point() {
    each_encryption(&[0, 1, 4], |encryption, overwrite, first| {
        lost_power(&Contents::default(), &first.log, 0, |_, contents| {
            run(encryption, contents, overwrite);
        });
    });
}

#[test]
fn killed_twice() {
    each_encryption(&[1], |encryption, overwrite, first| {
        for (calls, cut) in kills(&first.log, 1) {
            let start = killed(&Contents::default(), &first.log, calls, cut);
            let second = run(encryption, &start, overwrite);
            for (calls, cut) in kills(&second.log, 1) {
                run(encryption, &killed(&start, &second.log, calls, cut), overwrite);
            }
        }
    });
}

#[test]
fn each_failed_sync_is_survived() {
    for segments in [1, 5] {
        let encryption = encryption(segments);
        let command = Command {
            run: &|sim: &Sim| encryption.attempt(&placed(&encryption, sim, false)).map(drop),
            nth: 7,
            folders: false,
            assert_result: &|contents| encryption.assert_opens(&contents.remote.objects[KEY].0),
            assert_clear: &|contents| assert!(contents.names.is_empty(), "{:?}", contents.names()),
        };
        command.every_sync_fails(&Contents::default(), CODES[0]);
    }
    assert!(sealings::check() > 0);
}

//= spec/stream-v2.md#sv2-res-020
//= type=test
//# A writer MUST remove its resume key durably after the other name of the output and before the
//# journal.
#[test]
fn resume_key_is_removed_before_all_other_files() {
    each_encryption(&[3], |_, _, first| {
        let removed: Vec<&str> = first
            .log
            .iter()
            .filter_map(|op| match op {
                Op::Remove(name) => name.to_str().filter(|name| !name.ends_with(".new")),
                _ => None,
            })
            .collect();
        let complete = first.log.iter().position(|op| matches!(op, Op::Remote(RemoteOp::Complete { .. })));
        let key = first.log.iter().position(|op| matches!(op, Op::Remove(name) if is_key(name)));
        assert!(complete < key);
        let order: Vec<&str> =
            removed.iter().map(|name| kind(name)).filter(|kind| *kind != "checks").collect();
        assert_eq!(order, ["key", "partial", "upload", "journal"]);
    });
}

fn kind(name: &str) -> &str {
    if name.contains("resume-keys") { "key" } else { name.rsplit('.').next().unwrap() }
}

fn is_key(name: &std::path::Path) -> bool {
    name.starts_with("state/resume-keys") && name.extension().is_none()
}

/// The object is there, with the mark of its upload, and the resume key is gone.
#[test]
fn object_with_its_mark_needs_no_key() -> Result<(), Error> {
    let encryption = encryption(3);
    let first = run(&encryption, &Contents::default(), false);
    let key = first.log.iter().position(|op| matches!(op, Op::Remove(name) if is_key(name))).unwrap();
    let contents = killed(&Contents::default(), &first.log, key + 1, 0);
    let complete = |stamp: SourceStamp, contents: &Contents| {
        let encryption = Encryption { stamp, ..self::encryption(3) };
        let sim = Sim::new(contents.clone());
        encryption.pipeline().complete_without_key(&placed(&encryption, &sim, false), stamp)
    };
    assert!(complete(encryption.stamp, &contents)?);
    assert!(!complete(SourceStamp { len: Some(1), ..encryption.stamp }, &contents)?);
    // An object of another upload.
    let mut other = contents.clone();
    other.remote.objects.get_mut(KEY).unwrap().1 = "another mark".into();
    assert!(!complete(encryption.stamp, &other)?);
    Ok(())
}
