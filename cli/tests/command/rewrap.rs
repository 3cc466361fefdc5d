//! `sv2 rewrap`: other keys open a stream, and no segment changes.

use serde_json::Value;
use stream_v2_testing::command::{Folder, key_text};
use stream_v2_testing::plaintext;

use crate::envelope::write_bare;

const LEN: usize = 300_000;
/// Stream header, envelope and its CRC.
const HEAD: usize = 128 + 1020 + 4;

/// A folder with a stream for `key`, and the key files `key`, `new` and `other`.
pub(crate) fn folder() -> Folder {
    let folder = Folder::new();
    folder.write("data", &plaintext(LEN));
    folder.write_key("new", &key_text([0xB2; 16], [0xB2; 32]));
    folder.write_key("other", &key_text([0xEE; 16], [0xEE; 32]));
    folder.write("pass", b"correct horse\n");
    folder.run("encrypt -q -k key data").done();
    folder
}

/// Overwrites a part of the envelope, as a crash in the middle of a replacement does.
fn tear(folder: &Folder) {
    let mut stream = folder.read("data.sv2");
    stream[200..400].fill(0x55);
    folder.write("data.sv2", &stream);
}

#[test]
fn other_keys_open_the_same_segments() {
    let folder = folder();
    let (before, names) = (folder.read("data.sv2"), folder.names());
    folder.run("verify -k key data.sv2").done();
    let dry = folder.run("rewrap -k key --new-key-file new data.sv2 --dry-run").done();
    assert!(folder.read("data.sv2") == before, "{dry}");
    let ran = folder.run("rewrap -k key --new-key-file new data.sv2").done();
    insta::assert_snapshot!(format!("{dry}\n{ran}"));
    let after = folder.read("data.sv2");
    assert!(after[..128] == before[..128] && after[HEAD..] == before[HEAD..]);
    assert!(after != before && folder.names() == names);
    folder.run("verify -k new data.sv2").done();
    assert_eq!(folder.run("verify -k key data.sv2").code(), 2);
    // Several keys, and a passphrase.
    folder.run("rewrap -q -k new --new-key-file key --new-key-file other data.sv2").done();
    folder.run("verify -k other data.sv2").done();
    folder.run("rewrap -q -k key --new-passphrase-file pass data.sv2").done();
    folder.run("verify --passphrase-file pass data.sv2").done();
    folder.run("rewrap -q --passphrase-file pass --new-key-file key data.sv2").done();
    folder.run("decrypt -q -k key data.sv2 -o copy").done();
    assert!(folder.read("copy") == folder.read("data"));
}

#[test]
fn the_environment_names_the_old_key() {
    let folder = folder();
    let mut rewrap = folder.sv2("rewrap -q --new-key-file new data.sv2");
    assert!(rewrap.env("SV2_KEY_FILE", folder.path("key")).status().unwrap().success());
    folder.run("verify -k new data.sv2").done();
}

#[test]
fn detached_envelopes_take_the_place_of_the_own_one() {
    let folder = folder();
    let before = folder.read("data.sv2");
    folder.run("rewrap -q -k key --new-key-file new --detached side data.sv2").done();
    assert!(folder.read("data.sv2") == before);
    assert_eq!(folder.run("verify -k new data.sv2").code(), 2);
    tear(&folder);
    let torn = folder.run("verify -k key data.sv2");
    assert!(torn.code() == 1 && torn.stderr().contains("malformed.envelope_crc"), "{torn}");
    for args in [
        "verify -k new --envelope side data.sv2",
        "verify --envelope side data.sv2",
        "recover -k new --envelope side data.sv2",
        "inspect --envelope side data.sv2",
        "decrypt -q -k new --envelope side data.sv2 -o copy",
    ] {
        folder.run(args).done();
    }
    assert!(folder.read("copy") == folder.read("data"));
    let range = folder.run("cat -k new --envelope side data.sv2 -r 1000..1009").done();
    assert_eq!(range.stdout(), &plaintext(LEN)[1000..1009]);
    let piped = folder.run_with("decrypt -k new --envelope side - -o -", &folder.read("data.sv2")).done();
    assert!(piped.stdout() == plaintext(LEN));
    // The detached one is exchanged in its turn, and repairs the own one.
    folder.run("rewrap -q -k new --envelope side --new-key-file other --detached next data.sv2").done();
    folder.run("verify -k other --envelope next data.sv2").done();
    folder.run("rewrap -q -k new --envelope side --new-key-file key data.sv2").done();
    folder.run("verify -k key data.sv2").done();
    // It belongs to one stream.
    folder.run("encrypt -q -k key data -o two.sv2").done();
    for args in ["verify -k new --envelope side two.sv2", "inspect --envelope side two.sv2"] {
        let ran = folder.run(args);
        assert!(ran.code() == 4 && ran.stderr().contains("key.detached_envelope at byte 0"), "{ran}");
    }
}

#[test]
fn a_new_stream_has_an_envelope_of_any_length() {
    let folder = folder();
    let before = folder.read("data.sv2");
    let many = "--new-key-file new ".repeat(9);
    let full = folder.run(&format!("rewrap -k key {many} data.sv2"));
    assert_eq!(full.code(), 2, "{full}");
    folder.run(&format!("rewrap -q -k key {many} data.sv2 -o more.sv2")).done();
    let more = folder.read("more.sv2");
    assert!(more.len() == before.len() + 3072 && more[HEAD + 3072..] == before[HEAD..]);
    folder.run("verify -k new more.sv2").done();
    assert!(folder.read("data.sv2") == before);
    assert_eq!(folder.run(&format!("rewrap -k key {many} data.sv2 -o more.sv2")).code(), 2);
    folder.run("rewrap -q -k key --new-key-file other data.sv2 -o more.sv2 --force").done();
    folder.run("verify -k other more.sv2").done();
    let piped = folder.run_with("rewrap -q -k key --new-key-file new - -o -", &before).done();
    folder.write("piped.sv2", piped.stdout());
    folder.run("verify -k new piped.sv2").done();
    // Into a database, segment by segment.
    folder.run("rewrap -q -k key --new-key-file new data.sv2 -o sqlite:all.db?stream=data").done();
    folder.run("verify -k new sqlite:all.db?stream=data").done();
}

#[test]
fn the_old_envelope_is_kept_on_request() {
    let folder = folder();
    let before = folder.read("data.sv2");
    folder.run("rewrap -q -k key --new-key-file new --keep-old old data.sv2").done();
    assert!(folder.read("old") == before[..HEAD]);
    folder.run("verify -k key --envelope old data.sv2").done();
    let taken = folder.run("rewrap -k new --new-key-file other --keep-old old data.sv2");
    assert_eq!(taken.code(), 2, "{taken}");
    folder.run("verify -k new data.sv2").done();
}

#[test]
fn the_room_in_place_is_shown() {
    let folder = folder();
    let table = folder.run("inspect data.sv2").done();
    assert!(table.text().contains("room for 884 bytes more in place"), "{}", table.text());
    let json: Value = serde_json::from_slice(folder.run("inspect --json data.sv2").done().stdout()).unwrap();
    assert_eq!(json["header"]["envelope_room"], 884);
}

#[test]
fn json_names_both_envelopes() {
    let folder = folder();
    let run = |args: &str| -> Value { serde_json::from_slice(folder.run(args).stdout()).unwrap() };
    let done = run("rewrap --json -k key --new-key-file new data.sv2");
    assert_eq!((&done["verb"], &done["error"]), (&Value::from("rewrap"), &Value::Null));
    assert_ne!(done["old_envelope"], done["new_envelope"]);
    let again = run("rewrap --json -k new --new-key-file new data.sv2");
    assert_eq!(again["old_envelope"], done["new_envelope"]);
    assert_eq!(again["stream_salt"], done["stream_salt"]);
    // The new key opens it, and nothing else does.
    let done = run("rewrap --json -k other --new-key-file new data.sv2");
    assert_eq!(done["old_envelope"], done["new_envelope"]);
    let failed = run("rewrap --json -k other --new-key-file key data.sv2");
    assert_eq!(failed["error"]["kind"], "misuse");
}

/// What is refused changes nothing.
#[test]
fn refusals_name_the_next_step() {
    let folder = folder();
    write_bare(&folder, "data", "bare.sv2");
    folder.write("cut.sv2", &folder.read("data.sv2")[..200_000]);
    folder.write("journaled.sv2", &folder.read("data.sv2"));
    folder.write("journaled.sv2.journal", b"any");
    folder.write("foreign.sv2", &folder.read("data.sv2"));
    folder.write("foreign.sv2.rewrap", b"any");
    folder.write("torn.sv2", &folder.read("data.sv2"));
    folder.write("torn.sv2.rewrap", &folder.read("data.sv2")[..HEAD]);
    let mut torn = folder.read("torn.sv2");
    torn[300..500].fill(0x55);
    folder.write("torn.sv2", &torn);
    let room = format!("rewrap -k key {}data.sv2", "--new-key-file new ".repeat(8));
    let said = folder.said(&[
        "rewrap -k key data.sv2",
        "rewrap -k key -p --new-key-file new data.sv2",
        "rewrap -k other --new-key-file new data.sv2",
        "rewrap -k key --context x --new-key-file new data.sv2",
        &room,
        "rewrap -k key --new-key-file new bare.sv2",
        "rewrap -k key --new-key-file new bare.sv2 --detached none",
        "rewrap -k key --new-key-file new cut.sv2",
        "rewrap -k key --new-key-file new cut.sv2 --detached none",
        "rewrap -k key --new-key-file new journaled.sv2",
        "rewrap -k key --new-key-file new foreign.sv2",
        "rewrap -k key --new-key-file new data.sv2 --detached data",
        "rewrap -k key --new-key-file new data.sv2 -o data.sv2",
        "rewrap -k key --new-key-file new absent.sv2",
        "rewrap -k key --new-key-file new data",
        "rewrap -k key --new-key-file new -",
        "verify -k key torn.sv2",
        "verify torn.sv2",
        "verify -k key --envelope data torn.sv2",
        "rewrap -k key --new-key-file new --all .",
    ]);
    insta::assert_snapshot!(said);
    folder.run("rewrap -q -k key --new-key-file new torn.sv2").done();
    folder.run("verify -k new torn.sv2").done();
}

#[test]
fn streams_in_databases_are_rewrapped() {
    let folder = folder();
    folder.run("encrypt -q -k key data -o sqlite:all.db?stream=data").done();
    let ran = folder.run("rewrap -k key --new-key-file new sqlite:all.db?stream=data").done();
    assert!(ran.stderr().contains("its envelope was replaced"), "{ran}");
    folder.run("verify -k new sqlite:all.db?stream=data").done();
    assert_eq!(folder.run("verify -k key sqlite:all.db?stream=data").code(), 2);
    folder.run("rewrap -q -k new --new-key-file key --keep-old old sqlite:all.db?stream=data").done();
    folder.run("verify -k new --envelope old sqlite:all.db?stream=data").done();
    folder.run("rewrap -q -k key --new-key-file new --detached side sqlite:all.db?stream=data").done();
    folder.run("decrypt -q -k new --envelope side sqlite:all.db?stream=data -o copy").done();
    assert!(folder.read("copy") == folder.read("data"));
}
