//! `--from-command`: the output of a command is sealed only if the command succeeds.

use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use stream_v2_testing::command::kill::wait_until;
use stream_v2_testing::command::{Folder, Ran};
use stream_v2_testing::plaintext;

/// Three whole segments and a short one.
const LEN: usize = 3 * 65_536 + 1000;
const ENCRYPT: &str =
    "encrypt --from-command -k key --frame-size 4K --segment-size 64K --sync-every 1 -o out.sv2 --";

/// A folder with a file, and with the partial output of an earlier version of it.
fn folder() -> Folder {
    let folder = Folder::new();
    folder.write("data", &plaintext(LEN));
    folder
}

fn sv2(folder: &Folder, line: &str) -> Command {
    let mut sv2 = folder.sv2(ENCRYPT);
    sv2.args(["sh", "-c", line]);
    sv2
}

fn ran(folder: &Folder, line: &str) -> Ran {
    Ran(sv2(folder, line).output().unwrap())
}

fn opens_to(folder: &Folder, expected: &[u8]) {
    assert!(folder.run("decrypt -q -k key out.sv2 -o -").done().stdout() == expected);
}

#[test]
fn a_command_that_ends_well_is_sealed() {
    let folder = Folder::new();
    folder.write("data", &plaintext(5_000_000));
    let ran = ran(&folder, "cat data; echo said >&2").done();
    assert!(ran.stderr().starts_with("said\nsv2: out.sv2: 5000000 bytes"), "{ran}");
    opens_to(&folder, &plaintext(5_000_000));
    assert_eq!(folder.names(), ["data", "key", "out.sv2"]);
}

#[test]
fn a_command_that_fails_is_not_sealed_and_resumes() {
    for line in ["cat data; exit 3", "cat data; exec >&-; exit 3", "cat data; kill -KILL $$"] {
        let folder = folder();
        let ran = ran(&folder, line);
        insta::with_settings!({ omit_expression => true }, {
            if !line.contains("exec") {
                insta::assert_snapshot!(if line.contains("KILL") { "killed" } else { "failed" }, ran);
            }
        });
        assert_eq!(ran.code(), 3, "{ran}");
        assert_eq!(folder.names(), ["data", "key", "out.sv2.journal", "out.sv2.partial"], "{line}");
        // The command fails again during the comparison, and produces other bytes after that.
        assert_eq!(self::ran(&folder, "head -c 5 data; exit 3").code(), 3);
        assert_eq!(self::ran(&folder, "tr '\\000' '\\001' < data").code(), 1);
        assert_eq!(folder.names(), ["data", "key", "out.sv2.journal", "out.sv2.partial"], "{line}");
        let ran = self::ran(&folder, "cat data data").done();
        assert!(ran.stderr().starts_with("sv2: out.sv2.partial: resuming after 3 segments"), "{ran}");
        opens_to(&folder, &[plaintext(LEN), plaintext(LEN)].concat());
    }
}

#[test]
fn nothing_to_standard_output_is_sealed_either() {
    let folder = folder();
    let sv2 = |line| {
        let mut sv2 = folder.sv2("encrypt -q --from-command -k key -o - --");
        Ran(sv2.args(["sh", "-c", line]).output().unwrap())
    };
    let failed = sv2("cat data; exit 3");
    assert_eq!(failed.code(), 3, "{failed}");
    folder.write("cut.sv2", failed.stdout());
    assert_eq!(folder.run("verify -k key cut.sv2").code(), 1);
    folder.write("whole.sv2", sv2("cat data").done().stdout());
    folder.run("verify -k key whole.sv2").done();
}

#[test]
fn usage() {
    let folder = folder();
    insta::assert_snapshot!(folder.said(&[
        "encrypt --from-command -k key -o out -- no-such-command",
        "encrypt --from-command -k key -- cat data",
        "encrypt --from-command -k key -o out",
        "encrypt --from-command -k key data -o out -- cat data",
        "encrypt -k key data -o out -- cat data",
    ]));
}

/// SIGTERM to `sv2` alone: it ends the command that it started, and waits for it.
#[cfg(target_os = "linux")]
#[test]
fn a_signal_ends_the_command_too() {
    let folder = folder();
    let mut sv2 = folder.sv2_after(&["env", "--default-signal=INT,TERM,HUP"], ENCRYPT);
    sv2.args(["sh", "-c", "cat data; echo $$ > begun; mv begun pid; exec sleep 1000"]);
    let child = sv2.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    wait_until("the command", || folder.exists("pid"));
    let pid: i32 = std::str::from_utf8(&folder.read("pid")).unwrap().trim().parse().unwrap();
    let partial = || folder.path("out.sv2.partial").metadata().map_or(0, |metadata| metadata.len());
    wait_until("three segments", || partial() > 3 * 65_536);
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    let ran = Ran(child.wait_with_output().unwrap());
    assert_eq!(ran.code(), 130, "{ran}");
    assert!(test_kill_process(Pid::from_raw(pid).unwrap()).is_err(), "the command is still there");
    self::ran(&folder, "cat data").done();
    opens_to(&folder, &plaintext(LEN));
}
