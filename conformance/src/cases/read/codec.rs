//! §10: Zstandard frames (RFC 8878), written by hand, and codecs that are not allowed.

use super::{three, uniform};
use crate::cases::read::case::{Case, Place};
use crate::generator::plaintext::Pattern;
use crate::generator::plan::Plan;
use crate::generator::wire::segment_header::at;

pub(super) const ZSTD: &str = "codec-zstd";
const MAGIC: [u8; 4] = [0x28, 0xB5, 0x2F, 0xFD];
/// Frame header: one segment, content size 1000.
const SIZE_1000: [u8; 3] = [0x60, 0xE8, 0x02];
/// Frame header: a window of 4096 bytes and no content size.
const WINDOW_4096: [u8; 2] = [0x00, 0x10];
/// The low four bytes of XXH64 over 1,000 bytes of 0x41.
const CHECKSUM: [u8; 4] = [0xE2, 0x08, 0x12, 0x39];

pub(crate) fn cases() -> Vec<Case> {
    [accepted(), frames(), sizes(), windows(), headers(), order()].concat()
}

/// Returns a plan whose segment 0 holds 100 bytes without a codec, and segment 1 1,000 bytes with
/// one. All of them are 0x41.
pub(super) fn coded(codec: u8, payload: Vec<u8>) -> Plan {
    Plan::flushed(&[100, 1000])
        .plaintext(Pattern::constant(1100))
        .payload(1, move |bytes| bytes.clone_from(&payload))
        .builder(1, move |builder| builder.header.codec = codec)
}

/// Returns a case that readers without the codec refuse at its field.
pub(super) fn optional(
    id: &str,
    feature: &'static str,
    requirements: &[&'static str],
    comment: &str,
    plan: &Plan,
) -> Case {
    let codec = Place::Segment(1, at::CODEC);
    Case::new(id, requirements, comment, plan.write()).needs(feature, "unsupported.codec", codec)
}

/// Returns a run-length block.
fn repeat(len: u32, last: bool) -> Vec<u8> {
    let header = (len << 3 | 1 << 1 | u32::from(last)).to_le_bytes();
    [&header[..3], &[0x41]].concat()
}

fn frame(parts: &[&[u8]]) -> Vec<u8> {
    [&MAGIC[..], &parts.concat()].concat()
}

fn ordinary() -> Vec<u8> {
    frame(&[&SIZE_1000, &repeat(1000, true)])
}

fn accepted() -> Vec<Case> {
    let case = |id: &str, comment: &str, payload| {
        optional(id, ZSTD, &["SV2-COD-004", "SV2-SEG-006"], comment, &coded(1, payload))
    };
    let compressed = [&[0x4D, 0, 0, 0x10, 0x41, 0x41, 1, 0, 0xE3, 0x2B, 0x80, 0x05][..], &CHECKSUM].concat();
    vec![
        case(ZSTD, "One Zstandard frame of one run-length block.", ordinary()),
        case(
            "codec-zstd-compressed-block",
            "A compressed block, and a content checksum that holds.",
            frame(&[&[0x64, 0xE8, 0x02], &compressed]),
        ),
        case(
            "codec-zstd-window",
            "A window of S, and no content size.",
            frame(&[&WINDOW_4096, &repeat(1000, true)]),
        ),
        case(
            "codec-zstd-checksum",
            "A content checksum that holds.",
            frame(&[&[0x64, 0xE8, 0x02], &repeat(1000, true), &CHECKSUM]),
        ),
        case(
            "codec-zstd-dictionary-0",
            "A Dictionary_ID field that holds 0.",
            frame(&[&[0x61, 0, 0xE8, 0x02], &repeat(1000, true)]),
        ),
        case(
            "codec-zstd-blocks",
            "A run-length block, a raw one, and an empty one that is the last.",
            frame(&[&SIZE_1000, &repeat(996, false), &[0x20, 0, 0, 0x41, 0x41, 0x41, 0x41], &[1, 0, 0]]),
        ),
    ]
}

/// Returns an authentic segment whose payload breaks a rule of §10.
fn payload_fault(id: &str, comment: &str, payload: Vec<u8>) -> Case {
    optional(id, ZSTD, &["SV2-COD-004", "SV2-REL-001"], comment, &coded(1, payload))
        .made(ZSTD, "another payload in segment 1; all else made for that")
        .rejects("malformed.codec_payload", Place::Ciphertext(1))
}

fn frames() -> Vec<Case> {
    let skippable = [0x50, 0x2A, 0x4D, 0x18, 4, 0, 0, 0, 1, 2, 3, 4];
    let half = frame(&[&[0x60, 0xF4, 0], &repeat(500, true)]);
    let cut = ordinary();
    vec![
        payload_fault("codec-zstd-magic", "The payload is no Zstandard frame.", vec![0x41; 20]),
        payload_fault("codec-zstd-skippable", "A skippable frame alone.", skippable.to_vec()),
        payload_fault(
            "codec-zstd-skippable-first",
            "A skippable frame before the frame.",
            [&skippable[..], &ordinary()].concat(),
        ),
        payload_fault(
            "codec-zstd-skippable-last",
            "A skippable frame after the frame.",
            [&ordinary()[..], &skippable].concat(),
        ),
        payload_fault(
            "codec-zstd-two-frames",
            "Two frames of 500 bytes each.",
            [half.clone(), half].concat(),
        ),
        payload_fault("codec-zstd-trailing", "A byte follows the frame.", [ordinary(), vec![0]].concat()),
        payload_fault(
            "codec-zstd-cut",
            "The last byte of the frame is missing.",
            cut[..cut.len() - 1].to_vec(),
        ),
        payload_fault(
            "codec-zstd-magic-only",
            "The payload is the magic of a frame and nothing else.",
            MAGIC.to_vec(),
        ),
        payload_fault(
            "codec-zstd-dictionary",
            "The frame asks for dictionary 5.",
            frame(&[&[0x61, 5, 0xE8, 0x02], &repeat(1000, true)]),
        ),
        payload_fault(
            "codec-zstd-checksum-wrong",
            "The content checksum does not hold.",
            frame(&[&[0x64, 0xE8, 0x02], &repeat(1000, true), &[0; 4]]),
        ),
        payload_fault(
            "codec-zstd-reserved-bit",
            "The reserved bit of the frame header is set.",
            frame(&[&[0x68, 0xE8, 0x02], &repeat(1000, true)]),
        ),
        payload_fault(
            "codec-zstd-block-type",
            "A block of the reserved type.",
            frame(&[&SIZE_1000, &[0x47, 0x1F, 0, 0x41]]),
        ),
    ]
}

fn sizes() -> Vec<Case> {
    let bomb: Vec<u8> = (0..200).flat_map(|block| repeat(4096, block == 199)).collect();
    let mut bomb =
        payload_fault("codec-zstd-bomb", "The frame decompresses to 800 KiB.", frame(&[&WINDOW_4096, &bomb]));
    bomb.requirements.push("SV2-COD-003");
    vec![
        payload_fault(
            "codec-zstd-shorter",
            "The frame decompresses to one byte less than plaintext_len.",
            frame(&[&WINDOW_4096, &repeat(999, true)]),
        ),
        payload_fault(
            "codec-zstd-longer",
            "The frame decompresses to one byte more than plaintext_len.",
            frame(&[&WINDOW_4096, &repeat(1001, true)]),
        ),
        payload_fault(
            "codec-zstd-empty",
            "The frame decompresses to nothing.",
            frame(&[&WINDOW_4096, &[1, 0, 0]]),
        ),
        payload_fault(
            "codec-zstd-content-size",
            "The frame says 1001 bytes and holds 1000.",
            frame(&[&[0x60, 0xE9, 0x02], &repeat(1000, true)]),
        ),
        bomb,
    ]
}

fn windows() -> Vec<Case> {
    let case = |id: &str, comment: &str, header: &[u8]| {
        let plan = coded(1, frame(&[header, &repeat(1000, true)]));
        optional(id, ZSTD, &["SV2-COD-005"], comment, &plan)
            .made(ZSTD, "another frame header in segment 1; all else made for that")
            .rejects("limit.codec_window", Place::Ciphertext(1))
    };
    vec![
        case("codec-zstd-window-above", "A window of S + 512, the next that can be said.", &[0, 0x11]),
        case("codec-zstd-window-2", "A window of 2 × S.", &[0, 0x18]),
        case("codec-zstd-window-max", "The largest window that can be said.", &[0, 0xFF]),
        case(
            "codec-zstd-window-single",
            "A frame of one segment whose content size, which is its window, is S + 1.",
            &[0x60, 0x01, 0x0F],
        ),
        case(
            "codec-zstd-window-before-payload",
            "The window is above S and the frame asks for a dictionary: the window comes first.",
            &[0x01, 0x18, 5],
        ),
    ]
}

fn headers() -> Vec<Case> {
    let case = |id: &str, requirement: &'static str, comment: &str, plan: Plan, error, place, codec| {
        Case::new(id, &[requirement], comment, plan.write())
            .made("accept-three-segments", "fields of a segment header set; all else made for that")
            .needs(ZSTD, "unsupported.codec", codec)
            .rejects(error, place)
    };
    let codec = |segment| Place::Segment(segment, at::CODEC);
    let len = |segment| Place::Segment(segment, at::PAYLOAD_LEN);
    let whole = three().builder(1, |builder| builder.header.codec = 1);
    let more = three().builder(1, |builder| (builder.header.codec, builder.header.payload_len) = (1, 71));
    let none = three().builder(1, |builder| (builder.header.codec, builder.header.payload_len) = (1, 0));
    let last = three().builder(3, |builder| builder.header.codec = 1);
    vec![
        case(
            "codec-payload-len-equal",
            "SV2-SEG-019",
            "payload_len equals plaintext_len under a codec.",
            whole,
            "malformed.payload_len",
            len(1),
            codec(1),
        ),
        case(
            "codec-payload-len-above",
            "SV2-SEG-019",
            "payload_len is above plaintext_len under a codec.",
            more,
            "malformed.payload_len",
            len(1),
            codec(1),
        ),
        case(
            "codec-payload-len-0",
            "SV2-SEG-019",
            "payload_len is 0 under a codec.",
            none,
            "malformed.payload_len",
            len(1),
            codec(1),
        ),
        case(
            "codec-in-final",
            "SV2-SEG-014",
            "A final segment with a codec.",
            last,
            "malformed.codec",
            codec(3),
            codec(3),
        ),
        case(
            "codec-in-uniform",
            "SV2-SEG-014",
            "A codec in a stream with UNIFORM.",
            uniform().builder(1, |builder| builder.header.codec = 1),
            "malformed.codec",
            codec(1),
            codec(1),
        ),
    ]
}

fn order() -> Vec<Case> {
    let plan = coded(1, vec![0x41; 20]).digest(1, |plain| plain[4] ^= 1);
    vec![
        optional(
            "codec-after-digest",
            ZSTD,
            &["SV2-COD-002", "SV2-RDR-001"],
            "The payload is no frame and D is wrong: nothing is decompressed before D.",
            &plan,
        )
        .made(ZSTD, "another payload and another D in segment 1; all else made for that")
        .rejects("auth.digest", Place::Frame(1, 1)),
    ]
}
