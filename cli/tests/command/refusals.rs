//! Requests that are rejected before anything is read, and messages about failed system calls.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::{Command, Stdio};

use stream_v2_testing::command::stream::SMALL;
use stream_v2_testing::command::{Folder, KEY, KEY_ID, Ran, key_text};
use stream_v2_testing::plaintext;

#[test]
fn nothing_is_overwritten_unasked() {
    let folder = Folder::new();
    folder.write("data", b"hello");
    folder.write("data.sv2", &SMALL.stream().0);
    folder.write("left.partial", &SMALL.stream().0[..9000]);
    folder.write("back.partial", b"hel");
    symlink("nowhere", folder.path("dangling")).unwrap();
    fs::create_dir(folder.path("folder")).unwrap();
    let said = folder.said(&[
        "encrypt -k key data",
        "decrypt -k key data.sv2",
        "encrypt -k key data -o left",
        "decrypt -k key data.sv2 -o back",
        "decrypt -k key data.sv2 -o back --force",
        "encrypt -k key data -o dangling",
        "encrypt -k key data -o folder",
        "keygen -o key",
    ]);
    insta::assert_snapshot!(said);
    assert_eq!(folder.read("data"), b"hello");
    folder.run("encrypt -k key data --force").done();
    folder.run("decrypt -k key data.sv2 --restart -o left").done();
    assert_eq!(folder.read("left"), b"hello");
    assert!(!folder.exists("left.partial"));
}

//= spec/stream-v2.md#sv2-res-004
//= type=test
//# An owner MUST keep a second one from the same output before it reads anything there, or say that
//# it cannot.
#[test]
fn what_another_process_is_writing_is_left_alone() {
    let folder = Folder::new();
    folder.write("data", b"hello");
    let partial = fs::File::create(folder.path("out.partial")).unwrap();
    partial.lock().unwrap();
    let said = folder.said(&["encrypt -k key data -o out", "encrypt -k key data -o out --force"]);
    insta::assert_snapshot!(said);
}

#[test]
fn the_input_is_never_the_output() {
    let folder = Folder::new();
    folder.write("data.sv2", &SMALL.stream().0);
    folder.write("cut.partial", &SMALL.stream().0[..9000]);
    fs::hard_link(folder.path("data.sv2"), folder.path("linked")).unwrap();
    symlink("data.sv2", folder.path("pointing")).unwrap();
    let said = folder.said(&[
        "decrypt -k key data.sv2 -o data.sv2 --force",
        "decrypt -k key data.sv2 -o ./linked --force",
        "decrypt -k key pointing -o data.sv2 --force",
        "decrypt -k key --salvage cut.partial -o cut --force",
    ]);
    insta::assert_snapshot!(said);
    let file = fs::OpenOptions::new().append(true).open(folder.path("data.sv2")).unwrap();
    let ran = Ran(folder.sv2("encrypt -k key data.sv2 -o -").stdout(file).output().unwrap());
    assert_eq!(
        ran.to_string().lines().next().unwrap(),
        "sv2: standard output: is the input, and would be written to"
    );
    assert_eq!(ran.code(), 2);
    let file = fs::File::open(folder.path("data.sv2")).unwrap();
    let ran = Ran(folder.sv2("decrypt -k key -o data.sv2 --force").stdin(file).output().unwrap());
    assert_eq!(ran.code(), 2);
    assert_eq!(folder.read("data.sv2"), SMALL.stream().0);
    assert_eq!(folder.read("cut.partial"), &SMALL.stream().0[..9000]);
}

#[test]
fn inputs_and_outputs_that_cannot_be() {
    let folder = Folder::new();
    folder.write("data", b"hello");
    folder.write("data.sv2", &SMALL.stream().0);
    fs::create_dir(folder.path("folder")).unwrap();
    let said = folder.said(&[
        "encrypt -k key missing",
        "decrypt -k key missing.sv2",
        "inspect missing.sv2",
        "encrypt -k key folder -o out",
        "inspect folder",
        "verify folder",
        "decrypt -k key data",
        "decrypt -k key key -o out",
        "encrypt -k key data -o missing/out",
        "encrypt -k key data -o data.sv2/out",
        "encrypt -k key data -o /proc/out",
        "encrypt -k key data -o /dev/full",
        "decrypt -k key data.sv2 -o /dev/full",
        "keygen -o missing/key",
        "keygen -o /dev/full",
    ]);
    insta::assert_snapshot!(said);
}

#[test]
fn usage() {
    let folder = Folder::new();
    folder.write("data", b"hello");
    let said = folder.said(&[
        "",
        "pack",
        "encrypt data",
        "decrypt data.sv2",
        "encrypt -k key data other",
        "encrypt -k - -",
        "verify --context backup data",
        "encrypt -k key data --jobs 0",
        "encrypt -k key data --segment-size 1.5M",
        "encrypt -k key data --segment-size 1T",
        "encrypt -k key data --segment-size 100K",
        "encrypt -k key data --segment-size 0",
        "encrypt -k key data --segment-size 128M",
        "encrypt -k key data --frame-size 2K",
        "encrypt -k key data --frame-size 5000",
        "encrypt -k key data --frame-size 32M --segment-size 64M",
        "encrypt -k key data --frame-size 2M",
    ]);
    insta::assert_snapshot!(said);
}

#[test]
fn key_files() {
    let folder = Folder::new();
    folder.write("data", b"hello");
    let good = key_text(KEY_ID, KEY);
    folder.write_key("two-keys", &format!("{good}{good}"));
    folder.write_key("empty", "");
    folder.write_key("short", "sv2-key-1 a1a1 0707\n");
    folder.write_key("no-hex", &good.replace("0707", "07x7"));
    folder.write_key("newer", &good.replace("sv2-key-1", "sv2-key-3"));
    folder.write_key("damaged", &good.replace("sv2-key-1", "sv2-key-2"));
    folder.write_key("age", "AGE-SECRET-KEY-1QQQQ\n");
    folder.write("binary", &[0xFF; 64]);
    folder.write("long", &[b'#'; 5000]);
    folder.write_key("windows", &good.replace('\n', "\r\n"));
    for name in ["binary", "long"] {
        fs::set_permissions(folder.path(name), fs::Permissions::from_mode(0o600)).unwrap();
    }
    fs::create_dir(folder.path("folder")).unwrap();
    let names = [
        "missing", "folder", "two-keys", "empty", "short", "no-hex", "newer", "damaged", "age", "binary",
        "long",
    ];
    let commands = names.map(|name| format!("encrypt -k {name} data -o -"));
    let said = folder.said(&commands.each_ref().map(String::as_str));
    insta::assert_snapshot!(said);
    folder.run("encrypt -k windows data -o -").done();
}

#[test]
fn a_damaged_key_file_encrypts_nothing() {
    let folder = Folder::new();
    folder.write("data", b"hello");
    folder.run("keygen -o made").done();
    let text = String::from_utf8(folder.read("made")).unwrap();
    let digit = text.trim_end().len() - 1;
    let other = if text.as_bytes()[digit] == b'0' { "1" } else { "0" };
    let damaged = format!("{}{other}\n", &text[..digit]);
    folder.write_key("damaged", &damaged);
    let ran = folder.run("encrypt -k damaged data");
    assert_eq!((ran.code(), folder.exists("data.sv2")), (2, false));
    let said = "sv2: damaged: the key file is damaged: line 3: the id is not that of the key";
    assert!(ran.stderr().starts_with(said), "{}", ran.stderr());
    assert!(!ran.stderr().contains(&damaged[digit - 8..digit]));
    folder.run("encrypt -k made data").done();
}

#[test]
fn a_key_file_that_others_can_read_is_warned_about() {
    let folder = Folder::new();
    fs::set_permissions(folder.path("key"), fs::Permissions::from_mode(0o640)).unwrap();
    folder.write("data", b"hello");
    let ran = folder.run("encrypt -k key data -o -").done();
    assert_eq!(
        ran.stderr(),
        "sv2: warning: key: other users can read this key; chmod 600 key keeps them out\n"
    );
    assert_eq!(folder.run("encrypt -q -k key data -o -").done().stderr(), "");
    folder.run("keygen -o made").done();
    assert_eq!(folder.path("made").metadata().unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn devices_and_named_pipes_are_written_plainly() {
    let folder = Folder::new();
    folder.write("data", b"hello");
    folder.run("encrypt -k key data -o /dev/null").done();
    assert!(Command::new("mkfifo").arg(folder.path("pipe")).status().unwrap().success());
    let mut reader = folder.sv2("decrypt -k key pipe -o -").stdout(Stdio::piped()).spawn().unwrap();
    folder.run("encrypt -k key data -o pipe").done();
    let mut out = String::new();
    std::io::Read::read_to_string(reader.stdout.as_mut().unwrap(), &mut out).unwrap();
    assert!(reader.wait().unwrap().success());
    assert_eq!((out.as_str(), folder.names().join(" ")), ("hello", "data key pipe".into()));
}

/// A limit on the size of files simulates a full disk.
#[test]
fn a_full_disk_keeps_what_was_written_whole() {
    let folder = Folder::new();
    folder.write("data", &plaintext(100_000));
    let limited = |args: &str| {
        let mut shell = Command::new("sh");
        let script = "trap '' XFSZ; ulimit -f 64; exec \"$0\" \"$@\"";
        shell.args(["-c", script, env!("CARGO_BIN_EXE_sv2")]).args(args.split_whitespace());
        Ran(shell.current_dir(folder.path("")).stdin(Stdio::null()).output().unwrap())
    };
    let mut said = String::new();
    let ran = limited("encrypt -k key --frame-size 4K --segment-size 8K data");
    writeln!(said, "--- encrypt\n{ran}\n").unwrap();
    assert_eq!(folder.names(), ["data", "data.sv2.journal", "data.sv2.partial", "key"]);
    let salvaged = folder.run("decrypt -q -k key --salvage data.sv2.partial -o -");
    assert_eq!(salvaged.code(), 5);
    assert_eq!(salvaged.stdout(), &plaintext(100_000)[..salvaged.stdout().len()]);
    assert!(!salvaged.stdout().is_empty());

    // Once there is room again, the same command resumes.
    let ran = folder.run("encrypt -k key --frame-size 4K --segment-size 8K data").done();
    assert!(ran.stderr().starts_with("sv2: data.sv2.partial: resuming after 3 segments"), "{ran}");
    let ran = limited("decrypt -k key data.sv2 -o back");
    writeln!(said, "--- decrypt\n{ran}").unwrap();
    let partial = folder.read("back.partial");
    assert!(!partial.is_empty() && partial == plaintext(100_000)[..partial.len()]);
    insta::assert_snapshot!(said);
}

#[test]
fn a_reader_that_goes_away_ends_the_run() {
    let folder = Folder::new();
    folder.write("data", &plaintext(3_000_000));
    folder.run("encrypt -q -k key data").done();
    folder.run("encrypt -q -k key --frame-size 4K --segment-size 4K -o many data").done();
    for args in [
        "encrypt -k key data -o -",
        "decrypt -k key data.sv2 -o -",
        "inspect --all many",
        "inspect --json many",
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let ran = Ran(folder.sv2(args).stdout(writer).output().unwrap());
        let line = ran.stderr().lines().next().unwrap();
        assert_eq!((ran.code(), line), (3, "sv2: standard output: closed by its reader"), "{args}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn an_input_that_fails_is_named_and_what_was_written_is_kept() {
    let folder = Folder::new();
    let ran = folder.run("encrypt -k key /proc/self/mem -o out");
    insta::assert_snapshot!(ran, @r"
    sv2: /proc/self/mem: reading failed at segment 0: Input/output error (os error 5)
    hint: out.partial is kept: no whole segment
    hint: run the same command again to start over
    exit 3
    ");
}

#[test]
fn the_key_file_is_never_the_output() {
    let folder = Folder::new();
    folder.write("data", b"hello");
    folder.run("encrypt -q -k key data").done();
    let key = folder.read("key");
    fs::copy(folder.path("key"), folder.path("out.partial")).unwrap();
    for args in [
        "encrypt -k key data -o key --force",
        "decrypt -k key data.sv2 -o key --force",
        "encrypt -k out.partial data -o out --force --restart",
    ] {
        let ran = folder.run(args);
        assert_eq!(ran.code(), 2, "{args}: {ran}");
        assert!(ran.stderr().contains("is the key file, and would be written to"), "{ran}");
    }
    assert!(folder.read("key") == key && folder.read("out.partial") == key);
}

#[test]
fn links_are_followed_and_never_replaced() {
    let folder = Folder::new();
    folder.write("data", b"hello");
    folder.write("old", b"old");
    symlink("old", folder.path("link")).unwrap();
    symlink("nowhere", folder.path("dangling")).unwrap();
    folder.run("encrypt -q -k key data -o link --force").done();
    assert!(folder.path("link").is_symlink());
    folder.run("decrypt -q -k key old -o back").done();
    assert_eq!(folder.read("back"), b"hello");
    let ran = folder.run("encrypt -k key data -o dangling --force");
    assert_eq!(ran.code(), 2, "{ran}");
    assert!(folder.path("dangling").is_symlink());
}

#[cfg(target_os = "linux")]
#[test]
fn the_systems_names_for_standard_output_are_standard_output() {
    let folder = Folder::new();
    folder.write("data", b"hello");
    folder.run("encrypt -q -k key data").done();
    for name in ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"] {
        let file = fs::File::create(folder.path("out")).unwrap();
        let args = format!("decrypt -k key data.sv2 -o {name}");
        Ran(folder.sv2(&args).stdout(file).output().unwrap()).done();
        assert_eq!(folder.read("out"), b"hello", "{name}");
    }
}

#[test]
fn an_empty_name_of_a_key_file_is_none() {
    let folder = Folder::new();
    folder.write("data", b"hello");
    folder.run("encrypt -q -k key data").done();
    let ran = Ran(folder.sv2("verify data.sv2").env("SV2_KEY_FILE", "").output().unwrap()).done();
    assert!(ran.text().contains("checksums match"), "{ran}");
}

#[test]
fn what_an_earlier_run_has_left_outlives_a_wrong_key() {
    let folder = Folder::new();
    folder.write("data", b"hello");
    folder.run("encrypt -q -k key data").done();
    folder.write_key("other", &key_text(KEY_ID, [9; 32]));
    let left = &SMALL.stream().0[..9000];
    folder.write("back.partial", left);
    assert_eq!(folder.run("decrypt -k other data.sv2 -o back --restart").code(), 4);
    assert_eq!(folder.read("back.partial"), left);
    folder.run("decrypt -q -k key data.sv2 -o back --restart").done();
    assert_eq!(folder.read("back"), b"hello");
}
