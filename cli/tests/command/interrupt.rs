//! Ctrl-C, SIGTERM and SIGHUP: the first ends the run cleanly, the second ends the process.

use std::io::{Read, Write};
use std::process::{Child, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use stream_v2_testing::command::kill::wait_until;
use stream_v2_testing::command::stream::SMALL;
use stream_v2_testing::command::{Folder, Ran};
use stream_v2_testing::plaintext;

fn signal(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).unwrap();
}

/// Tests that run in the background may have some signals ignored.
const WITH_SIGNALS: &[&str] =
    if cfg!(target_os = "linux") { &["env", "--default-signal=INT,TERM,HUP"] } else { &[] };

fn spawn(folder: &Folder, args: &str) -> Child {
    let mut sv2 = folder.sv2_after(WITH_SIGNALS, args);
    sv2.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn partial_len(folder: &Folder, name: &str) -> Option<u64> {
    folder.path(name).metadata().ok().map(|metadata| metadata.len())
}

const ENCRYPT: &str = "encrypt -k key --frame-size 4K --segment-size 64K -o out.sv2";
const SEGMENTS: usize = 48;
const FED: usize = SEGMENTS * 65_536 + 1000;
/// A header, an envelope with its CRC, and full segments of 16 frames.
const PARTIAL_LEN: u64 = 128 + 1024 + SEGMENTS as u64 * (96 + 65_536 + 18 * 24 + 36 + 52);

#[test]
fn encrypting_keeps_an_exact_prefix_that_can_be_salvaged() {
    for (number, stopped_by) in [Signal::INT, Signal::TERM, Signal::HUP].into_iter().enumerate() {
        let folder = Folder::new();
        let mut child = spawn(&folder, ENCRYPT);
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(&plaintext(FED)).unwrap();
        // The pipe stays open, so the command must expect more data.
        wait_until("all whole segments", || partial_len(&folder, "out.sv2.partial") == Some(PARTIAL_LEN));
        signal(&child, stopped_by);
        let ran = Ran(child.wait_with_output().unwrap());
        drop(stdin);
        if number == 0 {
            insta::assert_snapshot!(ran);
        }
        assert_eq!(ran.code(), 130);
        assert_eq!(folder.names(), ["key", "out.sv2.journal", "out.sv2.partial"]);
        let salvaged = folder.run("decrypt -q -k key --salvage out.sv2.partial -o -");
        assert_eq!(salvaged.code(), 5);
        assert!(salvaged.stdout() == &plaintext(FED)[..SEGMENTS * 65_536]);
        let ran = folder.run_with(ENCRYPT, &plaintext(FED)).done();
        assert!(ran.stderr().starts_with("sv2: out.sv2.partial: resuming after 48 segments"), "{ran}");
        folder.run("decrypt -q -k key out.sv2").done();
        assert!(folder.read("out") == plaintext(FED));
    }
}

#[test]
fn decrypting_keeps_a_verified_prefix() {
    let folder = Folder::new();
    let small = SMALL.stream().0;
    let mut child = spawn(&folder, "decrypt -k key -o out");
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(&small[..20_000]).unwrap();
    wait_until("two segments", || partial_len(&folder, "out.partial") == Some(16_384));
    signal(&child, Signal::INT);
    insta::assert_snapshot!(Ran(child.wait_with_output().unwrap()));
    drop(stdin);
    assert!(folder.read("out.partial") == SMALL.plaintext()[..16_384]);
    let ran = folder.run_with("decrypt -k key -o out", &small).done();
    assert!(ran.stderr().starts_with("sv2: out.partial: resuming after 2 segments"), "{ran}");
    assert!(folder.read("out") == SMALL.plaintext());
}

#[cfg(target_os = "linux")]
#[test]
fn a_run_that_has_read_nothing_yet_ends_too() {
    for args in ["encrypt -k key -o out", "decrypt -k key -o out"] {
        let folder = Folder::new();
        let mut child = spawn(&folder, args);
        let stdin = child.stdin.take();
        wait_until("the handler", || catches_signals(&child));
        signal(&child, Signal::INT);
        let ran = Ran(child.wait_with_output().unwrap());
        drop(stdin);
        assert_eq!(ran.code(), 130, "{ran}");
        assert!(ran.stderr().starts_with("sv2: interrupted after 0 segments\n"), "{ran}");
    }
}

/// Interrupts the comparison of a pipe's data with the partial output.
#[cfg(target_os = "linux")]
#[test]
fn a_comparison_ends_and_nothing_is_changed() {
    let folder = Folder::new();
    let mut child = spawn(&folder, ENCRYPT);
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(&plaintext(FED)).unwrap();
    wait_until("all whole segments", || partial_len(&folder, "out.sv2.partial") == Some(PARTIAL_LEN));
    signal(&child, Signal::INT);
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let (partial, journal) = (folder.read("out.sv2.partial"), folder.read("out.sv2.journal"));

    let mut child = spawn(&folder, ENCRYPT);
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(&plaintext(FED)[..100_000]).unwrap();
    wait_until("the handler", || catches_signals(&child));
    signal(&child, Signal::INT);
    let ran = Ran(child.wait_with_output().unwrap());
    drop(stdin);
    insta::assert_snapshot!(ran, @r"
    sv2: interrupted while the input was compared; nothing was changed
    exit 130
    ");
    assert!(folder.read("out.sv2.partial") == partial && folder.read("out.sv2.journal") == journal);
}

/// A process that prints `data`, then sends a signal to the process whose id it reads, and ends.
fn producer(folder: &Folder, stopped_by: &str) -> Child {
    let mut shell = std::process::Command::new("sh");
    shell.arg("-c").arg(format!("cat data; read pid; kill -{stopped_by} $pid"));
    let shell = shell.current_dir(folder.path("")).stdin(Stdio::piped()).stdout(Stdio::piped());
    shell.spawn().unwrap()
}

/// Runs a command on the output of a producer that ends with the signal that it sends.
fn cut_off(folder: &Folder, stopped_by: &str, args: &str) -> Ran {
    let mut producer = producer(folder, stopped_by);
    let mut sv2 = folder.sv2_after(WITH_SIGNALS, args);
    let output = producer.stdout.take().unwrap();
    let child = sv2.stdin(output).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // The command would keep its end of the pipe, and the pipe would never end.
    drop(sv2);
    #[cfg(target_os = "linux")]
    wait_until("the handler", || catches_signals(&child));
    writeln!(producer.stdin.take().unwrap(), "{}", child.id()).unwrap();
    assert!(producer.wait().unwrap().success());
    Ran(child.wait_with_output().unwrap())
}

/// Ctrl-C ends a whole pipeline. The missing output of its first program is not taken for the end.
#[cfg(target_os = "linux")]
#[test]
fn a_producer_that_ends_with_the_signal_is_not_believed() {
    const SMALL: &str = "--frame-size 4K --segment-size 64K";
    let whole = plaintext(5 * 65_536);
    for len in [0, 1, 65_536, 70_000, 3 * 65_536, 200_000] {
        for (stopped_by, output) in [
            ("INT", "out"),
            ("TERM", "out --index"),
            ("HUP", "out --sync-every 1"),
            ("TERM", "sqlite:all.db?stream=out"),
        ] {
            let folder = Folder::new();
            let args = format!("encrypt -q -k key {SMALL} -o {output}");
            folder.write("data", &whole[..len]);
            let ran = cut_off(&folder, stopped_by, &args);
            assert_eq!(ran.code(), 130, "{len} {output}: {ran}");
            assert!(!folder.exists("out"), "{len} {output}");
            folder.run_with(&args, &whole).done();
            let name = output.split(' ').next().unwrap();
            let back = folder.run(&format!("decrypt -q -k key {name} -o -")).done();
            assert!(back.stdout() == whole, "{len} {output}");
        }
        let folder = Folder::new();
        folder.write("data", &whole[..len]);
        let ran = cut_off(&folder, "TERM", &format!("encrypt -q -k key {SMALL} -o -"));
        assert_eq!(ran.code(), 130, "{len}: {ran}");
        folder.write("cut", ran.stdout());
        assert_eq!(folder.run("verify -k key cut").code(), 1, "{len}");
    }
}

/// The same for a stream that is decrypted from a pipe: it is interrupted, not truncated.
#[cfg(target_os = "linux")]
#[test]
fn a_stream_that_ends_with_the_signal_is_not_truncated() {
    let stream = SMALL.stream().0;
    for len in [0, 50, 128, 9000, 20_000, stream.len()] {
        let folder = Folder::new();
        folder.write("data", &stream[..len]);
        for args in ["decrypt -q -k key -o out", "decrypt -q -k key --salvage -o out", "verify -k key"] {
            let ran = cut_off(&folder, "TERM", args);
            assert_eq!(ran.code(), 130, "{len} {args}: {ran}");
            assert!(!folder.exists("out"), "{len} {args}");
        }
        folder.run_with("decrypt -q -k key -o out", &stream).done();
        assert!(folder.read("out") == SMALL.plaintext(), "{len}");
    }
}

/// Standard output is full and has no reader. One signal is enough, and a second one does no harm.
#[test]
fn a_second_signal_ends_the_process() {
    let folder = Folder::new();
    folder.write("data", &plaintext(8 << 20));
    let mut child = spawn(&folder, "encrypt -k key data -o -");
    child.stdout.as_mut().unwrap().read_exact(&mut [0]).unwrap();
    let mut status = None;
    wait_until("the end", || {
        status = child.try_wait().unwrap();
        if status.is_none() {
            signal(&child, Signal::INT);
        }
        status.is_some()
    });
    assert_eq!(status.unwrap().code(), Some(130));
}

/// Returns true if the process catches SIGTERM, and therefore SIGINT, according to the operating
/// system.
#[cfg(target_os = "linux")]
fn catches_signals(child: &Child) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap();
    u64::from_str_radix(caught.trim(), 16).unwrap() & (1 << 14) != 0
}

/// `nohup` ignores SIGHUP, and a script ignores SIGINT in its background commands.
#[cfg(target_os = "linux")]
#[test]
fn a_signal_that_was_ignored_before_stays_ignored() {
    let folder = Folder::new();
    let mut sv2 = folder.sv2_after(&["env", "--ignore-signal=INT,HUP"], ENCRYPT);
    let mut child = sv2.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    wait_until("the handler", || catches_signals(&child));
    for ignored in [Signal::HUP, Signal::HUP, Signal::INT] {
        signal(&child, ignored);
    }
    child.stdin.take().unwrap().write_all(&plaintext(FED)).unwrap();
    Ran(child.wait_with_output().unwrap()).done();
    folder.run("decrypt -q -k key out.sv2").done();
    assert!(folder.read("out") == plaintext(FED));
}

#[cfg(target_os = "linux")]
#[test]
fn commands_that_write_nothing_end_at_once() {
    for args in ["inspect", "inspect --json", "verify"] {
        let folder = Folder::new();
        let mut child = spawn(&folder, args);
        let stdin = child.stdin.take();
        wait_until("the handler", || catches_signals(&child));
        signal(&child, Signal::INT);
        assert_eq!(child.wait().unwrap().code(), Some(130), "{args}");
        drop(stdin);
    }
}
