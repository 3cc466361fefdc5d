//! A conformance adapter to copy. It checks stream headers (§4) and skips what follows them.
//!
//! It needs the crates `serde_json`, `hex` and `sha2`. FILL IN marks the places for your
//! implementation. The protocol: conformance/PROTOCOL.md

use std::error::Error;
use std::io::{Write, stdin, stdout};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

fn crc32c(data: &[u8]) -> u32 {
    !data.iter().fold(!0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ ((crc & 1) * 0x82F6_3B78))
    })
}

/// Applies steps 1 to 8 of §15.1 in their order. Returns error and offset of the first fault.
fn header_fault(h: &[u8]) -> Option<(&'static str, usize)> {
    if h.len() < 128 {
        return Some(("truncated", h.len()));
    }
    let number = |at, len| h[at..at + len].iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
    let (suite, segment, epoch, envelope) = (number(10, 2), number(16, 4), number(20, 4), number(112, 4));
    let frame = 1 << h[14].min(63);
    let reserved = [15].into_iter().chain(116..124).find(|at| h[*at] != 0);
    let checks = [
        (h[..8] != *b"\x89SV2\r\n\x1a\n", "malformed.magic", 0),
        (u64::from(crc32c(&h[..124])) != number(124, 4), "malformed.header_crc", 124),
        (number(8, 2) != 1, "unsupported.version", 8),
        (reserved.is_some(), "malformed.reserved", reserved.unwrap_or(0)),
        (!matches!(suite, 1 | 2), "unsupported.suite", 10),
        (number(12, 2) > 1, "unsupported.flags", 12),
        (!matches!(h[14], 12..=24), "limit.frame_size", 14),
        (!(frame..=1 << 26).contains(&segment), "limit.segment_size", 16),
        (suite == 2 && !(1..=1 << 40).contains(&(epoch * segment)), "limit.epoch_segments", 20),
        (envelope > 65_532, "limit.envelope_len", 112),
        (segment % frame != 0, "malformed.segment_size", 16),
        (envelope != 0 && envelope % 8 != 4, "malformed.envelope_len", 112),
    ];
    checks.into_iter().find(|check| check.0).map(|(_, error, offset)| (error, offset))
}

fn read(request: &Value) -> Result<Value, Box<dyn Error>> {
    let stream = hex::decode(request["input"].as_str().ok_or("no input")?)?;
    // FILL IN: give the stream, request["keys"] and request["mode"] to your reader instead.
    let (released, fault) = (Vec::<u8>::new(), header_fault(&stream[..stream.len().min(128)]));
    let Some((error, offset)) = fault else {
        return Ok(json!({ "skipped": "only stream headers are checked so far" }));
    };
    let result = if error.starts_with("unsupported") { "unsupported" } else { "reject" };
    Ok(json!({
        "result": result, "error": error, "offset": offset, "segment": null,
        "released_len": released.len(), "released_sha256": hex::encode(Sha256::digest(&released)),
    }))
}

/// FILL IN: the name, and each operation and feature that you add. Remove "deliveries" when your
/// reader takes its input in pieces, and "again" when it can be asked again after an error.
const HELLO: &str = r#"{"protocol":1,"name":"my-sv2","language":"Rust","version":"0.0.1",
    "operations":["read"],"features":[],"reports":["kind","detail","offset","segment"],
    "deliveries":false,"again":false}"#;

fn main() -> Result<(), Box<dyn Error>> {
    for line in stdin().lines() {
        let request: Value = serde_json::from_str(&line?)?;
        let mut answer = match request["op"].as_str() {
            Some("bye") => break,
            Some("hello") => serde_json::from_str(HELLO)?,
            Some("read") => read(&request)?, // FILL IN: a line for each of your operations
            _ => json!({ "skipped": "no such operation" }),
        };
        answer["id"] = request["id"].clone();
        writeln!(stdout(), "{answer}")?;
    }
    Ok(())
}
