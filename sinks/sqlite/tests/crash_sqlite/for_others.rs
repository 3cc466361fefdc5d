//! An encryption for others into a database. Its resume key is in a folder, which becomes durable
//! without the database, and the other way round (§19.9).

use stream_v2_pipeline::OutputFile;
use stream_v2_sqlite::Database;
use stream_v2_testing::crash_sim::encryption::Encryption;
use stream_v2_testing::crash_sim::sim::{Contents, Sim};
use stream_v2_testing::crash_sim::states::lost_power;
use stream_v2_testing::crash_sim::{SEGMENT, sealings};
use stream_v2_testing::plaintext;

use crate::images::{Image, Imaging};
use crate::stored;

const SEGMENTS: usize = 3;

fn encryption() -> Encryption {
    sealings::watch();
    Encryption::for_others(plaintext(SEGMENTS * SEGMENT - 7))
}

/// Runs the command to its end. The stream opens, and nothing else is left.
fn run(encryption: &Encryption, database: &Database, keys: &Sim, output: OutputFile) {
    encryption.give(&encryption.keeping(keys, output)).unwrap();
    encryption.assert_opens(&stored(database, "out"));
    let entries = database.entries().unwrap();
    assert_eq!(entries.iter().map(|entry| &entry.name).collect::<Vec<_>>(), ["out"]);
    assert_eq!(keys.contents().names(), [""; 0], "a resume key is left");
}

fn again(encryption: &Encryption, image: &Image, keys: &Contents) {
    let folder = tempfile::tempdir().unwrap();
    let database = Database::open(&image.restore(folder.path())).unwrap();
    run(encryption, &database, &Sim::new(keys.clone()), database.output("out"));
}

#[test]
fn database_and_resume_key_crash_apart() {
    let encryption = encryption();
    let (folder, keys) = (tempfile::tempdir().unwrap(), Sim::default());
    let database = Database::create(&folder.path().join("streams.db")).unwrap();
    let imaging = Imaging::beside(&database, &keys);
    run(&encryption, &database, &keys, imaging.output("out"));
    let (images, log) = (imaging.images(), keys.log());
    let mut states = 0;
    for (at, image) in images.iter().enumerate() {
        let next = images.get(at + 1).map_or(log.len(), |next| next.beside);
        // What happens in the folder until the database changes again.
        for calls in image.beside..=next {
            lost_power(&Contents::default(), &log[..calls], calls, |_, contents| {
                again(&encryption, image, contents);
                again(&encryption, &image.cut(image.durable, None), contents);
                states += 2;
            });
        }
    }
    assert!(states > images.len() && sealings::check() > 0);
}
