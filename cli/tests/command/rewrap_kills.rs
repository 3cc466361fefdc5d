//! `sv2 rewrap`, killed while it runs, and readers beside it.

use std::cell::RefCell;
use std::fs::File;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use stream_v2::file::Source;
use stream_v2::key::{Credentials, Recipients};
use stream_v2::rewrap::Rewrap;
use stream_v2::{Decryptor, Unlock, key};
use stream_v2_testing::command::{Folder, kill};

use crate::rewrap::folder;

/// Returns how far a replacement has come: what there is beside the stream, and its envelope.
fn progress(folder: &Folder, seen: &RefCell<Vec<Vec<u8>>>) -> u64 {
    let mut state = folder.read("data.sv2")[128..1152].to_vec();
    state.push(u8::from(folder.exists("data.sv2.rewrap.new")));
    state.push(u8::from(folder.exists("data.sv2.rewrap")));
    let mut seen = seen.borrow_mut();
    if !seen.contains(&state) {
        seen.push(state);
    }
    seen.len() as u64
}

/// Kills the command at some state that is seen beside it. The stream, or the copy, opens then, and
/// the same command completes the replacement.
fn under_fire(rounds: usize) {
    let folder = folder();
    let plaintext = folder.read("data");
    let mut kills = 0;
    for round in 0..rounds {
        let (old, new) = if round % 2 == 0 { ("key", "new") } else { ("new", "key") };
        let args = format!("rewrap -q -k {old} --new-key-file {new} data.sv2");
        let seen = RefCell::default();
        let growth = 1 + round as u64 % 4;
        let killed = kill::killed(
            folder.sv2(&args),
            || progress(&folder, &seen),
            growth,
            |status, _| {
                assert!(status.success());
            },
        );
        kills += usize::from(killed);
        let opens = |args: &str| folder.run(&format!("verify -q {args} data.sv2")).code() == 0;
        let copy = folder.exists("data.sv2.rewrap");
        assert!(
            opens(&format!("-k {old}"))
                || opens(&format!("-k {new}"))
                || copy && opens(&format!("-k {old} --envelope data.sv2.rewrap")),
            "round {round}"
        );
        // With both keys, in case the first run had come to its end.
        if killed && (copy || opens(&format!("-k {old}"))) {
            folder.run(&args).done();
        }
        assert!(opens(&format!("-k {new}")), "round {round}");
        assert!(!folder.exists("data.sv2.rewrap"), "round {round}");
    }
    assert!(kills > 0);
    let last = if rounds.is_multiple_of(2) { "key" } else { "new" };
    folder.run(&format!("decrypt -q -k {last} data.sv2 -o copy")).done();
    assert!(folder.read("copy") == plaintext);
}

#[test]
fn a_killed_command_is_completed() {
    under_fire(8);
}

#[test]
#[ignore = "100 kills: .ci/nightly kills"]
fn a_hundred_killed_commands_are_completed() {
    under_fire(100);
}

/// A reader that opens the stream again and again sees no error.
fn readers_beside(rounds: usize) {
    let folder = folder();
    let files = ["key", "new"].map(|name| key::read_file(folder.path(name)).unwrap());
    let all = files.iter().cloned().fold(Credentials::new(), Credentials::with_key_file);
    let (unlock, path) = (Unlock::with(all.clone()), folder.path("data.sv2"));
    let (done, reads) = (AtomicBool::new(false), AtomicU64::new(0));
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    let decryptor = Decryptor::for_unlock(Source::open(&path).unwrap(), &unlock);
                    decryptor.unwrap().check(&unlock).unwrap();
                    let ranges = Decryptor::over(File::open(&path).unwrap()).unwrap();
                    ranges.unlock_ranges(&unlock).unwrap();
                    reads.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        for round in 0..rounds {
            let recipients = Recipients::new().with_key_file(files[round % 2].clone());
            Rewrap::new(all.clone(), recipients).file(&path).unwrap();
        }
        done.store(true, Ordering::Relaxed);
    });
    let reads = reads.load(Ordering::Relaxed);
    println!("{reads} reads beside {rounds} replacements");
    assert!(reads > 0);
    let last = if rounds.is_multiple_of(2) { "new" } else { "key" };
    folder.run(&format!("verify -k {last} data.sv2")).done();
}

#[test]
fn readers_see_no_error() {
    readers_beside(100);
}

#[test]
#[ignore = "1,000 replacements: .ci/nightly kills"]
fn readers_beside_a_thousand_see_no_error() {
    readers_beside(1000);
}
