//! Measures the cost of an upload by `sv2 encrypt`, and the transfer of a range of a large object.
//!
//! It uses a real server on this machine: `.ci/s3 bench`.
//!
//! 2 GiB of random bytes from memory are encrypted into S3 with default settings. This alternates
//! with a plain multipart upload of the same bytes by the same client, with the same lanes and part
//! size. The median speed of `sv2` must be at least 80 % of the other's, and no process may exceed
//! 256 MiB.
//!
//! Then 1 MiB of an object of 10 GiB is read through a relay that counts. No more may come back
//! than 1 MiB, two segments and the stream header.

use std::error::Error;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

use md5::{Digest, Md5};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeVal;
use sha2::Sha256;
use stream_v2::format::limits::STREAM_HEADER_LEN;
use stream_v2::s3::{Bucket, Config, Multipart, PartBody, UploadId};
use stream_v2_s3_servers::{BUCKET, REGION};
use stream_v2_testing::command::s3::Served;

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;
const UPLOADED: u64 = 2 * GIB;
const RUNS: usize = 3;
/// The default of `sv2`.
const LANES: u64 = 4;
const PART: u64 = 8 * MIB;
const MEMORY_MAX: i64 = 256 << 10;
const RATIO_MIN: f64 = 0.8;
const LARGE: u64 = 10 * GIB;
/// Maximum wire bytes of a segment of 1 MiB: 96 bytes of header, 18 frame headers and tags, a
/// digest, a CRC, a tag.
const SEGMENT_MAX: u64 = MIB + 2048;

type Done<T = ()> = Result<T, Box<dyn Error>>;

fn main() -> Done {
    if std::env::var_os("SV2_TEST_WEED").is_none() {
        println!("needs a server: .ci/s3 bench");
        return Ok(());
    }
    let throughput = uploads()?;
    range()?;
    throughput
}

/// The seconds of both ways in turn, each pair on a server of its own. The inner error reports a
/// missed bound.
fn uploads() -> Done<Done> {
    let memory = tempfile::tempdir_in("/dev/shm")?;
    let path = memory.path().join("data");
    io::copy(&mut File::open("/dev/urandom")?.take(UPLOADED), &mut File::create(&path)?)?;
    let (mut plain, mut encrypted, mut peak) = (Vec::new(), Vec::new(), 0);
    for run in 0..RUNS {
        let served = Served::new();
        for is_plain in [run % 2 == 0, run % 2 == 1] {
            Command::new("sync").status()?;
            let of_whom = if is_plain { UsageWho::RUSAGE_SELF } else { UsageWho::RUSAGE_CHILDREN };
            let (begin, cpu) = (Instant::now(), cpu_seconds(of_whom)?);
            match is_plain {
                true => upload_plainly(&served, &path)?,
                false => encrypt(&served, &path, "data.sv2")?,
            }
            let seconds = begin.elapsed().as_secs_f64();
            let (name, cpu) =
                (if is_plain { "plain multipart" } else { "sv2 encrypt    " }, cpu_seconds(of_whom)? - cpu);
            println!("{name} {seconds:6.2} s, of which its processors were busy {cpu:6.2} s");
            if is_plain { &mut plain } else { &mut encrypted }.push(seconds);
        }
        // The maximum is that of `sv2` alone, until the first server has been waited for.
        if run == 0 {
            peak = getrusage(UsageWho::RUSAGE_CHILDREN)?.max_rss();
        }
    }
    let (plain, encrypted) = (median(plain), median(encrypted));
    let rate = |seconds| UPLOADED as f64 / seconds / MIB as f64;
    let ratio = plain / encrypted;
    println!("medians: plain {:.0} MiB/s, sv2 encrypt {:.0} MiB/s: {ratio:.2}", rate(plain), rate(encrypted));
    println!("largest resident set of sv2 encrypt: {peak} KiB");
    Ok(match (peak < MEMORY_MAX, ratio >= RATIO_MIN) {
        (true, true) => Ok(()),
        (false, _) => Err("it takes more memory than it may".into()),
        (_, false) => Err("it takes longer than it may".into()),
    })
}

/// Processor seconds of this process, or of those that it has waited for.
fn cpu_seconds(of_whom: UsageWho) -> Done<f64> {
    let usage = getrusage(of_whom)?;
    let seconds = |time: TimeVal| time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6;
    Ok(seconds(usage.user_time()) + seconds(usage.system_time()))
}

fn encrypt(served: &Served, path: &Path, key: &str) -> Done {
    let mut command = served.sv2("encrypt -q -k key");
    command.arg(path).args(["-o", &format!("s3://bucket/{key}")]);
    if command.status()?.success() { Ok(()) } else { Err("sv2 encrypt failed".into()) }
}

fn median(mut seconds: Vec<f64>) -> f64 {
    seconds.sort_by(f64::total_cmp);
    seconds[seconds.len() / 2]
}

/// A part of a file, read once for its MD5 and once to be sent.
struct Part<'a> {
    path: &'a Path,
    begin: u64,
    len: u64,
    md5: [u8; 16],
    sha256: [u8; 32],
}

impl PartBody for Part<'_> {
    fn len(&self) -> u64 {
        self.len
    }

    fn md5(&self) -> [u8; 16] {
        self.md5
    }

    fn sha256(&self) -> [u8; 32] {
        self.sha256
    }

    fn open(&self) -> io::Result<Box<dyn Read + Send + '_>> {
        let mut file = File::open(self.path)?;
        file.seek(SeekFrom::Start(self.begin))?;
        Ok(Box::new(file.take(self.len)))
    }
}

fn upload_plainly(served: &Served, path: &Path) -> Done {
    let config = Config::new(REGION, served.server.kind().key_id(), served.server.kind().secret())?;
    let bucket = Bucket::new(BUCKET, &config.with_endpoint(&served.server.endpoint())?)?;
    let id = bucket.begin("plain", "mark")?;
    let upload = UploadId { key: "plain", id: &id };
    let count = UPLOADED.div_ceil(PART);
    let next = AtomicU64::new(0);
    let lane = || -> io::Result<Vec<(u64, String)>> {
        let mut sent = Vec::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= count {
                return Ok(sent);
            }
            let begin = number * PART;
            let mut part =
                Part { path, begin, len: PART.min(UPLOADED - begin), md5: [0; 16], sha256: [0; 32] };
            let (mut md5, mut sha256) = (Md5::new(), Sha256::new());
            let (mut buffer, mut source) = (vec![0; 128 << 10], part.open()?);
            loop {
                match source.read(&mut buffer)? {
                    0 => break,
                    len => {
                        md5.update(&buffer[..len]);
                        sha256.update(&buffer[..len]);
                    }
                }
            }
            drop(source);
            (part.md5, part.sha256) = (md5.finalize().into(), sha256.finalize().into());
            sent.push((
                number,
                bucket.send(upload, u16::try_from(number + 1).map_err(io::Error::other)?, &part)?,
            ));
        }
    };
    let mut sent = Vec::new();
    thread::scope(|scope| -> Done {
        let lanes: Vec<_> = (0..LANES).map(|_| scope.spawn(lane)).collect();
        for lane in lanes {
            sent.extend(lane.join().map_err(|_| "a lane panicked")??);
        }
        Ok(())
    })?;
    sent.sort();
    let etags: Vec<_> = sent.iter().map(|(_, etag)| &**etag).collect();
    Ok(bucket.complete(upload, &etags, false)?)
}

/// Reads 1 MiB from the middle of an object of 10 GiB.
fn range() -> Done {
    let served = Served::new();
    let path = served.folder.path("sparse");
    let begin = LARGE / 2 + 12_345;
    let marked = stream_v2_testing::plaintext(usize::try_from(MIB)?);
    let sparse = File::create(&path)?;
    sparse.set_len(LARGE)?;
    sparse.write_all_at(&marked, begin)?;
    encrypt(&served, &path, "large.sv2")?;
    let relay = Relay::start(&served.server.address())?;
    let mut cat =
        served.sv2(&format!("cat -q -k key --range {begin}..{} s3://bucket/large.sv2", begin + MIB));
    let output = cat.env("AWS_ENDPOINT_URL_S3", format!("http://{}", relay.address)).output()?;
    if output.stdout != marked {
        return Err("it is another range".into());
    }
    let (came, allowed) =
        (relay.came.load(Ordering::Relaxed), MIB + 2 * SEGMENT_MAX + STREAM_HEADER_LEN as u64);
    println!("1 MiB from the middle of 10 GiB: {came} bytes came from the server, less than {allowed} may");
    if came < allowed { Ok(()) } else { Err("a range transfers more than it may".into()) }
}

/// Relays bytes, and counts those that come back, including the heads of responses.
struct Relay {
    address: String,
    came: Arc<AtomicU64>,
}

impl Relay {
    /// Starts the relay, which ends with the process.
    fn start(server: &str) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let (address, came) = (listener.local_addr()?.to_string(), Arc::<AtomicU64>::default());
        let (server, counter) = (server.to_owned(), Arc::clone(&came));
        thread::spawn(move || {
            for client in listener.incoming() {
                let passed = client.and_then(|client| pass(client, TcpStream::connect(&server)?, &counter));
                if let Err(error) = passed {
                    eprintln!("relay: {error}");
                }
            }
        });
        Ok(Self { address, came })
    }
}

fn pass(mut client: TcpStream, mut server: TcpStream, came: &Arc<AtomicU64>) -> io::Result<()> {
    let (mut asks, mut asked, came) = (client.try_clone()?, server.try_clone()?, Arc::clone(came));
    thread::spawn(move || {
        let _ = io::copy(&mut asks, &mut asked);
        asked.shutdown(Shutdown::Write)
    });
    thread::spawn(move || -> io::Result<()> {
        let mut buffer = vec![0; 64 << 10];
        loop {
            let len = server.read(&mut buffer)?;
            if len == 0 {
                return client.shutdown(Shutdown::Write);
            }
            came.fetch_add(len as u64, Ordering::Relaxed);
            client.write_all(&buffer[..len])?;
        }
    });
    Ok(())
}
