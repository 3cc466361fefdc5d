//! A writer or a reader is stopped anywhere, with any loss of data that was not durable.
//!
//! Running the same command again ends with exactly the source, and never touches committed data
//! (§19).

use std::path::Path;

use arbitrary::{Arbitrary, Unstructured};
use stream_v2_pipeline::{DecryptPipeline, Parallelism, SourceStamp};
use stream_v2_testing::crash_sim::decryption::{Decryption, Found};
use stream_v2_testing::crash_sim::encryption::{Encryption, Run};
use stream_v2_testing::crash_sim::sim::{Contents, Op};
use stream_v2_testing::crash_sim::states::{killed, one_loss};
use stream_v2_testing::streams::decrypt;

use crate::capture::Captured;
use crate::reader::key;

/// The events of a command that is run again until it ends.
#[derive(Arbitrary, Debug)]
struct Story {
    decrypts: bool,
    uniform: bool,
    /// Whether everything committed is compared with the source.
    compares: bool,
    /// The length of the source in bytes, modulo ten segments.
    len: u16,
    crashes: Vec<Crash>,
    /// A mishap after one more crash.
    mishap: Option<(Crash, Mishap)>,
}

/// The point at which a run ends, and the way it ends.
#[derive(Arbitrary, Debug)]
struct Crash {
    /// The number of completed calls and of bytes of the next one, each modulo its maximum.
    call: u16,
    cut: u16,
    /// If present, the power fails, and this is the fate of each operation that was not durable.
    /// Otherwise the process is killed.
    fates: Option<Vec<u8>>,
}

impl Crash {
    /// Returns the disk after a crash of a run that began with `start`.
    fn of(&self, start: &Contents, log: &[Op]) -> Contents {
        let calls = usize::from(self.call) % (log.len() + 1);
        match &self.fates {
            Some(fates) => {
                let mut fates = fates.iter().map(|fate| usize::from(*fate)).chain(std::iter::repeat(0));
                one_loss(start, &log[..calls], || fates.next().unwrap_or(0))
            }
            None => {
                let len = if let Some(Op::Write(_, _, bytes)) = log.get(calls) { bytes.len() } else { 0 };
                killed(start, log, calls, usize::from(self.cut) % (len + 1))
            }
        }
    }
}

/// Checks at most four crashes and a mishap, each followed by a run to the end.
pub fn crash(data: &[u8]) {
    let Ok(story) = Story::arbitrary(&mut Unstructured::new(data)) else { return };
    let _told = Captured(&story);
    let plaintext: Vec<u8> = (0..251).cycle().take(usize::from(story.len) % (10 * 4096)).collect();
    let crashes = &story.crashes[..story.crashes.len().min(4)];
    let mut encryption = Encryption::new(plaintext.clone());
    (encryption.uniform, encryption.compares) = (story.uniform, story.compares);
    let first = encryption.first();
    if story.decrypts {
        let decryption = Decryption::new(first.result, plaintext);
        let again = |run: Run, crash: &Crash| decryption.again(&crash.of(&run.start, &run.log));
        let run = crashes.iter().fold(decryption.first(), again);
        if let Some((crash, mishap)) = &story.mishap {
            decrypt_after(decryption, &crash.of(&run.start, &run.log), mishap);
        }
    } else {
        let again = |run: Run, crash: &Crash| encryption.again(&run, &crash.of(&run.start, &run.log));
        let run = crashes.iter().fold(first, again);
        if let Some((crash, mishap)) = &story.mishap {
            encrypt_after(encryption, &crash.of(&run.start, &run.log), mishap);
        }
    }
}

/// A change that no crash makes.
#[derive(Arbitrary, Debug)]
struct Mishap {
    file: File,
    change: Change,
}

#[derive(Arbitrary, Clone, Copy, Debug, PartialEq, Eq)]
enum File {
    Output,
    Journal,
    /// The source, or the stream to decrypt.
    Source,
}

#[derive(Arbitrary, Debug)]
enum Change {
    /// Flips bits of a byte. Its place counts modulo the length.
    Flip(u16, u8),
    Cut(u16),
    Grow(u8),
    /// Removes the file or all bytes.
    Lose,
    /// Replaces the content.
    Replace(Vec<u8>),
}

impl Mishap {
    /// Applies the mishap to the disk and the source.
    fn befall(&self, disk: &Contents, source: &mut Vec<u8>) -> Contents {
        let mut disk = disk.clone();
        let name = match self.file {
            File::Source => {
                self.change.of(source);
                return disk;
            }
            File::Journal => "out.journal",
            File::Output if disk.names.contains_key(Path::new("out.partial")) => "out.partial",
            File::Output => "out",
        };
        match (&self.change, disk.names.get(Path::new(name)).copied()) {
            (Change::Lose, _) => _ = disk.names.remove(Path::new(name)),
            (Change::Replace(bytes), _) => disk.put(name, bytes.clone()),
            (change, Some(inode)) => change.of(&mut disk.files[inode]),
            (_, None) => {}
        }
        disk
    }
}

impl Change {
    fn of(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Flip(at, value) => {
                if let Some(place) = usize::from(*at).checked_rem(bytes.len()) {
                    bytes[place] ^= value;
                }
            }
            Self::Cut(len) => bytes.truncate(usize::from(*len)),
            Self::Grow(len) => bytes.extend((0..*len).map(|place| place ^ 0x5A)),
            Self::Lose => bytes.clear(),
            Self::Replace(other) => bytes.clone_from(other),
        }
    }
}

/// Asserts that after any mishap the command ends with the whole source, or reports a fault and
/// leaves everything unchanged. The output never opens to anything else.
fn encrypt_after(encryption: Encryption, disk: &Contents, mishap: &Mishap) {
    let mut source = encryption.source.clone();
    let disk = mishap.befall(disk, &mut source);
    let before = encryption.source;
    // Without comparing everything, a change before the last segment is not seen (SV2-RES-008).
    let compares = encryption.compares || (source.len() == before.len() && source != before);
    let stamp = SourceStamp { len: Some(source.len() as u64), mtime: Some(7) };
    let encryption = Encryption { source, stamp, compares, ..encryption };
    let (result, sim) = encryption.run(&disk);
    let found = sim.contents();
    let Some(found) = found.file("out").filter(|_| result.is_ok()) else {
        assert_eq!(sim.log(), [], "nothing is changed");
        return;
    };
    let key = key();
    let mut reader = DecryptPipeline::new(&key);
    reader.parallelism = Parallelism::with_workers(1);
    let (released, result) = decrypt(&reader, found);
    match result {
        // A run that was complete before leaves its output unchanged.
        Ok(_) => assert!(released == encryption.source || released == before),
        Err(error) => assert!(mishap.file == File::Output && error.format_error().is_some(), "{error}"),
    }
}

/// Asserts that after any mishap the command ends with the whole plaintext or with an error.
fn decrypt_after(mut decryption: Decryption, disk: &Contents, mishap: &Mishap) {
    let disk = mishap.befall(disk, &mut decryption.stream);
    let (result, sim) = decryption.run(&disk);
    let (disk_now, plaintext) = (sim.contents(), Some(&decryption.plaintext));
    match result {
        Ok(Found::Unknown | Found::Taken) => {
            assert!(disk_now.file("out") == disk.file("out"), "somebody else's file is left alone");
            assert!(disk_now.file("out.partial") == disk.file("out.partial"));
        }
        Ok(_) if disk_now.file("out") != plaintext => {
            assert!(mishap.file == File::Output);
            let (found, expected) = (disk_now.file("out").unwrap(), &decryption.plaintext);
            let complete_before = disk.file("out") == Some(found);
            let differ = found.iter().zip(expected).filter(|(found, expected)| found != expected).count();
            assert!(complete_before || (found.len() == expected.len() && differ == 1), "{differ}");
        }
        Ok(_) => {}
        // The file under the final name is never half written.
        Err(_) => assert!(disk_now.file("out") == disk.file("out")),
    }
}
