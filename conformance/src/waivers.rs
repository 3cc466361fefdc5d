//! Requirements that no vector tests, and why.

use std::ops::RangeInclusive;

use crate::vector::Waiver;

const RANDOM: &str = "about where random bytes come from; a vector gives them";
const INSIDE: &str = "about the inside of an implementation; no input shows it";
const INTERFACE: &str = "about an interface or a message, not about bytes";
const UNWRAP: &str = "unwrapping a content key is no operation of this version of the vectors";
const RANGE: &str = "range reading is no operation of this version of the vectors";

const WAIVERS: [(&str, &str); 25] = [
    ("SV2-ENV-009", UNWRAP),
    ("SV2-ENV-013", UNWRAP),
    ("SV2-ENV-014", RANDOM),
    ("SV2-ENV-015", UNWRAP),
    ("SV2-ENV-016", "about a tool that replaces envelopes in place"),
    ("SV2-ENV-017", "detached envelopes are no operation of this version of the vectors"),
    ("SV2-EPO-002", "takes a stream of 65,535 segments at least"),
    ("SV2-COD-001", "what a codec of a writer makes of a plaintext is not fixed"),
    ("SV2-COD-006", INTERFACE),
    ("SV2-ERR-001", "tested by every rejecting vector: offset and segment are part of what it expects"),
    ("SV2-ERR-002", INTERFACE),
    ("SV2-FRM-008", "about what a writer does after a failure"),
    ("SV2-HDR-015", RANDOM),
    ("SV2-IDX-006", RANGE),
    ("SV2-IDX-007", RANGE),
    ("SV2-KEY-001", INTERFACE),
    ("SV2-KEY-004", INSIDE),
    ("SV2-LIM-002", "a limit that a caller sets is not part of the vectors"),
    ("SV2-NOK-001", INTERFACE),
    ("SV2-RDR-002", "tested by every read vector: the answer is the same for all deliveries"),
    ("SV2-REG-001", "about later editions"),
    ("SV2-REL-003", "tested by every rejecting vector: errors are sticky"),
    ("SV2-RNG-001", RANGE),
    ("SV2-SEG-026", RANDOM),
    ("SV2-WRT-002", INTERFACE),
];

const WRITER: [(&str, &str); 3] =
    [("SV2-WRT-003", INSIDE), ("SV2-WRT-006", INTERFACE), ("SV2-WRT-007", INSIDE)];

const RESUMING: &str = "journals, recovery and resuming are no operations of this version of the vectors";

const JOURNAL_IDS: RangeInclusive<u8> = 1..=9;
const RESUME_IDS: RangeInclusive<u8> = 1..=17;

/// The waivers in the order of the manifest.
pub(crate) fn all() -> Vec<Waiver> {
    let waiver = |(requirement, reason): &(&str, &str)| Waiver {
        requirement: (*requirement).to_owned(),
        reason: (*reason).to_owned(),
    };
    let mut waivers: Vec<Waiver> = WAIVERS.iter().chain(&WRITER).map(waiver).collect();
    let numbered = |area, ids: RangeInclusive<u8>| {
        ids.map(move |id| Waiver { requirement: format!("SV2-{area}-{id:03}"), reason: RESUMING.to_owned() })
    };
    waivers.extend(numbered("JRN", JOURNAL_IDS).chain(numbered("RES", RESUME_IDS)));
    waivers.sort_by(|a, b| a.requirement.cmp(&b.requirement));
    waivers
}
