//! §13 and §14: key epochs, rekey markers, and the last segment_index.

use super::three;
use crate::cases::read::case::{Case, Place};
use crate::generator::plan::Plan;
use crate::generator::wire::builder::Builder;
use crate::generator::wire::segment_header::{REKEY, at};

const ONE: &str = "epoch-one";
const TWO: &str = "epoch-two";

pub(crate) fn cases() -> Vec<Case> {
    [accepted(), flags(), key_epochs(), keys(), limits()].concat()
}

fn five() -> Plan {
    Plan::flushed(&[50, 40, 30, 20, 10])
}

fn accepted() -> Vec<Case> {
    let case = |id: &str, comment: &str, plan: &Plan| {
        Case::new(id, &["SV2-SEG-016", "SV2-SEG-017", "SV2-KEY-002"], comment, plan.write())
    };
    vec![
        case(ONE, "Each segment has an epoch of its own.", &three().epochs(1)),
        case(TWO, "Two segments in each epoch; the final one ends the third.", &five().epochs(2)),
        case(
            "epoch-three",
            "Three segments in each epoch; the final one begins the second.",
            &three().epochs(3),
        ),
        case(
            "epoch-runs",
            "Epochs of two segments, and runs that begin elsewhere.",
            &five().epochs(2).runs_at(&[1, 4]),
        ),
        case("epoch-digest-2", "Epochs of two segments, digest_alg 0x0002.", &five().epochs(2).digest_alg(2)),
        case("epoch-empty", "Epochs of one segment and an empty plaintext.", &super::empty().epochs(1)),
    ]
}

/// Returns a segment of `epoch-two` with other header fields, sealed for them.
fn built(
    id: &str,
    requirement: &'static str,
    comment: &str,
    segment: usize,
    alter: fn(&mut Builder),
) -> Case {
    let mutation = format!("fields of the header of segment {segment} set; all else made for that");
    Case::new(id, &[requirement], comment, five().epochs(2).builder(segment, alter).write())
        .made(TWO, &mutation)
}

fn flags() -> Vec<Case> {
    let case = |id: &str, comment: &str, segment, alter: fn(&mut Builder)| {
        built(id, "SV2-SEG-016", comment, segment, alter)
            .rejects("malformed.flags", Place::Segment(segment, at::FLAGS))
    };
    vec![
        case("epoch-rekey-missing", "REKEY is not set where an epoch begins.", 2, |builder| {
            builder.header.flags &= !REKEY
        }),
        case("epoch-rekey-inside", "REKEY is set inside an epoch.", 3, |builder| {
            builder.header.flags |= REKEY
        }),
        case("epoch-rekey-early", "REKEY is set one segment before an epoch begins.", 1, |builder| {
            builder.header.flags |= REKEY
        }),
        case("epoch-rekey-segment-0", "REKEY is set in segment 0: epoch 0 needs none.", 0, |builder| {
            builder.header.flags |= REKEY
        }),
        Case::new(
            "epoch-rekey-missing-final",
            &["SV2-SEG-016"],
            "REKEY is not set in a final segment where an epoch begins.",
            three().epochs(3).builder(3, |builder| builder.header.flags &= !REKEY).write(),
        )
        .made("epoch-three", "REKEY of the final segment cleared; all else made for that")
        .rejects("malformed.flags", Place::Segment(3, at::FLAGS)),
    ]
}

fn key_epochs() -> Vec<Case> {
    let case = |id: &str, comment: &str, segment, alter: fn(&mut Builder)| {
        built(id, "SV2-SEG-017", comment, segment, alter)
            .rejects("malformed.key_epoch", Place::Segment(segment, at::KEY_EPOCH))
    };
    vec![
        case("epoch-number-too-small", "key_epoch is that of the segment before.", 2, |builder| {
            builder.header.key_epoch = 0
        }),
        case("epoch-number-too-large", "key_epoch is that of the segment after.", 1, |builder| {
            builder.header.key_epoch = 1
        }),
        case("epoch-number-largest", "key_epoch is the largest that there is.", 2, |builder| {
            builder.header.key_epoch = 65_535
        }),
        case("epoch-number-final", "key_epoch of the final segment is one too small.", 5, |builder| {
            builder.header.key_epoch = 1
        }),
    ]
}

fn keys() -> Vec<Case> {
    let plan =
        |digest_alg| five().epochs(2).digest_alg(digest_alg).builder(2, |builder| builder.sealing_epoch = 0);
    vec![
        Case::new(
            "epoch-old-key",
            &["SV2-KEY-002", "SV2-FRM-006"],
            "The first segment of epoch 1 is sealed with the keys of epoch 0.",
            plan(1).write(),
        )
        .made(TWO, "frames of segment 2 sealed with the keys of epoch 0; all else made for that")
        .rejects("auth.frame", Place::Frame(2, 0)),
    ]
}

fn limits() -> Vec<Case> {
    let last = |index: u32, epoch: u32| {
        move |builder: &mut Builder| {
            builder.header.segment_index = index;
            builder.header.key_epoch = epoch;
            builder.header.flags |= REKEY;
        }
    };
    let case = |id: &str, requirement: &'static str, comment: &str, segment, alter| {
        let plan = three().epochs(1);
        let plan = plan.builder(segment, alter);
        Case::new(id, &[requirement], comment, plan.write()).made(
            ONE,
            &format!("segment_index and key_epoch of segment {segment} set; segment_tag and CRCs made for that, frames sealed with the keys of its place"),
        )
    };
    vec![
        case(
            "epoch-index-data-last",
            "SV2-SEG-009",
            "With epochs of one segment, data segment 65534 is within the limit, here out of order.",
            1,
            last(65_534, 65_534),
        )
        .rejects("order.segment_index", Place::Segment(1, at::SEGMENT_INDEX)),
        case(
            "epoch-index-data-above",
            "SV2-SEG-009",
            "With epochs of one segment, segment 65535 is a final one or none.",
            1,
            last(65_535, 65_535),
        )
        .rejects("limit.segment_index", Place::Segment(1, at::SEGMENT_INDEX)),
        case(
            "epoch-index-final-last",
            "SV2-SEG-009",
            "With epochs of one segment, final segment 65535 is within the limit, here out of order.",
            3,
            last(65_535, 65_535),
        )
        .rejects("order.segment_index", Place::Segment(3, at::SEGMENT_INDEX)),
        case(
            "epoch-index-final-above",
            "SV2-SEG-010",
            "With epochs of one segment, final segment 65536 would be in an epoch beyond the limit.",
            3,
            last(65_536, 65_536),
        )
        .rejects("limit.key_epoch", Place::Segment(3, at::KEY_EPOCH)),
        Case::new(
            "epoch-index-data-above-2",
            &["SV2-SEG-009"],
            "With epochs of two segments, segment 131071 is a final one or none.",
            five()
                .epochs(2)
                .builder(1, |builder| {
                    builder.header.segment_index = 131_071;
                    builder.header.key_epoch = 65_535;
                })
                .write(),
        )
        .made(TWO, "segment_index and key_epoch of segment 1 set; segment_tag and CRCs made for that, frames sealed with the keys of its place")
        .rejects("limit.segment_index", Place::Segment(1, at::SEGMENT_INDEX)),
        beyond_32_bits(),
    ]
}

fn beyond_32_bits() -> Case {
    Case::new(
        "epoch-index-beyond-32-bits",
        &["SV2-SEG-009"],
        "Epochs of 65,537 segments: 65,536 of them are more than 2^32 segments, and no limit; out of order.",
        five()
            .epochs(65_537)
            .builder(1, |builder| {
                builder.header.segment_index = 100_000;
                builder.header.key_epoch = 1;
            })
            .write(),
    )
    .rejects("order.segment_index", Place::Segment(1, at::SEGMENT_INDEX))
}
