//! The adapter of the broken readers.

use std::io::{self, BufRead, Write};

use serde_json::{Value, json};

use super::range::RangeReader;
use super::rewrap::rewrap;
use super::stream::{Reading, read};
use super::unlock::{Asked, unlock};
use super::{Bug, Refusal, misbehaviour};
use crate::generator::primitives::sha256_hex;
use crate::generator::wire::wrapping::key_id;

/// Answers requests until the input ends.
///
/// # Errors
///
/// - if input or output fails.
/// - if a request is not JSON.
pub fn serve(bug: &str, input: impl BufRead, mut output: impl Write) -> io::Result<()> {
    for line in input.lines() {
        let request: Value = serde_json::from_str(&line?)?;
        let answer = match request["op"].as_str() {
            Some("hello") => hello(bug),
            Some("read") => {
                misbehaviour::instead(bug, &request).unwrap_or_else(|| answer(Bug(bug), &request))
            }
            Some("range") => {
                misbehaviour::instead(bug, &request).unwrap_or_else(|| ranges(Bug(bug), &request))
            }
            Some("unwrap") => {
                misbehaviour::instead(bug, &request).unwrap_or_else(|| unwrapped(Bug(bug), &request))
            }
            Some("rewrap") => {
                misbehaviour::instead(bug, &request).unwrap_or_else(|| replaced(Bug(bug), &request))
            }
            Some("bye") => return Ok(()),
            _ => json!({ "id": request["id"], "skipped": "a reader, and no writer of streams" }),
        };
        writeln!(output, "{answer}")?;
        output.flush()?;
        if bug == "never-reads" {
            misbehaviour::hang();
        }
    }
    Ok(())
}

fn hello(bug: &str) -> Value {
    json!({
        "protocol": 1,
        "name": if bug.is_empty() { "no-bug" } else { bug },
        "language": "Rust",
        "version": env!("CARGO_PKG_VERSION"),
        "operations": ["read", "range", "unwrap", "rewrap"],
        "features": ["suite-2", "index", "argon2id", "age", "age-mlkem768x25519", "age-ssh-ed25519"],
        "reports": ["kind", "detail", "offset", "segment"],
    })
}

fn bytes(field: &Value) -> Option<Vec<u8>> {
    field.as_str().and_then(|digits| hex::decode(digits).ok())
}

fn refused(refusal: &Refusal) -> Value {
    let unsupported = refusal.error.starts_with("unsupported");
    json!({
        "result": if unsupported { "unsupported" } else { "reject" },
        "error": refusal.error,
        "offset": refusal.offset,
        "segment": refusal.segment,
    })
}

fn ranges(bug: Bug<'_>, request: &Value) -> Value {
    let input = bytes(&request["input"]).unwrap_or_default();
    let key = bytes(&request["keys"]["content_key"]).and_then(|key| key.try_into().ok());
    let context = bytes(&request["keys"]["context"]).unwrap_or_default();
    let opened = RangeReader::open(bug, &input, key.as_ref(), &context, request["runs_max"].as_u64());
    let mut answer = match opened {
        Err(refusal) => refused(&refusal),
        Ok(mut reader) => {
            let number = |span: &Value, field| span[field].as_u64().unwrap_or(0);
            let spans = request["ranges"].as_array().cloned().unwrap_or_default();
            let parts =
                spans.iter().map(|span| part(&mut reader, number(span, "offset"), number(span, "len")));
            let parts: Vec<Value> = parts.collect();
            json!({ "result": "accept", "by": reader.by(), "plaintext_len": reader.plaintext_len(), "ranges": parts })
        }
    };
    answer["id"] = request["id"].clone();
    answer
}

fn unwrapped(bug: Bug<'_>, request: &Value) -> Value {
    let brought = serde_json::from_value(request["brought"].clone()).unwrap_or_default();
    let limits = serde_json::from_value(request["limits"].clone()).unwrap_or_default();
    let (input, context) = (bytes(&request["input"]), bytes(&request["context"]));
    let (input, context) = (input.unwrap_or_default(), context.unwrap_or_default());
    let asked = Asked::new(input, bytes(&request["detached"]), context, &brought, limits);
    let mut answer = match unlock(bug, &asked) {
        Err(refusal) => refused(&refusal),
        Ok((content_key, stanza)) => {
            let content_key_id = hex::encode(key_id(&content_key));
            json!({ "result": "accept", "content_key_id": content_key_id, "stanza": stanza })
        }
    };
    answer["id"] = request["id"].clone();
    answer
}

fn replaced(bug: Bug<'_>, request: &Value) -> Value {
    let Ok(asked) = serde_json::from_value(request.clone()) else {
        return json!({ "id": request["id"], "skipped": "another request" });
    };
    let mut answer = match rewrap(bug, &asked) {
        Err(refusal) => refused(&refusal),
        Ok((output, copy)) => {
            json!({ "result": "accept", "output": hex::encode(output), "copy": copy.map(hex::encode) })
        }
    };
    answer["id"] = request["id"].clone();
    answer
}

fn part(reader: &mut RangeReader<'_>, offset: u64, len: u64) -> Value {
    let (released, refusal) = reader.read(offset, len);
    let mut part = refusal.map_or(json!({ "result": "accept" }), |refusal| refused(&refusal));
    part["released_len"] = released.len().into();
    part["released_sha256"] = sha256_hex(&released).into();
    part
}

fn answer(bug: Bug<'_>, request: &Value) -> Value {
    let mut input = bytes(&request["input"]).unwrap_or_default();
    let key = bytes(&request["keys"]["content_key"]).and_then(|key| key.try_into().ok());
    let context = bytes(&request["keys"]["context"]).unwrap_or_default();
    if bug.is("stops-at-a-short-read")
        && let Some(piece) = request["delivery"].as_str().and_then(|text| text.parse::<usize>().ok())
        && piece < 96
    {
        // The bug takes the first piece for the whole input.
        input.truncate(piece);
    }
    let Reading { released, refusal } =
        read(bug, &input, key.as_ref(), &context, request["mode"] == "salvage");
    let mut answer = json!({
        "id": request["id"],
        "result": "accept",
        "released_len": released.len(),
        "released_sha256": sha256_hex(&released),
    });
    let Some(refusal) = refusal.filter(|refusal| !refusal.error.is_empty()) else { return answer };
    let shift = if bug.is("counts-offsets-from-the-body") { 128 } else { 0 };
    answer["result"] = if refusal.error.starts_with("unsupported") { "unsupported" } else { "reject" }.into();
    answer["error"] = refusal.error.into();
    answer["offset"] = refusal.offset.map(|offset| offset.saturating_sub(shift)).into();
    answer["segment"] = refusal.segment.into();
    let again = if bug.is("forgets-its-error") { Value::Null } else { refusal.error.into() };
    if !bug.is("leaves-out-what-it-says-again") {
        answer["again"] = json!({ "error": again, "released_len": released.len() });
    }
    answer
}
