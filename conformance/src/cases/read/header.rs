//! §4: magic, CRC, version, reserved bytes, suite and flags of the stream header.

use super::empty;
use crate::cases::read::case::{Case, Place};
use crate::generator::wire::stream_header::{StreamHeader, at};

const BASE: &str = "accept-empty";

pub(crate) fn cases() -> Vec<Case> {
    [truncated(), magic(), crc(), version(), reserved(), suite(), flags()].concat()
}

/// Returns an empty stream with a changed header, and a tag and CRC made for it.
fn sealed(id: &str, requirement: &'static str, comment: &str, set: impl FnOnce(&mut StreamHeader)) -> Case {
    let mutation = "fields of the stream header set; keys, tags and CRCs made for that";
    Case::new(id, &[requirement, "SV2-RDR-001"], comment, empty().header(set).write()).made(BASE, mutation)
}

fn truncated() -> Vec<Case> {
    let cut = |id: &str, offset, comment: &str| {
        Case::new(id, &["SV2-HDR-001"], comment, empty().write().cut_at(offset))
            .made(BASE, &format!("cut at {offset}"))
            .rejects("truncated", Place::EndInHeader)
    };
    vec![
        cut("header-truncated-0", 0, "The input is empty."),
        cut("header-truncated-8", 8, "The input ends after the magic."),
        cut("header-truncated-127", 127, "One byte of the stream header is missing."),
        Case::new(
            "header-truncated-not-a-stream",
            &["SV2-HDR-001", "SV2-RDR-001"],
            "The input is short and does not begin with the magic: the length is checked first.",
            empty().write().head(|head| head[0] = 0).cut_at(20),
        )
        .made(BASE, "byte 0 set to 0, cut at 20")
        .rejects("truncated", Place::EndInHeader),
    ]
}

fn magic() -> Vec<Case> {
    let forged = |id: &str, comment: &str, mutation: &str, alter: fn(&mut Vec<u8>)| {
        Case::new(id, &["SV2-HDR-002"], comment, empty().write().forge_head(alter))
            .made(BASE, mutation)
            .rejects("malformed.magic", Place::Header(at::MAGIC))
    };
    vec![
        forged(
            "header-magic-first-byte",
            "The first byte of the magic lost its high bit.",
            "byte 0 set to 09, CRC repaired",
            |head| head[0] &= 0x7F,
        ),
        forged(
            "header-magic-last-byte",
            "The last byte of the magic is wrong.",
            "byte 7 flipped, CRC repaired",
            |head| head[7] ^= 1,
        ),
        Case::new(
            "header-magic-line-end",
            &["SV2-HDR-002"],
            "A transfer in text mode turned 0D 0A into 0A.",
            empty().write().head(|head| {
                head.remove(4);
            }),
        )
        .made(BASE, "byte 4 removed")
        .rejects("malformed.magic", Place::Header(at::MAGIC)),
    ]
}

fn crc() -> Vec<Case> {
    let damaged = |id: &str, comment: &str, byte: usize| {
        Case::new(id, &["SV2-HDR-003"], comment, empty().write().head(|head| head[byte] ^= 0x10))
            .made(BASE, &format!("bit 4 of byte {byte} flipped"))
            .rejects("malformed.header_crc", Place::Header(at::HEADER_CRC))
    };
    vec![
        damaged("header-crc-value", "header_crc32c is wrong.", 127),
        damaged("header-crc-covers-key-id", "A damaged key_id.", 70),
        damaged("header-crc-covers-reserved", "A damaged reserved byte: the CRC is checked first.", 123),
        damaged(
            "header-crc-before-version",
            "A damaged version: a later version is believed under a right CRC only.",
            8,
        ),
    ]
}

fn version() -> Vec<Case> {
    let version = |id: &str, value: u16, comment: &str| {
        sealed(id, "SV2-HDR-004", comment, |header| header.version = value)
            .unsupported("unsupported.version", Place::Header(at::VERSION))
    };
    vec![
        version("header-version-0", 0, "Version 0."),
        version("header-version-2", 2, "Version 2."),
        version("header-version-256", 256, "The two bytes of version 1 in the wrong order."),
        sealed(
            "header-version-before-reserved",
            "SV2-HDR-004",
            "A later version, in which reserved bytes have a meaning.",
            |header| (header.version, header.reserved_15, header.reserved_116) = (2, 1, [1; 8]),
        )
        .unsupported("unsupported.version", Place::Header(at::VERSION)),
    ]
}

fn reserved() -> Vec<Case> {
    let mut cases = vec![
        sealed("header-reserved-15", "SV2-HDR-005", "Byte 15 is not zero.", |header| header.reserved_15 = 1)
            .rejects("malformed.reserved", Place::Header(15)),
    ];
    cases.extend([0, 3, 7].map(|byte| {
        let id = format!("header-reserved-{}", 116 + byte);
        let comment = format!("Byte {} is not zero.", 116 + byte);
        sealed(&id, "SV2-HDR-005", &comment, |header| header.reserved_116[byte] = 0x80)
            .rejects("malformed.reserved", Place::Header(116 + byte as u64))
    }));
    cases.push(
        sealed(
            "header-reserved-before-suite",
            "SV2-HDR-005",
            "A reserved byte and a suite are wrong: reserved bytes come first.",
            |header| (header.reserved_116[4], header.suite) = (1, 3),
        )
        .rejects("malformed.reserved", Place::Header(120)),
    );
    cases
}

fn suite() -> Vec<Case> {
    let suite = |id: &str, value: u16, comment: &str| {
        sealed(id, "SV2-HDR-006", comment, |header| header.suite = value)
            .unsupported("unsupported.suite", Place::Header(at::SUITE))
    };
    vec![
        suite("header-suite-0", 0, "Suite 0 is not assigned."),
        suite("header-suite-3", 3, "Suite 3 is not assigned."),
        suite("header-suite-256", 0x0100, "The two bytes of suite 1 in the wrong order."),
        suite("header-suite-private", 0xF000, "A suite for private use."),
    ]
}

fn flags() -> Vec<Case> {
    let mut cases: Vec<Case> = [1_u16, 2, 7, 8, 15]
        .map(|bit| {
            let id = format!("header-flags-bit-{bit}");
            let comment = format!("Bit {bit} of flags is not assigned.");
            sealed(&id, "SV2-HDR-007", &comment, |header| header.flags = 1 << bit)
                .unsupported("unsupported.flags", Place::Header(at::FLAGS))
        })
        .to_vec();
    cases.push(
        sealed(
            "header-flags-before-limits",
            "SV2-HDR-007",
            "Flags and frame_size_log2 are wrong: flags come first.",
            |header| (header.flags, header.frame_size_log2) = (2, 25),
        )
        .unsupported("unsupported.flags", Place::Header(at::FLAGS)),
    );
    cases
}
