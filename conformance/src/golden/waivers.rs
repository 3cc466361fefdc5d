//! Requirements that no vector tests, or only from one side, and the reasons.

use crate::vector::Waiver;

const RANDOM: &str = "about where random bytes come from; a vector gives them";
const INSIDE: &str = "about the inside of an implementation; no input shows it";
const INTERFACE: &str = "about an interface or a message, not about bytes";

const COMPUTED: &str = "about a tool that computes lengths; the tables of its tests are from the formulas";

const WAIVERS: [(&str, &str); 24] = [
    ("SV2-ENV-014", RANDOM),
    ("SV2-ENV-016", "about a tool that replaces envelopes in place"),
    ("SV2-EPO-002", "takes a stream of 65,535 segments at least"),
    ("SV2-COD-001", "what a codec of a writer makes of a plaintext is not fixed"),
    ("SV2-COD-006", INTERFACE),
    ("SV2-ERR-001", "tested by every rejecting vector: offset and segment are part of what it expects"),
    ("SV2-ERR-002", INTERFACE),
    ("SV2-FRM-008", "about what a writer does after a failure"),
    ("SV2-HDR-015", RANDOM),
    ("SV2-IDX-009", "whether a writer that goes on writes index segments is its own affair"),
    ("SV2-KEY-001", INTERFACE),
    ("SV2-KEY-003", INSIDE),
    ("SV2-KEY-004", INSIDE),
    ("SV2-KEY-006", "about key files; Appendix C has an example"),
    ("SV2-LEN-001", COMPUTED),
    ("SV2-LEN-002", INTERFACE),
    ("SV2-LIM-002", "a limit that a caller sets is not part of the vectors"),
    ("SV2-NOK-001", INTERFACE),
    ("SV2-RDR-002", "tested by every read vector: the answer is the same for all deliveries"),
    ("SV2-REG-001", "about later editions"),
    ("SV2-REL-003", "tested by every rejecting vector: errors are sticky"),
    ("SV2-RNG-003", INSIDE),
    ("SV2-RNG-008", INSIDE),
    ("SV2-WRT-002", INTERFACE),
];

const WRITER: [(&str, &str); 4] = [
    ("SV2-WRT-003", INSIDE),
    ("SV2-WRT-006", INTERFACE),
    ("SV2-WRT-007", INSIDE),
    ("SV2-WRT-008", "about a writer that is asked to stop; no input does that"),
];

const DURABLE: &str = "about what is durable when; a crash laboratory shows it, and no input";
const RESUMING: &str = "resuming a decryption is no operation of this version of the vectors";

const JOURNAL_AND_RESUME: [(&str, &str); 25] = [
    ("SV2-JRN-003", RANDOM),
    ("SV2-JRN-004", INSIDE),
    ("SV2-JRN-005", INSIDE),
    ("SV2-JRN-008", DURABLE),
    ("SV2-JRN-009", DURABLE),
    ("SV2-JRN-010", DURABLE),
    ("SV2-RES-002", DURABLE),
    ("SV2-RES-004", "about several owners at one output"),
    ("SV2-RES-011", DURABLE),
    ("SV2-RES-012", RESUMING),
    ("SV2-RES-013", "about what an implementation offers its callers"),
    ("SV2-RES-023", DURABLE),
    ("SV2-RES-024", DURABLE),
    ("SV2-RES-025", DURABLE),
    ("SV2-RES-026", "about a result that was changed after it had its name"),
    ("SV2-RES-041", "about what a system lets other users do"),
    ("SV2-RES-042", "about what a system lets other users do"),
    ("SV2-RES-017", RESUMING),
    ("SV2-RES-028", "about plaintext that was given up; no output of a vector lacks its own"),
    ("SV2-RES-029", "about who is told what"),
    ("SV2-RES-031", RESUMING),
    ("SV2-RES-032", "about names of files; an adapter keeps none"),
    ("SV2-JRN-001", DURABLE),
    ("SV2-RES-001", DURABLE),
    ("SV2-RES-003", DURABLE),
];

const RESUME_KEY: &str = "about a file that a writer keeps for itself";

/// Waivers for keys of envelopes.
const KEYS: [(&str, &str); 6] = [
    ("SV2-KEY-005", RANDOM),
    ("SV2-RES-018", RESUME_KEY),
    ("SV2-RES-019", RESUME_KEY),
    ("SV2-RES-020", RESUME_KEY),
    ("SV2-RES-021", RESUME_KEY),
    ("SV2-RES-022", RESUME_KEY),
];

const WRITES: &str = "about what a writer writes: every other output fails the vector, byte for byte";
const REPLACES: &str = "about what a tool writes or leaves: another answer fails the vector";
const ACCEPTS: &str = "about what must be accepted";

/// Requirements that are tested from one side only.
const ONE_SIDED: [(&str, &str); 22] = [
    ("SV2-DIG-001", WRITES),
    ("SV2-DIG-003", ACCEPTS),
    ("SV2-DIG-004", WRITES),
    ("SV2-DIG-008", WRITES),
    ("SV2-ENV-007", ACCEPTS),
    ("SV2-ENV-020", "about what a tool writes; it has no way to ask for it"),
    ("SV2-ENV-029", REPLACES),
    ("SV2-ENV-031", REPLACES),
    ("SV2-ENV-032", REPLACES),
    ("SV2-EPO-001", WRITES),
    ("SV2-IDX-001", WRITES),
    ("SV2-IDX-002", WRITES),
    ("SV2-JRN-002", "about what a writer records; a record that is not to be believed is SV2-JRN-007"),
    ("SV2-LIM-001", ACCEPTS),
    ("SV2-RES-005", "a caller who asks for other parameters is no input"),
    ("SV2-RES-009", WRITES),
    ("SV2-RES-014", "about files of others, which are refused"),
    ("SV2-RES-030", WRITES),
    ("SV2-RNG-011", ACCEPTS),
    ("SV2-SEG-026", WRITES),
    ("SV2-WRT-001", WRITES),
    ("SV2-WRT-004", WRITES),
];

/// Returns the waivers in the order of the manifest.
pub(crate) fn all() -> Vec<Waiver> {
    sorted(WAIVERS.iter().chain(&WRITER).chain(&JOURNAL_AND_RESUME).chain(&KEYS))
}

/// Returns the reasons for one side alone, in the order of the manifest.
pub(crate) fn one_sided() -> Vec<Waiver> {
    sorted(ONE_SIDED.iter())
}

fn sorted<'a>(list: impl Iterator<Item = &'a (&'static str, &'static str)>) -> Vec<Waiver> {
    let waiver = |(requirement, reason): &(&str, &str)| Waiver {
        requirement: (*requirement).to_owned(),
        reason: (*reason).to_owned(),
    };
    let mut waivers: Vec<Waiver> = list.map(waiver).collect();
    waivers.sort_by(|a, b| a.requirement.cmp(&b.requirement));
    waivers
}
