//! Standard input, output and error that are closed, full, or non-blocking, and the names that the
//! system has for them.

use std::fs::File;
use std::io::{PipeReader, PipeWriter, Read, Write, pipe};
use std::os::unix::fs::symlink;
use std::process::{Child, Command, Stdio};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::process::{Pid, Signal, kill_process};
use stream_v2_testing::command::kill::wait_until;
use stream_v2_testing::command::{Folder, KEY, KEY_ID, Ran, key_text};
use stream_v2_testing::plaintext;

const LEN: usize = 300_000;

/// A folder with a file, its stream, and a database with the stream.
fn folder() -> Folder {
    let folder = Folder::new();
    folder.write("data", &plaintext(LEN));
    folder.run("encrypt -q -k key data").done();
    folder.run("encrypt -q -k key data -o sqlite:all.db?stream=data").done();
    folder
}

/// The command, started by a shell that changes its descriptors first.
fn with(folder: &Folder, redirection: &str, args: &str) -> Command {
    folder.sv2_after(&["sh", "-c", &format!("exec \"$@\" {redirection}"), "sh"], args)
}

fn ran(folder: &Folder, redirection: &str, args: &str) -> Ran {
    Ran(with(folder, redirection, args).output().unwrap())
}

/// Commands that exist to write to standard output.
const WRITING: [&str; 9] = [
    "encrypt -k key data -o -",
    "decrypt -k key data.sv2 -o -",
    "cat -k key data.sv2",
    "keygen",
    "inspect data.sv2",
    "inspect --json data.sv2",
    "list all.db",
    "recover data.sv2",
    "version",
];

#[test]
fn a_closed_output_is_an_error() {
    let folder = folder();
    for args in WRITING.into_iter().chain(["--version", "--help", "encrypt --help", "encrypt -k key"]) {
        let ran = ran(&folder, ">&-", args);
        assert_eq!(ran.code(), 3, "{args}: {ran}");
        let said = "sv2: standard output is closed, so nothing can be written\nhint: ";
        assert!(ran.stderr().starts_with(said), "{args}: {ran}");
    }
    assert_eq!(folder.names(), ["all.db", "data", "data.sv2", "key"]);
}

#[test]
fn a_closed_input_is_an_error() {
    let folder = folder();
    for args in [
        "encrypt -k key -o out",
        "encrypt -k key /dev/stdin -o out",
        "decrypt -k key -o out",
        "verify -k key",
        "verify",
        "inspect",
        "cat -k key -o out",
        "encrypt -k - data -o out",
        "verify -k /dev/stdin data.sv2",
    ] {
        let ran = ran(&folder, "<&-", args);
        assert_eq!(ran.code(), 3, "{args}: {ran}");
        let said = "sv2: standard input is closed, so there is nothing to read\nhint: ";
        assert!(ran.stderr().starts_with(said), "{args}: {ran}");
    }
    assert_eq!(folder.names(), ["all.db", "data", "data.sv2", "key"]);
}

/// Unused streams may be closed. If standard error is closed, no other file gets its number and its
/// messages.
#[test]
fn closed_streams_without_use_are_no_matter() {
    let folder = folder();
    // A key file that others may read, which causes a warning.
    folder.write("open", key_text(KEY_ID, KEY).as_bytes());
    for redirection in [">&-", "<&-", "2>&-", "<&- >&- 2>&-", ">&- 2>&-"] {
        for args in [
            "encrypt -k open data -o out --force",
            "decrypt -k open out -o back --force",
            "decrypt -k open data.sv2 -o back --force --stats",
            "verify -k open out",
            "verify out",
            "encrypt -k open data -o sqlite:all.db?stream=again --force",
            "decrypt -k open sqlite:all.db?stream=again -o back --force",
        ] {
            let ran = ran(&folder, redirection, args);
            assert_eq!(ran.code(), 0, "{redirection} {args}: {ran}");
            assert!(!folder.exists("back") || folder.read("back") == plaintext(LEN), "{redirection} {args}");
        }
    }
}

/// A shell opens it for one direction. Parents and daemons that open it for both use it for several
/// descriptors.
#[test]
fn dev_null_is_not_closed() {
    let folder = folder();
    for redirection in ["</dev/null >/dev/null", "3<>/dev/null >&3 2>&3", "3<>/dev/null <&3 >&3"] {
        for args in WRITING {
            let ran = ran(&folder, redirection, args);
            assert_eq!(ran.code(), 0, "{redirection} {args}: {ran}");
        }
    }
    for redirection in ["</dev/null", "3<>/dev/null <&3 2>&3"] {
        let ran = ran(&folder, redirection, "encrypt -q -k key -o empty --force");
        assert_eq!(ran.code(), 0, "{redirection}: {ran}");
        assert_eq!(folder.run("decrypt -q -k key empty -o -").done().stdout(), b"");
    }
}

#[test]
fn a_full_output_is_an_error() {
    let folder = folder();
    let more = ["verify -k key data.sv2", "verify data.sv2", "--version", "--help", "keygen --help"];
    for args in WRITING.into_iter().chain(more) {
        let ran = ran(&folder, ">/dev/full", args);
        assert_eq!(ran.code(), 3, "{args}: {ran}");
        assert!(ran.stderr().contains("standard output: writing failed"), "{args}: {ran}");
    }
    // Errors of standard error change nothing.
    for args in ["encrypt --stats -k key data -o out", "decrypt --stats=json -k key out -o back"] {
        assert_eq!(ran(&folder, "2>/dev/full", args).code(), 0, "{args}");
    }
    assert!(folder.read("back") == plaintext(LEN));
}

fn is_full(pipe: &PipeWriter) -> bool {
    let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
    poll(&mut [PollFd::new(pipe, PollFlags::OUT)], Some(&at_once)).unwrap() == 0
}

fn fill(pipe: &PipeWriter) -> usize {
    let mut filled = 0;
    while !is_full(pipe) {
        filled += (&*pipe).write(&[0; 4096]).unwrap();
    }
    filled
}

fn make_non_blocking(pipe: &PipeWriter) {
    fcntl_setfl(pipe, fcntl_getfl(pipe).unwrap() | OFlags::NONBLOCK).unwrap();
}

fn spawn(folder: &Folder, args: &str, output: &PipeWriter) -> Child {
    let mut sv2 = folder.sv2_after(&["env", "--default-signal=INT,TERM,HUP"], args);
    sv2.stdout(output.try_clone().unwrap()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Returns true if the process is waiting, according to the operating system.
pub(crate) fn sleeps(child: &Child) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", child.id())).unwrap();
    stat.rsplit_once(')').unwrap().1.trim_start().starts_with('S')
}

/// Reads all output once the child waits. The pipe was full by then.
fn read_late(mut child: Child, mut reader: PipeReader, writer: PipeWriter) -> (Vec<u8>, Ran) {
    wait_until("a full pipe", || is_full(&writer) || child.try_wait().unwrap().is_some());
    wait_until("a command that waits", || child.try_wait().unwrap().is_some() || sleeps(&child));
    drop(writer);
    let mut read = Vec::new();
    reader.read_to_end(&mut read).unwrap();
    (read, Ran(child.wait_with_output().unwrap()))
}

#[test]
fn a_non_blocking_output_is_waited_for() {
    let folder = folder();
    for args in WRITING {
        let (reader, writer) = pipe().unwrap();
        let before = fill(&writer);
        make_non_blocking(&writer);
        let child = spawn(&folder, args, &writer);
        let (read, ran) = read_late(child, reader, writer);
        assert_eq!((ran.code(), ran.stderr()), (0, ""), "{args}");
        assert!(read.len() > before, "{args}");
        if args.starts_with("decrypt") || args.starts_with("cat") {
            assert!(read[before..] == plaintext(LEN), "{args}");
        }
    }
}

/// Another process that shares the pipe does not notice how this one writes.
#[test]
fn a_shared_pipe_is_left_as_it_was() {
    let folder = folder();
    let (reader, writer) = pipe().unwrap();
    let child = spawn(&folder, "decrypt -k key data.sv2 -o -", &writer);
    wait_until("a full pipe", || is_full(&writer));
    assert!(!fcntl_getfl(&writer).unwrap().contains(OFlags::NONBLOCK));
    let (read, ran) = read_late(child, reader, writer);
    assert!(ran.code() == 0 && read == plaintext(LEN));
}

#[test]
fn a_non_blocking_input_is_waited_for() {
    let folder = folder();
    for args in ["encrypt -q -k key -o out", "encrypt -q -k - data -o out"] {
        let (reader, mut writer) = pipe().unwrap();
        fcntl_setfl(&reader, fcntl_getfl(&reader).unwrap() | OFlags::NONBLOCK).unwrap();
        let mut sv2 = folder.sv2(args);
        let mut child = sv2.stdin(reader).spawn().unwrap();
        drop(sv2);
        wait_until("a command that waits", || child.try_wait().unwrap().is_some() || sleeps(&child));
        let fed = if args.contains("-k -") { key_text(KEY_ID, KEY).into_bytes() } else { plaintext(LEN) };
        writer.write_all(&fed).unwrap();
        drop(writer);
        assert!(child.wait().unwrap().success(), "{args}");
        assert!(folder.run("decrypt -q -k key out -o -").done().stdout() == plaintext(LEN), "{args}");
        std::fs::remove_file(folder.path("out")).unwrap();
    }
}

/// One signal is enough while a pipe accepts nothing.
#[test]
fn one_signal_ends_a_run_whose_output_waits() {
    let folder = folder();
    for args in ["encrypt -k key data -o -", "decrypt -k key data.sv2 -o -", "cat -k key data.sv2"] {
        for stopped_by in [Signal::TERM, Signal::INT, Signal::HUP] {
            let (reader, writer) = pipe().unwrap();
            let child = spawn(&folder, args, &writer);
            wait_until("a full pipe", || is_full(&writer));
            kill_process(Pid::from_child(&child), stopped_by).unwrap();
            let ran = Ran(child.wait_with_output().unwrap());
            assert_eq!(ran.code(), 130, "{args}: {ran}");
            drop(reader);
        }
    }
}

#[test]
fn one_signal_ends_a_run_whose_result_waits() {
    let folder = folder();
    for args in ["verify -k key data.sv2", "verify data.sv2", "keygen", "inspect data.sv2"] {
        let (reader, writer) = pipe().unwrap();
        fill(&writer);
        let child = spawn(&folder, args, &writer);
        wait_until("a command that waits", || sleeps(&child));
        kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
        let status = child.wait_with_output().unwrap().status;
        // Ended by the signal itself if the command does not handle it.
        assert!(status.code().is_none_or(|code| code == 130), "{args}: {status}");
        drop(reader);
    }
}

#[test]
fn one_signal_ends_a_wait_for_a_reader() {
    let folder = folder();
    assert!(Command::new("mkfifo").arg(folder.path("pipe")).status().unwrap().success());
    for args in
        ["encrypt -k key data -o pipe", "decrypt -k key data.sv2 -o pipe", "cat -k key data.sv2 -o pipe"]
    {
        let (_reader, writer) = pipe().unwrap();
        let child = spawn(&folder, args, &writer);
        wait_until("the handler", || {
            let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
            let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap().to_owned();
            u64::from_str_radix(caught.trim(), 16).unwrap() & (1 << 14) != 0
        });
        kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
        let ran = Ran(child.wait_with_output().unwrap());
        assert_eq!(ran.code(), 130, "{args}: {ran}");
    }
}

#[test]
fn a_named_pipe_is_written_to() {
    let folder = folder();
    assert!(Command::new("mkfifo").arg(folder.path("pipe")).status().unwrap().success());
    let (_reader, writer) = pipe().unwrap();
    let child = spawn(&folder, "decrypt -q -k key data.sv2 -o pipe", &writer);
    let mut read = Vec::new();
    File::open(folder.path("pipe")).unwrap().read_to_end(&mut read).unwrap();
    Ran(child.wait_with_output().unwrap()).done();
    assert!(read == plaintext(LEN));
}

#[test]
fn standard_input_has_several_names() {
    let folder = folder();
    symlink("/dev/stdin", folder.path("link")).unwrap();
    symlink("/proc/self/fd", folder.path("descriptors")).unwrap();
    let names = ["/dev/stdin", "/dev/fd/0", "/proc/self/fd/0", "/dev/../dev/stdin", "link", "descriptors/0"];
    for name in names {
        let said = "sv2: standard input cannot be both the key file and INPUT\n";
        for args in [format!("encrypt -k {name} -o out"), format!("encrypt -k - {name} -o out")] {
            let ran = folder.run_with(&args, key_text(KEY_ID, KEY).as_bytes());
            assert!(ran.code() == 2 && ran.stderr().starts_with(said), "{args}: {ran}");
        }
        let ran = folder.run_with(&format!("encrypt -k key {name}"), b"hello").done();
        let ran = folder.run_with(&format!("decrypt -k key {name}"), ran.stdout()).done();
        assert_eq!(ran.stdout(), b"hello", "{name}");
    }
    let ran = folder.run("encrypt -k key link -o out");
    assert_eq!(ran.code(), 0, "{ran}");
}
