//! `--progress`, and SIGUSR1, which asks for one line of progress.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStderr, ChildStdin, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use stream_v2_fake_s3::SECRET;
use stream_v2_testing::command::kill::wait_until;
use stream_v2_testing::command::stream::SMALL;
use stream_v2_testing::command::{Folder, Ran, s3};
use stream_v2_testing::plaintext;

use crate::s3_place::Place;

/// Bit of SIGUSR1 in the masks of the operating system.
const ASKS: u64 = 1 << 9;

/// Tests that run in the background may have some signals ignored.
const WITH_SIGNALS: &[&str] = &["env", "--default-signal=USR1"];

#[test]
fn plain_lines_need_no_terminal() {
    let folder = Folder::new();
    folder.write("data", &plaintext(3_000_000));
    folder.write("small.sv2", &SMALL.stream().0);
    for (args, line) in [
        ("encrypt --progress=plain -k key data", "sv2: encrypting: 2.8 MiB of 2.8 MiB (100%)"),
        ("decrypt --progress=plain -k key data.sv2 -o back", "sv2: decrypting: 2.8 MiB of 2.8 MiB (100%)"),
        ("decrypt --progress plain -k key data.sv2 -o -", "sv2: decrypting: 2.8 MiB of 2.8 MiB (100%)"),
        ("verify --progress=plain -k key small.sv2", "sv2: checking: 20.7 KiB of 20.7 KiB (100%)"),
        ("verify --progress=plain small.sv2", "sv2: checking: 20.7 KiB of 20.7 KiB (100%)"),
        ("recover --progress=plain small.sv2", "sv2: reading: 20.7 KiB of 20.7 KiB (100%)"),
        ("recover --progress=plain -k key small.sv2", "sv2: reading: 20.7 KiB of 20.7 KiB (100%)"),
    ] {
        let ran = folder.run(args).done();
        let lines: Vec<&str> = ran.stderr().lines().collect();
        assert!(lines.iter().any(|shown| shown.starts_with(line)), "{args}: {ran}");
        assert!(lines.iter().all(|line| !line.contains(char::is_control)), "{args}: {ran}");
    }
}

#[test]
fn other_forms_print_nothing_without_a_terminal() {
    let folder = Folder::new();
    folder.write("data", &plaintext(3_000_000));
    for args in ["", "-q --progress=plain", "--progress=auto", "--progress=none"] {
        let ran = folder.run(&format!("encrypt -k key data -o - {args}")).done();
        assert_eq!(ran.stderr(), "", "{args}");
    }
    assert_eq!(folder.run("encrypt -k key data --progress=loud").code(), 2);
}

/// A command that reads a pipe, and its standard error.
struct Asked {
    child: Child,
    stdin: ChildStdin,
    stderr: BufReader<ChildStderr>,
}

impl Asked {
    /// Starts a command. From now on it answers, or keeps a signal until it does.
    fn start(mut sv2: Command) -> Self {
        let sv2 = sv2.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = sv2.spawn().unwrap();
        let stdin = child.stdin.take().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        wait_until("a held signal", || mask(&child, "SigBlk:") & ASKS != 0);
        Self { child, stdin, stderr }
    }

    fn signal(&self) {
        kill_process(Pid::from_child(&self.child), Signal::USR1).unwrap();
    }

    /// Asks for one line.
    fn line(&mut self) -> String {
        self.signal();
        let mut line = String::new();
        self.stderr.read_line(&mut line).unwrap();
        assert!(line.starts_with("sv2: ") && line.ends_with('\n'), "{line:?}");
        line
    }

    /// Asks until a line begins like this.
    fn shows(&mut self, expected: &str) {
        wait_until(expected, || self.line().starts_with(expected));
    }

    /// Ends the input, and returns the result. No line is left that nobody asked for.
    fn end(mut self) -> Ran {
        drop(self.stdin);
        let mut rest = String::new();
        self.stderr.read_to_string(&mut rest).unwrap();
        assert!(!rest.contains("ing: "), "{rest}");
        Ran(self.child.wait_with_output().unwrap())
    }
}

fn mask(child: &Child, name: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let mask = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    u64::from_str_radix(mask.trim(), 16).unwrap()
}

#[test]
fn each_signal_gets_one_line() {
    let small = SMALL.stream().0;
    let plain = plaintext(48 * 65_536);
    let encrypt = "encrypt -k key --frame-size 4K --segment-size 64K --sync-every 64K -o out";
    for (args, fed, rest, expected) in [
        (encrypt, &plain[..], &b"more"[..], "sv2: encrypting: 3 MiB"),
        ("decrypt -q -k key -o -", &small[..20_000], &small[20_000..], "sv2: decrypting: 16.6 KiB"),
        ("verify -k key --progress=none", &small[..20_000], &small[20_000..], "sv2: checking: 16.6 KiB"),
        ("verify", &small[..20_000], &small[20_000..], "sv2: checking: 19.5 KiB"),
    ] {
        let folder = Folder::new();
        let mut asked = Asked::start(folder.sv2_after(WITH_SIGNALS, args));
        asked.stdin.write_all(fed).unwrap();
        asked.shows(expected);
        assert!(asked.line().starts_with(expected), "{args}");
        asked.stdin.write_all(rest).unwrap();
        asked.end().done();
    }
}

/// The key is on standard input, so the test decides when the file is read.
#[test]
fn recovering_answers() {
    let folder = Folder::new();
    folder.write("small.sv2", &SMALL.stream().0);
    let mut asked = Asked::start(folder.sv2_after(WITH_SIGNALS, "recover -k - small.sv2"));
    asked.shows("sv2: reading: 0 bytes of 20.7 KiB (0%)");
    asked.stdin.write_all(&folder.read("key")).unwrap();
    assert!(asked.end().done().text().contains("4 segments in 1 run"));
}

#[test]
fn an_upload_answers_with_what_s3_has() {
    let place = Place::new(0);
    let command = s3::sv2(&place.folder, &place.front, SECRET, "encrypt -k key -o s3://bucket/out.sv2");
    let mut asked = Asked::start(command);
    let part = plaintext(8 << 20);
    asked.stdin.write_all(&part).unwrap();
    // The command sees that S3 has a part when it reads on.
    wait_until("a part", || {
        asked.stdin.write_all(&part[..1 << 20]).unwrap();
        let line = asked.line();
        line.starts_with("sv2: encrypting: ") && !line.starts_with("sv2: encrypting: 0 bytes")
    });
    asked.end().done();
    assert!(place.front.object("bucket/out.sv2").is_some());
}

#[test]
fn without_a_run_the_signal_is_ignored() {
    let folder = Folder::new();
    let mut asked = Asked::start(folder.sv2_after(WITH_SIGNALS, "inspect"));
    asked.signal();
    asked.stdin.write_all(&SMALL.stream().0).unwrap();
    asked.signal();
    let mut said = String::new();
    drop(asked.stdin);
    asked.stderr.read_line(&mut said).unwrap();
    let ran = Ran(asked.child.wait_with_output().unwrap()).done();
    assert_eq!((&said[..], ran.text().contains("sealed         yes")), ("", true), "{ran}");
}

#[test]
fn a_command_inherits_no_held_signal() {
    let folder = Folder::new();
    let mut sv2 = folder.sv2_after(WITH_SIGNALS, "encrypt -q --from-command -k key -o out.sv2 -- cat");
    Ran(sv2.arg("/proc/self/status").output().unwrap()).done();
    let status = folder.run("decrypt -k key out.sv2 -o -").done();
    for name in ["SigBlk:", "SigIgn:"] {
        let mask = status.text().lines().find_map(|line| line.strip_prefix(name)).unwrap();
        assert_eq!(u64::from_str_radix(mask.trim(), 16).unwrap() & ASKS, 0, "{name} {mask}");
    }
}
