//! Readers that are wrong on purpose. They show that the suite finds such bugs.
//!
//! There is one plain reader, built on the primitives of the generator. Without a bug it passes
//! every vector of `read`, `range`, `unwrap` and `rewrap`. If its bug is a requirement's id, it
//! leaves out that one check. Other bugs have names.

mod adapter;
mod age;
mod header;
mod index;
mod misbehaviour;
mod plain;
mod range;
mod rewrap;
mod segment;
mod stream;
mod unlock;

pub use adapter::serve;
pub use plain::{Opinion, plain_read, plain_unwrap};

/// The requirements whose checks can be left out, one by one.
pub const CHECKS: [&str; 82] = [
    "SV2-HDR-001",
    "SV2-HDR-002",
    "SV2-HDR-003",
    "SV2-HDR-004",
    "SV2-HDR-005",
    "SV2-HDR-006",
    "SV2-HDR-007",
    "SV2-HDR-008",
    "SV2-HDR-009",
    "SV2-HDR-010",
    "SV2-HDR-011",
    "SV2-HDR-012",
    "SV2-HDR-013",
    "SV2-HDR-014",
    "SV2-HDR-018",
    "SV2-ENV-001",
    "SV2-ENV-002",
    "SV2-ENV-003",
    "SV2-ENV-004",
    "SV2-ENV-005",
    "SV2-ENV-006",
    "SV2-ENV-009",
    "SV2-ENV-011",
    "SV2-ENV-012",
    "SV2-ENV-013",
    "SV2-ENV-015",
    "SV2-ENV-017",
    "SV2-ENV-019",
    "SV2-ENV-022",
    "SV2-ENV-025",
    "SV2-ENV-027",
    "SV2-ENV-028",
    "SV2-ENV-033",
    "SV2-ENV-034",
    "SV2-LIM-003",
    "SV2-SEG-001",
    "SV2-SEG-002",
    "SV2-SEG-003",
    "SV2-SEG-004",
    "SV2-SEG-005",
    "SV2-SEG-006",
    "SV2-SEG-007",
    "SV2-SEG-008",
    "SV2-SEG-009",
    "SV2-SEG-010",
    "SV2-SEG-011",
    "SV2-SEG-012",
    "SV2-SEG-013",
    "SV2-SEG-015",
    "SV2-SEG-016",
    "SV2-SEG-017",
    "SV2-SEG-018",
    "SV2-SEG-019",
    "SV2-SEG-020",
    "SV2-SEG-021",
    "SV2-SEG-022",
    "SV2-SEG-023",
    "SV2-SEG-024",
    "SV2-SEG-025",
    "SV2-IDX-003",
    "SV2-IDX-004",
    "SV2-IDX-005",
    "SV2-IDX-006",
    "SV2-IDX-007",
    "SV2-FRM-002",
    "SV2-FRM-003",
    "SV2-FRM-004",
    "SV2-FRM-006",
    "SV2-DIG-002",
    "SV2-DIG-005",
    "SV2-DIG-007",
    "SV2-FIN-001",
    "SV2-FIN-003",
    "SV2-FIN-004",
    "SV2-FIN-005",
    "SV2-FIN-006",
    "SV2-RNG-001",
    "SV2-RNG-005",
    "SV2-RNG-007",
    "SV2-RNG-009",
    "SV2-RNG-010",
    "SV2-RNG-011",
];

/// Bugs other than a missing check, and the requirement that each breaks.
pub const BUGS: [(&str, &str); 48] = [
    ("accepts-an-end-between-segments", "SV2-FIN-004"),
    ("answers-salvage-with-success", "SV2-SAL-002"),
    ("checks-the-replaced-envelope", "SV2-ENV-035"),
    ("compares-no-first-segment", "SV2-RNG-005"),
    ("compares-no-plaintext-total", "SV2-FIN-002"),
    ("copies-the-envelope-alone", "SV2-ENV-031"),
    ("counts-offsets-from-the-body", "SV2-ERR-001"),
    ("counts-order-of-runs-only", "SV2-ORD-001"),
    ("derives-without-context", "SV2-KEY-002"),
    ("fills-the-terminator-as-it-likes", "SV2-DIG-006"),
    ("forgets-its-error", "SV2-REL-003"),
    ("goes-on-after-a-damaged-segment", "SV2-REL-002"),
    ("ignores-links", "SV2-DIG-005"),
    ("is-no-sequential-reader", "SV2-RNG-001"),
    ("keeps-the-first-key-epoch", "SV2-KEY-002"),
    ("keeps-old-stanzas", "SV2-ENV-028"),
    ("knows-one-digest", "SV2-DIG-003"),
    ("leaves-out-what-it-says-again", "SV2-REL-003"),
    ("leaves-its-copy", "SV2-ENV-032"),
    ("lets-a-run-begin-with-the-same-salt", "SV2-ORD-003"),
    ("lets-the-run-salt-change", "SV2-ORD-002"),
    ("lets-uniform-segments-be-short", "SV2-ORD-004"),
    ("narrows-the-segment-index", "SV2-STR-002"),
    ("opens-the-whole-segment-for-a-link", "SV2-RNG-006"),
    ("reaches-the-total-early", "SV2-RNG-001"),
    ("reads-on-after-its-error", "SV2-REL-003"),
    ("refuses-unknown-stanzas", "SV2-ENV-007"),
    ("releases-frame-by-frame", "SV2-REL-001"),
    ("restarts-nonces-in-each-segment", "SV2-FRM-007"),
    ("runs-argon2id-before-the-limit", "SV2-LIM-003"),
    ("runs-scrypt", "SV2-ENV-021"),
    ("salvages-unasked", "SV2-SAL-001"),
    ("skips-the-mac-of-age", "SV2-ENV-009"),
    ("skips-unknown-segments", "SV2-SEG-005"),
    ("starts-what-age-files-name", "SV2-ENV-026"),
    ("stops-at-a-short-read", "SV2-RDR-002"),
    ("stops-at-the-first-identity", "SV2-ENV-023"),
    ("stops-at-the-first-key", "SV2-ENV-023"),
    ("takes-costs-of-the-old-envelope", "SV2-ENV-029"),
    ("takes-any-link", "SV2-DIG-007"),
    ("takes-keys-of-any-id", "SV2-ENV-025"),
    ("tries-keys-of-any-length", "SV2-ENV-018"),
    ("tries-on-after-a-content-key", "SV2-ENV-024"),
    ("verifies-before-the-checksum", "SV2-SEG-003"),
    ("walks-to-the-range-only", "SV2-RNG-004"),
    ("walks-without-links", "SV2-RNG-007"),
    ("walks-without-the-order-of-runs", "SV2-RNG-007"),
    ("writes-beyond-the-envelope", "SV2-ENV-030"),
];

/// Adapters that do not answer, and the expected verdict for each.
pub const MISBEHAVIOURS: [(&str, &str); 8] = [
    ("aborts", "crash"),
    ("allocates-too-much", "over-memory"),
    ("answers-another-question", "garbage"),
    ("ends-quietly", "crash"),
    ("hangs", "timeout"),
    ("invents-results", "garbage"),
    ("never-reads", "timeout"),
    ("writes-garbage", "garbage"),
];

/// The refusal of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) error: &'static str,
    pub(crate) offset: Option<usize>,
    pub(crate) segment: Option<usize>,
}

/// The bug of a reader, or an empty name.
#[derive(Clone, Copy)]
pub(crate) struct Bug<'a>(&'a str);

impl Bug<'_> {
    fn is(self, name: &str) -> bool {
        debug_assert!(CHECKS.contains(&name) || BUGS.iter().any(|(bug, _)| *bug == name), "{name}");
        self.0 == name
    }

    /// Refuses if `holds` is false, unless this check is left out.
    fn check(self, requirement: &str, holds: bool, refusal: impl FnOnce() -> Refusal) -> Result<(), Refusal> {
        if holds || self.is(requirement) { Ok(()) } else { Err(refusal()) }
    }
}

/// Reads LE16, LE32 or LE64 at an offset.
pub(crate) fn number(bytes: &[u8], at: usize, len: usize) -> u64 {
    bytes[at..at + len].iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
}
