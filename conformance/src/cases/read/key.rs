//! §5 and SV2-HDR-014: keys, contexts, and stream headers altered without the key.

use super::three;
use crate::cases::read::case::{Case, Place};
use crate::generator::plaintext::counting;
use crate::generator::wire::stream_header::at;

const BASE: &str = "accept-three-segments";
const WRONG: (&str, Place) = ("key.header_tag", Place::Header(at::HEADER_TAG));

pub(crate) fn cases() -> Vec<Case> {
    [wrong_key(), contexts(), altered()].concat()
}

fn wrong_key() -> Vec<Case> {
    let mut last_bit: [u8; 32] = counting(0);
    last_bit[31] ^= 1;
    let case = |id: &str, comment: &str| {
        Case::new(id, &["SV2-HDR-014"], comment, three().write())
            .made(BASE, "none; read with another content key")
            .rejects(WRONG.0, WRONG.1)
    };
    let damaged = three().write().raw(0, |bytes| bytes[0] = 0);
    vec![
        case("key-wrong", "Another content key.").read_with_key(Some(counting(0x80))),
        case("key-wrong-zero", "A content key of zeros.").read_with_key(Some([0; 32])),
        case("key-wrong-last-bit", "A content key that differs in its last bit.")
            .read_with_key(Some(last_bit)),
        Case::new(
            "key-wrong-before-segments",
            &["SV2-HDR-014", "SV2-RDR-001"],
            "Another content key, and segment 0 is damaged: the key is judged first.",
            damaged,
        )
        .made(BASE, "magic of segment 0 damaged; read with another content key")
        .read_with_key(Some(counting(0x80)))
        .rejects(WRONG.0, WRONG.1),
    ]
}

fn contexts() -> Vec<Case> {
    let long: Vec<u8> = (0..=255).chain(0..45).collect();
    let requirement = &["SV2-KEY-002"];
    let accepted = |id: &str, comment: &str, context: &[u8]| {
        Case::new(id, requirement, comment, three().context(context).write())
    };
    let wrong = |id: &str, comment: &str, written: &[u8], read: &[u8]| {
        Case::new(id, &["SV2-HDR-014", "SV2-KEY-002"], comment, three().context(written).write())
            .made(BASE, "written with one context, read with another")
            .read_with_context(read)
            .rejects(WRONG.0, WRONG.1)
    };
    vec![
        accepted("key-context", "A context of 15 bytes.", b"example/context"),
        accepted("key-context-one-zero", "A context of one zero byte, which is not the empty one.", &[0]),
        accepted("key-context-long", "A context of 301 bytes, more than two blocks of the hash.", &long),
        wrong(
            "key-context-missing",
            "The reader has no context and the writer had one.",
            b"example/context",
            b"",
        ),
        wrong(
            "key-context-unexpected",
            "The reader has a context and the writer had none.",
            b"",
            b"example/context",
        ),
        wrong(
            "key-context-other",
            "The contexts differ in one byte.",
            b"example/context",
            b"example/contexu",
        ),
        wrong(
            "key-context-prefix",
            "The reader's context goes on with a zero byte.",
            b"example/context",
            b"example/context\0",
        ),
    ]
}

fn altered() -> Vec<Case> {
    let forged = |id: &str, field: &str, alter: fn(&mut Vec<u8>)| {
        let comment = format!("Somebody without the key altered {field} and repaired the CRC.");
        Case::new(id, &["SV2-HDR-014", "SV2-KEY-002"], &comment, three().write().forge_head(alter))
            .made(BASE, &format!("{field} altered, CRC repaired"))
            .rejects(WRONG.0, WRONG.1)
    };
    vec![
        forged("key-altered-flags", "flags to UNIFORM", |head| head[12] = 1),
        forged("key-altered-frame-size", "frame_size_log2 and segment_size to 8192", |head| {
            (head[14], head[17]) = (13, 0x20)
        }),
        forged("key-altered-segment-size", "segment_size to 8192", |head| head[17] = 0x20),
        forged("key-altered-epoch-segments", "epoch_segments to 100", |head| head[20] = 100),
        forged("key-altered-plaintext-len", "plaintext_len to 100", |head| {
            head[24..32].copy_from_slice(&100_u64.to_le_bytes());
        }),
        forged("key-altered-stream-salt", "the last byte of stream_salt", |head| head[63] ^= 0x80),
        forged("key-altered-key-id", "the last byte of key_id", |head| head[79] ^= 1),
        forged("key-altered-tag-first-byte", "the first byte of header_tag", |head| head[80] ^= 1),
        forged("key-altered-tag-last-byte", "the last byte of header_tag", |head| head[111] ^= 0x80),
    ]
}
