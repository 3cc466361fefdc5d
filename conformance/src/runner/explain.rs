//! A vector for people: what it says, the sentences that it tests, and its bytes with the fault marked.

use std::fmt::Write as _;
use std::io;

use super::layout::fields;
use super::suite::Suite;
use crate::requirements::sentence;
use crate::vector::{
    Expect, RangeExpect, RangeVector, RecoverExpect, ResumeExpect, ResumeVector, Vector, WriteExpect,
};

/// Bytes of a field that are shown.
const SHOWN: usize = 64;
const BYTES_PER_LINE: usize = 16;

/// The explanation of a vector.
///
/// # Errors
///
/// When its bytes cannot be read.
pub fn explain(suite: &Suite, vector: &Vector) -> io::Result<String> {
    let about = vector.about();
    let mut text = format!("{} ({}, {})\n{}\n\n", about.id, about.operation, about.level, about.comment);
    for id in &about.requirements {
        let _ = writeln!(text, "{id}: {}", sentence(id).unwrap_or_else(|| "not in this edition".to_owned()));
    }
    if !about.features.is_empty() {
        let _ = writeln!(text, "needs: {}", about.features.join(", "));
    }
    text.push('\n');
    match vector {
        Vector::Read(vector) => {
            let mut fault = None;
            if let Some(expect) = &vector.expect {
                text += &expected(expect);
                fault = offset(expect);
            }
            for (feature, expect) in &vector.expect_without {
                let _ = write!(text, "without {feature}: {}", expected(expect));
            }
            if let Some(recipe) = &vector.recipe {
                let _ = writeln!(text, "recipe: {}, {} rows", recipe.change, recipe.ranges.len());
            }
            let _ = writeln!(text, "made: {}", made(&vector.made.mutation, vector.made.base.as_deref()));
            text += &dump("input", &suite.bytes(&vector.input)?, fault);
        }
        Vector::Range(vector) => text += &range(suite, vector)?,
        Vector::Write(vector) => {
            let _ = writeln!(text, "parameters: {}", serde_json::to_string(&vector.parameters)?);
            let _ = writeln!(text, "runs: {}", serde_json::to_string(&vector.runs)?);
            let _ = writeln!(text, "flushes: {:?}", vector.flushes);
            match &vector.expect {
                WriteExpect::Reject { error } => {
                    let _ = writeln!(text, "expected: reject ({})", error.join(" or "));
                }
                WriteExpect::Accept { output } => {
                    text += "expected: accept, with every byte of\n";
                    text += &dump("output", &suite.bytes(output)?, None);
                }
            }
        }
        Vector::Recover(vector) => {
            let _ = writeln!(text, "expected: {}", serde_json::to_string(&vector.expect)?);
            let _ = writeln!(text, "made: {}", made(&vector.made.mutation, vector.made.base.as_deref()));
            let fault = match vector.expect {
                RecoverExpect::Reject { offset, .. } => offset,
                _ => None,
            };
            text += &dump("output", &suite.bytes(&vector.output)?, fault);
            if let Some(journal) = &vector.journal {
                text += &hex_lines("journal", 0, &suite.bytes(journal)?, None, usize::MAX);
            }
        }
        Vector::Crash(vector) => {
            let _ = writeln!(text, "parameters: {}", serde_json::to_string(&vector.parameters)?);
            let _ = writeln!(
                text,
                "stopped after {} bytes; then: {}",
                vector.stop_after,
                serde_json::to_string(&vector.expect.recovered)?
            );
            if let Some(resumed) = &vector.expect.resumed {
                text += &dump("resumed", &suite.bytes(resumed)?, None);
            }
        }
        Vector::Resume(vector) => text += &resume(suite, vector)?,
    }
    Ok(text)
}

fn range(suite: &Suite, vector: &RangeVector) -> io::Result<String> {
    let mut text = String::new();
    let mut fault = None;
    match &vector.expect {
        RangeExpect::Accept { by, plaintext_len, ranges } => {
            let _ = writeln!(text, "opened: {plaintext_len} bytes, by {by}");
            for (span, expect) in vector.ranges.iter().zip(ranges) {
                let _ = write!(text, "{} bytes from byte {} on, ", span.len, span.offset);
                text += &expected(expect);
                fault = fault.or(offset(expect));
            }
        }
        RangeExpect::Reject(place) | RangeExpect::Unsupported(place) => {
            fault = place.offset;
            let _ = writeln!(text, "expected when it is opened: {}", serde_json::to_string(&vector.expect)?);
        }
    }
    if let Some(runs_max) = vector.runs_max {
        let _ = writeln!(text, "links that may be read: {runs_max}");
    }
    let _ = writeln!(text, "made: {}", made(&vector.made.mutation, vector.made.base.as_deref()));
    Ok(text + &dump("input", &suite.bytes(&vector.input)?, fault))
}

fn resume(suite: &Suite, vector: &ResumeVector) -> io::Result<String> {
    let mut text = String::new();
    let source = &vector.source;
    let _ = writeln!(text, "source: a {} of {} bytes", vector.source_kind, source.len);
    let _ = writeln!(text, "run_salt: {}", vector.run_salt);
    let _ = writeln!(text, "made: {}", made(&vector.made.mutation, vector.made.base.as_deref()));
    text += &dump("output", &suite.bytes(&vector.output)?, None);
    if let Some(journal) = &vector.journal {
        text += &hex_lines("journal", 0, &suite.bytes(journal)?, None, usize::MAX);
    }
    match &vector.expect {
        ResumeExpect::Resumed { output } => {
            text += "expected: resumed, with every byte of\n";
            text += &dump("stream", &suite.bytes(output)?, None);
        }
        expect => {
            let _ = writeln!(text, "expected: {}", serde_json::to_string(expect)?);
        }
    }
    Ok(text)
}

fn made(mutation: &str, base: Option<&str>) -> String {
    base.map_or_else(|| mutation.to_owned(), |base| format!("from {base}: {mutation}"))
}

fn expected(expect: &Expect) -> String {
    match expect {
        Expect::Accept { plaintext_len, .. } => format!("expected: accept, {plaintext_len} bytes released\n"),
        Expect::Reject(fault) | Expect::Unsupported(fault) => {
            let result = if matches!(expect, Expect::Reject(_)) { "reject" } else { "unsupported" };
            let place =
                |name: &str, place: Option<usize>| place.map_or(String::new(), |at| format!(", {name} {at}"));
            format!(
                "expected: {result} ({}){}{}, {} bytes released before\n",
                fault.error.join(" or "),
                place("offset", fault.offset),
                place("segment", fault.segment),
                fault.released_len
            )
        }
    }
}

fn offset(expect: &Expect) -> Option<usize> {
    match expect {
        Expect::Accept { .. } => None,
        Expect::Reject(fault) | Expect::Unsupported(fault) => fault.offset,
    }
}

/// The fields of a stream, a line or more each; the byte at `fault` has brackets, and its field an arrow.
fn dump(what: &str, bytes: &[u8], fault: Option<usize>) -> String {
    let mut text = format!("{what}: {} bytes\n", bytes.len());
    for field in fields(bytes) {
        text += &hex_lines(&field.name, field.range.start, &bytes[field.range.clone()], fault, SHOWN);
    }
    if fault == Some(bytes.len()) {
        let _ = writeln!(text, ">{:>7}  (the end of the input)", bytes.len());
    }
    text
}

fn hex_lines(name: &str, start: usize, bytes: &[u8], fault: Option<usize>, shown: usize) -> String {
    let mut text = String::new();
    for (line, chunk) in bytes[..bytes.len().min(shown)].chunks(BYTES_PER_LINE).enumerate() {
        let at = start + line * BYTES_PER_LINE;
        let here = fault.is_some_and(|fault| (at..at + chunk.len()).contains(&fault));
        let digits: String = chunk
            .iter()
            .enumerate()
            .map(
                |(place, byte)| {
                    if fault == Some(at + place) { format!("[{byte:02x}]") } else { format!("{byte:02x} ") }
                },
            )
            .collect();
        let name = if line == 0 { name } else { "" };
        let _ = writeln!(text, "{}{at:>7}  {digits:<50} {name}", if here { '>' } else { ' ' });
    }
    if bytes.len() > shown {
        let _ = writeln!(text, "          … {} more bytes", bytes.len() - shown);
    }
    text
}
