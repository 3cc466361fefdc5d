//! One running server, in a folder of its own.

use std::process::Child;
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::kind::Kind;
use crate::process::{Home, kill};
use crate::request::{Answer, Ask, send};
use crate::{ceph, garage, moto, ports, s3rver, seaweed};

/// A bucket that exists from the beginning.
pub const BUCKET: &str = "bucket";

/// The longest wait for a server. The slowest takes 15 seconds, and longer on a busy machine.
const PATIENCE: Duration = Duration::from_secs(180);
/// The words with which servers report that a port is taken.
const ADDRESS_IN_USE: [&str; 3] = ["address already in use", "Address already in use", "EADDRINUSE"];
/// The interval between requests to a server that is starting.
const LOOK: Duration = Duration::from_millis(50);

/// A server with an empty bucket. It is killed when it is dropped.
pub struct Server {
    kind: Kind,
    folder: TempDir,
    ports: [u16; 4],
    process: Child,
    /// Processes that run beside it and are not killed with it.
    beside: Vec<Child>,
}

impl Server {
    /// Starts the server that the environment names, and returns when it can store data.
    ///
    /// # Panics
    /// - if the server ends, or takes minutes.
    #[must_use]
    pub fn start() -> Self {
        loop {
            let mut server = Self::begin();
            // Another process may take a port between the search for it and listening on it.
            match server.wait() {
                Err(told) if ADDRESS_IN_USE.iter().any(|words| told.contains(words)) => {}
                waited => {
                    waited.unwrap();
                    return server;
                }
            }
        }
    }

    fn begin() -> Self {
        let (kind, folder, ports) = (Kind::from_env(), tempfile::tempdir().unwrap(), ports::free());
        let home = Home(folder.path());
        let mut beside = Vec::new();
        match kind {
            Kind::Seaweed => seaweed::prepare(&home),
            Kind::Ceph => beside.extend(ceph::prepare(&home, ports)),
            Kind::Garage => garage::prepare(&home, ports),
            Kind::Moto | Kind::S3rver => {}
        }
        let process = spawn(kind, &home, ports);
        Self { kind, folder, ports, process, beside }
    }

    /// Kills the server as `kill -9` does.
    pub fn kill(&mut self) {
        kill(&mut self.process);
    }

    /// Starts the server again on the same data and ports. It may not be ready on return.
    pub fn start_again(&mut self) {
        self.process = spawn(self.kind, &Home(self.folder.path()), self.ports);
    }

    /// Waits until the server has a bucket and has stored an object.
    ///
    /// # Panics
    /// - if the server ends, or takes minutes.
    pub fn until_ready(&mut self) {
        self.wait().unwrap();
    }

    /// Waits as [`until_ready`](Self::until_ready) does. The error is the end of the server's log.
    fn wait(&mut self) -> Result<(), String> {
        let end = Instant::now() + PATIENCE;
        loop {
            let stored = self.try_to_store();
            if stored.is_ok() {
                return Ok(());
            }
            let is_running = self.process.try_wait().unwrap().is_none();
            if !is_running || Instant::now() >= end {
                let log = Home(self.folder.path()).log();
                return Err(format!("the server stores nothing: {stored:?}\n{log}"));
            }
            thread::sleep(LOOK);
        }
    }

    fn try_to_store(&self) -> Result<(), String> {
        let made = self.try_ask(&Ask { method: "PUT", key: "", ..NOTHING })?;
        // 409 means that it exists.
        if !made.is_success() && made.status != 409 {
            return Err(format!("{made:?}"));
        }
        let put = self.try_ask(&Ask { method: "PUT", key: "ready", body: b"bytes", ..NOTHING })?;
        if put.is_success() { Ok(()) } else { Err(format!("{put:?}")) }
    }

    /// Returns which server it is.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// Returns its URL.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address())
    }

    /// Returns its host and port.
    #[must_use]
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.ports[0])
    }

    /// Sends a request with its credentials and returns the answer.
    ///
    /// # Panics
    /// - if there is no answer.
    #[must_use]
    pub fn ask(&self, ask: &Ask<'_>) -> Answer {
        self.try_ask(ask).unwrap()
    }

    /// Sends a request with other credentials: the id of a key and its secret.
    ///
    /// # Errors
    /// - if there is no answer.
    pub fn ask_as(&self, credentials: (&str, &str), ask: &Ask<'_>) -> Result<Answer, String> {
        send(&self.address(), credentials, ask).map_err(|error| error.to_string())
    }

    /// Sends a request with its credentials.
    ///
    /// # Errors
    /// - if there is no answer.
    pub fn try_ask(&self, ask: &Ask<'_>) -> Result<Answer, String> {
        self.ask_as((self.kind.key_id(), self.kind.secret()), ask)
    }

    /// Stores an object in one request.
    pub fn put(&self, key: &str, bytes: &[u8]) {
        let answer = self.ask(&Ask { method: "PUT", key, body: bytes, ..NOTHING });
        assert!(answer.is_success(), "{key}: {answer:?}");
    }

    /// Returns the bytes of an object.
    #[must_use]
    pub fn read(&self, key: &str) -> Vec<u8> {
        let answer = self.ask(&Ask { method: "GET", key, ..NOTHING });
        assert!(answer.is_success(), "{key}: {answer:?}");
        answer.body
    }

    /// Deletes an object.
    pub fn remove(&self, key: &str) {
        let answer = self.ask(&Ask { method: "DELETE", key, ..NOTHING });
        assert!(answer.is_success(), "{key}: {answer:?}");
    }
}

/// An empty request for the bucket, to be filled in.
pub(crate) const NOTHING: Ask<'static> =
    Ask { method: "GET", bucket: BUCKET, key: "", query: &[], headers: &[], body: b"" };

impl Default for Ask<'_> {
    fn default() -> Self {
        NOTHING
    }
}

fn spawn(kind: Kind, home: &Home<'_>, ports: [u16; 4]) -> Child {
    match kind {
        Kind::Seaweed => seaweed::start(home, ports),
        Kind::Ceph => ceph::start(home),
        Kind::Garage => garage::start(home),
        Kind::Moto => moto::start(home, ports),
        Kind::S3rver => s3rver::start(home, ports),
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        kill(&mut self.process);
        self.beside.iter_mut().for_each(kill);
        if self.kind == Kind::Seaweed {
            seaweed::clean(self.ports);
        }
        if thread::panicking() {
            eprintln!("the server's log ends so:\n{}", Home(self.folder.path()).log());
        }
    }
}
