//! §10: LZ4 blocks, written by hand.

use super::codec::{coded, optional};
use crate::cases::read::case::{Case, Place};

const LZ4: &str = "codec-lz4";

pub(crate) fn cases() -> Vec<Case> {
    [accepted(), payloads()].concat()
}

/// Returns one literal, a match of `len` bytes at a distance of `distance`, and `literals` more.
fn block(distance: u16, len: usize, literals: u8) -> Vec<u8> {
    let rest = len - 19;
    let mut block = vec![0x1F, 0x41];
    block.extend(distance.to_le_bytes());
    block.extend(vec![0xFF; rest / 255]);
    block.push(u8::try_from(rest % 255).unwrap_or(0));
    block.push(literals << 4);
    block.extend(vec![0x41; usize::from(literals)]);
    block
}

fn accepted() -> Vec<Case> {
    let case = |id: &str, comment: &str, payload| {
        optional(id, LZ4, &["SV2-COD-004", "SV2-SEG-006"], comment, &coded(2, payload))
    };
    vec![
        case(LZ4, "One LZ4 block: a literal, a match that overlaps itself, five literals.", block(1, 994, 5)),
        case(
            "codec-lz4-short-end",
            "A block that ends with one literal: end-of-block restrictions are not checked.",
            block(1, 998, 1),
        ),
    ]
}

fn payloads() -> Vec<Case> {
    let case = |id: &str, comment: &str, payload: Vec<u8>| {
        optional(id, LZ4, &["SV2-COD-004", "SV2-REL-001"], comment, &coded(2, payload))
            .made(LZ4, "another payload in segment 1; all else made for that")
            .rejects("malformed.codec_payload", Place::Ciphertext(1))
    };
    let ordinary = block(1, 994, 5);
    let mut bomb = case("codec-lz4-bomb", "The block decompresses to about 200 KiB.", block(1, 200_000, 5));
    bomb.requirements.push("SV2-COD-003");
    vec![
        case("codec-lz4-distance-0", "A match at distance 0.", block(0, 994, 5)),
        case("codec-lz4-distance-2", "A match that begins before the first byte.", block(2, 994, 5)),
        case(
            "codec-lz4-shorter",
            "The block decompresses to one byte less than plaintext_len.",
            block(1, 993, 5),
        ),
        case(
            "codec-lz4-longer",
            "The block decompresses to one byte more than plaintext_len.",
            block(1, 995, 5),
        ),
        case("codec-lz4-cut", "The last literal is missing.", ordinary[..ordinary.len() - 1].to_vec()),
        case(
            "codec-lz4-trailing",
            "A byte follows the block, where a distance would need two.",
            [ordinary, vec![1]].concat(),
        ),
        case(
            "codec-lz4-frame",
            "The payload has the magic of an LZ4 frame.",
            [&[0x04, 0x22, 0x4D, 0x18], &block(1, 994, 5)[..]].concat(),
        ),
        bomb,
    ]
}
