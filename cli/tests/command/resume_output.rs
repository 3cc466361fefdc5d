//! §19.4 Whether a resumed decryption trusts the partial plaintext.

use stream_v2_testing::command::Folder;
use stream_v2_testing::command::kill::killed_at;
use stream_v2_testing::plaintext;

const LEN: usize = 12 << 20;
const ENCRYPT: &str = "encrypt -k key --frame-size 4K --segment-size 64K data";
const DECRYPT: &str = "decrypt -k key --sync-every 256K data.sv2 -o back";
/// A byte long before the last commit.
const CHANGED: usize = 70_000;

/// Leaves `back.partial` and its journal.
fn interrupted() -> Folder {
    let folder = Folder::new();
    folder.write("data", &plaintext(LEN));
    folder.run(ENCRYPT).done();
    assert!(killed_at(&folder, DECRYPT, 4100));
    folder
}

/// The same, with another byte in the partial plaintext.
fn changed() -> Folder {
    let folder = interrupted();
    let mut partial = folder.read("back.partial");
    partial[CHANGED] ^= 1;
    folder.write("back.partial", &partial);
    folder
}

//= spec/stream-v2.md#sv2-res-031
//= type=test
//# A reader that resumes MUST, where its caller asks for it, compare all of its output before the
//# end of the last commit with the plaintext of the stream before it goes on, and otherwise MUST
//# NOT claim that it has verified that part.
#[test]
fn a_changed_output_is_found_and_nothing_is_changed() {
    let folder = changed();
    let names = ["back.journal", "back.partial", "data", "data.sv2", "key"];
    let before = names.map(|name| folder.read(name));
    let stream = folder.read("data.sv2");
    let file = folder.run(&format!("{DECRYPT} --verify-output"));
    let pipe = folder.run_with("decrypt -k key --verify-output -o back", &stream);
    insta::assert_snapshot!(file, @r"
    sv2: back.partial: differs from the plaintext of the stream at byte 70000
    hint: it was changed since it was written, or belongs to another stream; nothing was changed now
    hint: --restart discards the partial output and starts over
    exit 1
    ");
    assert_eq!(file.to_string(), pipe.to_string());
    assert!(folder.names() == names && names.map(|name| folder.read(name)) == before);
    folder.run(&format!("{DECRYPT} --restart")).done();
    assert!(folder.read("back") == plaintext(LEN));
}

#[test]
fn an_output_that_is_the_same_is_resumed() {
    for pipe in [false, true] {
        let folder = interrupted();
        match pipe {
            false => folder.run(&format!("{DECRYPT} --verify-output")).done(),
            true => {
                folder.run_with("decrypt -k key --verify-output -o back", &folder.read("data.sv2")).done()
            }
        };
        assert!(folder.read("back") == plaintext(LEN));
        assert_eq!(folder.names(), ["back", "data", "data.sv2", "key"]);
    }
}

/// Without the option, only the permissions of the file protect it.
#[test]
fn without_the_option_the_output_is_trusted() {
    let folder = changed();
    folder.run(DECRYPT).done();
    let mut expected = plaintext(LEN);
    expected[CHANGED] ^= 1;
    assert!(folder.read("back") == expected);
}

/// A first run has no partial output to compare.
#[test]
fn the_option_does_no_harm_to_a_first_run() {
    let folder = Folder::new();
    folder.write("data", &plaintext(LEN));
    folder.run(ENCRYPT).done();
    folder.run(&format!("{DECRYPT} --verify-output")).done();
    assert!(folder.read("back") == plaintext(LEN));
}
