//! Measures the cost of resuming an encryption of 10 GiB, stopped at 90 %, with its journal and
//! without.
//!
//! `cargo bench -p sv2 --bench resume` encrypts a file of zeros with `sv2` and default settings. It
//! stops the run at 90 %, once by SIGTERM and once by SIGKILL. It prints how many bytes of output,
//! journal and source are read before the first new byte can be written. It also prints how long
//! the same `sv2` command takes until it writes one. It takes 20 GiB of disk space.

use std::error::Error;
use std::fs::{self, File};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use stream_v2::pipeline::{
    ContentKey, Disk, EncryptPipeline, InterruptedEncryption, OutputFile, SourceStamp, Storage, StoredFile,
};
use stream_v2_testing::forward;

const SV2: &str = env!("CARGO_BIN_EXE_sv2");
const LEN: u64 = 10 << 30;
const STOP_AT: u64 = LEN / 10 * 9;

type Done<T = ()> = Result<T, Box<dyn Error>>;

fn main() -> Done {
    let folder = tempfile::tempdir()?;
    let bench = Bench { folder: folder.path().to_owned() };
    File::create(bench.path("data"))?.set_len(LEN)?;
    if !Command::new(SV2).args(["keygen", "-o"]).arg(bench.path("key")).status()?.success() {
        return Err("sv2 keygen failed".into());
    }
    println!("10 GiB, stopped at 90 %; bytes read before the first new byte is written");
    println!("stopped by  journal      of output   of journal   of source    seconds   sv2 writes after");
    for (name, signal) in [("SIGTERM", Signal::TERM), ("SIGKILL", Signal::KILL)] {
        bench.stop_at(STOP_AT, signal)?;
        bench.print(name, "with")?;
        fs::rename(bench.path("data.sv2.journal"), bench.path("hidden"))?;
        bench.print(name, "without")?;
        bench.complete()?;
    }
    Ok(())
}

struct Bench {
    folder: PathBuf,
}

impl Bench {
    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn partial_len(&self) -> u64 {
        self.path("data.sv2.partial").metadata().map_or(0, |metadata| metadata.len())
    }

    fn encrypt(&self) -> io::Result<Child> {
        let mut sv2 = Command::new(SV2);
        sv2.args(["encrypt", "-q", "-k", "key", "data"])
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .spawn()
    }

    /// Encrypts until the output has `len` bytes, and stops the run there.
    fn stop_at(&self, len: u64, signal: Signal) -> Done {
        let mut child = self.encrypt()?;
        while self.partial_len() < len {
            if child.try_wait()?.is_some() {
                return Err("the run ended before it was stopped".into());
            }
            thread::sleep(Duration::from_millis(1));
        }
        kill_process(Pid::from_child(&child), signal)?;
        child.wait()?;
        Ok(())
    }

    /// Examines the partial output as `sv2` does, and counts. Then lets `sv2` resume until it
    /// writes, and kills it.
    fn print(&self, name: &str, journal: &str) -> Done {
        let (read, seconds) = self.count()?;
        let (before, begin) = (self.partial_len(), Instant::now());
        let mut child = self.encrypt()?;
        // A torn tail is cut first.
        let mut lowest = before;
        while self.partial_len() <= lowest {
            lowest = lowest.min(self.partial_len());
        }
        let wrote = begin.elapsed().as_secs_f64();
        child.kill()?;
        child.wait()?;
        println!(
            "{name}     {journal:8} {:>13} {:>12} {:>11} {seconds:>10.3} {wrote:>18.3}",
            read.output, read.journal, read.source
        );
        Ok(())
    }

    fn count(&self) -> Done<(Reads, f64)> {
        let text = fs::read_to_string(self.path("key"))?;
        let digits = text.split_whitespace().last().ok_or("no key")?;
        let mut key = [0; 32];
        hex::decode_to_slice(digits, &mut key)?;
        let key = ContentKey::new(key);
        let counting = Counting::default();
        let output = OutputFile::stored(Arc::new(counting.clone()), self.path("data.sv2"));
        let begin = Instant::now();
        let mut found =
            InterruptedEncryption::find(&EncryptPipeline::new(&key), &output)?.ok_or("nothing is left")?;
        let counter = counting.source.clone();
        let mut source = CountedFile { file: Box::new(File::open(self.path("data"))?), counter };
        found.check_source(&mut source, SourceStamp { len: Some(LEN), mtime: None })?;
        let seconds = begin.elapsed().as_secs_f64();
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let reads = Reads {
            output: load(&counting.output),
            journal: load(&counting.journal),
            source: load(&counting.source),
        };
        Ok((reads, seconds))
    }

    /// Runs the command for the last time, and verifies the whole result.
    fn complete(&self) -> Done {
        let done = self.encrypt()?.wait()?.success();
        let mut verify = Command::new(SV2);
        verify.args(["verify", "-q", "-k", "key", "data.sv2"]).current_dir(&self.folder);
        if !done || !verify.status()?.success() {
            return Err("the stream is not complete".into());
        }
        fs::remove_file(self.path("data.sv2"))?;
        Ok(())
    }
}

struct Reads {
    output: u64,
    journal: u64,
    source: u64,
}

/// The disk, with a count of all bytes read from it.
#[derive(Clone, Default)]
struct Counting {
    output: Arc<AtomicU64>,
    journal: Arc<AtomicU64>,
    source: Arc<AtomicU64>,
}

struct CountedFile {
    file: Box<dyn StoredFile>,
    counter: Arc<AtomicU64>,
}

impl Read for CountedFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.counter.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

impl Write for CountedFile {
    forward!(self => self.file; write flush);
}

impl Seek for CountedFile {
    forward!(self => self.file; seek);
}

impl StoredFile for CountedFile {
    forward!(self => self.file; size set_len sync lock is_named);
}

impl Storage for Counting {
    fn open(&self, path: &Path) -> io::Result<Box<dyn StoredFile>> {
        let is_journal = path.extension().is_some_and(|extension| extension == "journal");
        let counter = if is_journal { self.journal.clone() } else { self.output.clone() };
        Ok(Box::new(CountedFile { file: Disk::default().open(path)?, counter }))
    }

    forward!(self => Disk::default(); create exists rename link remove sync_folder);
}
