//! Terminals: ciphertext is not written to them, and progress is drawn.

use std::fs::{File, OpenOptions};
use std::io::Read;
use std::os::fd::OwnedFd;
use std::thread;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use stream_v2_testing::command::{Folder, Ran};
use stream_v2_testing::plaintext;

/// Both ends of a new terminal.
fn terminal() -> (OwnedFd, File) {
    let outer = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&outer).unwrap();
    unlockpt(&outer).unwrap();
    let name = ptsname(&outer, Vec::new()).unwrap().into_string().unwrap();
    (outer, OpenOptions::new().read(true).write(true).open(name).unwrap())
}

#[test]
fn ciphertext_is_never_written_to_one() {
    let folder = Folder::new();
    folder.write("data", b"hello");
    for args in ["encrypt -k key data -o -", "encrypt -k key", "encrypt -k key data -o /dev/stdout"] {
        let (_outer, inner) = terminal();
        let ran = Ran(folder.sv2(args).stdout(inner).output().unwrap());
        let expected = "sv2: ciphertext is not written to a terminal\nhint: -o FILE writes a file; | and > pass it on\nexit 2";
        assert_eq!(ran.to_string(), expected, "{args}");
    }
    assert_eq!(folder.names(), ["data", "key"]);
}

#[test]
fn keys_and_plaintext_are() {
    let folder = Folder::new();
    folder.write("data", b"hello");
    folder.run("encrypt -q -k key data").done();
    for args in ["keygen", "decrypt -k key data.sv2 -o -"] {
        let (_outer, inner) = terminal();
        Ran(folder.sv2(args).stdout(inner).output().unwrap()).done();
    }
}

#[test]
fn progress_is_drawn_on_one_unless_quiet() {
    let folder = Folder::new();
    folder.write("data", &plaintext(3_000_000));
    for (args, drawn) in [("encrypt -k key data -o -", true), ("encrypt -q -k key data -o -", false)] {
        let (outer, inner) = terminal();
        // The terminal is read all the time, because a slow run draws more than it can hold.
        let screen = thread::spawn(move || {
            let mut screen = Vec::new();
            // The end of a terminal that no process has open is an error.
            let _ = File::from(outer).read_to_end(&mut screen);
            screen
        });
        let done = folder.sv2(args).env("TERM", "xterm").stderr(inner).output().unwrap();
        assert!(done.status.success());
        let screen = screen.join().unwrap();
        let screen = String::from_utf8_lossy(&screen);
        assert_eq!(screen.contains("2.86 MiB"), drawn, "{screen:?}");
    }
}
