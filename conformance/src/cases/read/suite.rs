//! §20.1: suite 0x0002, which every reader has.

use super::three;
use crate::cases::read::case::{Case, Place};
use crate::generator::plan::Plan;
use crate::generator::wire::builder::Counters;
use crate::generator::wire::stream_header::{StreamHeader, at};

const BASE: &str = "suite-2";

pub(crate) fn cases() -> Vec<Case> {
    [accepted(), limits(), damaged()].concat()
}

fn case(id: &str, requirements: &[&'static str], comment: &str, plan: Plan) -> Case {
    Case::new(id, requirements, comment, plan.header(|header| header.suite = 2).write())
}

fn accepted() -> Vec<Case> {
    let case = |id: &str, comment: &str, plan| {
        case(id, &["SV2-HDR-006", "SV2-HDR-011", "SV2-KEY-002"], comment, plan)
    };
    vec![
        case(BASE, "AES-256-GCM, in one epoch.", three().epochs(1000)),
        case("suite-2-epochs", "AES-256-GCM, an epoch for each segment.", three().epochs(1)),
        case(
            "suite-2-runs",
            "AES-256-GCM, a run for each segment: each has a key of its own.",
            three().epochs(1000).runs_at(&[1, 2, 3]),
        ),
        case("suite-2-two-frames", "AES-256-GCM, two frames in a segment.", super::two_frames().epochs(1000)),
        case("suite-2-digest-2", "AES-256-GCM, digest_alg 0x0002.", three().epochs(2).digest_alg(2)),
        case(
            "suite-2-index-above-255",
            "AES-256-GCM, 257 data segments: a segment_index, and with it each nonce, needs more than one byte.",
            Plan::flushed(&[1; 257]).epochs(65_536),
        ),
        case(
            "suite-2-epoch-segments-max",
            "2^40 bytes in an epoch, which is the most.",
            three().epochs(1 << 28),
        ),
    ]
}

fn limits() -> Vec<Case> {
    let case = |id: &str, comment: &str, set: fn(&mut StreamHeader)| {
        case(id, &["SV2-HDR-011"], comment, super::empty().header(set))
            .made(
                "accept-empty",
                "suite 2 and other fields of the stream header; keys, tags and CRCs made for that",
            )
            .rejects("limit.epoch_segments", Place::Header(at::EPOCH_SEGMENTS))
    };
    vec![
        case("suite-2-epoch-segments-0", "Suite 2 in one epoch for ever.", |_| {}),
        case("suite-2-epoch-segments-above", "One segment more than 2^40 bytes in an epoch.", |header| {
            header.epoch_segments = (1 << 28) + 1
        }),
        case(
            "suite-2-epoch-segments-wrap",
            "epoch_segments × segment_size wraps around to 0 in 32 bits.",
            |header| (header.epoch_segments, header.segment_size) = (1 << 30, 1 << 26),
        ),
    ]
}

fn damaged() -> Vec<Case> {
    let plan = three().epochs(1000);
    vec![
        case(
            "suite-2-tag",
            &["SV2-FRM-006"],
            "The tag of a frame under AES-256-GCM is altered.",
            plan.wire(1, |wire| wire[8 + 70] ^= 1),
        )
        .made(BASE, "tag of frame 0 of segment 1 altered; CRCs and segment_tag made for that")
        .rejects("auth.frame", Place::Frame(1, 0)),
        nonce(
            "suite-2-nonce-of-drafts",
            "Segment 1 is sealed with the nonce of drafts, whose last four bytes are zero.",
            Counters::Draft,
        ),
        nonce(
            "suite-2-nonce-little-endian",
            "Segment 1 is sealed with a nonce whose counters have the least significant byte first.",
            Counters::LittleEndian,
        ),
    ]
}

fn nonce(id: &str, comment: &str, counters: Counters) -> Case {
    let plan = three().epochs(1000).builder(1, move |builder| builder.counters = counters);
    case(id, &["SV2-FRM-006", "SV2-FRM-007"], comment, plan)
        .made(BASE, "frames of segment 1 sealed with other nonces")
        .rejects("auth.frame", Place::Frame(1, 0))
}
