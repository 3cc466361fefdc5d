//! Repairs checksums.

use crate::broken::number;
use crate::generator::primitives::crc32c;
use crate::generator::wire::segment_header::repair_header_crc;

/// Repairs the CRCs of a stream header, of its envelope, and of the segments that follow by
/// wire_len. This is possible for any input without the key.
pub fn repair_crcs(stream: &mut [u8]) {
    let Some((header, _)) = stream.split_at_mut_checked(128) else { return };
    let crc = crc32c(&header[..124]);
    header[124..].copy_from_slice(&crc.to_le_bytes());
    let mut at = 128;
    let envelope_len = length(number(header, 112, 4));
    if envelope_len != 0 {
        let Some(envelope) = stream.get_mut(at..at + envelope_len + 4) else { return };
        let (stanzas, sum) = envelope.split_at_mut(envelope_len);
        sum.copy_from_slice(&crc32c(stanzas).to_le_bytes());
        at += envelope_len + 4;
    }
    while at < stream.len() {
        at = at.saturating_add(repair_segment(&mut stream[at..])).min(stream.len());
    }
}

/// Repairs the CRCs of the segment at the beginning of `bytes`.
///
/// Returns its length in bytes, as its header declares it, or the length of `bytes` if that is not
/// a whole header.
pub fn repair_segment(bytes: &mut [u8]) -> usize {
    let Some((header, rest)) = bytes.split_at_mut_checked(96) else { return bytes.len() };
    let wire_len = length(number(header, 36, 4));
    if let Some(wire) = rest.get(..wire_len) {
        header[56..60].copy_from_slice(&crc32c(wire).to_le_bytes());
    }
    repair_header_crc(header);
    96 + wire_len
}

fn length(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX >> 8)
}
