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

/// The slowest takes fifteen seconds, and longer on a machine that does other things.
const PATIENCE: Duration = Duration::from_secs(180);
/// How servers say that a port is taken.
const ADDRESS_IN_USE: [&str; 3] = ["address already in use", "Address already in use", "EADDRINUSE"];
/// How often a server that starts is asked.
const LOOK: Duration = Duration::from_millis(50);

/// A server with an empty bucket. It is killed when it is dropped.
pub struct Server {
    kind: Kind,
    folder: TempDir,
    ports: [u16; 4],
    process: Child,
    /// What runs beside it and is not killed with it.
    beside: Vec<Child>,
}

impl Server {
    /// The server that the environment names, when it can store something.
    ///
    /// # Panics
    /// If it ends, or takes minutes.
    #[must_use]
    pub fn start() -> Self {
        loop {
            let mut server = Self::begin();
            // Between looking for a port and listening on it somebody else may take it.
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

    /// Kills it, as `kill -9` does it.
    pub fn kill(&mut self) {
        kill(&mut self.process);
    }

    /// Starts it again, on the same data and ports. It may not be ready when this returns.
    pub fn start_again(&mut self) {
        self.process = spawn(self.kind, &Home(self.folder.path()), self.ports);
    }

    /// Waits until it has a bucket and has stored something.
    ///
    /// # Panics
    /// If it ends, or takes minutes.
    pub fn until_ready(&mut self) {
        self.wait().unwrap();
    }

    /// The same; the error is the end of its log.
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
        // 409: it exists.
        if !made.is_success() && made.status != 409 {
            return Err(format!("{made:?}"));
        }
        let put = self.try_ask(&Ask { method: "PUT", key: "ready", body: b"bytes", ..NOTHING })?;
        if put.is_success() { Ok(()) } else { Err(format!("{put:?}")) }
    }

    /// Which server it is.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// Its URL.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address())
    }

    /// Host and port.
    #[must_use]
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.ports[0])
    }

    /// The same, of a server that answers.
    ///
    /// # Panics
    /// If there is no answer.
    #[must_use]
    pub fn ask(&self, ask: &Ask<'_>) -> Answer {
        self.try_ask(ask).unwrap()
    }

    /// Asks with other credentials: the id of a key, and its secret.
    ///
    /// # Errors
    /// If there is no answer.
    pub fn ask_as(&self, credentials: (&str, &str), ask: &Ask<'_>) -> Result<Answer, String> {
        send(&self.address(), credentials, ask).map_err(|error| error.to_string())
    }

    /// Asks for something, with its credentials.
    ///
    /// # Errors
    /// If there is no answer.
    pub fn try_ask(&self, ask: &Ask<'_>) -> Result<Answer, String> {
        self.ask_as((self.kind.key_id(), self.kind.secret()), ask)
    }

    /// Stores an object in one request.
    pub fn put(&self, key: &str, bytes: &[u8]) {
        let answer = self.ask(&Ask { method: "PUT", key, body: bytes, ..NOTHING });
        assert!(answer.is_success(), "{key}: {answer:?}");
    }

    /// The bytes of an object.
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

/// A request for the bucket, to complete.
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
