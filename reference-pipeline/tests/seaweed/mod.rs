//! SeaweedFS for tests, on loopback, with what it reports to its makers turned off: `.ci/s3` installs it and names it in `SV2_TEST_WEED`. It can be killed
//! and started again on the same data and ports, and ends with the thread that started it.
//!
//! What it does otherwise than S3: a part that was overwritten is listed twice, and its old entity tag is taken too; completing again what is complete
//! succeeds; no part and no object made of parts is empty; it answers before it can store anything.

#![allow(dead_code, reason = "each test binary uses its own part")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]
#![allow(
    clippy::allow_attributes,
    reason = "dead code differs from binary to binary, so nothing can be expected"
)]

use std::fs::{self, File};
use std::hash::{BuildHasher, RandomState};
use std::io::Read;
use std::net::TcpListener;
use std::process::{Child, Command};
use std::thread;
use std::time::{Duration, Instant};

use rusty_s3::actions::{CreateBucket, DeleteObject, PutObject};
use rusty_s3::{Credentials, S3Action, UrlStyle};
use stream_v2_pipeline::s3::{Bucket, Config, Multipart, UploadId};
use tempfile::TempDir;
use ureq::Agent;

pub(crate) const REGION: &str = "us-east-1";
pub(crate) const KEY_ID: &str = "sv2-test";
pub(crate) const SECRET: &str = "not-a-secret";
/// A bucket that is there from the beginning.
pub(crate) const BUCKET: &str = "bucket";

const SIGNED_FOR: Duration = Duration::from_secs(60);
/// It takes three seconds, and longer on a machine that has other things to do.
const PATIENCE: Duration = Duration::from_secs(120);
/// How often somebody who waits looks.
const LOOK: Duration = Duration::from_millis(50);
/// A second port of each server is so much above the first.
const SECOND: u16 = 10_000;

/// Ports of its four servers.
#[derive(Clone, Copy)]
struct Ports {
    master: u16,
    volume: u16,
    filer: u16,
    s3: u16,
}

/// The server, in a folder of its own. It is killed when it is dropped.
pub(crate) struct Seaweed {
    folder: TempDir,
    ports: Ports,
    process: Child,
}

impl Seaweed {
    /// A server that can store something, with an empty bucket.
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("data")).unwrap();
        let actions = r#"["Admin", "Read", "Write", "List", "Tagging"]"#;
        let known = format!(
            r#"{{"identities": [{{"name": "sv2", "credentials": [{{"accessKey": "{KEY_ID}", "secretKey": "{SECRET}"}}], "actions": {actions}}}]}}"#
        );
        fs::write(folder.path().join("s3.json"), known).unwrap();
        let ports = free_ports();
        let process = spawn(&folder, ports);
        let mut server = Self { folder, ports, process };
        server.until_ready();
        server
    }

    /// As `kill -9` does it.
    pub(crate) fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Starts it again, on the same data and ports; it may not be ready when this returns.
    pub(crate) fn start_again(&mut self) {
        self.process = spawn(&self.folder, self.ports);
    }

    /// Waits until it has stored something.
    pub(crate) fn until_ready(&mut self) {
        let end = Instant::now() + PATIENCE;
        loop {
            let stored = self.create_bucket(BUCKET).and_then(|()| self.try_put("ready", b"bytes"));
            if stored.is_ok() {
                return;
            }
            let is_running = self.process.try_wait().unwrap().is_none();
            assert!(
                is_running && Instant::now() < end,
                "the server stores nothing: {stored:?}\n{}",
                self.log()
            );
            thread::sleep(LOOK);
        }
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.address())
    }

    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.ports.s3)
    }

    pub(crate) fn config(&self) -> Config {
        Config::new(REGION, KEY_ID, SECRET).unwrap().with_endpoint(&self.endpoint()).unwrap()
    }

    pub(crate) fn bucket(&self) -> Bucket {
        Bucket::new(BUCKET, &self.config()).unwrap()
    }

    /// Stores an object in one request.
    pub(crate) fn put(&self, key: &str, bytes: &[u8]) {
        self.try_put(key, bytes).unwrap();
    }

    pub(crate) fn read(&self, key: &str) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.bucket().object(key).unwrap().read_to_end(&mut bytes).unwrap();
        bytes
    }

    pub(crate) fn remove(&self, key: &str) {
        let (place, credentials) = (self.place(BUCKET), Credentials::new(KEY_ID, SECRET));
        let url = DeleteObject::new(&place, Some(&credentials), key).sign(SIGNED_FOR);
        agent().delete(url.as_str()).call().unwrap();
    }

    /// Parts that S3 has of uploads that were neither completed nor aborted.
    pub(crate) fn unfinished_parts(&self) -> usize {
        let bucket = self.bucket();
        let parts = |upload: &stream_v2_pipeline::s3::Unfinished| {
            bucket
                .parts(UploadId { key: &upload.key, id: &upload.id })
                .unwrap()
                .map_or(0, |parts| parts.len())
        };
        bucket.unfinished("").unwrap().iter().map(parts).sum()
    }

    /// Aborts all such uploads, and says how many.
    pub(crate) fn give_up_unfinished(&self) -> usize {
        let bucket = self.bucket();
        let unfinished = bucket.unfinished("").unwrap();
        let ids = unfinished.iter().map(|upload| UploadId { key: &upload.key, id: &upload.id });
        ids.for_each(|upload| drop(bucket.abort(upload).unwrap()));
        unfinished.len()
    }

    /// Waits until it has a part of such an upload.
    pub(crate) fn until_a_part_is_there(&self) {
        let end = Instant::now() + PATIENCE;
        while self.unfinished_parts() == 0 {
            assert!(Instant::now() < end, "nothing is uploaded");
            thread::sleep(LOOK);
        }
    }

    fn place(&self, bucket: &str) -> rusty_s3::Bucket {
        let endpoint = self.endpoint().parse().unwrap();
        rusty_s3::Bucket::new(endpoint, UrlStyle::Path, bucket.to_owned(), REGION).unwrap()
    }

    fn create_bucket(&self, name: &str) -> Result<(), ureq::Error> {
        let (place, credentials) = (self.place(name), Credentials::new(KEY_ID, SECRET));
        let url = CreateBucket::new(&place, &credentials).sign(SIGNED_FOR);
        match agent().put(url.as_str()).send_empty() {
            // It was there.
            Err(ureq::Error::StatusCode(409)) => Ok(()),
            answer => answer.map(drop),
        }
    }

    fn try_put(&self, key: &str, bytes: &[u8]) -> Result<(), ureq::Error> {
        let (place, credentials) = (self.place(BUCKET), Credentials::new(KEY_ID, SECRET));
        let url = PutObject::new(&place, Some(&credentials), key).sign(SIGNED_FOR);
        agent().put(url.as_str()).send(bytes).map(drop)
    }

    fn log(&self) -> String {
        let log = fs::read(self.folder.path().join("log")).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(30)..].join("\n")
    }
}

impl Drop for Seaweed {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let Ports { master, volume, filer, s3 } = self.ports;
        for (server, port) in [("master", master), ("volume", volume), ("filer", filer), ("s3", s3)] {
            for name in [format!("{server}-{port}"), format!("{server}-grpc-{}", port + SECOND)] {
                // Not every server has both.
                let _ = fs::remove_file(format!("/tmp/seaweedfs-{name}.sock"));
            }
        }
        if thread::panicking() {
            eprintln!("the server's log ends so:\n{}", self.log());
        }
    }
}

fn agent() -> Agent {
    let config = Agent::config_builder().proxy(None).timeout_global(Some(Duration::from_secs(10)));
    config.build().new_agent()
}

fn spawn(folder: &TempDir, ports: Ports) -> Child {
    let weed =
        std::env::var("SV2_TEST_WEED").unwrap_or_else(|_| panic!("SV2_TEST_WEED names no server: .ci/s3"));
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let log = File::options().create(true).append(true).open(path("log")).unwrap();
    let mut command = Command::new("setpriv");
    // A test that is killed takes it along.
    command.args(["--pdeathsig", "KILL", "--", &weed, "server", "-ip=127.0.0.1", "-ip.bind=127.0.0.1"]);
    command.args([
        "-master.telemetry=false",
        "-master.electionTimeout=1s",
        "-master.heartbeatInterval=200ms",
    ]);
    command.args(["-master.volumeSizeLimitMB=64", "-volume.max=400", "-filer", "-s3"]);
    command.args(["-s3.port.iceberg=0", "-s3.port.lance=0"]);
    command.args([format!("-dir={}", path("data")), format!("-s3.config={}", path("s3.json"))]);
    let Ports { master, volume, filer, s3 } = ports;
    command.args([format!("-master.port={master}"), format!("-volume.port={volume}")]);
    command.args([format!("-filer.port={filer}"), format!("-s3.port={s3}")]);
    // It writes logs there too.
    command.env("TMPDIR", folder.path());
    command.stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap()
}

/// Ports that nobody listens on, below those that the system gives to clients.
fn free_ports() -> Ports {
    let mut draws = 0_u64;
    let mut taken = Vec::new();
    let mut port = || loop {
        draws += 1;
        let port = 12_000 + u16::try_from(RandomState::new().hash_one(draws) % 10_000).unwrap();
        let is_free = |port| TcpListener::bind(("127.0.0.1", port)).is_ok();
        if !taken.contains(&port) && is_free(port) && is_free(port + SECOND) {
            taken.push(port);
            return port;
        }
    };
    Ports { master: port(), volume: port(), filer: port(), s3: port() }
}
