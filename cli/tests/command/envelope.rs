//! Streams whose content key an envelope wraps: for a passphrase, or for a key file.

use serde_json::Value;
use stream_v2::{ContentKey, Options, encrypt_file};
use stream_v2_testing::command::kill::killed_at;
use stream_v2_testing::command::{Folder, KEY, KEY_ID, key_text};
use stream_v2_testing::plaintext;

/// Writes a stream without an envelope, as `sv2` did at first: its content key is the key file.
pub(crate) fn write_bare(folder: &Folder, source: &str, to: &str) {
    let options = Options::new(&ContentKey::new(KEY)).key_id(KEY_ID);
    encrypt_file(&options, folder.path(source), folder.path(to)).unwrap();
}

/// A folder with a source and passphrases.
pub(crate) fn folder() -> Folder {
    let folder = Folder::new();
    folder.write("data", &plaintext(3_000_000));
    folder.write("right", b"correct horse\n");
    folder.write("wrong", b"battery staple\n");
    folder.write_key("other", &key_text([0xEE; 16], [0xEE; 32]));
    folder
}

#[test]
fn a_passphrase_opens_what_it_wrote() {
    let folder = folder();
    folder.run("encrypt --passphrase-file right data").done();
    folder.run("decrypt --passphrase-file right data.sv2 -o copy").done();
    assert!(folder.read("copy") == folder.read("data"));
    folder.run("verify --passphrase-file right data.sv2").done();
    let range = folder.run("cat --passphrase-file right data.sv2 -r 1000000..1000010").done();
    assert_eq!(range.stdout(), &plaintext(3_000_000)[1_000_000..1_000_010]);
    folder.run("recover --passphrase-file right data.sv2").done();
    // Without the passphrase.
    folder.run("verify data.sv2").done();
    let key = "the envelope does not give the content key";
    for (args, code, said) in [
        ("decrypt --passphrase-file wrong data.sv2 -o none", 4, key),
        ("verify --passphrase-file wrong data.sv2", 4, key),
        ("cat --passphrase-file wrong data.sv2", 4, key),
        ("recover --passphrase-file wrong data.sv2", 4, key),
        ("decrypt -k key data.sv2 -o none", 2, "no stanza of the envelope"),
        ("decrypt --passphrase-file right --context other data.sv2 -o none", 4, "header_tag"),
    ] {
        let ran = folder.run(args);
        assert_eq!(ran.code(), code, "{args}: {ran}");
        assert!(ran.stderr().contains(said), "{args}: {ran}");
        assert!(!ran.stderr().contains("horse") && !ran.stderr().contains("staple"), "{ran}");
    }
    assert!(!folder.exists("none"));
}

#[test]
fn the_environment_names_no_key_beside_a_passphrase() {
    let folder = folder();
    let run = |args: &str| folder.sv2(args).env("SV2_KEY_FILE", folder.path("key")).output().unwrap();
    assert!(run("encrypt --passphrase-file right data").status.success());
    let table = folder.run("inspect data.sv2").done();
    assert!(
        table.text().contains("for a passphrase: Argon2id, memory 256 MiB, passes 3, lanes 4"),
        "{}",
        table.text()
    );
    assert!(run("verify --passphrase-file right data.sv2").status.success());
    assert_eq!(run("decrypt data.sv2 -o none").status.code(), Some(2));
}

#[test]
fn a_key_file_opens_a_wrapped_key() {
    let folder = folder();
    folder.run("encrypt -k key data").done();
    let json: Value = serde_json::from_slice(folder.run("inspect --json data.sv2").done().stdout()).unwrap();
    assert_eq!(json["header"]["key_id"], "0".repeat(32));
    assert_eq!(json["header"]["stanzas"][0]["name"], "key");
    assert_eq!(json["header"]["stanzas"][0]["key_id"].as_str().map(str::len), Some(32));
    folder.run("verify -k key data.sv2").done();
    folder.run("recover -k key data.sv2").done();
    folder.run("decrypt -k key data.sv2 -o copy").done();
    assert!(folder.read("copy") == folder.read("data"));
    let ran = folder.run("decrypt -k other data.sv2 -o none");
    assert_eq!(ran.code(), 2, "{ran}");
    let ran = folder.run("decrypt --passphrase-file right data.sv2 -o none");
    assert_eq!(ran.code(), 2, "{ran}");
    // The same key file writes two streams under different content keys.
    folder.run("encrypt -k key data -o again.sv2").done();
    assert_ne!(folder.read("data.sv2")[128..], folder.read("again.sv2")[128..]);
}

#[test]
fn an_interrupted_run_unwraps_its_own_envelope() {
    for options in ["-k key", "--passphrase-file right"] {
        let folder = folder();
        let args = format!("encrypt {options} --segment-size 64K --frame-size 4K --sync-every 64K data");
        assert!(killed_at(&folder, &args, 2000), "{options}");
        assert!(folder.exists("data.sv2.partial"));
        assert_eq!(folder.run(&args.replace(options, "-k other")).code(), 2);
        let ran = folder.run(&args).done();
        assert!(ran.stderr().contains("resum"), "{ran}");
        folder.run(&format!("decrypt {options} data.sv2 -o copy")).done();
        assert!(folder.read("copy") == folder.read("data"), "{options}");
    }
}

#[test]
fn databases_keep_envelopes() {
    let folder = folder();
    for options in ["-k key", "--passphrase-file right"] {
        folder.run(&format!("encrypt {options} data -o sqlite:all.db?stream=data --force")).done();
        folder.run(&format!("verify {options} sqlite:all.db?stream=data")).done();
        folder.run(&format!("decrypt {options} sqlite:all.db?stream=data -o copy --force")).done();
        assert!(folder.read("copy") == folder.read("data"), "{options}");
        let range = folder.run(&format!("cat {options} sqlite:all.db?stream=data -r 9..12")).done();
        assert_eq!(range.stdout(), &plaintext(100)[9..12]);
    }
}

#[test]
fn passphrases_that_cannot_be_are_refused() {
    let folder = folder();
    folder.write("empty", b"\n");
    folder.write("two", b"a\nb\n");
    folder.write("long", &[b'a'; 1025]);
    for (args, said) in [
        ("encrypt --passphrase-file empty data", "empty: the passphrase is empty"),
        ("encrypt --passphrase-file two data", "only line"),
        ("encrypt --passphrase-file long data", "1024"),
        ("encrypt --passphrase-file - data", "standard input"),
        ("encrypt --passphrase-file right -k key data", "cannot be combined with a key file"),
        ("encrypt --passphrase-file right data -o right --force", "passphrase file"),
    ] {
        let ran = folder.run(args);
        assert_eq!(ran.code(), 2, "{args}: {ran}");
        assert!(ran.stderr().contains(said), "{args}: {ran}");
    }
    assert!(!folder.exists("data.sv2"));
}
