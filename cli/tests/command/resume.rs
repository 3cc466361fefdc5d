//! The same command resumes a killed run, and writes no committed segment again.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, SystemTime};

use stream_v2_testing::command::Folder;
use stream_v2_testing::command::kill::{self, growths, killed_at};
use stream_v2_testing::plaintext;

pub(crate) const LEN: usize = 12 << 20;
pub(crate) const ENCRYPT: &str = "encrypt -k key --frame-size 4K --segment-size 64K --sync-every 256K data";
const DECRYPT: &str = "decrypt -k key --sync-every 256K data.sv2 -o back";

/// A folder with some data in it, which was modified at the beginning of 2026.
pub(crate) fn folder() -> Folder {
    let folder = Folder::new();
    folder.write("data", &plaintext(LEN));
    modified_in_2026(&folder.path("data"), 0);
    folder
}

/// The clock of a file system may stand still between two writes, and messages have times.
fn modified_in_2026(path: &Path, seconds: u64) {
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_225_600 + seconds);
    fs::File::options().write(true).open(path).unwrap().set_modified(time).unwrap();
}

/// A command, and the name of its partial file.
type Given = (&'static str, &'static str);

/// Starts the command, and kills it when `partial` has grown by `growth` bytes.
///
/// Returns false if the command ended first.
fn killed(folder: &Folder, (args, partial): Given, growth: u64) -> bool {
    let len = || folder.path(partial).metadata().map_or(0, |metadata| metadata.len());
    let mut command = folder.sv2(args);
    command.stderr(Stdio::null());
    kill::killed(command, len, growth, |status, _| assert!(status.success()))
}

/// The bytes of the whole segments of a partial stream, according to the command without a key.
fn committed_len(folder: &Folder) -> usize {
    let json: serde_json::Value =
        serde_json::from_str(folder.run("inspect --json data.sv2.partial").text()).unwrap();
    let end = |segment: &serde_json::Value| {
        segment["offset"].as_u64().unwrap() + 96 + segment["wire_len"].as_u64().unwrap()
    };
    // Without a segment, nothing is committed, and the envelope may be torn.
    json["segments"].as_array().and_then(|segments| segments.last()).map_or(0, end).try_into().unwrap()
}

/// Repeats a command as long as it is killed. `look` examines the folder after each kill.
fn under_fire(mut is_killed: impl FnMut(u64) -> bool, mut look: impl FnMut()) -> u64 {
    let mut kills = 0;
    while is_killed(kills) {
        kills += 1;
        look();
    }
    kills
}

/// Encrypts and decrypts with repeated kills, and returns the number of kills.
///
/// `is_killed` runs a command that has been killed that many times, and returns whether it was
/// killed again.
fn both_under_fire(mut is_killed: impl FnMut(&Folder, Given, u64) -> bool) -> u64 {
    let folder = folder();
    let mut kept: Vec<u8> = Vec::new();
    let encrypt = |kills| is_killed(&folder, (ENCRYPT, "data.sv2.partial"), kills);
    let encrypt_kills = under_fire(encrypt, || {
        let partial = folder.read("data.sv2.partial");
        assert!(partial.starts_with(&kept), "what was committed was written again");
        kept = partial[..committed_len(&folder)].to_vec();
    });
    assert!(folder.read("data.sv2").starts_with(&kept));
    assert_eq!(folder.names(), ["data", "data.sv2", "key"]);
    let plaintext = plaintext(LEN);
    let decrypt = |kills| is_killed(&folder, (DECRYPT, "back.partial"), kills);
    let decrypt_kills = under_fire(decrypt, || {
        assert!(plaintext.starts_with(&folder.read("back.partial")));
    });
    assert!(folder.read("back") == plaintext);
    assert_eq!(folder.names(), ["back", "data", "data.sv2", "key"]);
    encrypt_kills + decrypt_kills
}

/// Kills far apart, at almost the same place, and once or twice in each segment.
#[test]
fn kill_after_kill() {
    for (first, more, most) in [(1, 997, 12), (5001, 1, 12), (9000, 97, 20)] {
        let killed = both_under_fire(|folder, (args, _), kills| {
            killed_at(folder, args, if kills < most { first + more * kills } else { 1 << 20 })
        });
        assert_eq!(killed, 2 * most);
    }
}

/// `cargo test -p sv2 --test resume -- --ignored`
#[test]
#[ignore = "a quarter of a minute that the other tests do not need"]
fn two_hundred_kills() {
    let (mut kills, mut growths) = (0, growths());
    while kills < 200 {
        kills += both_under_fire(|folder, given, _| killed(folder, given, growths()));
    }
}

/// Leaves `data.sv2.partial` and its journal.
pub(crate) fn interrupted() -> Folder {
    let folder = folder();
    assert!(killed_at(&folder, ENCRYPT, 2600));
    folder
}

#[test]
fn a_source_that_has_changed_is_refused() {
    let folder = interrupted();
    let before = folder.read("data.sv2.partial");
    folder.write("data", &plaintext(LEN - 1));
    let ran = folder.run(ENCRYPT);
    insta::assert_snapshot!(ran, @r"
    sv2: data: the source is not the one that the interrupted run read (journal.source at byte 0)
    hint: its length differs (12582912 bytes then, 12582911 now); --verify-source compares all of it, and resumes if nothing that was encrypted has changed
    hint: --restart discards the partial output and starts over
    exit 1
    ");
    folder.write("data", &vec![1; LEN]);
    modified_in_2026(&folder.path("data"), 3600);
    let ran = folder.run(ENCRYPT);
    insta::assert_snapshot!(ran, @r"
    sv2: data: the source is not the one that the interrupted run read (journal.source at byte 0)
    hint: it was modified (2026-01-01T00:00:00Z then, 2026-01-01T01:00:00Z now); --verify-source compares all of it, and resumes if nothing that was encrypted has changed
    hint: --restart discards the partial output and starts over
    exit 1
    ");
    fs::remove_file(folder.path("data.sv2.journal")).unwrap();
    let ran = folder.run(ENCRYPT);
    // All of it is compared.
    insta::assert_snapshot!(ran, @r"
    sv2: data: the source is not the one that the interrupted run read (journal.source at byte 0)
    hint: --restart discards the partial output and starts over
    exit 1
    ");
    // A torn tail may have been cut, but the committed segments are unchanged.
    assert!(before.starts_with(&folder.read("data.sv2.partial")));
    folder.run(&format!("{ENCRYPT} --restart")).done();
    folder.run("decrypt -q -k key data.sv2 -o back").done();
    assert!(folder.read("back") == vec![1; LEN]);
}

//= spec/stream-v2.md#sv2-res-005
//= type=test
//# A writer that resumes MUST take suite, flags, sizes, epoch_segments, plaintext_len and key_id
//# from the stream header, and digest_alg from the last committed segment, and answer `misuse` to a
//# caller who asks for others.
#[test]
fn other_keys_and_sizes_are_refused() {
    let folder = interrupted();
    folder.write_key("other", &stream_v2_testing::command::key_text([9; 16], [9; 32]));
    let ran = folder.run("encrypt -k other data");
    insta::assert_snapshot!(ran, @r"
    sv2: data.sv2.partial: was begun for another key file, or for a passphrase
    hint: use that one to resume (sv2 inspect shows the envelope); --restart discards the partial output and starts over
    exit 2
    ");
    let ran = folder.run("encrypt -k key --segment-size 1M data");
    insta::assert_snapshot!(ran, @r"
    sv2: data.sv2.partial: was begun with --segment-size 64 KiB
    hint: leave out --segment-size to resume; --restart discards the partial output and starts over
    exit 2
    ");
    let ran = folder.run("encrypt -k key --suite aes-256-gcm data");
    insta::assert_snapshot!(ran, @r"
    sv2: data.sv2.partial: was begun with --suite xchacha20-poly1305
    hint: leave out --suite to resume; --restart discards the partial output and starts over
    exit 2
    ");
    folder.run("encrypt -q -k key data").done();
    folder.run("decrypt -q -k key data.sv2 -o back").done();
    assert!(folder.read("back") == plaintext(LEN));
}

#[test]
fn from_a_pipe_what_is_committed_is_skipped() {
    let folder = interrupted();
    let ran = folder.run_with("encrypt -k key - -o data.sv2", &plaintext(LEN)).done();
    assert!(ran.stderr().contains("resuming after"), "{ran}");
    folder.run("decrypt -q -k key data.sv2 -o back").done();
    assert!(folder.read("back") == plaintext(LEN));
}

#[test]
fn a_stream_that_lacks_only_its_name_gets_it() {
    let folder = folder();
    folder.run(ENCRYPT).done();
    let sealed = folder.read("data.sv2");
    fs::rename(folder.path("data.sv2"), folder.path("data.sv2.partial")).unwrap();
    let ran = folder.run(ENCRYPT).done();
    assert_eq!(ran.stderr(), "sv2: data.sv2: was complete; only its name was missing\n");
    assert!(folder.read("data.sv2") == sealed);
}

#[test]
fn damage_is_told_and_nothing_is_changed() {
    let folder = interrupted();
    // With a journal, durable data is not read again.
    fs::remove_file(folder.path("data.sv2.journal")).unwrap();
    let mut partial = folder.read("data.sv2.partial");
    partial[2000] ^= 1;
    folder.write("data.sv2.partial", &partial);
    let ran = folder.run(ENCRYPT);
    insta::assert_snapshot!(ran, @r"
    sv2: data.sv2.partial: committed data is damaged (malformed.damaged at byte 1152, segment 0)
    hint: nothing was changed; --restart discards the partial output and starts over
    exit 1
    ");
    assert!(folder.read("data.sv2.partial") == partial);
}

/// Leaves `back.partial` and its journal.
pub(crate) fn interrupted_decryption() -> Folder {
    let folder = folder();
    folder.run(&format!("{ENCRYPT} -q")).done();
    assert!(killed_at(&folder, DECRYPT, 4100));
    folder
}

#[test]
fn a_decryption_goes_on_too() {
    let folder = interrupted_decryption();
    let ran = folder.run(DECRYPT).done();
    assert!(ran.stderr().starts_with("sv2: back.partial: resuming after "), "{ran}");
    assert!(folder.read("back") == plaintext(LEN));
    assert_eq!(folder.names(), ["back", "data", "data.sv2", "key"]);

    let folder = interrupted_decryption();
    let ran = folder.run_with("decrypt -k key - -o back", &folder.read("data.sv2")).done();
    assert!(ran.stderr().starts_with("sv2: back.partial: resuming after "), "{ran}");
    assert!(folder.read("back") == plaintext(LEN));

    let folder = interrupted_decryption();
    let ran = folder.run(&format!("{DECRYPT} --restart")).done();
    assert!(ran.stderr().starts_with("sv2: back: 12582912 bytes"), "{ran}");
}

#[test]
fn a_decryption_does_not_go_on_with_another_stream() {
    let folder = interrupted_decryption();
    let partial = folder.read("back.partial");
    let sealed = folder.read("data.sv2");
    folder.run("encrypt -q -k key --force --segment-size 64K --frame-size 4K data").done();
    insta::assert_snapshot!(folder.run(DECRYPT), @r"
    sv2: back.partial: exists already, and its journal is not to be used: the journal belongs to another stream (journal.foreign at byte 16)
    hint: --restart discards the partial output and starts over
    exit 2
    ");
    // The same stream, cut off before the end of the released plaintext.
    folder.write("data.sv2", &sealed[..100_000]);
    let ran = folder.run(DECRYPT);
    assert!(ran.code() == 1 && ran.stderr().contains("(truncated at byte 100000"), "{ran}");
    assert!(folder.read("back.partial") == partial);
    // The released plaintext was changed.
    folder.write("data.sv2", &sealed);
    let mut touched = partial.clone();
    touched.fill(0);
    folder.write("back.partial", &touched);
    let ran = folder.run(DECRYPT).done();
    assert!(ran.stderr().starts_with("sv2: warning: back.partial: durable data was lost"), "{ran}");
    assert!(folder.read("back") == plaintext(LEN));
}

/// The crash came before the removal of the journal, or of the other name.
#[test]
fn a_run_that_was_complete_says_so() {
    let folder = interrupted();
    let journal = folder.read("data.sv2.journal");
    folder.run(ENCRYPT).done();
    for other_name in [false, true] {
        folder.write("data.sv2.journal", &journal);
        if other_name {
            fs::hard_link(folder.path("data.sv2"), folder.path("data.sv2.partial")).unwrap();
        }
        let ran = folder.run(ENCRYPT).done();
        assert_eq!(ran.stderr(), "sv2: data.sv2: was complete already\n");
        assert_eq!(folder.names(), ["data", "data.sv2", "key"]);
    }
    // The name is taken by a foreign file.
    folder.write("data.sv2.journal", &journal);
    folder.write("data", b"other");
    assert_eq!(folder.run(ENCRYPT).code(), 2);
    folder.run(&format!("{ENCRYPT} --force")).done();
    folder.run("decrypt -q -k key data.sv2 -o back").done();
    assert_eq!(folder.read("back"), b"other");
}

#[test]
fn a_source_that_was_only_touched_or_has_grown_is_compared_on_request() {
    let folder = interrupted();
    let mut grown = plaintext(LEN);
    grown.extend_from_slice(b"more");
    folder.write("data", &grown);
    let ran = folder.run(&format!("{ENCRYPT} --verify-source")).done();
    assert!(ran.stderr().starts_with("sv2: data.sv2.partial: resuming after "), "{ran}");
    folder.run("decrypt -q -k key data.sv2 -o back").done();
    assert!(folder.read("back") == grown);

    let folder = interrupted();
    let mut changed = plaintext(LEN);
    changed[5] ^= 1;
    folder.write("data", &changed);
    insta::assert_snapshot!(folder.run(&format!("{ENCRYPT} --verify-source")), @r"
    sv2: data: the source is not the one that the interrupted run read (journal.source at byte 5)
    hint: --restart discards the partial output and starts over
    exit 1
    ");
    let ran = folder.run_with("encrypt -k key - -o data.sv2", &changed);
    insta::assert_snapshot!(ran, @r"
    sv2: standard input: the source is not the one that the interrupted run read (journal.source at byte 5)
    hint: --restart discards the partial output and starts over
    exit 1
    ");
}

#[test]
fn recover_tells_what_is_whole_and_cuts_on_request_only() {
    let folder = folder();
    folder.run(ENCRYPT).done();
    let sealed = folder.read("data.sv2");
    folder.write("torn", &sealed[..1_000_000]);
    let said = |args: &str| {
        let ran = folder.run(args);
        format!("{}{ran}", ran.text())
    };
    insta::assert_snapshot!(said("recover torn"), @r"
    torn: 15 segments in 1 run, 983040 bytes (960 KiB) of plaintext; no final segment
    torn: a torn tail of 6568 bytes (6.4 KiB) after byte 993432; --truncate cuts it
    checksums only, without a key: authenticity is unknown; -k FILE checks it
    sv2 encrypt resumes a .partial file by itself; sv2 decrypt --salvage recovers its plaintext
    exit 0
    ");
    assert_eq!(folder.read("torn").len(), 1_000_000);
    insta::assert_snapshot!(said("recover -k key torn --truncate"), @r"
    torn: 15 segments in 1 run, 983040 bytes (960 KiB) of plaintext; no final segment
    torn: a torn tail of 6568 bytes (6.4 KiB) was cut after byte 993432
    sv2 encrypt resumes a .partial file by itself; sv2 decrypt --salvage recovers its plaintext
    exit 0
    ");
    let whole = folder.read("torn");
    assert!(sealed.starts_with(&whole) && whole.len() > 900_000);
    insta::assert_snapshot!(said("recover torn --truncate"), @r"
    torn: 15 segments in 1 run, 983040 bytes (960 KiB) of plaintext; no final segment
    torn: no torn tail
    checksums only, without a key: authenticity is unknown; -k FILE checks it
    sv2 encrypt resumes a .partial file by itself; sv2 decrypt --salvage recovers its plaintext
    exit 0
    ");
    insta::assert_snapshot!(said("recover data.sv2"), @r"
    data.sv2: 193 segments in 1 run, 12582912 bytes (12 MiB) of plaintext; complete
    data.sv2: no torn tail
    checksums only, without a key: authenticity is unknown; -k FILE checks it
    exit 0
    ");
    let mut damaged = whole;
    damaged[2000] ^= 1;
    folder.write("torn", &damaged);
    insta::assert_snapshot!(said("recover torn --truncate"), @r"
    sv2: torn: committed data is damaged (malformed.damaged at byte 1152, segment 0)
    hint: this is damage, not a torn tail, so nothing is cut
    hint: sv2 decrypt --salvage -o - writes the plaintext before the fault
    exit 1
    ");
    assert!(folder.read("torn") == damaged);
    let held = fs::File::open(folder.path("torn")).unwrap();
    held.lock().unwrap();
    insta::assert_snapshot!(said("recover torn --truncate"), @r"
    sv2: torn: is being written by another sv2
    hint: wait until it is done, and run the same command again
    exit 2
    ");
}
