//! The places of the fields of a stream (§4, §6, §7, §12), as far as its lengths make sense.
//!
//! This is for people only, and checks nothing.

use std::ops::Range;

/// A named piece of a stream.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Field {
    /// Its bytes, from the start of the stream.
    pub(super) range: Range<usize>,
    /// Its name in the specification, with the structure that it belongs to.
    pub(super) name: String,
}

const STREAM_HEADER: [(&str, usize); 15] = [
    ("magic", 8),
    ("version", 2),
    ("suite", 2),
    ("flags", 2),
    ("frame_size_log2", 1),
    ("reserved", 1),
    ("segment_size", 4),
    ("epoch_segments", 4),
    ("plaintext_len", 8),
    ("stream_salt", 32),
    ("key_id", 16),
    ("header_tag", 32),
    ("envelope_len", 4),
    ("reserved", 8),
    ("header_crc32c", 4),
];

const SEGMENT_HEADER: [(&str, usize); 16] = [
    ("magic", 4),
    ("segment_index", 4),
    ("kind", 1),
    ("codec", 1),
    ("digest_alg", 2),
    ("flags", 2),
    ("reserved", 2),
    ("key_epoch", 4),
    ("data_frames", 4),
    ("frame_count", 4),
    ("plaintext_len", 4),
    ("payload_len", 4),
    ("wire_len", 4),
    ("run_salt", 16),
    ("wire_crc32c", 4),
    ("segment_tag", 32),
];

/// Returns the fields of `bytes`, in order and without gaps.
pub(super) fn fields(bytes: &[u8]) -> Vec<Field> {
    let mut walk = Walk { bytes, at: 0, fields: Vec::new() };
    let envelope_len = walk.number(112);
    walk.all("stream header", &STREAM_HEADER);
    if envelope_len != 0 {
        walk.piece("envelope, stanzas", envelope_len);
        walk.piece("envelope, CRC", 4);
    }
    for segment in 0.. {
        if walk.at >= bytes.len() {
            break;
        }
        if !bytes[walk.at..].starts_with(b"SV2S") {
            walk.piece("not a segment", usize::MAX);
            break;
        }
        let wire_len = walk.number(walk.at + 36);
        let owner = format!("segment {segment}");
        walk.all(&owner, &SEGMENT_HEADER);
        walk.piece(&format!("{owner}, header_crc32c"), 4);
        walk.frames(&owner, wire_len);
    }
    walk.fields
}

struct Walk<'a> {
    bytes: &'a [u8],
    at: usize,
    fields: Vec<Field>,
}

impl Walk<'_> {
    /// Reads LE32 at an offset, or 0 if the input ends before it.
    fn number(&self, offset: usize) -> usize {
        let bytes = self.bytes.get(offset..).and_then(|rest| rest.first_chunk::<4>());
        bytes.map_or(0, |bytes| u32::from_le_bytes(*bytes) as usize)
    }

    fn piece(&mut self, name: &str, len: usize) {
        let end = self.at.saturating_add(len).min(self.bytes.len());
        if end > self.at {
            self.fields.push(Field { range: self.at..end, name: name.to_owned() });
        }
        self.at = end;
    }

    fn all(&mut self, owner: &str, fields: &[(&str, usize)]) {
        for (name, len) in fields {
            self.piece(&format!("{owner}, {name}"), *len);
        }
    }

    fn frames(&mut self, owner: &str, wire_len: usize) {
        let end = self.at.saturating_add(wire_len).min(self.bytes.len());
        for frame in 0.. {
            if self.at + 8 > end {
                break;
            }
            let kind = match self.bytes[self.at] {
                1 => "data",
                2 => "digest",
                3 => "terminator",
                _ => "of no type",
            };
            let frame = format!("{owner}, frame {frame} ({kind})");
            let len = self.number(self.at + 4).min(end - self.at - 8);
            self.piece(&format!("{frame}, header"), 8);
            self.piece(&format!("{frame}, ciphertext"), len);
            self.piece(&format!("{frame}, tag"), 16.min(end - self.at));
        }
        self.piece(&format!("{owner}, rest of the wire"), end - self.at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_cover_every_byte_whatever_the_bytes_are() {
        for len in 0..700 {
            let mut bytes: Vec<u8> = (0..len).map(|place| u8::try_from(place * 7 % 251).unwrap()).collect();
            for at in [128, 300, 500] {
                if let Some(magic) = bytes.get_mut(at..at + 4) {
                    magic.copy_from_slice(b"SV2S");
                }
            }
            let mut end = 0;
            for field in fields(&bytes) {
                assert_eq!(field.range.start, end, "{field:?}");
                end = field.range.end;
            }
            assert_eq!(end, bytes.len());
        }
    }
}
