//! Streams in S3, through the command, on a real server.
//!
//! `.ci/s3` installs `SeaweedFS` and `.ci/s3-servers` the others. Each test starts one.

use std::io::Write;
use std::process::{Child, ChildStdin, Stdio};
use std::thread;

use rustix::process::{Pid, Signal, kill_process};
use stream_v2_testing::command::Ran;
use stream_v2_testing::command::s3::Served;
use stream_v2_testing::plaintext;

const MIB: usize = 1 << 20;
const LEN: usize = 40 * MIB;

/// Starts the command with a pipe as its input.
fn spawn(served: &Served, args: &str) -> (Child, ChildStdin) {
    let mut command = served.sv2(args);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let stdin = child.stdin.take().unwrap();
    (child, stdin)
}

/// Runs the command with all of its standard input.
fn run_with(served: &Served, args: &str, input: &[u8]) -> Ran {
    let (child, mut stdin) = spawn(served, args);
    thread::scope(|scope| {
        // The command may end before it has read everything.
        scope.spawn(move || drop(stdin.write_all(input)));
        Ran(child.wait_with_output().unwrap())
    })
}

#[test]
#[ignore = "needs a server: .ci/s3-servers"]
fn from_everywhere_to_everywhere() {
    let served = Served::new();
    served.folder.write("data", &plaintext(LEN));
    served.folder.write("none", b"");
    let done = |args: &str| drop(served.run(args).done());
    done("encrypt -q -k key data -o s3://bucket/data.sv2");
    run_with(&served, "encrypt -q -k key - -o s3://bucket/pipe.sv2", &plaintext(LEN)).done();
    done("encrypt -q -k key none -o s3://bucket/none.sv2");
    done("decrypt -q -k key s3://bucket/data.sv2 -o s3://bucket/data");
    done("decrypt -q -k key s3://bucket/none.sv2 -o s3://bucket/none");
    done("decrypt -q -k key s3://bucket/data.sv2 -o back");
    done("decrypt -q -k key s3://bucket/none.sv2 -o nothing");
    done("decrypt -q -k key s3://bucket/pipe.sv2 -o sqlite:all.db?stream=back");
    done("encrypt -q -k key sqlite:all.db?stream=back -o s3://bucket/again.sv2");
    assert!(served.folder.read("back") == plaintext(LEN));
    assert_eq!(served.folder.read("nothing"), b"");
    assert!(served.run("decrypt -q -k key s3://bucket/again.sv2 -o -").done().stdout() == plaintext(LEN));
    // Plaintext in S3 is a valid source.
    done("encrypt -q -k key s3://bucket/data -o of-s3.sv2");
    done("decrypt -q -k key of-s3.sv2");
    assert!(served.folder.read("of-s3") == plaintext(LEN));
    done("encrypt -q -k key s3://bucket/none -o of-none.sv2");
    done("decrypt -q -k key of-none.sv2");
    assert_eq!(served.folder.read("of-none"), b"");
    served.nothing_is_left();
}

#[test]
#[ignore = "needs a server: .ci/s3-servers"]
fn nothing_is_replaced_unless_that_is_asked_for() {
    let served = Served::new();
    served.folder.write("data", b"first");
    let encrypt = "encrypt -q -k key data -o s3://bucket/data.sv2";
    served.run(encrypt).done();
    served.folder.write("data", b"second");
    let refused = served.run(encrypt);
    assert_eq!(refused.code(), 2, "{refused}");
    assert!(refused.stderr().contains("s3://bucket/data.sv2: exists already"), "{refused}");
    assert_eq!(served.run("decrypt -q -k key s3://bucket/data.sv2 -o -").done().stdout(), b"first");
    // The object is created while the command runs.
    let (child, mut stdin) = spawn(&served, "encrypt -q -k key - -o s3://bucket/other.sv2");
    stdin.write_all(&plaintext(LEN)).unwrap();
    served.server.until_a_part_is_there();
    served.server.put("other.sv2", b"of somebody else");
    drop(stdin);
    let refused = Ran(child.wait_with_output().unwrap());
    assert_eq!(refused.code(), 3, "{refused}");
    let found = match served.server.kind().quirks().put_ends_uploads {
        true => "S3 says NoSuchUpload",
        false => "was created while sv2 was running",
    };
    assert!(refused.stderr().contains(found), "{refused}");
    assert_eq!(served.server.read("other.sv2"), b"of somebody else");
    served.run(&format!("{encrypt} --force")).done();
    assert_eq!(served.run("decrypt -q -k key s3://bucket/data.sv2 -o -").done().stdout(), b"second");
    let gives_up = "encrypt -q -k key data --restart --force -o s3://bucket/other.sv2";
    served.run(gives_up).done();
    assert_eq!(served.run("decrypt -q -k key s3://bucket/other.sv2 -o -").done().stdout(), b"second");
    served.nothing_is_left();
}

#[test]
#[ignore = "needs a server: .ci/s3-servers"]
fn who_may_not_write_is_told_before_anything_is_read() {
    let served = Served::new();
    if let Some(says) = served.server.kind().quirks().wrong_secret {
        let mut command = served.sv2("encrypt -k key - -o s3://bucket/data.sv2");
        let refused = Ran(command.env("AWS_SECRET_ACCESS_KEY", "hidden").output().unwrap());
        assert_eq!(refused.code(), 3, "{refused}");
        assert!(refused.stderr().contains(&format!("s3://bucket/data.sv2: S3 says {says}")), "{refused}");
        assert!(!refused.stderr().contains("hidden"), "{refused}");
    }
    let refused = served.run("encrypt -k key key -o s3://no-such-bucket/data.sv2");
    assert_eq!(refused.code(), 3, "{refused}");
    assert!(refused.stderr().contains("NoSuchBucket"), "{refused}");
    served.nothing_is_left();
}

#[test]
#[ignore = "needs a server: .ci/s3-servers"]
fn a_run_that_was_interrupted_is_gone_on_with() {
    let served = Served::new();
    served.folder.write("data", &plaintext(LEN));
    let encrypt = "encrypt -k key - -o s3://bucket/data.sv2";
    for again in [encrypt, "encrypt -k key data -o s3://bucket/data.sv2"] {
        let (child, mut stdin) = spawn(&served, encrypt);
        stdin.write_all(&plaintext(LEN)[..LEN - MIB / 2]).unwrap();
        served.server.until_a_part_is_there();
        kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
        let interrupted = Ran(child.wait_with_output().unwrap());
        drop(stdin);
        assert_eq!(interrupted.code(), 130, "{interrupted}");
        assert!(served.server.unfinished_parts() > 0 && served.state_len() > 0);
        // Another source is rejected, and nothing is lost.
        let refused = run_with(&served, encrypt, &[1; 100]);
        assert_eq!(refused.code(), 1, "{refused}");
        let done = run_with(&served, again, &plaintext(LEN)).done();
        assert!(done.stderr().contains("resuming after 39 segments"), "{done}");
        assert!(served.run("decrypt -q -k key s3://bucket/data.sv2 -o -").done().stdout() == plaintext(LEN));
        served.nothing_is_left();
        served.server.remove("data.sv2");
    }
}

#[test]
#[ignore = "needs a server: .ci/s3-servers"]
fn a_killed_run_is_resumed() {
    let served = Served::new();
    let encrypt = "encrypt -k key - -o s3://bucket/data.sv2";
    let (mut child, mut stdin) = spawn(&served, encrypt);
    stdin.write_all(&plaintext(LEN)[..LEN - MIB / 2]).unwrap();
    served.server.until_a_part_is_there();
    child.kill().unwrap();
    child.wait().unwrap();
    let done = run_with(&served, encrypt, &plaintext(LEN)).done();
    assert!(done.stderr().contains("resuming after "), "{done}");
    assert!(served.run("decrypt -q -k key s3://bucket/data.sv2 -o -").done().stdout() == plaintext(LEN));
    served.nothing_is_left();
}

/// Resumes with a server that has lost the upload.
///
/// Whether this machine still has the bytes of the lost parts depends on the moment. If not, the
/// run is rejected, and `--restart` starts over.
fn resumed_without_the_upload(served: &Served, args: &str) {
    let ran = run_with(served, args, &plaintext(2 * LEN));
    if ran.code() != 0 {
        assert_eq!(ran.code(), 3, "{ran}");
        assert!(ran.stderr().contains("--restart"), "{ran}");
        run_with(served, &format!("{args} --restart"), &plaintext(2 * LEN)).done();
    }
}

/// Resumes with a server that has kept the upload.
fn resumed(served: &Served, args: &str) {
    let done = run_with(served, args, &plaintext(2 * LEN)).done();
    // The data that waited for the server may have been all of the rest.
    let kept = ["resuming after", "was complete; only its name was missing"];
    assert!(kept.iter().any(|kept| done.stderr().contains(kept)), "{done}");
}

/// Feeds the command until it has uploaded something, kills the server, and lets the command read
/// the rest.
fn without_a_server(served: &mut Served, args: &str, comes_back: bool) -> Ran {
    let (child, mut stdin) = spawn(served, args);
    let input = plaintext(2 * LEN);
    stdin.write_all(&input[..LEN]).unwrap();
    served.server.until_a_part_is_there();
    served.server.kill();
    if comes_back {
        served.server.start_again();
    }
    thread::scope(|scope| {
        scope.spawn(move || drop(stdin.write_all(&input[LEN..])));
        Ran(child.wait_with_output().unwrap())
    })
}

#[test]
#[ignore = "needs a server: .ci/s3-servers"]
fn a_server_that_is_killed_costs_nothing_but_time() {
    let mut served = Served::new();
    let args = "encrypt -k key - -o s3://bucket/data.sv2";
    for comes_back in [false, true] {
        let ran = without_a_server(&mut served, args, comes_back);
        if !comes_back {
            assert_eq!(ran.code(), 3, "{ran}");
            served.server.start_again();
        }
        served.server.until_ready();
        if ran.code() != 0 {
            assert_eq!(ran.code(), 3, "{ran}");
            assert!(ran.stderr().contains("s3://bucket/data.sv2"), "{ran}");
            match served.server.kind().quirks().keeps {
                true => resumed(&served, args),
                false => resumed_without_the_upload(&served, args),
            }
        }
        assert!(
            served.run("decrypt -q -k key s3://bucket/data.sv2 -o -").done().stdout() == plaintext(2 * LEN)
        );
        served.nothing_is_left();
        served.server.remove("data.sv2");
    }
}
