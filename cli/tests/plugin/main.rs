//! Plugins of age. This program is the plugin too: tests link it into a folder of the PATH.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

mod program;

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use stream_v2_testing::command::terminal::{ON_TERMINAL, answered};
use stream_v2_testing::command::{Folder, Ran};

const PLAIN: &str = "age1sv2test1wpkxz6tw9chzut3wuw0z9r";
const PLAIN_IDENTITY: &str = "AGE-PLUGIN-SV2TEST-1WPKXZ6TW9CHZUT3WZV7229";
const ASKS: &str = "age1sv2test1v9ekkuew9chzut3wa0g855";
const ASKS_IDENTITY: &str = "AGE-PLUGIN-SV2TEST-1V9EKKUEW9CHZUT3WRDE0MJ";
const FAILS: &str = "age1sv2test1veskjmrn9chzut3wldgkfl";
const HYBRID: &str = "age1sv2test1dpukyunfvshzut3wzfdpuf";
const HYBRID_IDENTITY: &str = "AGE-PLUGIN-SV2TEST-1DPUKYUNFVSHZUT3WUTUFN0";
const MISSING: &str = "age1nothere10q2j4a0e";
const MISSING_IDENTITY: &str = "AGE-PLUGIN-NOTHERE-10QHTZ6YX";

fn main() {
    let mut args = std::env::args().skip(1);
    if let Some(machine) = args.find_map(|arg| arg.strip_prefix("--age-plugin=").map(ToOwned::to_owned)) {
        return program::run(&machine);
    }
    let tests: [(&str, fn()); 7] = [
        ("recipients_and_identities_round_trip", recipients_and_identities_round_trip),
        ("nothing_starts_that_an_envelope_names", nothing_starts_that_an_envelope_names),
        ("nothing_starts_while_keys_would_be_printed", nothing_starts_while_keys_would_be_printed),
        ("other_lines_of_a_file_are_not_spoiled", other_lines_of_a_file_are_not_spoiled),
        ("failures_are_told_and_escaped", failures_are_told_and_escaped),
        ("questions_are_asked_on_the_terminal", questions_are_asked_on_the_terminal),
        ("hybrid_recipients_of_plugins_are_not_mixed", hybrid_recipients_of_plugins_are_not_mixed),
    ];
    for (name, test) in tests {
        test();
        println!("test {name} ... ok");
    }
}

/// A folder with the plugin, a source and files of identities.
struct Place(Folder);

impl Place {
    fn new() -> Self {
        let folder = Folder::new();
        fs::create_dir(folder.path("bin")).unwrap();
        symlink(std::env::current_exe().unwrap(), folder.path("bin/age-plugin-sv2test")).unwrap();
        folder.write("data", b"plaintext");
        for (name, text) in [
            ("plain", PLAIN_IDENTITY),
            ("asks", ASKS_IDENTITY),
            ("hybrid", HYBRID_IDENTITY),
            ("missing", MISSING_IDENTITY),
        ] {
            folder.write_key(name, text);
        }
        Self(folder)
    }

    fn run(&self, args: &str) -> Ran {
        self.run_in(args, &[])
    }

    fn run_in(&self, args: &str, environment: &[(&str, &str)]) -> Ran {
        // In a session of its own it has no terminal to ask on.
        let mut command = self.command(&["setsid", "--wait"], args);
        Ran(command.envs(environment.iter().copied()).output().unwrap())
    }

    fn command(&self, words: &[&str], args: &str) -> Command {
        let mut command = self.0.sv2_after(words, args);
        let path = format!("{}:{}", self.0.path("bin").display(), std::env::var("PATH").unwrap());
        command.env("PATH", path).env(program::STARTS, self.0.path("starts"));
        command.env_remove("AGEDEBUG");
        command
    }

    fn makes(&self, what: &str) -> String {
        self.run(&format!("keygen --identity -o {what}")).done().text().trim().to_owned()
    }

    /// The state machines that were started, since the last call.
    fn starts(&self) -> Vec<String> {
        let starts = fs::read_to_string(self.0.path("starts")).unwrap_or_default();
        let _ = fs::remove_file(self.0.path("starts"));
        starts.lines().map(ToOwned::to_owned).collect()
    }
}

fn recipients_and_identities_round_trip() {
    let place = Place::new();
    place.run(&format!("encrypt -r {PLAIN} data")).done();
    assert_eq!(place.starts(), ["recipient-v1"]);
    let ran = place.run("decrypt -i plain data.sv2 -o copy --json").done();
    assert!(ran.text().contains(r#""opened_by":"identity""#), "{}", ran.text());
    assert_eq!(place.0.read("copy"), b"plaintext");
    // Once, although the output is opened after the stream.
    assert_eq!(place.starts(), ["identity-v1"]);
    let ran = place.run("decrypt -i plain data.sv2 -o -").done();
    assert_eq!((ran.stdout(), place.starts().len()), (&b"plaintext"[..], 1));
    // The identity of a plugin wraps for its own recipient.
    place.run("encrypt -i plain data -o own.sv2").done();
    place.run("verify -i plain own.sv2").done();
    assert_eq!(place.starts(), ["recipient-v1", "identity-v1"]);
}

//= spec/stream-v2.md#sv2-env-026
//= type=test
//# A reader MUST NOT start a program that only the envelope names.
fn nothing_starts_that_an_envelope_names() {
    let place = Place::new();
    let recipient = place.makes("native");
    place.run(&format!("encrypt -r {PLAIN} -r {recipient} data")).done();
    place.starts();
    place.run("decrypt -i native data.sv2 -o copy").done();
    let other = place.makes("other");
    assert!(other.starts_with("age1"));
    assert_eq!(place.run("verify -i other data.sv2").code(), 4);
    assert_eq!(place.run("verify data.sv2").code(), 0);
    assert_eq!(place.run("inspect data.sv2").code(), 0);
    // Nor does one start if a native identity opens the stream, or there is no stanza of age.
    let native = String::from_utf8(place.0.read("native")).unwrap();
    place.0.write_key("both", &format!("{PLAIN_IDENTITY}\n{native}"));
    place.run("verify -i both data.sv2").done();
    place.run("encrypt -k key data -o of-key.sv2").done();
    assert_ne!(place.run("verify -i plain of-key.sv2").code(), 0);
    assert_eq!(place.starts(), [""; 0]);
}

fn nothing_starts_while_keys_would_be_printed() {
    let place = Place::new();
    place.run(&format!("encrypt -r {PLAIN} data")).done();
    place.starts();
    let debug = [("AGEDEBUG", "plugin")];
    let ran = place.run_in("verify -i plain data.sv2", &debug);
    assert_eq!(ran.code(), 4, "{ran}");
    assert!(ran.stderr().contains("AGEDEBUG"), "{ran}");
    let ran = place.run_in(&format!("encrypt -r {PLAIN} data -o none"), &debug);
    assert_eq!(ran.code(), 3, "{ran}");
    assert!(ran.stderr().contains("AGEDEBUG") && !place.0.exists("none"), "{ran}");
    assert_eq!(place.starts(), [""; 0]);
}

fn other_lines_of_a_file_are_not_spoiled() {
    let place = Place::new();
    let recipient = place.makes("native");
    let native = String::from_utf8(place.0.read("native")).unwrap();
    place.0.write_key("many", &format!("{MISSING_IDENTITY}\nAGE-NEW-KIND-1XYZ\n{native}"));
    place.run(&format!("encrypt -r {recipient} data")).done();
    let ran = place.run("verify -i many data.sv2").done();
    assert!(ran.stderr().contains("many: line 2 is skipped: it begins like no identity"), "{ran}");
    // An absent plugin is told when it is needed.
    let other = place.makes("other");
    place.run(&format!("encrypt -r {other} data -o other.sv2")).done();
    let ran = place.run("verify -i many other.sv2");
    assert_eq!(ran.code(), 4, "{ran}");
    assert!(ran.stderr().contains("age-plugin-nothere is not on the PATH"), "{ran}");
    let ran = place.run(&format!("encrypt -r {MISSING} data -o none"));
    assert_eq!(ran.code(), 3, "{ran}");
    assert!(ran.stderr().contains("age-plugin-nothere is not on the PATH"), "{ran}");
}

fn failures_are_told_and_escaped() {
    let place = Place::new();
    let ran = place.run(&format!("encrypt -r {FAILS} data"));
    assert_eq!(ran.code(), 3, "{ran}");
    assert!(ran.stderr().contains("no such") && !ran.stderr().contains('\u{1b}'), "{ran}");
    assert!(!place.0.exists("data.sv2") && !place.0.exists("data.sv2.partial"));
    place.run(&format!("encrypt -r {ASKS} data")).done();
    let ran = place.run("verify -i asks data.sv2");
    assert_eq!(ran.code(), 4, "{ran}");
    assert!(ran.stderr().contains(r"age-plugin-sv2test: touch \u{1b}[31mit"), "{ran}");
    assert!(ran.stderr().contains("wrong PIN") && !ran.stderr().contains(ASKS_IDENTITY), "{ran}");
}

fn questions_are_asked_on_the_terminal() {
    let place = Place::new();
    place.run(&format!("encrypt -r {ASKS} data")).done();
    let (confirm, pin) = ("use the key [1 now, 2 never]: ", "PIN: ");
    let mut all = String::new();
    for answers in
        [&[(confirm, "1\n"), (pin, "1234\n")][..], &[(confirm, "1\n"), (pin, "4321\n")], &[(confirm, "2\n")]]
    {
        let (shown, code) =
            answered(place.command(&ON_TERMINAL, "verify --progress=none -i asks data.sv2"), answers);
        all += &format!("{shown}exit {}\n\n", code.unwrap());
    }
    insta::assert_snapshot!(all);
}

fn hybrid_recipients_of_plugins_are_not_mixed() {
    let place = Place::new();
    let ran = place.run(&format!("encrypt -r {HYBRID} -r {PLAIN} data"));
    assert_eq!(ran.code(), 2, "{ran}");
    assert!(ran.stderr().contains("hybrid recipients of age"), "{ran}");
    assert!(!place.0.exists("data.sv2") && !place.0.exists("data.sv2.partial"));
    place.run(&format!("encrypt -r {HYBRID} data")).done();
    place.run("verify -i hybrid data.sv2").done();
}
