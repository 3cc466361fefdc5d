//! The source and the result of a resumed run: changed, empty, already complete.

use std::fs;
use std::io::Write;
use std::process::Stdio;
use std::time::{Duration, SystemTime};

use stream_v2_testing::command::kill::{killed_at, wait_until};
use stream_v2_testing::command::{Folder, Ran};
use stream_v2_testing::plaintext;

use crate::resume::{ENCRYPT, LEN, folder};

/// Leaves a stream header with its envelope, and a journal without a record.
fn interrupted_before_the_first_commit(folder: &Folder) {
    assert!(killed_at(folder, ENCRYPT, 2600));
    folder.write("data.sv2.partial", &folder.read("data.sv2.partial")[..128 + 1024]);
    folder.write("data.sv2.journal", &folder.read("data.sv2.journal")[..212]);
}

fn set_modified(folder: &Folder, time: SystemTime) {
    let data = fs::OpenOptions::new().write(true).open(folder.path("data")).unwrap();
    data.set_modified(time).unwrap();
}

#[test]
fn empty_source_is_another_one() {
    let folder = folder();
    interrupted_before_the_first_commit(&folder);
    let modified = folder.path("data").metadata().unwrap().modified().unwrap();
    folder.write("data", b"");
    set_modified(&folder, modified);
    insta::assert_snapshot!(folder.run(ENCRYPT), @r"
    sv2: data: the source is not the one that the interrupted run read (journal.source at byte 0)
    hint: its length differs (12582912 bytes then, 0 now); --verify-source compares all of it, and resumes if nothing that was encrypted has changed
    hint: --restart discards the partial output and starts over
    exit 1
    ");
    // As standard input it is the same file.
    let mut command = folder.sv2("encrypt -k key - -o data.sv2");
    let ran = Ran(command.stdin(fs::File::open(folder.path("data")).unwrap()).output().unwrap());
    insta::assert_snapshot!(ran, @r"
    sv2: standard input: the source is not the one that the interrupted run read (journal.source at byte 0)
    hint: its length differs (12582912 bytes then, 0 now); --verify-source compares all of it, and resumes if nothing that was encrypted has changed
    hint: --restart discards the partial output and starts over
    exit 1
    ");
    assert_eq!(folder.names(), ["data", "data.sv2.journal", "data.sv2.partial", "key"]);
}

#[test]
fn source_from_before_1970_has_a_time() {
    let folder = folder();
    let before = |seconds| SystemTime::UNIX_EPOCH - Duration::from_secs(seconds);
    set_modified(&folder, before(10));
    interrupted_before_the_first_commit(&folder);
    set_modified(&folder, before(5));
    insta::assert_snapshot!(folder.run(ENCRYPT), @r"
    sv2: data: the source is not the one that the interrupted run read (journal.source at byte 0)
    hint: it was modified (1969-12-31T23:59:50Z then, 1969-12-31T23:59:55Z now); --verify-source compares all of it, and resumes if nothing that was encrypted has changed
    hint: --restart discards the partial output and starts over
    exit 1
    ");
    set_modified(&folder, before(10));
    folder.run(ENCRYPT).done();
}

/// Files of the system claim to be empty, and are read like a pipe.
#[cfg(target_os = "linux")]
#[test]
fn files_of_the_system_are_read() {
    let folder = Folder::new();
    folder.run("encrypt -q -k key /proc/self/status -o status.sv2").done();
    folder.run("decrypt -q -k key status.sv2 -o status").done();
    assert!(folder.read("status").starts_with(b"Name:\tsv2\n"));
    folder.write("empty", b"");
    folder.run("encrypt -q -k key empty").done();
    folder.run("decrypt -q -k key empty.sv2 -o nothing").done();
    assert_eq!(folder.read("nothing"), b"");
}

/// Leaves `back` and its journal, as a kill before the removal of the journal does.
fn published() -> Folder {
    let folder = folder();
    folder.run("encrypt -q -k key data").done();
    let stream = folder.read("data.sv2");
    let mut command = folder.sv2("decrypt -q -k key - -o back");
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(&stream[..128 + 1024]).unwrap();
    // From then on the output is written in place.
    wait_until("the journal", || folder.exists("back.journal"));
    fs::hard_link(folder.path("back.journal"), folder.path("kept")).unwrap();
    stdin.write_all(&stream[128 + 1024..]).unwrap();
    drop(stdin);
    assert!(child.wait().unwrap().success());
    fs::rename(folder.path("kept"), folder.path("back.journal")).unwrap();
    folder
}

/// A file that is renamed again keeps its permissions.
#[test]
fn complete_result_keeps_its_permissions() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    for mode in [0o600, 0o640] {
        let folder = published();
        let back = folder.path("back");
        fs::set_permissions(&back, fs::Permissions::from_mode(mode)).unwrap();
        let again = folder.run("decrypt -k key data.sv2 -o back").done();
        assert_eq!(again.stderr(), "sv2: back: was complete already\n");
        assert_eq!(back.metadata().unwrap().mode() & 0o777, mode);
    }
}

#[test]
fn changed_result_is_not_called_complete() {
    const AGAIN: &str = "decrypt -k key data.sv2 -o back";
    let folder = published();
    let journal = folder.read("back.journal");
    insta::assert_snapshot!(folder.run(AGAIN).done(), @r"
    sv2: back: was complete already
    exit 0
    ");
    assert_eq!(folder.names(), ["back", "data", "data.sv2", "key"]);
    folder.write("back.journal", &journal);
    let mut changed = folder.read("back");
    changed[0] ^= 1;
    folder.write("back", &changed);
    insta::assert_snapshot!(folder.run(AGAIN), @r"
    sv2: warning: back: was changed after sv2 had completed it
    sv2: back: exists already
    hint: --force replaces it; -o chooses another name
    exit 2
    ");
    assert!(folder.read("back") == changed);
    folder.run(&format!("{AGAIN} --force")).done();
    assert!(folder.read("back") == plaintext(LEN));
    assert_eq!(folder.names(), ["back", "data", "data.sv2", "key"]);
}
