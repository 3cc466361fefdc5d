//! §8, steps 15 and 16: digest frames and terminators that open and hold wrong values.

use super::{three, two_runs, uniform};
use crate::cases::read::case::{Case, Place};
use crate::generator::plan::Plan;

pub(crate) fn cases() -> Vec<Case> {
    [digests(), others(), transcripts(), uniforms()].concat()
}

fn digests() -> Vec<Case> {
    let case = |id: &str, comment: &str, alter: fn(&mut Vec<u8>)| {
        Case::new(id, &["SV2-DIG-002", "SV2-REL-001"], comment, three().digest(1, alter).write())
            .made(
                "accept-three-segments",
                "plaintext of the digest frame of segment 1 altered before sealing; all else made for that",
            )
            .rejects("auth.digest", Place::Frame(1, 1))
    };
    vec![
        case("digest-alg-low", "The digest frame speaks of digest_alg 2 and holds a digest of 1.", |plain| {
            plain[0] = 2
        }),
        case("digest-alg-high", "The high byte of digest_alg in the digest frame is not zero.", |plain| {
            plain[1] = 1
        }),
        case("digest-len-low", "The length in the digest frame is 31.", |plain| plain[2] = 31),
        case("digest-len-high", "The high byte of the length in the digest frame is not zero.", |plain| {
            plain[3] = 1
        }),
        case("digest-first-byte", "The first byte of D is wrong.", |plain| plain[4] ^= 1),
        case("digest-last-byte", "The last byte of D is wrong.", |plain| plain[35] ^= 1),
        case("digest-zero", "D is zero.", |plain| plain[4..].fill(0)),
    ]
}

fn others() -> Vec<Case> {
    let case = |id: &str, comment: &str, base, plan: Plan, place| {
        Case::new(id, &["SV2-DIG-002"], comment, plan.write())
            .made(base, "plaintext of a digest frame altered before sealing; all else made for that")
            .rejects("auth.digest", place)
    };
    let flip = |plain: &mut Vec<u8>| plain[20] ^= 0x40;
    let both = three().digest(0, flip).builder(0, |builder| builder.terminator.plain[0] = 1);
    vec![
        case(
            "digest-2-wrong",
            "D of digest_alg 0x0002 is wrong.",
            "accept-digest-2",
            three().digest_alg(2).digest(1, flip),
            Place::Frame(1, 1),
        ),
        case(
            "digest-final-wrong",
            "D of the final segment is wrong.",
            "accept-three-segments",
            three().digest(3, flip),
            Place::Frame(3, 0),
        ),
        case(
            "digest-empty-stream-wrong",
            "D of a final segment that stands alone is wrong.",
            "accept-empty",
            super::empty().digest(0, flip),
            Place::Frame(0, 0),
        ),
        case(
            "digest-before-terminator",
            "D and the terminator are wrong: D comes first.",
            "accept-three-segments",
            both,
            Place::Frame(0, 1),
        ),
    ]
}

fn transcripts() -> Vec<Case> {
    let case = |id: &str, comment: &str, base, plan: Plan, segment| {
        Case::new(id, &["SV2-DIG-005"], comment, plan.write())
            .made(base, "plaintext of the terminator altered before sealing; all else made for that")
            .rejects("order.transcript", Place::Frame(segment, 2))
    };
    vec![
        case(
            "digest-transcript-segment-0",
            "Segment 0 continues a history that does not exist.",
            "accept-three-segments",
            three().builder(0, |builder| builder.terminator.plain[31] = 1),
            0,
        ),
        case(
            "digest-transcript-first-byte",
            "The first byte of the transcript of a new run is wrong.",
            "accept-two-runs",
            two_runs().builder(1, |builder| builder.terminator.plain[0] ^= 1),
            1,
        ),
        case(
            "digest-transcript-last-byte",
            "The last byte of the transcript of a new run is wrong.",
            "accept-two-runs",
            two_runs().builder(1, |builder| builder.terminator.plain[31] ^= 0x80),
            1,
        ),
        case(
            "digest-transcript-forgotten",
            "A new run says that nothing went before it.",
            "accept-two-runs",
            two_runs().builder(1, |builder| builder.terminator.plain.fill(0)),
            1,
        ),
        case(
            "digest-transcript-uniform",
            "UNIFORM: a new run fills its terminator with zeros.",
            "accept-uniform-two-runs",
            uniform().runs_at(&[1]).builder(1, |builder| builder.terminator.plain.fill(0)),
            1,
        ),
    ]
}

fn uniforms() -> Vec<Case> {
    let case = |id: &str, comment: &str, byte: usize| {
        let plan = uniform().builder(1, move |builder| builder.terminator.plain[byte] = 1);
        Case::new(id, &["SV2-DIG-006"], comment, plan.write())
            .made("accept-uniform", "terminator of segment 1 altered before sealing; all else made for that")
            .rejects("malformed.terminator", Place::Frame(1, 2))
    };
    vec![
        case("digest-terminator-first-byte", "UNIFORM: the first byte of a terminator is not zero.", 0),
        case("digest-terminator-last-byte", "UNIFORM: the last byte of a terminator is not zero.", 51),
    ]
}
