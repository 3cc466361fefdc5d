//! The help texts.

use stream_v2_testing::command::Folder;

#[test]
fn help() {
    let folder = Folder::new();
    for command in ["", "keygen", "encrypt", "decrypt", "verify", "cat", "inspect", "uploads", "version"] {
        let ran = folder.run(&format!("{command} --help")).done();
        let name = if command.is_empty() { "sv2".into() } else { format!("sv2-{command}") };
        insta::assert_snapshot!(name, ran.text());
    }
}

#[test]
fn the_environment_is_not_shown() {
    let folder = Folder::new();
    let output = folder.sv2("encrypt --help").env("SV2_KEY_FILE", "somewhere").output().unwrap();
    assert!(!String::from_utf8(output.stdout).unwrap().contains("somewhere"));
}

#[test]
fn version() {
    let folder = Folder::new();
    let expected = format!("sv2 {} (Stream V2, format version 1)\n", env!("CARGO_PKG_VERSION"));
    for args in ["--version", "-V"] {
        assert_eq!(folder.run(args).done().text(), expected);
    }
    // The AEAD and checksum implementations of this build.
    let (aead, crc) = match cfg!(feature = "accelerated") {
        true => ("accelerated (AWS-LC)", "accelerated (crc-fast)"),
        false => ("portable", "portable"),
    };
    // The test is built with the features of the command, plus test features if all packages are
    // tested.
    let features: Vec<&str> = stream_v2::pipeline::test_features().collect();
    let features = match features[..] {
        [] => String::new(),
        _ => format!("for tests only, not for data: {}\n", features.join(", ")),
    };
    let expected = format!("{expected}AEAD: {aead}\nCRC-32C: {crc}\n{features}");
    assert_eq!(folder.run("version").done().text(), expected);
}
