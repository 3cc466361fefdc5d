//! A writer or a reader is stopped anywhere, with anything lost that was not durable; the same command, given again, ends with exactly the
//! source, and never touches what was committed (§19).

use arbitrary::{Arbitrary, Unstructured};

use crate::lab::decryption::Decryption;
use crate::lab::encryption::{Encryption, Run};
use crate::lab::sim::{Contents, Op};
use crate::lab::states::{killed, one_loss};
use crate::reader::key;
use crate::support::small_segments;
use crate::told::Told;

/// What happens to a command that is given again and again until it ends.
#[derive(Arbitrary, Debug)]
struct Story {
    decrypts: bool,
    /// Bytes of the source, modulo ten segments.
    len: u16,
    crashes: Vec<Crash>,
}

/// Where a run ends, and how.
#[derive(Arbitrary, Debug)]
struct Crash {
    /// How many calls were made, and how many bytes of the next one, both modulo what there is.
    call: u16,
    cut: u16,
    /// The power fails: what becomes of each operation that was not durable. Nothing: the process is killed.
    fates: Option<Vec<u8>>,
}

impl Crash {
    /// What stands on the disk after a crash of a run that began with `start`.
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

/// At most four crashes, and then a run to the end.
pub fn crash(data: &[u8]) {
    let Ok(story) = Story::arbitrary(&mut Unstructured::new(data)) else { return };
    let _told = Told(&story);
    let plaintext: Vec<u8> = (0..251).cycle().take(usize::from(story.len) % (10 * 4096)).collect();
    let run = if story.decrypts { decryption(&story, plaintext) } else { encryption(&story, plaintext) };
    assert!(!run.result.is_empty() || story.decrypts);
}

/// What a run did on the disk that was left. The laboratory checks what it found, and that the end is the right one.
fn encryption(story: &Story, source: Vec<u8>) -> Run {
    let encryption = Encryption::new(source);
    story
        .crashes
        .iter()
        .take(4)
        .fold(encryption.first(), |run, crash| encryption.again(&run, &crash.of(&run.start, &run.log)))
}

fn decryption(story: &Story, plaintext: Vec<u8>) -> Run {
    let mut stream = Vec::new();
    let mut sink = stream_v2_pipeline::WriterSink::new(&mut stream);
    small_segments(&key(), 1).run(&plaintext[..], &mut sink, stream_v2_pipeline::Managers::none()).unwrap();
    let decryption = Decryption { key: key(), stream, plaintext };
    story
        .crashes
        .iter()
        .take(4)
        .fold(decryption.first(), |run, crash| decryption.again(&crash.of(&run.start, &run.log)))
}
