//! §6, steps 7 and 8: numbers in the segment header, against limits and against each other.

use super::segment::sealed;
use super::{three, two_frames};
use crate::cases::read::case::{Case, Place};
use crate::generator::wire::builder::Builder;
use crate::generator::wire::segment_header::{FINAL, at};

pub(crate) fn cases() -> Vec<Case> {
    [
        limits(),
        len_limits(),
        flags(),
        plaintext_len(),
        payload_len(),
        data_frames(),
        frame_count(),
        wire_len(),
    ]
    .concat()
}

/// Returns a segment of `accept-three-segments` with other header fields, sealed for them.
fn built(
    segment: usize,
    id: &str,
    requirement: &'static str,
    comment: &str,
    alter: fn(&mut Builder),
) -> Case {
    let mutation =
        format!("fields of the header of segment {segment} set; frames, CRCs and segment_tag made for that");
    Case::new(id, &[requirement], comment, three().builder(segment, alter).write())
        .made("accept-three-segments", &mutation)
}

fn limits() -> Vec<Case> {
    let at_limit = |field| Place::Segment(1, field);
    vec![
        sealed(
            "segment-index-data-last",
            "SV2-SEG-009",
            "A data segment where only a final one may stand.",
            |builder| builder.header.segment_index = u32::MAX,
        )
        .rejects("limit.segment_index", at_limit(at::SEGMENT_INDEX)),
        sealed(
            "segment-index-data-allowed",
            "SV2-SEG-009",
            "The last segment_index of a data segment is within the limit, and out of order.",
            |builder| builder.header.segment_index = u32::MAX - 1,
        )
        .rejects("order.segment_index", at_limit(at::SEGMENT_INDEX)),
        built(
            3,
            "segment-index-final-allowed",
            "SV2-SEG-009",
            "The last segment_index of all belongs to a final segment, here out of order.",
            |builder| builder.header.segment_index = u32::MAX,
        )
        .rejects("order.segment_index", Place::Segment(3, at::SEGMENT_INDEX)),
        sealed("segment-key-epoch-65536", "SV2-SEG-010", "A key_epoch above the limit.", |builder| {
            builder.header.key_epoch = 65_536
        })
        .rejects("limit.key_epoch", at_limit(at::KEY_EPOCH)),
        sealed(
            "segment-key-epoch-2-32",
            "SV2-SEG-010",
            "The largest key_epoch that the field holds: nothing may be derived for it.",
            |builder| builder.header.key_epoch = u32::MAX,
        )
        .rejects("limit.key_epoch", at_limit(at::KEY_EPOCH)),
    ]
}

fn len_limits() -> Vec<Case> {
    let at_limit = |field| Place::Segment(1, field);
    vec![
        sealed("segment-plaintext-len-above", "SV2-SEG-011", "plaintext_len is S + 1.", |builder| {
            builder.header.plaintext_len = 4097
        })
        .rejects("limit.plaintext_len", at_limit(at::PLAINTEXT_LEN)),
        built(
            3,
            "segment-plaintext-len-above-final",
            "SV2-SEG-011",
            "plaintext_len is above S in a final segment: the limit comes first.",
            |builder| builder.header.plaintext_len = u32::MAX,
        )
        .rejects("limit.plaintext_len", Place::Segment(3, at::PLAINTEXT_LEN)),
        sealed("segment-payload-len-above", "SV2-SEG-012", "payload_len is S + 1.", |builder| {
            builder.header.payload_len = 4097
        })
        .rejects("limit.payload_len", at_limit(at::PAYLOAD_LEN)),
        sealed(
            "segment-payload-len-2-32",
            "SV2-SEG-012",
            "The largest payload_len that the field holds: nothing may be allocated for it.",
            |builder| builder.header.payload_len = u32::MAX,
        )
        .rejects("limit.payload_len", at_limit(at::PAYLOAD_LEN)),
    ]
}

fn flags() -> Vec<Case> {
    vec![
        built(0, "segment-run-start-missing", "SV2-SEG-015", "Segment 0 does not begin a run.", |builder| {
            builder.header.flags = 0;
            builder.header.wire_len -= 32;
            builder.terminator.plain.clear();
            builder.terminator.len = 0;
        })
        .rejects("malformed.flags", Place::Segment(0, at::FLAGS)),
        sealed(
            "segment-rekey-without-epochs",
            "SV2-SEG-016",
            "REKEY where there is one epoch for ever.",
            |builder| builder.header.flags |= 1,
        )
        .rejects("malformed.flags", Place::Segment(1, at::FLAGS)),
        built(
            0,
            "segment-rekey-in-segment-0",
            "SV2-SEG-016",
            "REKEY in segment 0, which is in epoch 0.",
            |builder| builder.header.flags |= 1,
        )
        .rejects("malformed.flags", Place::Segment(0, at::FLAGS)),
        sealed(
            "segment-key-epoch-without-epochs",
            "SV2-SEG-017",
            "key_epoch 1 where there is one epoch for ever.",
            |builder| (builder.header.key_epoch, builder.sealing_epoch) = (1, 1),
        )
        .rejects("malformed.key_epoch", Place::Segment(1, at::KEY_EPOCH)),
    ]
}

fn plaintext_len() -> Vec<Case> {
    vec![
        sealed(
            "segment-plaintext-len-0",
            "SV2-SEG-018",
            "A data segment whose plaintext_len is 0.",
            |builder| builder.header.plaintext_len = 0,
        )
        .rejects("malformed.plaintext_len", Place::Segment(1, at::PLAINTEXT_LEN)),
        sealed(
            "segment-data-empty",
            "SV2-SEG-018",
            "A data segment without plaintext, frames or payload, sealed in full.",
            |builder| {
                builder.data.clear();
                let header = &mut builder.header;
                (header.plaintext_len, header.payload_len) = (0, 0);
                (header.data_frames, header.frame_count, header.wire_len) = (0, 2, 84);
            },
        )
        .rejects("malformed.plaintext_len", Place::Segment(1, at::PLAINTEXT_LEN)),
        built(
            3,
            "segment-plaintext-len-final",
            "SV2-SEG-018",
            "A final segment whose plaintext_len is 1.",
            |builder| builder.header.plaintext_len = 1,
        )
        .rejects("malformed.plaintext_len", Place::Segment(3, at::PLAINTEXT_LEN)),
    ]
}

fn payload_len() -> Vec<Case> {
    let wrong = Place::Segment(1, at::PAYLOAD_LEN);
    let kind = |builder: &mut Builder| builder.header.kind = FINAL;
    vec![
        sealed(
            "segment-payload-len-less",
            "SV2-SEG-019",
            "payload_len is below plaintext_len without a codec.",
            |builder| builder.header.payload_len -= 1,
        )
        .rejects("malformed.payload_len", wrong),
        sealed(
            "segment-payload-len-more",
            "SV2-SEG-019",
            "payload_len is above plaintext_len without a codec.",
            |builder| builder.header.payload_len += 1,
        )
        .rejects("malformed.payload_len", wrong),
        sealed(
            "segment-payload-len-0",
            "SV2-SEG-019",
            "payload_len is 0 and plaintext_len is not.",
            |builder| builder.header.payload_len = 0,
        )
        .rejects("malformed.payload_len", wrong),
        built(
            3,
            "segment-payload-len-final",
            "SV2-SEG-019",
            "A final segment whose payload_len is 1.",
            |builder| builder.header.payload_len = 1,
        )
        .rejects("malformed.payload_len", Place::Segment(3, at::PAYLOAD_LEN)),
        sealed("segment-kind-data-to-final", "SV2-SEG-018", "A data segment that calls itself final.", kind)
            .rejects("malformed.plaintext_len", Place::Segment(1, at::PLAINTEXT_LEN)),
    ]
}

fn data_frames() -> Vec<Case> {
    let data = Place::Segment(1, at::DATA_FRAMES);
    let two = |id: &str, comment: &str, alter: fn(&mut Builder)| {
        let mutation = "fields of the header of segment 0 set; frames, CRCs and segment_tag made for that";
        Case::new(id, &["SV2-SEG-020"], comment, two_frames().builder(0, alter).write())
            .made("accept-two-frames", mutation)
            .rejects("malformed.data_frames", Place::Segment(0, at::DATA_FRAMES))
    };
    vec![
        sealed(
            "segment-data-frames-0",
            "SV2-SEG-020",
            "data_frames is 0 where there is a payload.",
            |builder| builder.header.data_frames = 0,
        )
        .rejects("malformed.data_frames", data),
        sealed(
            "segment-data-frames-more",
            "SV2-SEG-020",
            "data_frames is one more than the payload needs, frame_count and wire_len agree.",
            |builder| {
                builder.header.data_frames += 1;
                builder.header.frame_count += 1;
                builder.header.wire_len += 24;
            },
        )
        .rejects("malformed.data_frames", data),
        sealed(
            "segment-data-frames-2-32",
            "SV2-SEG-020",
            "data_frames is 2^32 - 2, with which frame_count wraps around to 0.",
            |builder| {
                builder.header.data_frames = u32::MAX - 1;
                builder.header.frame_count = 0;
            },
        )
        .rejects("malformed.data_frames", data),
        built(
            3,
            "segment-data-frames-final",
            "SV2-SEG-020",
            "A final segment whose data_frames is 1.",
            |builder| builder.header.data_frames = 1,
        )
        .rejects("malformed.data_frames", Place::Segment(3, at::DATA_FRAMES)),
        two("segment-data-frames-rounded-down", "One frame of two is not counted.", |builder| {
            builder.header.data_frames = 1
        }),
        two(
            "segment-data-frames-rounded-up",
            "A payload that fills its frames is counted one frame more.",
            |builder| builder.header.data_frames = 3,
        ),
    ]
}

fn frame_count() -> Vec<Case> {
    let count = Place::Segment(1, at::FRAME_COUNT);
    vec![
        sealed(
            "segment-frame-count-less",
            "SV2-SEG-021",
            "frame_count does not count the terminator.",
            |builder| builder.header.frame_count -= 1,
        )
        .rejects("malformed.frame_count", count),
        sealed(
            "segment-frame-count-more",
            "SV2-SEG-021",
            "frame_count is one too many, wire_len agrees with it.",
            |builder| {
                builder.header.frame_count += 1;
                builder.header.wire_len += 24;
            },
        )
        .rejects("malformed.frame_count", count),
    ]
}

fn wire_len() -> Vec<Case> {
    let wrong = |id: &str, comment: &str, alter: fn(&mut Builder)| {
        sealed(id, "SV2-SEG-022", comment, alter)
            .rejects("malformed.wire_len", Place::Segment(1, at::WIRE_LEN))
    };
    vec![
        wrong("segment-wire-len-less", "wire_len is one too small.", |builder| builder.header.wire_len -= 1),
        wrong("segment-wire-len-more", "wire_len is one too large.", |builder| builder.header.wire_len += 1),
        wrong("segment-wire-len-0", "wire_len is 0.", |builder| builder.header.wire_len = 0),
        wrong(
            "segment-wire-len-2-32",
            "The largest wire_len that the field holds: nothing may be allocated for it.",
            |builder| builder.header.wire_len = u32::MAX,
        ),
        wrong(
            "segment-wire-len-terminator",
            "A terminator of 32 bytes in a data segment that has none.",
            |builder| {
                builder.header.wire_len += 32;
                builder.terminator.plain = vec![0; 32];
                builder.terminator.len = 32;
            },
        ),
        built(
            0,
            "segment-wire-len-run-start",
            "SV2-SEG-022",
            "An empty terminator in a data segment that begins a run.",
            |builder| {
                builder.header.wire_len -= 32;
                builder.terminator.plain.clear();
                builder.terminator.len = 0;
            },
        )
        .rejects("malformed.wire_len", Place::Segment(0, at::WIRE_LEN)),
    ]
}
