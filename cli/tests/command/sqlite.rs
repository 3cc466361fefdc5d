//! Streams in a database, through the command: round trips, kills, full disks, locks.

use std::io::Read;
use std::process::{Child, Stdio};

use stream_v2_testing::command::Folder;
use stream_v2_testing::command::kill::{self, growths, killed_at};
use stream_v2_testing::plaintext;

const LEN: usize = 6 << 20;
const ENCRYPT: &str =
    "encrypt -k key --frame-size 4K --segment-size 64K --sync-every 256K data -o sqlite:all.db?stream=data";
const DECRYPT: &str =
    "decrypt -k key --sync-every 256K sqlite:all.db?stream=data -o sqlite:all.db?stream=back";

fn folder() -> Folder {
    let folder = Folder::new();
    folder.write("data", &plaintext(LEN));
    folder
}

/// Starts the command, and kills it when the database or its log has grown by `growth` bytes.
///
/// Returns false if the command ended first.
fn killed(folder: &Folder, args: &str, growth: u64) -> bool {
    let len = |name| folder.path(name).metadata().map_or(0, |metadata| metadata.len());
    let mut command = folder.sv2(args);
    command.stderr(Stdio::piped());
    kill::killed(
        command,
        || len("all.db") + len("all.db-wal"),
        growth,
        |status, child| {
            // The previous run was killed after it had published everything.
            let complete = status.code() == Some(2) && child_said(child).contains("exists already");
            assert!(status.success() || complete, "{status}");
        },
    )
}

fn child_said(child: &mut Child) -> String {
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    said
}

/// Encrypts into a database and decrypts within it, with repeated kills, and returns their number.
fn under_fire(mut is_killed: impl FnMut(&Folder, &str) -> bool) -> u32 {
    let folder = folder();
    let mut kills = 0;
    for command in [ENCRYPT, DECRYPT] {
        while is_killed(&folder, command) {
            kills += 1;
        }
    }
    assert_eq!(folder.run("verify -q -k key sqlite:all.db?stream=data").code(), 0);
    assert_eq!(folder.run("decrypt -q -k key sqlite:all.db?stream=data -o whole").code(), 0);
    assert!(folder.read("whole") == plaintext(LEN));
    let listed = folder.run("list all.db");
    assert!(listed.text().starts_with("back: 6291456 bytes (6 MiB), in 96 segments\ndata: "), "{listed}");
    assert_eq!(folder.names(), ["all.db", "data", "key", "whole"]);
    kills
}

#[test]
fn kill_after_kill() {
    for (first, more) in [(1, 4500), (900, 6000)] {
        let mut blocks = first;
        let kills = under_fire(|folder, args| {
            blocks += more;
            killed_at(folder, args, blocks)
        });
        assert!(kills > 0);
    }
}

/// `cargo test -p sv2 --test sqlite -- --ignored`
#[test]
#[ignore = "half a minute that the other tests do not need"]
fn a_hundred_kills() {
    let (mut kills, mut growths) = (0, growths());
    while kills < 100 {
        kills += under_fire(|folder, args| killed(folder, args, growths()));
    }
}

#[test]
fn there_and_back() {
    use std::os::unix::fs::PermissionsExt;
    let folder = folder();
    folder.write("small", b"a small one");
    insta::assert_snapshot!(folder.run("encrypt -k key small -o sqlite:all.db?stream=small.sv2"), @r"
    sv2: sqlite:all.db?stream=small.sv2: 11 bytes encrypted, in 2 segments
    exit 0
    ");
    let mode = folder.path("all.db").metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "plaintext may be stored in it");
    assert_eq!(folder.run("encrypt -q -k key data -o sqlite:all.db?stream=data.sv2").code(), 0);
    insta::assert_snapshot!(folder.run("list all.db").text(), @r"
    data.sv2: 6296560 bytes (6 MiB), in 7 segments
    small.sv2: 1675 bytes (1.6 KiB), in 2 segments
    ");
    assert_eq!(folder.run("decrypt -k key sqlite:all.db?stream=small.sv2 -o -").stdout(), b"a small one");
    assert!(
        folder
            .run("inspect sqlite:all.db?stream=small.sv2")
            .text()
            .starts_with("format         Stream V2, version 1")
    );
    folder.run("delete sqlite:all.db?stream=small.sv2").done();
    insta::assert_snapshot!(folder.run("list sqlite:all.db").text(), @"data.sv2: 6296560 bytes (6 MiB), in 7 segments");
}

#[test]
fn what_cannot_be_done_is_told() {
    let folder = folder();
    assert_eq!(folder.run("encrypt -q -k key data -o sqlite:all.db?stream=data.sv2").code(), 0);
    let commands = [
        "encrypt -k key data -o sqlite:all.db?stream=data.sv2",
        "decrypt -k key sqlite:all.db?stream=data.sv2",
        "decrypt -k key sqlite:all.db?stream=other.sv2 -o -",
        "delete sqlite:all.db?stream=other.sv2",
        "delete data",
        "encrypt -k key data -o sqlite:nowhere/all.db?stream=data",
        "encrypt -k key none -o sqlite:none.db?stream=data",
        "encrypt -k key data -o sqlite:all.db",
        "encrypt -k key data -o sqlite:data?stream=data",
        "list none.db",
        "list data",
    ];
    let told: Vec<_> =
        commands.iter().map(|command| format!("$ {command}\n{}", folder.run(command))).collect();
    insta::assert_snapshot!(told.join("\n"));
    assert_eq!(folder.names(), ["all.db", "data", "key"]);
}

/// A full disk is an error that can be fixed: the same command then resumes.
#[test]
fn a_full_disk_is_told_and_gone_on_after() {
    let folder = folder();
    let sv2 = env!("CARGO_BIN_EXE_sv2");
    // In blocks of 1024 bytes (of 512 in some shells). Beyond it the system reports an error, as
    // its signal is ignored.
    let limited = format!("trap '' XFSZ; ulimit -f 2000; exec {sv2} {}", ENCRYPT.replace('?', "\\?"));
    let mut shell = std::process::Command::new("sh");
    let ran = shell.arg("-c").arg(limited).current_dir(folder.path(".")).output().unwrap();
    let told = String::from_utf8(ran.stderr).unwrap();
    assert_eq!(ran.status.code(), Some(3), "{told}");
    assert!(told.contains("all.db?stream=data"), "{told}");
    assert_eq!(folder.run(ENCRYPT).code(), 0);
    assert_eq!(folder.run("decrypt -q -k key sqlite:all.db?stream=data -o whole").code(), 0);
    assert!(folder.read("whole") == plaintext(LEN));
}

#[test]
fn a_range_of_a_stream_in_a_database() {
    let folder = folder();
    assert_eq!(folder.run(ENCRYPT).code(), 0);
    let ran = folder.run("cat -k key --range 3000000..3000100 sqlite:all.db?stream=data");
    assert_eq!(ran.stdout(), &plaintext(LEN)[3_000_000..3_000_100]);
    assert_eq!(
        folder
            .run("cat -q -k key --range ..70000 sqlite:all.db?stream=data -o sqlite:other.db?stream=begin")
            .code(),
        0
    );
    assert_eq!(folder.run("list other.db").text(), "begin: 70000 bytes (68.3 KiB), in 0 segments\n");
    assert_eq!(folder.names(), ["all.db", "data", "key", "other.db"]);
}

/// The number of occurrences of a text in the files of a database.
fn found(folder: &Folder, text: &[u8]) -> usize {
    let files = ["all.db", "all.db-wal"].map(|name| std::fs::read(folder.path(name)).unwrap_or_default());
    files.iter().map(|bytes| bytes.windows(text.len()).filter(|window| *window == text).count()).sum()
}

#[test]
fn deleted_bytes_are_overwritten() {
    let folder = folder();
    let words = b"a word that is nowhere else; ";
    folder.write("words", &words.repeat(40_000));
    assert_eq!(folder.run("encrypt -q -k key --segment-size 64K words -o words.sv2").code(), 0);
    // Beside other streams, and larger than one transaction frees.
    for name in ["a", "words", "z"] {
        assert_eq!(folder.run(&format!("encrypt -q -k key data -o sqlite:all.db?stream={name}")).code(), 0);
        if name == "words" {
            assert_eq!(folder.run("delete sqlite:all.db?stream=words").code(), 0);
            assert_eq!(folder.run("decrypt -q -k key words.sv2 -o sqlite:all.db?stream=words").code(), 0);
        }
    }
    assert!(found(&folder, words) > 30_000);
    assert_eq!(folder.run("delete sqlite:all.db?stream=words").code(), 0);
    assert_eq!(found(&folder, words), 0);
    for name in ["a", "z"] {
        assert_eq!(folder.run(&format!("verify -q -k key sqlite:all.db?stream={name}")).code(), 0);
    }
}

#[test]
fn rejected_plaintext_is_overwritten() {
    let folder = folder();
    let words = b"a word that is nowhere else; ";
    folder.write("words", &words.repeat(40_000));
    assert_eq!(folder.run("encrypt -q -k key --segment-size 64K words -o words.sv2").code(), 0);
    assert_eq!(folder.run("encrypt -q -k key data -o sqlite:all.db?stream=other").code(), 0);
    let mut damaged = folder.read("words.sv2");
    let late = damaged.len() - 90_000;
    damaged[late] ^= 1;
    folder.write("words.sv2", &damaged);
    let ran = folder.run("decrypt -q -k key --sync-every 128K words.sv2 -o sqlite:all.db?stream=words");
    assert_eq!(ran.code(), 1, "{ran}");
    assert_eq!(found(&folder, words), 0);
    assert_eq!(folder.run("list all.db").text().lines().count(), 1);
}

#[test]
fn writers_that_create_a_database_wait() {
    let folder = folder();
    folder.write("small", b"a small one");
    let mut writers: Vec<_> = (0..8)
        .map(|writer| {
            folder.sv2(&format!("encrypt -q -k key small -o sqlite:all.db?stream={writer}")).spawn().unwrap()
        })
        .collect();
    assert!(writers.iter_mut().all(|writer| writer.wait().unwrap().success()));
    for writer in 0..8 {
        let ran = folder.run(&format!("decrypt -q -k key sqlite:all.db?stream={writer} -o -"));
        assert_eq!(ran.stdout(), b"a small one");
    }
}

/// A database on a read-only medium.
#[test]
fn a_read_only_folder_is_read() {
    use std::fs::{Permissions, create_dir, set_permissions};
    use std::os::unix::fs::PermissionsExt;
    let folder = folder();
    create_dir(folder.path("ro")).unwrap();
    assert_eq!(folder.run("encrypt -q -k key data -o sqlite:ro/a?b.db?stream=data").code(), 0);
    let mode = |name: &str, mode| set_permissions(folder.path(name), Permissions::from_mode(mode)).unwrap();
    let is_root = rustix::process::geteuid().is_root();
    if is_root {
        // Permissions do not stop root, so another user reads.
        let as_nobody = std::process::Command::new("setpriv").arg("--version").output();
        let reachable = std::env::current_exe()
            .unwrap()
            .ancestors()
            .all(|path| path.metadata().is_ok_and(|metadata| metadata.permissions().mode() & 0o1 == 1));
        if as_nobody.is_err() || !reachable {
            eprintln!("skipped: as root, without setpriv or a path that others can reach");
            return;
        }
    }
    let words = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"];
    let run = |args: &str| folder.sv2_after(if is_root { &words } else { &[] }, args).output().unwrap();
    for (name, bits) in [(".", 0o755), ("key", 0o644), ("ro/a?b.db", 0o444), ("ro", 0o555)] {
        mode(name, bits);
    }
    let listed = run("list ro/a?b.db");
    assert!(String::from_utf8_lossy(&listed.stdout).starts_with("data: "), "{listed:?}");
    let decrypted = run("decrypt -q -k key sqlite:ro/a?b.db?stream=data -o -");
    assert!(decrypted.stdout == plaintext(LEN));

    // A log that is not empty is neither read nor ignored.
    mode("ro", 0o755);
    folder.write("ro/a?b.db-wal", b"not empty");
    mode("ro", 0o555);
    let refused = run("list ro/a?b.db");
    mode("ro", 0o755);
    assert_eq!(refused.status.code(), Some(3));
    let told = String::from_utf8_lossy(&refused.stderr);
    assert!(told.contains("ro/a?b.db: a part of it is in its write-ahead log"), "{told}");
}

/// Names in a database come from its writer.
#[test]
fn names_forge_no_lines_and_move_no_cursor() {
    let folder = Folder::new();
    folder.write("data", b"hello");
    let names = ["a\nb: 1 byte, in 1 segment", "\u{1b}[2J\u{1b}]0;title\u{7}", "\u{202e}gpj.\u{9b}31m\r"];
    for name in names {
        let place = format!("sqlite:all.db?stream={name}");
        let ran = folder.sv2("encrypt -k key data -o").arg(&place).output().unwrap();
        assert!(ran.status.success());
        let missing = folder.sv2("verify").arg(format!("{place}.not")).output().unwrap();
        for text in [&ran.stderr, &missing.stderr] {
            let text = String::from_utf8(text.clone()).unwrap();
            let lines = text.lines().all(|line| line.starts_with("sv2: ") || line.starts_with("hint: "));
            assert!(lines && !text.contains(|c: char| c.is_control() && c != '\n'), "{text:?}");
        }
    }
    let list = folder.run("list all.db").done();
    assert_eq!(list.text().lines().count(), names.len());
    let hostile = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
    assert!(!list.text().contains(hostile), "{:?}", list.text());
    assert!(list.text().contains("a\\nb: 1 byte") && list.text().contains("\\u{1b}[2J"));
}
