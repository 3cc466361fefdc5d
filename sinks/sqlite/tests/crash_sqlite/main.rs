//! Every crash of a run into a database: the command is run again, and its output is exact.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod for_others;
mod images;

use std::io::Read;
use std::path::Path;

use images::{Image, Imaging};
use stream_v2_pipeline::{Error, OutputFile};
use stream_v2_sqlite::{Database, Entry};
use stream_v2_testing::crash_sim::decryption::Decryption;
use stream_v2_testing::crash_sim::encryption::Encryption;
use stream_v2_testing::crash_sim::{SEGMENT, sealings};
use stream_v2_testing::plaintext;
use stream_v2_testing::streams::{encrypt, key};

const SEGMENTS: usize = 9;

fn encryption() -> Encryption {
    sealings::watch();
    Encryption::new(plaintext(SEGMENTS * SEGMENT - 7))
}

fn stored(database: &Database, name: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    database.read(name).unwrap().read_to_end(&mut bytes).unwrap();
    bytes
}

/// Returns images of the database in a first run, one after every call that changes it.
fn images(run: impl Fn(&OutputFile) -> Result<(), Error>) -> Vec<Image> {
    let folder = tempfile::tempdir().unwrap();
    let database = Database::create(&folder.path().join("streams.db")).unwrap();
    let imaging = Imaging::new(&database);
    run(&imaging.output("out")).unwrap();
    imaging.images()
}

/// Passes the states after a crash to `look`.
///
/// The log is cut within the bytes of a call (killed), or cut or filled in its part that is not
/// durable (power lost).
fn each_crash(images: &[Image], look: impl Fn(&Image)) {
    assert!(images.len() > 2 * SEGMENTS, "{}", images.len());
    let mut power_lost = 0;
    for (before, after) in images.iter().zip(&images[1..]) {
        assert!(before.database == after.database, "everything is in the log still");
        for part in 1..4 {
            let cut = before.log.len() + (after.log.len() - before.log.len()) * part / 4;
            look(&after.cut(cut, None));
        }
        look(after);
        let lost = after.log.len() - after.durable;
        for part in (0..4).filter(|_| lost > 0) {
            let cut = after.durable + lost * part / 4;
            for rest in [None, Some(0), Some(0xA5)] {
                look(&after.cut(cut, rest));
            }
            power_lost += 1;
        }
    }
    assert!(power_lost > 0);
}

/// Runs the command again on the state after a crash.
fn again(image: &Image, run: &impl Fn(&OutputFile) -> Result<(), Error>, look: &impl Fn(&Database)) {
    let folder = tempfile::tempdir().unwrap();
    let database = Database::open(&image.restore(folder.path())).unwrap();
    run(&database.output("out")).unwrap();
    look(&database);
    assert_no_lock_is_left(folder.path());
}

fn assert_no_lock_is_left(folder: &Path) {
    let names = folder.read_dir().unwrap().map(|entry| entry.unwrap().file_name());
    let locks: Vec<_> = names.filter(|name| name.to_string_lossy().ends_with(".lock")).collect();
    assert!(locks.is_empty(), "{locks:?}");
}

#[test]
fn encryption_crashed_anywhere_resumes() {
    let encryption = encryption();
    let run = |output: &OutputFile| encryption.give(output);
    let look = |database: &Database| {
        let stream = stored(database, "out");
        encryption.assert_opens(&stream);
        let len = stream.len() as u64;
        let whole = Entry { name: "out".into(), len, segments: SEGMENTS as u64 + 1 };
        assert_eq!(database.entries().unwrap(), [whole]);
    };
    each_crash(&images(run), |image| again(image, &run, &look));
    assert!(sealings::check() > 0);
}

#[test]
fn decryption_crashed_anywhere_resumes() {
    let input = plaintext(SEGMENTS * SEGMENT - 7);
    let stream = encrypt(&stream_v2_testing::streams::small_segments(&key(), 1), &input);
    let decryption = Decryption::new(stream, input);
    let run = |output: &OutputFile| decryption.give(output);
    let look = |database: &Database| assert!(stored(database, "out") == decryption.plaintext);
    each_crash(&images(run), |image| again(image, &run, &look));
}

/// A crash of the run that resumes after a crash, and of the next one too.
#[test]
fn crash_after_crash() {
    let encryption = encryption();
    let run = |output: &OutputFile| encryption.give(output);
    let mut image = images(run)[20].clone();
    for at in [3, 5, 2, 4, 6] {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(&image.restore(folder.path())).unwrap();
        let imaging = Imaging::new(&database);
        run(&imaging.output("out")).unwrap();
        encryption.assert_opens(&stored(&database, "out"));
        image = imaging.images()[at].clone();
    }
    assert!(sealings::check() > 0);
}
