//! §3, §4, §6 to §9: streams that every reader accepts.

use super::{empty, three, two_frames, two_runs, uniform};
use crate::cases::read::case::Case;
use crate::generator::example;
use crate::generator::plaintext::counting;
use crate::generator::plan::{Plan, run_salt};

pub(crate) fn cases() -> Vec<Case> {
    [sizes(), runs(), uniforms(), parameters()].concat()
}

fn accept(id: &str, requirements: &[&'static str], comment: &str, plan: &Plan) -> Case {
    Case::new(id, requirements, comment, plan.write())
}

fn sizes() -> Vec<Case> {
    let whole = &["SV2-STR-001", "SV2-STR-002", "SV2-FRM-001"];
    vec![
        accept("accept-worked-example", whole, "The stream of Appendix A.", &example::plan()),
        accept(
            "accept-empty",
            &["SV2-STR-001", "SV2-HDR-001", "SV2-HDR-004", "SV2-FIN-001"],
            "An empty plaintext: a stream header and a final segment.",
            &empty(),
        ),
        accept("accept-one-byte", whole, "A plaintext of one byte.", &Plan::filled(4096, 1)),
        accept(
            "accept-one-frame",
            whole,
            "Exactly one frame in a segment that could hold two.",
            &Plan::filled(8192, 4096),
        ),
        accept("accept-frame-and-one-byte", whole, "A last frame of one byte.", &Plan::filled(8192, 4097)),
        accept("accept-two-frames", whole, "Exactly one segment, of two full frames.", &two_frames()),
        accept(
            "accept-segment-and-one-byte",
            whole,
            "A last data segment of one byte.",
            &Plan::filled(4096, 4097),
        ),
        accept(
            "accept-three-segments",
            whole,
            "Data segments of 100, 70 and 30 bytes, ended by flushes.",
            &three(),
        ),
        accept(
            "accept-many-short-segments",
            whole,
            "Twenty data segments of one byte each.",
            &Plan::flushed(&[1; 20]),
        ),
        accept(
            "accept-index-above-255",
            &["SV2-STR-002", "SV2-FRM-006", "SV2-FRM-007"],
            "257 data segments: a segment_index, and with it each nonce, needs more than one byte.",
            &Plan::flushed(&[1; 257]),
        ),
    ]
}

fn runs() -> Vec<Case> {
    let run = &["SV2-ORD-002", "SV2-ORD-003", "SV2-DIG-005"];
    let returning = [(0, run_salt(0)), (1, run_salt(1)), (2, run_salt(0))];
    vec![
        accept("accept-two-runs", run, "A second run takes over at segment 1.", &two_runs()),
        accept(
            "accept-run-in-every-segment",
            run,
            "Each segment is a run of its own, the final one included.",
            &three().runs_at(&[1, 2, 3]),
        ),
        accept(
            "accept-run-begins-with-final",
            &["SV2-ORD-003", "SV2-FIN-001"],
            "A second run has nothing left to write but the final segment, whose terminator is the trailer as ever.",
            &three().runs_at(&[3]),
        ),
        accept(
            "accept-run-salt-returns",
            run,
            "The third run has the run_salt of the first: only the segment before counts.",
            &three().runs(&returning),
        ),
    ]
}

fn uniforms() -> Vec<Case> {
    let requirements = &["SV2-DIG-006", "SV2-ORD-004", "SV2-HDR-007"];
    vec![
        accept("accept-uniform", requirements, "UNIFORM: a full data segment, then a short one.", &uniform()),
        accept(
            "accept-uniform-full",
            requirements,
            "UNIFORM: the last data segment is full too.",
            &Plan::filled(4096, 8192).uniform(),
        ),
        accept(
            "accept-uniform-two-runs",
            &["SV2-DIG-005", "SV2-DIG-006"],
            "UNIFORM: a second run takes over at segment 1, whose terminator is the transcript and not zero.",
            &uniform().runs_at(&[1]),
        ),
        accept("accept-uniform-empty", requirements, "UNIFORM and an empty plaintext.", &empty().uniform()),
    ]
}

fn parameters() -> Vec<Case> {
    let digests = three().builder(1, |builder| builder.header.digest_alg = 2);
    vec![
        accept(
            "accept-digest-2",
            &["SV2-DIG-003", "SV2-SEG-007"],
            "digest_alg 0x0002 in every segment.",
            &three().digest_alg(2),
        ),
        accept(
            "accept-digest-2-two-frames",
            &["SV2-DIG-003"],
            "digest_alg 0x0002 over two data frames.",
            &two_frames().digest_alg(2),
        ),
        accept("accept-digest-mixed", &["SV2-DIG-003"], "digest_alg 0x0002 in segment 1 only.", &digests),
        accept(
            "accept-plaintext-len",
            &["SV2-HDR-018", "SV2-FIN-002"],
            "plaintext_len is known and right.",
            &three().header(|header| header.plaintext_len = 200),
        ),
        accept(
            "accept-plaintext-len-0",
            &["SV2-HDR-018", "SV2-FIN-002"],
            "plaintext_len is known to be 0.",
            &empty().header(|header| header.plaintext_len = 0),
        ),
        accept(
            "accept-key-id",
            &["SV2-KEY-002"],
            "A key_id that is not zero takes part in the key schedule.",
            &three().header(|header| header.key_id = counting(0xB0)),
        ),
        accept(
            "accept-epoch-segments-max",
            &["SV2-SEG-017"],
            "epoch_segments is 2^32 - 1 and every segment belongs to epoch 0.",
            &three().epochs(u32::MAX),
        ),
    ]
}
