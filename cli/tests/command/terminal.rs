//! Terminals: ciphertext is not written to them, and progress is drawn.

use std::fs::File;
use std::io::Read;
use std::thread;

use stream_v2_testing::command::terminal::{self, asked};
use stream_v2_testing::command::{Folder, Ran};
use stream_v2_testing::plaintext;

#[test]
fn ciphertext_is_never_written_to_one() {
    let folder = Folder::new();
    folder.write("data", b"hello");
    for args in ["encrypt -k key data -o -", "encrypt -k key", "encrypt -k key data -o /dev/stdout"] {
        let (_outer, inner) = terminal::open();
        let ran = Ran(folder.sv2(args).stdout(inner).output().unwrap());
        insta::allow_duplicates! {
            insta::assert_snapshot!(ran, @r"
            sv2: ciphertext is not written to a terminal
            hint: -o FILE writes a file; | and > pass it on
            exit 2
            ");
        }
    }
    assert_eq!(folder.names(), ["data", "key"]);
}

#[test]
fn keys_and_plaintext_are() {
    let folder = Folder::new();
    folder.write("data", b"hello");
    folder.run("encrypt -q -k key data").done();
    for args in ["keygen", "decrypt -k key data.sv2 -o -"] {
        let (_outer, inner) = terminal::open();
        Ran(folder.sv2(args).stdout(inner).output().unwrap()).done();
    }
}

#[test]
fn progress_is_drawn_on_one_unless_quiet() {
    let folder = Folder::new();
    folder.write("data", &plaintext(3_000_000));
    for (args, drawn) in [
        ("encrypt -k key data -o -", "2.86 MiB"),
        ("encrypt -q -k key data -o -", ""),
        ("encrypt --progress=none -k key data -o -", ""),
        ("encrypt --progress=plain -k key data -o -", "sv2: encrypting: 2.8 MiB of 2.8 MiB (100%)"),
    ] {
        let (outer, inner) = terminal::open();
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
        assert!(screen.contains(drawn), "{args}: {screen:?}");
        assert_eq!(screen.is_empty(), drawn.is_empty(), "{args}: {screen:?}");
        // Lines of plain text stay where they are.
        assert_eq!(screen.contains('\u{1b}'), drawn == "2.86 MiB", "{args}: {screen:?}");
    }
}

#[test]
fn a_passphrase_is_typed_without_an_echo() {
    let folder = Folder::new();
    folder.write("data", b"hello");
    folder.write("right", b"correct\n");
    let new = "New passphrase (empty: one is made): ";
    let (shown, code) =
        asked(&folder, "encrypt -q -p data", &[(new, "corrext\x7f\x7fct\n"), ("again: ", "correct\n")]);
    assert_eq!((shown.contains("corr"), code), (false, Some(0)), "{shown}");
    folder.run("decrypt -q --passphrase-file right data.sv2 -o copy").done();
    // A stream for a passphrase is asked for, and no other.
    let (shown, code) = asked(&folder, "decrypt -q data.sv2 -o again", &[("Passphrase: ", "correct\n")]);
    assert_eq!((shown.contains("corr"), code), (false, Some(0)), "{shown}");
    assert_eq!(folder.read("again"), b"hello");
    let wrong = ("Passphrase: ", "wrong\n");
    let (_, code) = asked(&folder, "decrypt -q data.sv2 -o none", &[wrong; 3]);
    assert_eq!(code, Some(4));
    // Ctrl-C ends a prompt.
    let (_, code) = asked(&folder, "encrypt -q -p data -o none", &[(new, "corr\x03")]);
    assert_eq!(code, Some(130));
    folder.run("encrypt -q -k key data -o of-key.sv2").done();
    let (shown, code) = asked(&folder, "decrypt -q of-key.sv2 -o none", &[]);
    assert_eq!((shown.contains("-k FILE"), code), (true, Some(2)), "{shown}");
}

#[test]
fn an_empty_passphrase_makes_one() {
    let folder = Folder::new();
    folder.write("data", b"hello");
    let (shown, code) = asked(&folder, "encrypt -q -p data", &[("is made): ", "\n")]);
    assert_eq!(code, Some(0), "{shown}");
    let made = shown.lines().find_map(|line| line.strip_prefix("Passphrase: ")).unwrap();
    folder.write("made", format!("{made}\n").as_bytes());
    folder.run("decrypt -q --passphrase-file made data.sv2 -o copy").done();
    assert_eq!(folder.read("copy"), b"hello");
}

#[test]
fn prompts_and_their_refusals() {
    let folder = Folder::new();
    folder.write("data", b"hello");
    let (new, again) = ("New passphrase (empty: one is made): ", "again: ");
    let long = "a".repeat(1025);
    let mut all = String::new();
    for (about, answers) in [
        ("the same twice", &[(new, "one\n"), (again, "one\n")][..]),
        ("not the same", &[(new, "one\n"), (again, "two\n")]),
        ("too long", &[(new, &long)]),
        ("Ctrl-C", &[(new, "corr\x03")]),
    ] {
        let (shown, code) = asked(&folder, "encrypt -q -p data -o out --force", answers);
        all += &format!("--- {about}\n{shown}exit {}\n\n", code.unwrap());
    }
    let (wrong, right) = (("Passphrase: ", "two\n"), ("Passphrase: ", "one\n"));
    for (about, answers) in
        [("wrong three times", &[wrong; 3][..]), ("right at last", &[wrong, wrong, right])]
    {
        let (shown, code) = asked(&folder, "decrypt -q -p out -o back", answers);
        all += &format!("--- {about}\n{shown}exit {}\n\n", code.unwrap());
    }
    insta::assert_snapshot!(all);
}

/// A file of identities under the passphrase "correct", which is asked for once per command.
#[test]
fn passphrases_of_identity_files() {
    const LOCKED: &str = include_str!("keys/identity.age");
    let folder = Folder::new();
    folder.write("data", b"hello");
    folder.write_key("locked", LOCKED);
    let (wrong, right) = (("Passphrase of locked: ", "wrong\n"), ("Passphrase of locked: ", "correct\n"));
    let mut all = String::new();
    for (args, answers) in [
        ("encrypt --progress=none -i locked data", &[right][..]),
        ("verify --progress=none -i locked data.sv2", &[wrong, right]),
        ("verify --progress=none -i locked data.sv2", &[wrong; 3]),
        ("decrypt -i locked data.sv2 -o none", &[("Passphrase of locked: ", "\x03")]),
    ] {
        let (shown, code) = asked(&folder, args, answers);
        all += &format!("--- sv2 {args}\n{shown}exit {}\n\n", code.unwrap());
    }
    insta::assert_snapshot!(all);
}
