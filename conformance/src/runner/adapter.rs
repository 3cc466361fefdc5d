//! An adapter as a process. It is asked line by line, watched, and started again after a failure.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::judge::{Judgement, Verdict};
use crate::operations::operation::Step;
use crate::protocol::{Answer, PROTOCOL, Peer, Session};

/// The interval between checks of memory while the runner waits for an answer.
pub(super) const LOOK: Duration = Duration::from_millis(20);

/// The handshake may take at least this long, because an interpreter needs time to start.
const HANDSHAKE: Duration = Duration::from_secs(60);

/// The longest line that is an answer, in bytes.
const LINE_LEN_MAX: u64 = 64 << 20;

/// The length of standard error that is kept, in bytes.
const STDERR_LEN: usize = 2000;

/// The limits of an adapter.
#[derive(Clone, Copy, Debug)]
pub struct Caps {
    /// The time for one answer. The handshake may always take a minute.
    pub timeout: Duration,
    /// Growth of resident memory after the handshake, in bytes.
    pub memory: u64,
}

impl Default for Caps {
    fn default() -> Self {
        Self { timeout: Duration::from_secs(10), memory: 256 << 20 }
    }
}

/// A running adapter. Dropping it kills its process.
pub struct Adapter {
    child: Child,
    requests: Sender<Vec<u8>>,
    lines: Receiver<io::Result<Vec<u8>>>,
    stderr: Arc<Mutex<Vec<u8>>>,
    caps: Caps,
    /// Resident memory after the handshake, in bytes.
    baseline: Option<u64>,
    asked: u64,
    /// Its description of itself.
    pub peer: Peer,
}

impl Adapter {
    /// Starts `command` and performs the handshake. An error is one line for people.
    ///
    /// # Errors
    ///
    /// - if the command cannot be started.
    /// - if its first answer is not a handshake.
    pub fn start(command: &[String], caps: Caps, suite: &str) -> Result<Self, String> {
        let [program, arguments @ ..] = command else { return Err("no adapter is given".to_owned()) };
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| format!("{program}: cannot be started: {error}"))?;
        let requests = writer(child.stdin.take());
        let lines = reader(child.stdout.take());
        let stderr = collector(child.stderr.take());
        let peer = Peer {
            protocol: PROTOCOL,
            name: String::new(),
            language: String::new(),
            version: String::new(),
            operations: Vec::new(),
            features: Vec::new(),
            reports: Vec::new(),
            deliveries: true,
            again: true,
        };
        let mut adapter = Self { child, requests, lines, stderr, caps, baseline: None, asked: 0, peer };
        let hello = Session::Hello { protocol: PROTOCOL, suite, format_version: 1 };
        let greeting = adapter.exchange(serde_json::to_vec(&hello), caps.timeout.max(HANDSHAKE)).map_err(
            |Judgement { verdict, detail, .. }| {
                format!("{program}: no answer to the handshake: {}: {detail}", verdict.name())
            },
        )?;
        let refuse =
            |why: String| format!("{program}: the answer to the handshake {why}: {}", shown(&greeting));
        let value: serde_json::Value =
            serde_json::from_slice(&greeting).map_err(|error| refuse(format!("is not JSON ({error})")))?;
        if let Some(version) = value.get("protocol").filter(|version| **version != PROTOCOL) {
            return Err(format!("{program}: speaks protocol {version}, and this runner {PROTOCOL}"));
        }
        adapter.peer =
            serde_json::from_value(value).map_err(|error| refuse(format!("lacks something ({error})")))?;
        adapter.baseline = resident(adapter.child.id());
        Ok(adapter)
    }

    /// Sends the request of a step and waits for the answer.
    ///
    /// # Errors
    ///
    /// - if the adapter did not answer. The error is the verdict, and the adapter must not be asked
    ///   again.
    pub fn ask(&mut self, step: &Step<'_>) -> Result<Answer, Judgement> {
        self.asked += 1;
        let line = self.exchange(step.line(self.asked), self.caps.timeout)?;
        let garbage = |why: &str| Judgement::new(Verdict::Garbage, format!("{why}: {}", shown(&line)));
        let answer: Answer =
            serde_json::from_slice(&line).map_err(|error| garbage(&format!("not an answer ({error})")))?;
        if answer.id == self.asked {
            Ok(answer)
        } else {
            Err(garbage(&format!("id {} answered, {} asked", answer.id, self.asked)))
        }
    }

    /// Tells the adapter that no more requests follow, and lets it end.
    pub fn bye(mut self) {
        let _ = self.send(serde_json::to_vec(&Session::Bye));
        drop(std::mem::replace(&mut self.requests, channel().0));
        let _ = self.lines.recv_timeout(self.caps.timeout);
    }

    /// Sends a line, and returns false if the adapter accepts no more.
    fn send(&self, line: serde_json::Result<Vec<u8>>) -> bool {
        let line = line.map(|mut line| {
            line.push(b'\n');
            line
        });
        line.is_ok_and(|line| self.requests.send(line).is_ok())
    }

    fn exchange(
        &mut self,
        line: serde_json::Result<Vec<u8>>,
        timeout: Duration,
    ) -> Result<Vec<u8>, Judgement> {
        let begun = Instant::now();
        if !self.send(line) {
            return Err(Judgement::new(Verdict::Crash, self.obituary()));
        }
        loop {
            let line = self.lines.recv_timeout(LOOK);
            self.look_at_memory()?;
            match line {
                Ok(Ok(line)) if line.ends_with(b"\n") => return Ok(line),
                Ok(Ok(line)) if line.len() as u64 >= LINE_LEN_MAX => {
                    return Err(Judgement::new(
                        Verdict::Garbage,
                        format!("a line of more than {LINE_LEN_MAX} bytes"),
                    ));
                }
                Ok(_) | Err(RecvTimeoutError::Disconnected) => {
                    return Err(Judgement::new(Verdict::Crash, self.obituary()));
                }
                Err(RecvTimeoutError::Timeout) if begun.elapsed() < timeout => {}
                Err(RecvTimeoutError::Timeout) => {
                    let seconds = timeout.as_secs_f64();
                    return Err(Judgement::new(Verdict::Timeout, format!("no answer within {seconds} s")));
                }
            }
        }
    }

    fn look_at_memory(&self) -> Result<(), Judgement> {
        let (Some(baseline), Some(peak)) = (self.baseline, resident(self.child.id())) else { return Ok(()) };
        let grown = peak.saturating_sub(baseline);
        if grown <= self.caps.memory {
            return Ok(());
        }
        let mib = |bytes: u64| bytes >> 20;
        let text = format!("resident memory grew by {} MiB, {} allowed", mib(grown), mib(self.caps.memory));
        Err(Judgement::new(Verdict::OverMemory, text))
    }

    /// Describes how the process ended.
    fn obituary(&mut self) -> String {
        let deadline = Instant::now() + self.caps.timeout;
        while Instant::now() < deadline {
            match self.child.try_wait() {
                Ok(None) => thread::park_timeout(LOOK),
                Ok(Some(status)) => return format!("ended with {status}{}", self.ending()),
                Err(error) => return error.to_string(),
            }
        }
        format!("closed its standard output{}", self.ending())
    }

    fn ending(&self) -> String {
        let kept = self.stderr.lock().unwrap_or_else(PoisonError::into_inner);
        let text = String::from_utf8_lossy(&kept).trim().replace('\n', " | ");
        if text.is_empty() { String::new() } else { format!("; its standard error ends: {text}") }
    }
}

impl Drop for Adapter {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Writes lines in a separate thread, so that an adapter that does not read cannot stop the clock.
fn writer(stdin: Option<impl Write + Send + 'static>) -> Sender<Vec<u8>> {
    let (sender, receiver) = channel::<Vec<u8>>();
    thread::spawn(move || {
        let Some(mut stdin) = stdin else { return };
        for line in receiver {
            if stdin.write_all(&line).and_then(|()| stdin.flush()).is_err() {
                return;
            }
        }
    });
    sender
}

/// Reads lines. The last one, at the end of the output, may lack its line feed.
fn reader(stdout: Option<impl Read + Send + 'static>) -> Receiver<io::Result<Vec<u8>>> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let Some(stdout) = stdout else { return };
        let mut stdout = BufReader::new(stdout);
        loop {
            let mut line = Vec::new();
            let read = (&mut stdout).take(LINE_LEN_MAX).read_until(b'\n', &mut line).map(|_| line);
            let ends = !read.as_ref().is_ok_and(|line| line.ends_with(b"\n"));
            if sender.send(read).is_err() || ends {
                return;
            }
        }
    });
    receiver
}

/// Keeps the end of standard error.
fn collector(stderr: Option<impl Read + Send + 'static>) -> Arc<Mutex<Vec<u8>>> {
    let kept = Arc::new(Mutex::new(Vec::new()));
    let shared = Arc::clone(&kept);
    thread::spawn(move || {
        let Some(mut stderr) = stderr else { return };
        let mut piece = [0; 1024];
        while let Ok(len @ 1..) = stderr.read(&mut piece) {
            let mut kept = shared.lock().unwrap_or_else(PoisonError::into_inner);
            kept.extend_from_slice(&piece[..len]);
            let more = kept.len().saturating_sub(STDERR_LEN);
            kept.drain(..more);
        }
    });
    kept
}

/// Returns the peak resident memory of a process in bytes, or `None` if the operating system does
/// not report it.
pub(super) fn resident(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok().map(|kib| kib << 10)
}

/// Returns the beginning of a line, for messages.
fn shown(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(&line[..line.len().min(200)]).trim_end().to_owned();
    if line.is_empty() { "an empty line".to_owned() } else { text }
}
