//! Streams for recipients of age, and the identities that open them.

use serde_json::Value;
use stream_v2_testing::command::Folder;
use stream_v2_testing::command::kill::killed_at;
use stream_v2_testing::plaintext;

/// A folder with a source, and the identities `one` and `two`; returns their recipients.
pub(crate) fn folder() -> (Folder, [String; 2]) {
    let folder = Folder::new();
    folder.write("data", &plaintext(3_000_000));
    let made = ["one", "two"].map(|name| {
        let ran = folder.run(&format!("keygen --identity -o {name}")).done();
        assert!(ran.stderr().contains("made an identity"), "{ran}");
        ran.text().trim().to_owned()
    });
    (folder, made)
}

#[test]
fn an_identity_opens_what_its_recipient_gets() {
    let (folder, [one, two]) = folder();
    folder.write("recipients", format!("# both\n{one}\n\n{two}\n").as_bytes());
    folder.run(&format!("encrypt -r {one} data -o one.sv2")).done();
    folder.run("encrypt -R recipients data").done();
    for (name, stream) in [("one", "data.sv2"), ("two", "data.sv2"), ("one", "one.sv2")] {
        let ran = folder.run(&format!("decrypt -i {name} {stream} -o copy --force")).done();
        assert!(ran.stderr().contains(&format!("opened with an identity of {name}")), "{ran}");
        assert!(folder.read("copy") == folder.read("data"), "{name} {stream}");
    }
    folder.run("recover -i one data.sv2").done();
    let range = folder.run("cat -i two data.sv2 -r 1000000..1000010").done();
    assert_eq!(range.stdout(), &plaintext(3_000_000)[1_000_000..1_000_010]);
    let ran = folder.run("verify -i one -i two data.sv2").done();
    assert!(ran.text().contains("anyone who knows its recipient"), "{ran}");
    let json: Value =
        serde_json::from_slice(folder.run("verify -i two --json data.sv2").done().stdout()).unwrap();
    assert_eq!(json["opened_by"], "identity");
    for (args, code, said) in [
        ("verify -i two one.sv2", 4, "tried 1 identity"),
        ("verify -i two -k key one.sv2", 4, "tried 1 identity, 1 key file"),
        ("verify -k key one.sv2", 2, "no stanza of the envelope"),
        ("verify -i one --context other one.sv2", 4, "header_tag"),
    ] {
        let ran = folder.run(args);
        assert_eq!(ran.code(), code, "{args}: {ran}");
        assert!(ran.stderr().contains(said), "{args}: {ran}");
    }
}

#[test]
fn a_hybrid_identity_mixes_with_no_other() {
    let (folder, [one, _]) = folder();
    let hybrid = folder.run("keygen --identity --pq -o hybrid").done().text().trim().to_owned();
    assert!(hybrid.starts_with("age1pq1") && hybrid.len() > 1900, "{hybrid}");
    folder.run(&format!("encrypt -r {hybrid} data")).done();
    folder.run("verify -i one -i hybrid data.sv2").done();
    let ran = folder.run(&format!("encrypt -r {hybrid} -r {one} data -o none"));
    assert_eq!(ran.code(), 2, "{ran}");
    assert!(ran.stderr().contains("cannot be combined with others") && !folder.exists("none"), "{ran}");
    // The recipients of identities are known later, and before anything is written.
    let ran = folder.run("encrypt -i hybrid -i one data -o none");
    assert_eq!(ran.code(), 2, "{ran}");
    assert!(ran.stderr().contains("only with other hybrid recipients"), "{ran}");
    assert!(!folder.exists("none") && !folder.exists("none.partial"));
    // Key files are symmetric, and can be combined with anything but passphrases.
    folder.run(&format!("encrypt -r {hybrid} -k key data -o both.sv2")).done();
    folder.run("verify -k key both.sv2").done();
    folder.run("verify -i hybrid both.sv2").done();
    let table = folder.run("inspect both.sv2").done();
    assert!(table.text().contains("an age file for 1 recipient: 1 mlkem768x25519"), "{}", table.text());
}

#[test]
fn any_key_option_switches_the_environment_off() {
    let (folder, [one, _]) = folder();
    let run = |args: &str| folder.sv2(args).env("SV2_KEY_FILE", folder.path("key")).output().unwrap();
    assert!(run(&format!("encrypt -r {one} data")).status.success());
    let json: Value = serde_json::from_slice(folder.run("inspect --json data.sv2").done().stdout()).unwrap();
    let stanzas = json["header"]["stanzas"].as_array().unwrap();
    let names: Vec<&str> = stanzas.iter().filter_map(|stanza| stanza["name"].as_str()).collect();
    assert_eq!(names, ["age", "padding"]);
    assert_eq!(stanzas[0]["recipient_types"], serde_json::json!(["X25519"]));
    assert_eq!(run("verify data.sv2").status.code(), Some(2));
    assert!(run("verify -i one data.sv2").status.success());
    assert!(run("encrypt data -o bare.sv2").status.success());
    assert_eq!(run("verify -i one bare.sv2").status.code(), Some(2));
}

#[test]
fn a_writer_without_a_resume_key_cannot_resume() {
    let (folder, [one, two]) = folder();
    let sizes = "--segment-size 64K --frame-size 4K --sync-every 64K data";
    let args = format!("encrypt --no-resume-key -r {one} {sizes}");
    assert!(killed_at(&folder, &args, 2000));
    let ran = folder.run(&args);
    assert_eq!(ran.code(), 2, "{ran}");
    assert!(ran.stderr().contains("-i FILE with an identity of one of its recipients"), "{ran}");
    assert!(ran.stderr().contains("--restart"), "{ran}");
    assert!(folder.exists("data.sv2.partial"));
    let ran = folder.run(&format!("encrypt -r {one} -i two {sizes}"));
    assert_eq!(ran.code(), 4, "{ran}");
    let ran = folder.run(&format!("encrypt -r {two} -i one {sizes}")).done();
    assert!(ran.stderr().contains("resum"), "{ran}");
    folder.run("decrypt -i one data.sv2 -o copy").done();
    assert!(folder.read("copy") == folder.read("data"));
    // A new start needs nothing.
    assert!(killed_at(&folder, &format!("{args} -o again.sv2"), 2000));
    folder.run(&format!("{args} -o again.sv2 --restart")).done();
}

#[test]
fn a_writer_with_recipients_alone_resumes_by_its_resume_key() {
    let (folder, [one, two]) = folder();
    let sizes = "--segment-size 64K --frame-size 4K --sync-every 64K data";
    let args = format!("encrypt -r {one} {sizes}");
    assert!(killed_at(&folder, &args, 2000));
    let kept = folder.run("resume-keys").done();
    assert!(kept.text().contains("data.sv2") && kept.text().contains("unfinished"), "{kept}");
    let others = folder.run(&format!("encrypt -r {two} {sizes}"));
    assert_eq!(others.code(), 2, "{others}");
    assert!(others.stderr().contains("name the same recipients to resume"), "{others}");
    let ran = folder.run(&args).done();
    assert!(ran.stderr().contains("resuming after"), "{ran}");
    assert_eq!(folder.run("resume-keys").done().text(), "");
    folder.run("decrypt -i one data.sv2 -o copy").done();
    assert!(folder.read("copy") == folder.read("data"));
}

#[test]
fn files_that_hold_no_identity_are_refused_without_showing_them() {
    let (folder, [one, _]) = folder();
    let secret = String::from_utf8(folder.read("one")).unwrap();
    let line = secret.lines().last().unwrap().to_owned();
    let mut damaged = line.clone();
    damaged.replace_range(30..31, if &line[30..31] == "Q" { "P" } else { "Q" });
    folder.write_key("damaged", &format!("# comment\n\n{damaged}\n"));
    folder.write_key("unknown", "hello\n");
    folder.write_key("empty", "# nothing\n");
    folder.write_key("recipient", &format!("{one}\n"));
    folder.write_key("binary", "\u{fffd}");
    folder.write("binary", b"\xff\xfe");
    for (args, said) in [
        ("verify -i damaged data.sv2", "damaged: not an identity file: line 3: a character"),
        ("verify -i unknown data.sv2", "unknown: not an identity file: it has no identity that can be used"),
        ("verify -i empty data.sv2", "empty: not an identity file: it has no line with an identity"),
        ("verify -i recipient data.sv2", "recipient: not an identity file"),
        ("verify -i binary data.sv2", "binary: not an identity file: it is not text"),
        ("encrypt -r hello data", "-r: not a recipient: it begins like no recipient"),
        ("encrypt -r ssh-rsa data", "ssh-rsa are not supported"),
        ("encrypt -r age1pq1xyz data", "-r: not a recipient: a character"),
        ("encrypt -R empty data", "empty: not a recipients file: it has no recipient"),
        ("encrypt -R unknown data", "unknown: line 1: not a recipient"),
        ("encrypt -R one data", "one: line 3: not a recipient: it is an identity"),
        ("encrypt -i one --passphrase-file key data", "cannot be combined with recipients"),
        ("encrypt -i one data -o one --force", "is the identity file, and would be written to"),
        ("keygen --pq", "--identity"),
    ] {
        let ran = folder.run(args);
        assert_eq!(ran.code(), 2, "{args}: {ran}");
        assert!(ran.stderr().contains(said), "{args}: {ran}");
        assert!(!ran.stderr().contains(&line[20..40]) && !ran.stderr().contains(&damaged[20..40]), "{ran}");
    }
    for option in ["-i", "-r"] {
        let ran = folder.run(&format!("encrypt {option} {line} data"));
        assert_eq!(ran.code(), 2, "{ran}");
        assert!(!ran.stderr().contains(&line[20..40]), "{ran}");
    }
    assert!(!folder.exists("data.sv2"));
}
