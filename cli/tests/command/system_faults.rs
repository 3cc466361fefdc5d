//! Calls of the system that fail, by a shim over the C library, a limit, or a device.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use stream_v2_testing::command::kill::wait_until;
use stream_v2_testing::command::stream::SMALL;
use stream_v2_testing::command::{Folder, Ran};
use stream_v2_testing::plaintext;

use crate::files::{run_with_shim, shim};
use crate::standard_streams::sleeps;

fn folder() -> Folder {
    let folder = Folder::new();
    folder.write("data", &SMALL.plaintext());
    folder.write("data.sv2", &SMALL.stream().0);
    folder.write("cut.sv2", &SMALL.stream().0[..9000]);
    folder
}

/// Fails one call of the C library, under this condition on its arguments.
pub(crate) fn failing(
    folder: &Folder,
    call: &str,
    arguments: &str,
    condition: &str,
    errno: &str,
) -> Option<String> {
    let names: Vec<&str> =
        arguments.split(", ").map(|argument| argument.rsplit([' ', '*']).next().unwrap()).collect();
    let names = names.join(", ");
    shim(
        folder,
        &format!(
            "#define _GNU_SOURCE\n#include <dlfcn.h>\n#include <errno.h>\n#include <string.h>\n#include <sys/stat.h>\n\
             static inline int folder(int fd) {{ struct stat s; return !fstat(fd, &s) && S_ISDIR(s.st_mode); }}\n\
             long {call}({arguments}) {{ long (*real)({arguments}) = (long (*)({arguments}))dlsym(RTLD_NEXT, \"{call}\");\n\
             if ({condition}) {{ errno = {errno}; return -1; }} return real({names}); }}\n"
        ),
    )
}

#[test]
fn failed_calls() {
    let mut said = String::new();
    for (call, arguments, condition, errno, args) in [
        ("fsync", "int fd", "folder(fd)", "EIO", "keygen -o made"),
        ("ftruncate64", "int fd, long len", "1", "EIO", "recover -k key --truncate cut.sv2"),
        (
            "unlink",
            "const char *path",
            "strstr(path, \".partial\")",
            "EPERM",
            "encrypt -k key data -o old --restart",
        ),
        (
            "open64",
            "const char *path, int flags, int mode",
            "flags & 0x80",
            "ENOSPC",
            "encrypt -k key data -o out",
        ),
    ] {
        let folder = folder();
        folder.write("old.partial", &SMALL.stream().0[..9000]);
        let Some(shim) = failing(&folder, call, arguments, condition, errno) else { return };
        let mut ran = run_with_shim(&folder, &shim, args).to_string();
        if let Ok(text) = std::str::from_utf8(&std::fs::read(folder.path("made")).unwrap_or_default()) {
            text.split_whitespace()
                .filter(|word| word.len() >= 32)
                .for_each(|word| ran = ran.replace(word, "ID"));
        }
        writeln!(said, "--- {call} gives {errno}: sv2 {args}\n{ran}\n").unwrap();
    }
    insta::assert_snapshot!(said);
}

/// Standard input and output that cannot be duplicated, which is command 1030 of `fcntl`.
#[test]
fn failed_descriptors() {
    let folder = folder();
    let condition = |number: u8| format!("how == 1030 && fd == {number}");
    let mut said = String::new();
    for (number, args) in
        [(0, "encrypt -k key - -o out"), (1, "encrypt -k key data -o -"), (1, "verify data.sv2")]
    {
        let arguments = "int fd, int how, long more";
        let Some(shim) = failing(&folder, "fcntl", arguments, &condition(number), "EMFILE") else { return };
        writeln!(said, "--- sv2 {args}\n{}\n", run_with_shim(&folder, &shim, args)).unwrap();
    }
    insta::assert_snapshot!(said);
}

/// A limit on the size of files simulates a full disk.
#[test]
fn key_file_without_room() {
    let folder = folder();
    let script = "trap '' XFSZ; ulimit -f 0; exec \"$@\"";
    let ran = Ran(folder.sv2_after(&["sh", "-c", script, "sh"], "keygen -o made").output().unwrap());
    insta::assert_snapshot!(ran);
}

#[test]
fn inputs_that_cannot_be_read() {
    let folder = folder();
    insta::assert_snapshot!(folder.said(&[
        "verify -k key /proc/self/mem",
        "verify /proc/self/mem",
        "cat -k key /proc/self/mem",
        "recover /proc/self/mem",
        "recover -k key /proc/self/mem",
        "recover /dev/null",
        "man data/pages",
    ]));
}

#[test]
fn descriptors_that_are_closed_full_or_left() {
    let folder = folder();
    folder.write("many", &plaintext(100_000));
    let with = |redirection: &str, args: &str| {
        folder.sv2_after(&["sh", "-c", &format!("exec \"$@\" {redirection}"), "sh"], args)
    };
    let mut said = String::new();
    for (redirection, args) in [
        (">&-", "decrypt -k key data.sv2 -o -"),
        ("<&-", "decrypt -k key -o out"),
        (">/dev/full", "verify data.sv2"),
        (">/dev/full", "decrypt -k key data.sv2 -o -"),
        (">/dev/full", "cat -k key data.sv2"),
    ] {
        let ran = Ran(with(redirection, args).output().unwrap());
        writeln!(said, "--- sv2 {args} {redirection}\n{ran}\n").unwrap();
    }
    for args in ["decrypt -k key data.sv2 -o -", "cat -k key data.sv2", "inspect data.sv2"] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let ran = Ran(folder.sv2(args).stdout(writer).output().unwrap());
        writeln!(said, "--- sv2 {args} | a program that has ended\n{ran}\n").unwrap();
    }
    insta::assert_snapshot!(said);
}

/// Sends a signal to a command once it catches it.
fn interrupted(command: &mut Command) -> Ran {
    let child = command.stderr(Stdio::piped()).spawn().unwrap();
    wait_until("the handler", || {
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap().to_owned();
        u64::from_str_radix(caught.trim(), 16).unwrap() & (1 << 14) != 0
    });
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    Ran(child.wait_with_output().unwrap())
}

#[test]
fn outputs_that_are_waited_for() {
    use std::io::Write as _;
    let folder = folder();
    let sv2 = |args: &str| folder.sv2_after(&["env", "--default-signal=INT,TERM,HUP"], args);
    assert!(Command::new("mkfifo").arg(folder.path("pipe")).status().unwrap().success());
    let mut said =
        format!("--- nothing reads the pipe\n{}\n\n", interrupted(&mut sv2("encrypt -k key data -o pipe")));
    let (_reader, mut writer) = std::io::pipe().unwrap();
    rustix::fs::fcntl_setfl(&writer, rustix::fs::OFlags::NONBLOCK).unwrap();
    while writer.write(&[0; 4096]).is_ok() {}
    let mut command = sv2("verify -k key data.sv2 --progress=plain");
    let mut child = command.stdout(writer).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    // Everything is verified.
    lines.find(|line| line.contains("(100%)")).unwrap();
    wait_until("a command that waits", || sleeps(&child));
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    let rest: Vec<String> = lines.collect();
    let code = child.wait().unwrap().code().unwrap();
    writeln!(said, "--- standard output is full\n{}\nexit {code}", rest.join("\n")).unwrap();
    insta::assert_snapshot!(said);
}
