//! Appendix A: one small stream with every intermediate value, as Markdown.

use std::fmt::Write;

use chacha20::{R20, hchacha};

use crate::generator::plan::{Plan, run_salt};
use crate::generator::primitives::sha256_hex;
use crate::generator::wire::builder::Frame;
use crate::generator::wire::stream::{Segment, Stream};

/// The heading in the specification under which the example is.
pub const HEADING: &str = "## Appendix A. Worked example";

/// Returns the stream that the appendix works through.
pub(crate) fn plan() -> Plan {
    Plan::filled(8192, 10_000)
}

/// Returns the text of Appendix A, without its heading.
#[must_use]
pub fn markdown() -> String {
    let stream = plan().write();
    let mut text = String::from(INTRODUCTION);
    text += &keys(&stream);
    text += &stream_header(&stream.head);
    let titles = ["A.4. Segment 0, data", "A.5. Segment 1, data", "A.6. Segment 2, final"];
    for (index, title) in titles.into_iter().enumerate() {
        text += &segment(&stream, index, title);
    }
    text += &summary(&stream);
    text
}

const INTRODUCTION: &str = "\
One stream of two data segments and a final one, with every intermediate value. All byte strings are
in hexadecimal.

### A.1. Inputs

| input | value |
|---|---|
| content key | bytes 00 to 1f, counting up |
| context | empty |
| stream_salt | bytes 20 to 3f, counting up |
| run_salt | bytes 40 to 4f, counting up; one run |
| suite | 0x0001 |
| flags | 0 |
| F | 4096 (frame_size_log2 is 12) |
| S | 8192 |
| epoch_segments | 0 |
| plaintext_len | unknown |
| key_id | zero |
| envelope | none |
| codec, digest_alg | 0, 0x0001 |
| plaintext | 10,000 bytes; byte i is i mod 251 |

";

/// Returns a block of `name value` lines, with the values aligned.
fn block(lines: &[(&str, String)]) -> String {
    let width = lines.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let mut text = String::from("```text\n");
    for (name, value) in lines {
        text += format!("{name:width$}  {value}").trim_end();
        text.push('\n');
    }
    text + "```\n\n"
}

/// Returns 32 bytes a line, with offsets from `first`.
fn dump(bytes: &[u8], first: usize) -> String {
    let mut text = String::from("```text\n");
    for (line, chunk) in bytes.chunks(32).enumerate() {
        let halves: Vec<String> = chunk.chunks(16).map(hex::encode).collect();
        let _ = writeln!(text, "{:6}  {}", first + 32 * line, halves.join(" "));
    }
    text + "```\n\n"
}

fn keys(stream: &Stream) -> String {
    let keys = &stream.keys;
    let epoch = keys.epoch(0);
    let subkey: [u8; 32] = hchacha::<R20>(&epoch.aead.into(), &run_salt(0).into()).into();
    String::from("### A.2. Keys (§5)\n\n")
        + "The SHA3-256 in bind is taken over 88 bytes. They are header[0..80] (A.3) and eight zero bytes, the\n\
           length of the empty context.\n\n"
        + &block(&[
            ("SHA3-256 in bind", hex::encode(keys.bound_hash)),
            ("bind(\"header\")", hex::encode(keys.bind("header"))),
            ("prk", hex::encode(keys.prk)),
            ("K_header", hex::encode(keys.header)),
            ("K_chain", hex::encode(keys.chain)),
            ("K_journal", hex::encode(keys.journal)),
            ("K_segment", hex::encode(keys.segment)),
            ("E_0", hex::encode(keys.epoch_0)),
            ("K_aead(0)", hex::encode(epoch.aead)),
            ("K_digest(0)", hex::encode(epoch.digest)),
        ])
        + "The subkey of the run, with which each frame can be sealed by ChaCha20-Poly1305 of RFC 8439 (§7):\n\n"
        + &block(&[("HChaCha20(K_aead(0), run_salt)", hex::encode(subkey))])
}

/// Returns the bytes of a structure with names for ranges of them.
fn fields(bytes: &[u8], ranges: &[(&'static str, usize, usize)]) -> String {
    let lines: Vec<_> =
        ranges.iter().map(|(name, from, to)| (*name, hex::encode(&bytes[*from..*to]))).collect();
    block(&lines)
}

fn stream_header(head: &[u8]) -> String {
    let ranges = [
        ("magic", 0, 8),
        ("version", 8, 10),
        ("suite", 10, 12),
        ("flags", 12, 14),
        ("frame_size_log2", 14, 15),
        ("reserved", 15, 16),
        ("segment_size", 16, 20),
        ("epoch_segments", 20, 24),
        ("plaintext_len", 24, 32),
        ("stream_salt", 32, 64),
        ("key_id", 64, 80),
        ("header_tag", 80, 112),
        ("envelope_len", 112, 116),
        ("reserved", 116, 124),
        ("header_crc32c", 124, 128),
    ];
    format!("### A.3. Stream header (§4)\n\n{}All 128 bytes:\n\n{}", fields(head, &ranges), dump(head, 0))
}

fn segment(stream: &Stream, index: usize, title: &str) -> String {
    let segment = &stream.segments[index];
    let offset = stream.offset(index);
    let mut text = format!(
        "### {title}\n\n{} bytes from offset {offset} on. The segment header (§6):\n\n",
        segment.bytes.len()
    );
    text += &segment_header(&segment.bytes);
    text += "All 96 bytes:\n\n";
    text += &dump(&segment.bytes[..96], offset);
    text += "The bound prefix, which is the first 56 of them:\n\n";
    text += &block(&[("bound prefix", hex::encode(&segment.bytes[..56]))]);
    for (number, frame) in segment.frames.iter().enumerate() {
        text += &frame_text(segment, number, frame, offset + segment.frame_offset(number));
    }
    text
}

fn segment_header(bytes: &[u8]) -> String {
    let ranges = [
        ("magic", 0, 4),
        ("segment_index", 4, 8),
        ("kind", 8, 9),
        ("codec", 9, 10),
        ("digest_alg", 10, 12),
        ("flags", 12, 14),
        ("reserved", 14, 16),
        ("key_epoch", 16, 20),
        ("data_frames", 20, 24),
        ("frame_count", 24, 28),
        ("plaintext_len", 28, 32),
        ("payload_len", 32, 36),
        ("wire_len", 36, 40),
        ("run_salt", 40, 56),
        ("wire_crc32c", 56, 60),
        ("segment_tag", 60, 92),
        ("header_crc32c", 92, 96),
    ];
    fields(bytes, &ranges)
}

fn frame_text(segment: &Segment, number: usize, frame: &Frame, offset: usize) -> String {
    let data_frames = segment.frames.len() - 2;
    let mut lines = vec![
        ("frame header", hex::encode(&frame.bytes[..8])),
        ("nonce", hex::encode(&frame.nonce)),
        ("associated data", format!("bound prefix || {}", hex::encode(&frame.associated_data[56..]))),
    ];
    let name = if number < data_frames {
        let text = frame.ciphertext();
        lines.push(("ciphertext, first 16", hex::encode(&text[..16])));
        lines.push(("ciphertext, last 16", hex::encode(&text[text.len() - 16..])));
        "data"
    } else {
        if number == data_frames {
            lines.push(("D", hex::encode(segment.digest)));
        }
        lines.push(("plaintext", hex::encode(&frame.plain)));
        lines.push(("ciphertext", hex::encode(frame.ciphertext())));
        if number == data_frames { "digest" } else { "terminator" }
    };
    lines.push(("tag", hex::encode(frame.tag())));
    format!("Frame {number}, {name}, {} bytes at offset {offset}:\n\n{}", frame.bytes.len(), block(&lines))
}

fn summary(stream: &Stream) -> String {
    let last = &stream.segments[2];
    let trailer = &last.frames[1].plain;
    let bytes = stream.bytes();
    let head = "### A.7. Transcript, runs, trailer, stream\n\n";
    let transcript = block(&[
        ("T_(-1)", hex::encode([0; 32])),
        ("T_0", hex::encode(stream.segments[0].transcript)),
        ("T_1", hex::encode(stream.segments[1].transcript)),
        ("R_(-1)", hex::encode([0; 20])),
        ("R_0", hex::encode(stream.segments[0].run)),
        ("R_1", hex::encode(stream.segments[1].run)),
    ]);
    let ranges = [
        ("plaintext bytes", 0, 8),
        ("position", 8, 16),
        ("distance", 16, 24),
        ("T_1", 24, 56),
        ("R_1", 56, 76),
    ];
    let trailer = format!("The trailer (§9):\n\n{}", fields(trailer, &ranges));
    let whole = block(&[
        ("plaintext, SHA-256", sha256_hex(&stream.plaintext.bytes())),
        ("stream, length", bytes.len().to_string()),
        ("stream, SHA-256", sha256_hex(&bytes)),
    ]);
    format!("{head}{transcript}{trailer}{}", whole.trim_end()) + "\n"
}
