//! Bytes for people: the fields of a stream, with the faulty byte marked.

mod layout;

use std::fmt::Write as _;

use crate::dump::layout::fields;
use crate::vector::Made;

/// The number of bytes of a field that are shown.
const SHOWN: usize = 64;
const BYTES_PER_LINE: usize = 16;

/// Returns a line with the origin of a vector.
pub(crate) fn made(made: &Made) -> String {
    let mutation = &made.mutation;
    match &made.base {
        Some(base) => format!("made: from {base}: {mutation}\n"),
        None => format!("made: {mutation}\n"),
    }
}

/// Returns the fields of a stream, each on one or more lines. The byte at `fault` has brackets, and
/// its field an arrow.
pub(crate) fn dump(what: &str, bytes: &[u8], fault: Option<usize>) -> String {
    let mut text = format!("{what}: {} bytes\n", bytes.len());
    for field in fields(bytes) {
        text += &hex_lines(&field.name, field.range.start, &bytes[field.range.clone()], fault, SHOWN);
    }
    if fault == Some(bytes.len()) {
        let _ = writeln!(text, ">{:>7}  (the end of the input)", bytes.len());
    }
    text
}

/// Returns bytes in hex, from `start` on. The byte at `fault` has brackets.
pub(crate) fn hex_lines(
    name: &str,
    start: usize,
    bytes: &[u8],
    fault: Option<usize>,
    shown: usize,
) -> String {
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
