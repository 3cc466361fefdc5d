//! One process for each input, for programs that already are commands.

use std::fs;
use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Instant;

use super::adapter::{Caps, LOOK, resident};
use crate::generator::primitives::sha256_hex;
use crate::judge::{Judgement, Verdict};
use crate::operations::operation::{OneShot, Step};
use crate::protocol::{Answer, PROTOCOL, Peer};

/// The exit code of a program that has no answer to an input.
const SKIP: i32 = 77;

/// Describes a one-shot program.
pub(super) fn peer(command: &[String]) -> Peer {
    Peer {
        protocol: PROTOCOL,
        name: command.join(" "),
        language: "one-shot".to_owned(),
        version: "unknown".to_owned(),
        operations: vec!["read".to_owned()],
        features: Vec::new(),
        reports: Vec::new(),
        deliveries: false,
        again: false,
    }
}

/// Runs the program on one input.
pub(super) fn ask(command: &[String], caps: Caps, step: &Step<'_>) -> Result<Answer, Judgement> {
    let Some(OneShot { keys, mode, input }) = &step.one_shot else { return Ok(Answer::default()) };
    let broken = |what: &str, error: &dyn std::fmt::Display| {
        Judgement::new(Verdict::Crash, format!("{what}: {error}"))
    };
    let folder = tempfile::tempdir().map_err(|error| broken("a temporary folder", &error))?;
    let file = folder.path().join("stream.sv2");
    fs::write(&file, input).map_err(|error| broken("a temporary file", &error))?;
    let [program, arguments @ ..] = command else {
        return Err(Judgement::new(Verdict::Crash, "no program".to_owned()));
    };
    let mut process = Command::new(program);
    process.args(arguments).arg(&file).env_remove("SV2_CONTENT_KEY");
    if let Some(key) = &keys.content_key {
        process.env("SV2_CONTENT_KEY", key);
    }
    process.env("SV2_CONTEXT", &keys.context).env("SV2_MODE", mode);
    process.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let begun = Instant::now();
    let mut child = process.spawn().map_err(|error| broken(program, &error))?;
    let (sender, receiver) = channel();
    let mut stdout = child.stdout.take();
    thread::spawn(move || {
        let mut released = Vec::new();
        let read = stdout.as_mut().map(|stdout| stdout.read_to_end(&mut released));
        let _ = sender.send(read.and_then(Result::ok).map(|_| released));
    });
    let released = loop {
        let read = receiver.recv_timeout(LOOK);
        let grown = resident(child.id()).unwrap_or(0);
        let grief = match read {
            _ if grown > caps.memory => {
                Judgement::new(Verdict::OverMemory, format!("{} MiB resident", grown >> 20))
            }
            Ok(Some(released)) => break released,
            Err(RecvTimeoutError::Timeout) if begun.elapsed() < caps.timeout => continue,
            Err(RecvTimeoutError::Timeout) => {
                Judgement::new(Verdict::Timeout, format!("no end within {} s", caps.timeout.as_secs_f64()))
            }
            Ok(None) | Err(RecvTimeoutError::Disconnected) => {
                Judgement::new(Verdict::Crash, "its output broke".to_owned())
            }
        };
        let _ = child.kill();
        let _ = child.wait();
        return Err(grief);
    };
    let status = child.wait().map_err(|error| broken(program, &error))?;
    answer(status, &released)
}

/// Returns the answer that an exit code and the released plaintext are.
fn answer(status: ExitStatus, released: &[u8]) -> Result<Answer, Judgement> {
    let crash = |how: String| Err(Judgement::new(Verdict::Crash, how));
    let result = match status.code() {
        Some(0) => "accept",
        Some(1 | 3) => "reject",
        Some(2) => "unsupported",
        Some(SKIP) => {
            return Ok(Answer { skipped: Some("left out by the program".to_owned()), ..Answer::default() });
        }
        Some(code) => return crash(format!("exit code {code}")),
        None => return crash(format!("ended by signal {}", status.signal().unwrap_or(0))),
    };
    Ok(Answer {
        result: Some(result.to_owned()),
        released_len: Some(released.len() as u64),
        released_sha256: Some(sha256_hex(released)),
        error: (status.code() == Some(3)).then(|| "truncated".to_owned()),
        ..Answer::default()
    })
}
