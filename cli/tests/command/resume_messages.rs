//! Messages of runs that find a partial output, and of outputs that someone else creates meanwhile.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::process::Stdio;

use stream_v2_testing::command::kill::{killed_at, wait_until};
use stream_v2_testing::command::{Folder, Ran};
use stream_v2_testing::plaintext;

use crate::resume::{ENCRYPT, folder, interrupted, interrupted_decryption};

const DECRYPT: &str = "decrypt -k key --sync-every 256K data.sv2 -o back";
const JOURNAL_HEADER: usize = 212;

/// Changes a file.
fn change(folder: &Folder, name: &str, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = folder.read(name);
    change(&mut bytes);
    folder.write(name, &bytes);
}

/// Removes the numbers that depend on the moment of the kill.
fn said(ran: &Ran) -> String {
    let line = |line: &str| match line.split_once(": resuming after ") {
        Some((name, _)) => format!("{name}: resuming after SOME"),
        None => line.to_owned(),
    };
    ran.to_string().lines().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn encryptions_whose_files_have_changed() {
    let mut all = String::new();
    for (about, name, changed) in [
        ("the journal's header is damaged", "data.sv2.journal", (|bytes| bytes[20] ^= 1) as fn(&mut Vec<u8>)),
        ("the journal's records are damaged", "data.sv2.journal", |bytes| bytes[JOURNAL_HEADER + 5] ^= 1),
        ("the output has lost its end", "data.sv2.partial", |bytes| bytes.truncate(100_000)),
    ] {
        let folder = interrupted();
        change(&folder, name, changed);
        writeln!(all, "--- {about}\n{}\n", said(&folder.run(ENCRYPT).done())).unwrap();
    }
    insta::assert_snapshot!(all);
}

#[test]
fn decryptions_whose_files_have_changed() {
    let mut all = String::new();
    for (about, name, changed) in [
        ("the journal's header is damaged", "back.journal", (|bytes| bytes[20] ^= 1) as fn(&mut Vec<u8>)),
        ("the journal's first record is damaged", "back.journal", |bytes| bytes[JOURNAL_HEADER + 5] ^= 1),
        ("the journal's last records are damaged", "back.journal", |bytes| {
            let len = bytes.len();
            bytes[len - 140] ^= 1;
        }),
        ("the journal's only record is torn", "back.journal", |bytes| bytes.truncate(JOURNAL_HEADER + 100)),
        ("the output has lost its end", "back.partial", |bytes| bytes.truncate(1000)),
    ] {
        let folder = interrupted_decryption();
        change(&folder, name, changed);
        let ran = folder.run(DECRYPT);
        writeln!(all, "--- {about}\n{}\n", said(&ran)).unwrap();
        if ran.code() == 0 {
            assert!(folder.read("back") == folder.read("data"), "{about}");
        }
    }
    let folder = interrupted_decryption();
    change(&folder, "back.partial", |bytes| bytes.truncate(1000));
    let ran = folder.run_with("decrypt -k key -o back", &folder.read("data.sv2"));
    writeln!(all, "--- the output has lost its end, and the input is a pipe\n{}\n", said(&ran)).unwrap();
    // Nothing of the pipe was read yet.
    let folder = interrupted_decryption();
    change(&folder, "back.journal", |bytes| bytes[JOURNAL_HEADER + 5] ^= 1);
    let ran = folder.run_with("decrypt -k key -o back", &folder.read("data.sv2")).done();
    writeln!(all, "--- the journal's first record is damaged, and the input is a pipe\n{}", said(&ran))
        .unwrap();
    insta::assert_snapshot!(all);
}

/// The stream ends sooner than it did for the interrupted run, or than it should.
#[test]
fn decryptions_of_a_stream_that_is_cut_off() {
    let folder = folder();
    folder.run(&format!("{ENCRYPT} -q")).done();
    let whole = folder.read("data.sv2");
    folder.write("data.sv2", &whole[..3_000_000]);
    let mut all = format!("--- the first run\n{}\n\n", folder.run(DECRYPT));
    writeln!(all, "--- again\n{}\n", folder.run(DECRYPT)).unwrap();
    folder.write("data.sv2", &whole);
    writeln!(all, "--- the stream is complete\n{}", folder.run(DECRYPT).done()).unwrap();
    insta::assert_snapshot!(all);
}

#[test]
fn journals_are_no_streams() {
    let folder = interrupted();
    fs::copy(folder.path("data.sv2.journal"), folder.path("renamed")).unwrap();
    let journal = ["inspect", "verify", "verify -k key", "decrypt -k key -o out", "cat -k key", "recover"]
        .map(|verb| format!("{verb} data.sv2.journal"));
    let mut commands: Vec<&str> = journal.iter().map(String::as_str).collect();
    commands.push("inspect renamed");
    insta::assert_snapshot!(folder.said(&commands));
}

#[test]
fn partial_outputs_and_journals_of_others() {
    let folder = interrupted();
    fs::rename(folder.path("data.sv2.journal"), folder.path("kept")).unwrap();
    let mut all = folder.said(&["decrypt -k key data.sv2 -o out", "verify data.sv2", "inspect data.sv2"]);
    fs::rename(folder.path("kept"), folder.path("data.sv2.journal")).unwrap();
    let held = fs::File::open(folder.path("data.sv2.partial")).unwrap();
    held.lock().unwrap();
    all += &folder.said(&["encrypt -k key data", "recover --truncate data.sv2.partial"]);
    insta::assert_snapshot!(all);
}

/// An output that appears while the run waits for the rest of its input.
#[test]
fn names_that_are_taken_meanwhile() {
    let folder = Folder::new();
    let mut command = folder.sv2("encrypt -k key -o out");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"hello").unwrap();
    wait_until("the partial output", || folder.exists("out.partial"));
    folder.write("out", b"of another program");
    drop(stdin);
    let first = Ran(child.wait_with_output().unwrap());
    let again = folder.run_with("encrypt -k key -o out", b"hello");
    let forced = folder.run_with("encrypt -k key -o out --force", b"hello").done();
    insta::assert_snapshot!(format!(
        "--- the name was taken during the run\n{first}\n\n--- again\n{again}\n\n--- with --force\n{forced}"
    ));
}

/// A command that is compared with its output in the interrupted run.
#[test]
fn commands_that_write_something_else() {
    let folder = Folder::new();
    folder.write("data", &plaintext(5 * 65_536));
    let run = |line: &str| {
        let args = "encrypt --from-command -k key --frame-size 4K --segment-size 64K -o out.sv2 --";
        Ran(folder.sv2(args).args(["sh", "-c", line]).output().unwrap())
    };
    let mut all = String::new();
    for line in [
        "cat data; exit 3",
        "head -c 100000 data; exit 3",
        "head -c 100000 data",
        "tr '\\000' '\\001' < data",
        "cat data; kill -40 $$",
    ] {
        writeln!(all, "--- sh -c '{line}'\n{}\n", run(line)).unwrap();
    }
    insta::assert_snapshot!(all);
}

/// The source fails while it is compared, and so does the output.
#[cfg(target_os = "linux")]
#[test]
fn comparisons_that_fail() {
    let folder = interrupted();
    fs::remove_file(folder.path("data.sv2.journal")).unwrap();
    let source = folder.run("encrypt -k key /proc/self/mem -o data.sv2");
    insta::assert_snapshot!(format!("--- the source cannot be read\n{source}"));
}

#[test]
fn complete_outputs() {
    let folder = folder();
    folder.run("encrypt -q -k key data").done();
    folder.run("encrypt -q -k key data -o sqlite:all.db?stream=data").done();
    assert!(!killed_at(&folder, "decrypt -q -k key data.sv2 -o back", 1 << 20));
    insta::assert_snapshot!(folder.said(&[
        "encrypt -k key data",
        "decrypt -k key data.sv2 -o back",
        "decrypt -k key data.sv2 -o sqlite:all.db?stream=data",
    ]));
}
