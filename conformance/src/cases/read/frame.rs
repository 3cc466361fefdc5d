//! §7, steps 13 and 14: frame headers and the AEAD. All layers above a fault are sealed for it.

use super::{three, two_frames};
use crate::cases::read::case::{Case, Place};
use crate::generator::plan::Plan;
use crate::generator::wire::builder::Builder;

const THREE: &str = "accept-three-segments";
const TWO: &str = "accept-two-frames";
const MUTATION: &str = "a frame header altered before sealing; all else made for that";

pub(crate) fn cases() -> Vec<Case> {
    [types(), reserved(), lens(), order(), sealed(), swapped()].concat()
}

/// Returns a fault in segment 1 of `accept-three-segments`.
///
/// Frame 0 is data, 1 the digest, 2 the terminator.
fn header_fault(
    id: &str,
    requirement: &'static str,
    error: &'static str,
    comment: &str,
    frame: usize,
    alter: fn(&mut Builder),
) -> Case {
    Case::new(id, &[requirement, "SV2-FRM-001"], comment, three().builder(1, alter).write())
        .made(THREE, MUTATION)
        .rejects(error, Place::Frame(1, frame))
}

fn types() -> Vec<Case> {
    let case = |id: &str, comment: &str, frame, alter: fn(&mut Builder)| {
        header_fault(id, "SV2-FRM-002", "malformed.frame_type", comment, frame, alter)
    };
    vec![
        case("frame-type-0", "A frame of type 0.", 0, |builder| builder.data[0].frame_type = 0),
        case("frame-type-4", "A frame of type 4.", 0, |builder| builder.data[0].frame_type = 4),
        case("frame-type-data-as-digest", "A digest frame where a data frame belongs.", 0, |builder| {
            builder.data[0].frame_type = 2
        }),
        case("frame-type-digest-as-data", "A data frame where the digest frame belongs.", 1, |builder| {
            builder.digest.frame_type = 1
        }),
        case(
            "frame-type-digest-as-terminator",
            "A terminator where the digest frame belongs.",
            1,
            |builder| builder.digest.frame_type = 3,
        ),
        case(
            "frame-type-terminator-as-digest",
            "A digest frame where the terminator belongs.",
            2,
            |builder| builder.terminator.frame_type = 2,
        ),
    ]
}

fn reserved() -> Vec<Case> {
    let case = |id: &str, comment: &str, frame, alter: fn(&mut Builder)| {
        header_fault(id, "SV2-FRM-003", "malformed.frame_reserved", comment, frame, alter)
    };
    vec![
        case("frame-reserved-1", "Byte 1 of a data frame is not zero.", 0, |builder| {
            builder.data[0].reserved = [1, 0, 0]
        }),
        case("frame-reserved-2", "Byte 2 of a digest frame is not zero.", 1, |builder| {
            builder.digest.reserved = [0, 1, 0]
        }),
        case("frame-reserved-3", "Byte 3 of a terminator is not zero.", 2, |builder| {
            builder.terminator.reserved = [0, 0, 0x80]
        }),
    ]
}

fn lens() -> Vec<Case> {
    let case = |id: &str, comment: &str, frame, alter: fn(&mut Builder)| {
        header_fault(id, "SV2-FRM-004", "malformed.frame_len", comment, frame, alter)
    };
    let two = |id: &str, comment: &str, frame, plan: Plan, alter: fn(&mut Builder)| {
        Case::new(id, &["SV2-FRM-004"], comment, plan.builder(0, alter).write())
            .made(TWO, MUTATION)
            .rejects("malformed.frame_len", Place::Frame(0, frame))
    };
    vec![
        case("frame-len-less", "len of the last data frame is one too small.", 0, |builder| {
            builder.data[0].len -= 1
        }),
        case("frame-len-more", "len of the last data frame is one too large.", 0, |builder| {
            builder.data[0].len += 1
        }),
        case("frame-len-0", "len of a data frame is 0.", 0, |builder| builder.data[0].len = 0),
        case("frame-len-2-32", "The largest len that the field holds.", 0, |builder| {
            builder.data[0].len = u32::MAX
        }),
        case("frame-len-digest", "len of the digest frame is 32.", 1, |builder| builder.digest.len = 32),
        case("frame-len-terminator", "len of an empty terminator is 32.", 2, |builder| {
            builder.terminator.len = 32
        }),
        two(
            "frame-len-first",
            "len of a data frame that is not the last is below F.",
            0,
            two_frames(),
            |builder| builder.data[0].len = 4095,
        ),
        two("frame-len-last", "len of a full last data frame is 0.", 1, two_frames(), |builder| {
            builder.data[1].len = 0
        }),
        two(
            "frame-len-cut-elsewhere",
            "The payload is cut into frames of 4095 and 4097 bytes.",
            0,
            two_frames(),
            |builder| {
                let byte = builder.data[0].plain.split_off(4095);
                builder.data[1].plain.splice(0..0, byte);
                (builder.data[0].len, builder.data[1].len) = (4095, 4097);
            },
        ),
    ]
}

/// Several faults, of which the one found in the earlier step is reported.
fn order() -> Vec<Case> {
    let case = |id: &str, requirement: &'static str, comment: &str, mutation: &str, plan: Plan| {
        Case::new(id, &[requirement, "SV2-RDR-001"], comment, plan.write()).made(THREE, mutation)
    };
    vec![
        case(
            "frame-headers-before-opening",
            "SV2-FRM-005",
            "The first frame does not open and the header of the last is wrong: headers come first.",
            "ciphertext of frame 0 and len of frame 2 of segment 1 altered; CRCs and tag made for that",
            three().builder(1, |builder| builder.terminator.len = 1).wire(1, |wire| wire[8] ^= 1),
        )
        .rejects("malformed.frame_len", Place::Frame(1, 2)),
        case(
            "frame-headers-in-order",
            "SV2-FRM-005",
            "len of frame 0 and frame_type of frame 1 are wrong: one header after the other.",
            "len of frame 0 and frame_type of frame 1 of segment 1 altered; all else made for that",
            three().builder(1, |builder| (builder.data[0].len, builder.digest.frame_type) = (69, 1)),
        )
        .rejects("malformed.frame_len", Place::Frame(1, 0)),
        case(
            "frame-type-before-reserved",
            "SV2-FRM-005",
            "frame_type and reserved bytes of one frame are wrong: frame_type comes first.",
            "frame_type and reserved bytes of frame 0 of segment 1 altered; all else made for that",
            three().builder(1, |builder| {
                (builder.data[0].frame_type, builder.data[0].reserved) = (3, [1, 1, 1])
            }),
        )
        .rejects("malformed.frame_type", Place::Frame(1, 0)),
    ]
}

fn sealed() -> Vec<Case> {
    let case = |id: &str, comment: &str, frame, offset: usize| {
        Case::new(id, &["SV2-FRM-006"], comment, three().wire(1, move |wire| wire[offset] ^= 1).write())
            .made(THREE, &format!("bit 0 of byte {offset} of the wire of segment 1 flipped; CRCs and segment_tag made for that"))
            .rejects("auth.frame", Place::Frame(1, frame))
    };
    let second = two_frames().wire(0, |wire| wire[4120 + 8] ^= 1).write();
    let epoch = three().builder(1, |builder| builder.sealing_epoch = 1).write();
    vec![
        case("frame-ciphertext-data", "The ciphertext of a data frame is altered.", 0, 8),
        case("frame-tag-data", "The tag of a data frame is altered.", 0, 8 + 70 + 15),
        case("frame-ciphertext-digest", "The ciphertext of the digest frame is altered.", 1, 94 + 8),
        case("frame-tag-digest", "The tag of the digest frame is altered.", 1, 94 + 8 + 36),
        case("frame-tag-terminator", "The tag of an empty terminator is altered.", 2, 94 + 60 + 8),
        Case::new(
            "frame-ciphertext-second",
            &["SV2-FRM-006", "SV2-REL-001"],
            "The second frame of two is altered: the first is not released.",
            second,
        )
        .made(TWO, "ciphertext of frame 1 altered; CRCs and segment_tag made for that")
        .rejects("auth.frame", Place::Frame(0, 1)),
        Case::new(
            "frame-key-of-another-epoch",
            &["SV2-KEY-002", "SV2-FRM-006"],
            "The frames of segment 1 are sealed under K_aead(1) in epoch 0.",
            epoch,
        )
        .made(THREE, "frames of segment 1 sealed with the keys of epoch 1")
        .rejects("auth.frame", Place::Frame(1, 0)),
    ]
}

fn swapped() -> Vec<Case> {
    let swap = |wire: &mut Vec<u8>| {
        let (first, second) = wire[..8240].split_at_mut(4120);
        first.swap_with_slice(second);
    };
    let copy = |wire: &mut Vec<u8>| wire.copy_within(..4120, 4120);
    let case = |id: &str, comment: &str, mutation: &str, frame, change: fn(&mut Vec<u8>)| {
        Case::new(id, &["SV2-FRM-006", "SV2-FRM-007"], comment, two_frames().wire(0, change).write())
            .made(TWO, mutation)
            .rejects("auth.frame", Place::Frame(0, frame))
    };
    vec![
        case(
            "frame-swapped",
            "Two data frames of equal length have changed places.",
            "frames 0 and 1 swapped; CRCs and segment_tag made for that",
            0,
            swap,
        ),
        case(
            "frame-duplicated",
            "A data frame stands twice.",
            "frame 1 replaced by a copy of frame 0; CRCs and segment_tag made for that",
            1,
            copy,
        ),
    ]
}
