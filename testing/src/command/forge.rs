//! Forgeries that only the holder of the key can make: a segment tag for a wire that its writer
//! never wrote (§5, §6).

use sha3::{Digest, Sha3_256};
use stream_v2_format::wire::crc32c;

use super::KEY;
use super::stream::{Stream, repaired};

/// Returns the stream with other bytes in the wire of a segment, under matching checksums and a
/// matching segment tag.
pub fn wire_field(stream: &Stream, place: usize, offset: usize, bytes: &[u8]) -> Vec<u8> {
    let segment = stream.segments()[place].clone();
    let (start, wire) = (segment.start, segment.start + 96..segment.end);
    let mut forged = stream.patched(wire.start + offset, bytes);
    let crc = crc32c(&forged[wire]).to_le_bytes();
    forged[start + 56..start + 60].copy_from_slice(&crc);
    let tag = hmac(&segment_key(&forged), &[&forged[start..start + 60]]);
    forged[start + 60..start + 92].copy_from_slice(&tag);
    repaired(forged, start, 92)
}

/// Returns K_segment under the empty context.
fn segment_key(stream: &[u8]) -> [u8; 32] {
    let mut bound = Sha3_256::new();
    bound.update(&stream[..80]);
    bound.update([0; 8]);
    let prk = hmac(&stream[32..64], &[&KEY]);
    hmac(&prk, &[b"stream-v2\0segment\0", &bound.finalize(), &[1]])
}

/// Returns HMAC-SHA3-256 for keys of up to 136 bytes.
fn hmac(key: &[u8], message: &[&[u8]]) -> [u8; 32] {
    let pad = |byte: u8| {
        let mut block = [byte; 136];
        block.iter_mut().zip(key).for_each(|(pad, key)| *pad ^= key);
        block
    };
    let mut inner = Sha3_256::new();
    inner.update(pad(0x36));
    message.iter().for_each(|part| inner.update(part));
    let mut outer = Sha3_256::new();
    outer.update(pad(0x5C));
    outer.update(inner.finalize());
    outer.finalize().into()
}
