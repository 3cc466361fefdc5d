//! Answers the conformance runner with the reference crates (conformance/PROTOCOL.md).
//!
//! A faulty request is a panic, and so is a bug of the crates. The runner reports both.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "what is unexpected must end the process, not look like an answer"
)]

mod answer;
mod crash;
mod range;
mod read;
mod recover;
mod request;
mod resume;
mod rewrap;
mod unwrap;
mod write;

use std::io::{BufRead, Write, stdin, stdout};

use request::Request;
use serde_json::{Value, json};
use stream_v2_format::crypto::AEAD_BACKEND;

/// The implemented optional parts of the format.
const FEATURES: [&str; 8] = [
    "suite-2",
    "codec-zstd",
    "codec-lz4",
    "index",
    "argon2id",
    "age",
    "age-mlkem768x25519",
    "age-ssh-ed25519",
];

fn main() {
    let mut stdout = stdout().lock();
    for line in stdin().lock().lines() {
        let line = line.unwrap();
        let Some(answer) = answer_to(&line) else { return };
        writeln!(stdout, "{answer}").and_then(|()| stdout.flush()).unwrap();
    }
}

/// Returns the answer to a line, or nothing for the last one.
fn answer_to(line: &str) -> Option<Value> {
    let request: Value = serde_json::from_str(line).unwrap();
    let id = request["id"].clone();
    let Ok(request) = serde_json::from_value(request) else {
        return Some(json!({ "id": id, "skipped": "a request that this adapter does not know" }));
    };
    let answer = match request {
        Request::Hello {} => return Some(hello()),
        Request::Bye {} => return None,
        Request::Read(request) => read::answer(&request),
        Request::Range(request) if request.mode != "strict" => {
            return Some(json!({ "id": id, "skipped": "ranges of sealed streams only" }));
        }
        Request::Range(request) => range::answer(&request),
        Request::Write(request) => write::answer(&request),
        Request::Crash(request) => crash::answer(&request),
        Request::Recover(request) => recover::answer(&request),
        Request::Resume(request) => resume::answer(&request),
        Request::Unwrap(request) => unwrap::answer(&request),
        Request::Rewrap(request) => rewrap::answer(&request),
    };
    let mut answer = serde_json::to_value(answer).unwrap();
    answer["id"] = id;
    Some(answer)
}

fn hello() -> Value {
    json!({
        "protocol": 1,
        "name": "stream-v2",
        "language": "Rust",
        "version": format!("{}, AEAD {AEAD_BACKEND}", env!("CARGO_PKG_VERSION")),
        "operations": ["read", "range", "write", "crash", "recover", "resume", "unwrap", "rewrap"],
        "features": FEATURES,
        "reports": ["kind", "detail", "offset", "segment"],
        // A pipeline cannot be asked again, because its function has returned. Ranges can be read
        // after an error.
        "again": false,
    })
}
