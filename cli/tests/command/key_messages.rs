//! Messages about keys and passphrases, each as its user sees it.

use std::fmt::Write as _;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use stream_v2::format::wire::crc32c;
use stream_v2_testing::command::kill::killed_at;
use stream_v2_testing::command::{Folder, Ran, key_text};

use crate::envelope::write_bare;

/// A folder with a stream for a passphrase, one for a wrapped key, and one for the key itself.
fn folder() -> Folder {
    let folder = crate::envelope::folder();
    write_bare(&folder, "data", "plain.sv2");
    folder.run("encrypt -q -k key data -o wrapped.sv2").done();
    folder.run("encrypt -q --passphrase-file right data -o passphrase.sv2").done();
    folder
}

#[test]
fn keys_and_passphrases_that_do_not_open() {
    let folder = folder();
    folder.write_key("same-id", &key_text([0xA1; 16], [0xEE; 32]));
    insta::assert_snapshot!(folder.said(&[
        "decrypt --passphrase-file wrong passphrase.sv2 -o out",
        "verify --passphrase-file wrong passphrase.sv2",
        "cat --passphrase-file wrong passphrase.sv2",
        "recover --passphrase-file wrong passphrase.sv2",
        "decrypt --passphrase-file right --context else passphrase.sv2 -o out",
        "decrypt -k key passphrase.sv2 -o out",
        "decrypt -k other wrapped.sv2 -o out",
        "decrypt -k same-id wrapped.sv2 -o out",
        "decrypt --passphrase-file right wrapped.sv2 -o out",
        "decrypt --passphrase-file right plain.sv2 -o out",
    ]));
}

#[test]
fn keys_and_passphrases_that_cannot_be() {
    let folder = folder();
    folder.write("empty", b"\n");
    folder.write("two", b"a\nb\n");
    folder.write("long", &[b'a'; 1025]);
    fs::set_permissions(folder.path("other"), Permissions::from_mode(0o640)).unwrap();
    let digits = "0f".repeat(32);
    let said = folder.said(&[
        "encrypt --passphrase-file empty data",
        "encrypt --passphrase-file two data",
        "encrypt --passphrase-file long data",
        "encrypt --passphrase-file - data",
        "encrypt --passphrase-file missing data",
        "encrypt --passphrase-file right -k key data",
        "encrypt --passphrase-file right data -o right --force",
        &format!("encrypt -k {digits} data"),
        "encrypt -k other data -o /dev/null",
        "verify --stats plain.sv2",
    ]);
    insta::assert_snapshot!(said.replace(&digits, "KEY"));
}

/// Without a terminal there is no prompt.
#[cfg(target_os = "linux")]
#[test]
fn passphrase_without_a_terminal() {
    let folder = folder();
    let run = |args: &str| Ran(folder.sv2_after(&["setsid", "--wait"], args).output().unwrap());
    let verbs = [
        "encrypt -p data",
        "decrypt -p passphrase.sv2 -o out",
        "verify -p passphrase.sv2",
        "cat -p passphrase.sv2",
        "recover -p passphrase.sv2",
        "decrypt passphrase.sv2 -o out",
    ];
    let said = verbs.map(|args| format!("--- sv2 {args}\n{}\n", run(args)));
    insta::assert_snapshot!(said.join("\n"));
}

#[test]
fn new_key_is_named() {
    let folder = Folder::new();
    let ran = folder.run("keygen -o made").done();
    let text = String::from_utf8(folder.read("made")).unwrap();
    let id = text.lines().last().unwrap().split(' ').nth(1).unwrap();
    insta::assert_snapshot!(ran.to_string().replace(id, "ID"), @r"
    sv2: made: made key ID; keep a copy somewhere safe
    exit 0
    ");
}

/// A partial output is opened with what it was begun with.
#[test]
fn interrupted_runs_of_other_keys() {
    let mut said = String::new();
    for begun_with in ["-k key", "--passphrase-file right"] {
        let folder = folder();
        folder.write_key("same-id", &key_text([0xA1; 16], [0xEE; 32]));
        let encrypt = |with: &str| format!("encrypt {with} --sync-every 64K data");
        assert!(killed_at(&folder, &encrypt(begun_with), 2000));
        for with in
            ["-k other", "-k same-id", "--passphrase-file wrong", &format!("{begun_with} --context else")]
        {
            let ran = folder.run(&encrypt(with));
            writeln!(said, "--- begun with {begun_with}, run again with {with}\n{ran}\n").unwrap();
        }
        assert!(folder.run(&encrypt(begun_with)).done().stderr().contains("resuming after"));
    }
    insta::assert_snapshot!(said);
}

/// The stream header and the envelope of a vector.
fn vector(name: &str) -> Vec<u8> {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../vectors/unwrap"));
    let text = fs::read_to_string(folder.join(name).with_extension("json")).unwrap();
    let vector: serde_json::Value = serde_json::from_str(&text).unwrap();
    hex::decode(vector["input"]["hex"].as_str().unwrap()).unwrap()
}

/// Everything that an envelope can hold, without its end.
#[test]
fn envelopes_of_all_kinds() {
    let folder = Folder::new();
    let mut said = String::new();
    for name in [
        "argon2id/unwrap-argon2id",
        "argon2id/unwrap-argon2id-padding",
        "key/unwrap-key",
        "key/unwrap-key-beside-age",
        "key/unwrap-key-beside-unknown",
    ] {
        folder.write("in", &vector(name));
        let ran = folder.run("inspect in");
        let envelope: String = ran
            .text()
            .lines()
            .skip_while(|line| !line.starts_with("envelope"))
            .take_while(|line| !line.is_empty())
            .map(|line| format!("{line}\n"))
            .collect();
        writeln!(said, "--- {name}\n{envelope}").unwrap();
    }
    insta::assert_snapshot!(said);
}

/// Argon2id with 1 GiB and 8 passes.
#[test]
fn passphrase_that_costs_too_much() {
    let folder = folder();
    let mut stream = vector("argon2id/unwrap-argon2id");
    let (begin, end) = (128, stream.len() - 4);
    // After the header of the stanza and the salt.
    let memory = begin + 4 + 32;
    stream[memory..memory + 4].copy_from_slice(&(1_u32 << 20).to_le_bytes());
    stream[memory + 4..memory + 8].copy_from_slice(&8_u32.to_le_bytes());
    let crc = crc32c(&stream[begin..end]).to_le_bytes();
    stream[end..].copy_from_slice(&crc);
    folder.write("in.sv2", &stream);
    insta::assert_snapshot!(folder.said(&[
        "decrypt --passphrase-file right in.sv2 -o out",
        "decrypt --passphrase-file right --memory-limit 64M passphrase.sv2 -o out",
        "rewrap --passphrase-file right --new-key-file key --memory-limit 64M passphrase.sv2",
        "decrypt -k key --memory-limit 64K plain.sv2 -o out",
        "cat -k key --memory-limit 64K plain.sv2",
        "recover -k key --memory-limit 64K plain.sv2",
    ]));
    let ran = folder.run("decrypt -k key --memory-limit 8M --jobs 4 --stats plain.sv2 -o out").done();
    assert!(ran.stderr().contains("4 workers, at most 4 segments in memory"), "{ran}");
}

/// `sv2` wrote streams without an envelope at first. One that was interrupted is resumed.
#[test]
fn partial_outputs_without_an_envelope() {
    let folder = folder();
    let whole = folder.read("plain.sv2");
    folder.write("data.sv2.partial", &whole[..2_500_000]);
    let mut said = folder.said(&[
        "encrypt --passphrase-file right data",
        "encrypt -k other data",
        "encrypt -k key --context else data",
    ]);
    writeln!(said, "--- sv2 encrypt -k key data\n{}", folder.run("encrypt -k key data").done()).unwrap();
    insta::assert_snapshot!(said);
    folder.run("decrypt -q -k key data.sv2 -o back").done();
    assert!(folder.read("back") == folder.read("data"));
    assert_eq!(folder.read("data.sv2")[..2_000_000], whole[..2_000_000]);
}
