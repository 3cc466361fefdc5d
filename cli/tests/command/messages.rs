//! Messages name the file, the folder and the reason.

use std::fs::create_dir;
use std::os::unix::net::UnixListener;

use stream_v2_testing::command::{Folder, Ran};
use stream_v2_testing::plaintext;

#[test]
fn folders_and_devices_get_no_files() {
    let folder = Folder::new();
    folder.write("data", b"hello");
    create_dir(folder.path("folder")).unwrap();
    insta::assert_snapshot!(folder.said(&[
        "encrypt -k key data -o folder",
        "encrypt -k key data -o folder/",
        "encrypt -k key data -o missing/",
        "encrypt -k key data -o data/",
        "encrypt -k key -o missing/",
        "encrypt -k key data -o missing/out",
        "encrypt -k key /dev/zero",
        "encrypt -k key /dev/../dev/null",
        "decrypt -k key /dev/zero",
        "decrypt -k key data",
    ]));
}

/// Damage of an output that is compared with the source, and of a source compared with the output.
#[test]
fn damage_is_blamed_on_the_file_that_has_it() {
    let folder = Folder::new();
    folder.write("data", &plaintext(4 * 65_536));
    let mut sv2 =
        folder.sv2("encrypt -q --from-command -k key --frame-size 4K --segment-size 64K -o out.sv2 --");
    let failed = Ran(sv2.args(["sh", "-c", "cat data; exit 1"]).output().unwrap());
    assert_eq!(failed.code(), 3, "{failed}");
    let whole = folder.read("out.sv2.partial");

    let mut damaged = whole.clone();
    damaged[80_000] ^= 1;
    folder.write("out.sv2.partial", &damaged);
    let output = folder.run("encrypt -k key data -o out.sv2 --verify-source");
    folder.write("out.sv2.partial", &whole);
    let mut other = plaintext(4 * 65_536);
    other[80_000] ^= 1;
    folder.write("data", &other);
    let source = folder.run("encrypt -k key data -o out.sv2 --verify-source");
    insta::assert_snapshot!(format!("{output}\n\n{source}"));
}

#[test]
fn deleting_says_what_becomes_of_the_room() {
    let folder = Folder::new();
    folder.write("data", b"hello");
    folder.run("encrypt -q -k key data -o sqlite:all.db?stream=data").done();
    insta::assert_snapshot!(folder.run("delete sqlite:all.db?stream=data").done(), @r"
    sv2: sqlite:all.db?stream=data: deleted; the database keeps its size and uses the room later
    hint: sqlite3 all.db VACUUM makes the file smaller
    exit 0
    ");
    assert_eq!(folder.run("list all.db").done().text(), "");
}

#[test]
fn a_key_or_an_escape_in_arguments_is_not_repeated() {
    let folder = Folder::new();
    let key = String::from_utf8(folder.read("key")).unwrap();
    let line = key.lines().last().unwrap();
    let ran = Ran(folder.sv2("verify -k").arg(line).arg("data").output().unwrap());
    assert!(ran.stderr().contains("the key itself was given"), "{}", ran.stderr());
    assert!(!ran.stderr().contains(line.split(' ').next_back().unwrap()));
    let ran = Ran(folder.sv2("encrypt").arg("--x\u{1b}[2Jz").output().unwrap());
    assert_eq!(ran.0.status.code(), Some(2));
    assert!(!ran.stderr().contains('\u{1b}') && ran.stderr().contains("--x"), "{}", ran.stderr());
}

#[test]
fn a_missing_stream_names_its_partial_output() {
    let folder = Folder::new();
    folder.write("data.sv2.partial", b"unfinished");
    insta::assert_snapshot!(folder.said(&[
        "decrypt -k key data.sv2",
        "verify data.sv2",
        "cat -k key data.sv2",
        "inspect data.sv2",
    ]));
}

#[test]
fn requests_that_cannot_be_met() {
    let folder = Folder::new();
    folder.write("data", b"hello");
    let _socket = UnixListener::bind(folder.path("socket")).unwrap();
    let long = "folder/".repeat(700) + "out";
    let said = folder.said(&[
        "encrypt -k key data -o sqlite:all.db?stream=data.partial",
        "recover sqlite:all.db?stream=data",
        "encrypt -k key data --segment-size 99999999999G",
        "encrypt -k key data --suite none",
        "encrypt -k key data --json -o -",
        "encrypt -k key data -o socket",
        &format!("encrypt -k key data -o {long}"),
        "uploads bucket",
        "uploads s3://bucket --older-than 1w",
        "keygen -o key",
    ]);
    insta::assert_snapshot!(said.replace(&long, "LONG"));
}
