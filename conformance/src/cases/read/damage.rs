//! Streams that are cut at every length, or of which every bit is flipped, in one vector each.

use super::{three, two_runs};
use crate::cases::read::case::Case;
use crate::cases::read::export::{bit_flips, truncations};
use crate::generator::plan::Plan;
use crate::generator::wire::envelope::padding;
use crate::generator::wire::stream::Stream;

const THREE: &str = "accept-three-segments";

pub(crate) fn cases() -> Vec<Case> {
    [cuts(), flips()].concat()
}

fn enveloped() -> Stream {
    Plan::flushed(&[100]).envelope(padding(8)).write()
}

fn cuts() -> Vec<Case> {
    let case = |id: &str, requirements: &[&'static str], comment: &str, base, stream: Stream, unsealed| {
        let table = truncations(&stream, unsealed);
        Case::new(id, requirements, comment, stream)
            .made(base, "cut at every length below its own")
            .table(table)
    };
    let strict = &["SV2-HDR-001", "SV2-SEG-001", "SV2-SEG-024", "SV2-FIN-004", "SV2-SAL-001", "SV2-REL-004"];
    let salvage = &["SV2-SAL-002", "SV2-HDR-001"];
    vec![
        case(
            "truncation-every-length",
            strict,
            "A stream that is cut anywhere is truncated.",
            THREE,
            three().write(),
            "truncated",
        ),
        case(
            "truncation-two-runs",
            strict,
            "A stream of two runs that is cut anywhere is truncated.",
            "accept-two-runs",
            two_runs().write(),
            "truncated",
        ),
        case(
            "truncation-envelope",
            &["SV2-ENV-001", "SV2-SEG-001"],
            "A stream with an envelope that is cut anywhere is truncated.",
            "envelope-padding",
            enveloped(),
            "truncated",
        ),
        case(
            "truncation-salvage",
            salvage,
            "A stream that is cut anywhere gives its committed prefix.",
            THREE,
            three().write(),
            "truncated.unsealed",
        )
        .salvaged(),
        case(
            "truncation-salvage-envelope",
            salvage,
            "With an envelope, only what is cut after it is unsealed.",
            "envelope-padding",
            enveloped(),
            "truncated.unsealed",
        )
        .salvaged(),
    ]
}

fn flips() -> Vec<Case> {
    let case = |id: &str, requirements: &[&'static str], comment: &str, base, stream: Stream| {
        let table = bit_flips(&stream);
        Case::new(id, requirements, comment, stream)
            .made(base, "every bit flipped, one at a time")
            .table(table)
    };
    let seen = &["SV2-HDR-002", "SV2-HDR-003", "SV2-SEG-002", "SV2-SEG-003", "SV2-SEG-025"];
    vec![
        case(
            "flip-every-bit",
            seen,
            "Any single flipped bit is seen by a magic or a CRC.",
            THREE,
            three().write(),
        ),
        case(
            "flip-every-bit-envelope",
            &["SV2-ENV-002", "SV2-HDR-003"],
            "The same with an envelope.",
            "envelope-padding",
            enveloped(),
        ),
        case("flip-every-bit-salvage", seen, "A flipped bit is no unsealed stream.", THREE, three().write())
            .salvaged(),
    ]
}
