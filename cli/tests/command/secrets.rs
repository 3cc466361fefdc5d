//! Keys and passphrases stay in the memory of the process.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use stream_v2_testing::command::Folder;
use stream_v2_testing::command::kill::wait_until;
use stream_v2_testing::plaintext;

/// `sh -c` with these words lets the command leave a core file, if the hard limit does.
const WITH_CORE_FILES: &[&str] = &["sh", "-c", "ulimit -S -c $(ulimit -H -c); exec \"$0\" \"$@\""];
const PASSPHRASE: &str = "correct horse battery staple";

/// A run that has read its key, and waits for more input.
fn waiting(folder: &Folder, args: &str) -> Child {
    let mut sv2 = folder.sv2_after(WITH_CORE_FILES, args);
    let mut child = sv2.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.as_mut().unwrap().write_all(&plaintext(1 << 20)).unwrap();
    wait_until("a segment", || {
        fs::metadata(folder.path("out.partial")).is_ok_and(|file| file.len() > 65_536)
    });
    child
}

fn soft_limit_of_cores(child: &Child) -> String {
    let limits = fs::read_to_string(format!("/proc/{}/limits", child.id())).unwrap();
    let line = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    line["Max core file size".len()..].split_whitespace().next().unwrap().to_owned()
}

#[test]
fn a_crash_leaves_no_core_file() {
    let folder = Folder::new();
    for args in ["encrypt -k key -o out", "encrypt --passphrase-file phrase -o out --restart"] {
        folder.write("phrase", PASSPHRASE.as_bytes());
        let args = format!("{args} --segment-size 64K --sync-every 64K");
        let mut child = waiting(&folder, &args);
        assert_eq!(soft_limit_of_cores(&child), "0");
        kill_process(Pid::from_child(&child), Signal::ABORT).unwrap();
        let ended = child.wait().unwrap();
        assert_eq!((ended.signal(), ended.core_dumped()), (Some(6), false));
        let left = folder.names();
        assert!(left.iter().all(|name| !name.contains("core")), "{left:?}");
    }
}

/// The limit is for this process. A command that it runs has its own.
#[test]
fn a_command_has_the_limit_of_its_caller() {
    let folder = Folder::new();
    let mut sv2 = folder.sv2_after(WITH_CORE_FILES, "encrypt --from-command -k key -o out -- sh -c");
    let ran = sv2.arg("ulimit -S -c").output().unwrap();
    assert!(ran.status.success());
    let expected = Command::new("sh").args(["-c", "ulimit -H -c"]).output().unwrap().stdout;
    assert_eq!(folder.run("decrypt -q -k key out -o -").done().stdout(), expected);
}

#[test]
fn arguments_environment_and_messages_hold_no_secret() {
    let folder = Folder::new();
    folder.write("phrase", PASSPHRASE.as_bytes());
    let key = String::from_utf8(folder.read("key")).unwrap();
    let digits = key.split_whitespace().last().unwrap().to_owned();
    assert_eq!(digits.len(), 64);
    let verbs = &["decrypt -o again --force", "verify --stats", "cat --range 0..9", "recover"];
    for (args, secret, verbs) in [
        ("encrypt -k key -o out --stats", &digits[..], &verbs[..]),
        ("encrypt --passphrase-file phrase -o out --restart --stats", PASSPHRASE, &verbs[..1]),
    ] {
        let mut child = waiting(&folder, &format!("{args} --segment-size 64K --sync-every 64K"));
        let proc = |name: &str| fs::read(format!("/proc/{}/{name}", child.id())).unwrap();
        let seen = [proc("cmdline"), proc("environ")].concat();
        drop(child.stdin.take());
        let mut said = String::new();
        child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        assert!(child.wait().unwrap().success(), "{said}");
        let mut others = Vec::new();
        for verb in verbs {
            let key = args.split_whitespace().skip(1).take(2).collect::<Vec<_>>().join(" ");
            let ran = folder.run(&format!("{verb} {key} out")).done();
            others.extend_from_slice(ran.stderr().as_bytes());
        }
        let all = [seen, said.into_bytes(), others].concat();
        let all = String::from_utf8_lossy(&all);
        assert!(!all.contains(secret) && all.contains("out"), "{all}");
        fs::remove_file(folder.path("out")).unwrap();
    }
}
