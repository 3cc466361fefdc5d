//! The help texts.

use stream_v2_testing::command::Folder;

#[test]
fn help() {
    let folder = Folder::new();
    let verbs = [
        "keygen",
        "encrypt",
        "decrypt",
        "verify",
        "cat",
        "inspect",
        "recover",
        "rewrap",
        "list",
        "uploads",
        "resume-keys",
        "delete",
        "man",
        "completions",
        "version",
    ];
    for command in std::iter::once("").chain(verbs) {
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

#[test]
fn each_verb_of_the_help_has_a_man_page() {
    let folder = Folder::new();
    folder.run("man pages").done();
    let help = folder.run("--help").done();
    let verbs = help.text().split("\n\n").find_map(|part| part.strip_prefix("Commands:\n")).unwrap();
    let verbs =
        verbs.lines().map(|line| line.split_whitespace().next().unwrap()).filter(|verb| *verb != "help");
    let mut expected: Vec<String> = verbs.map(|verb| format!("sv2-{verb}.1")).collect();
    expected.push("sv2.1".into());
    expected.sort();
    let mut pages: Vec<String> = std::fs::read_dir(folder.path("pages"))
        .unwrap()
        .map(|page| page.unwrap().file_name().into_string().unwrap())
        .collect();
    pages.sort();
    assert_eq!(pages, expected);
    insta::assert_snapshot!(
        "sv2-delete.1",
        std::fs::read_to_string(folder.path("pages/sv2-delete.1")).unwrap()
    );
    insta::assert_snapshot!("sv2.1", std::fs::read_to_string(folder.path("pages/sv2.1")).unwrap());
}

#[test]
fn completions_know_verbs_and_options() {
    let folder = Folder::new();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let ran = folder.run(&format!("completions {shell}")).done();
        for word in ["encrypt", "verify-source"] {
            assert!(ran.text().contains(word), "{shell} does not know {word}");
        }
    }
}

#[test]
fn a_second_input_is_refused_with_a_hint() {
    let folder = Folder::new();
    let ran = folder.run("encrypt a b");
    assert_eq!(ran.code(), 2);
    insta::assert_snapshot!(ran.stderr());
}
