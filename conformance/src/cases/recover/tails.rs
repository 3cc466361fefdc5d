//! SV2-JRN-007: the length of a torn tail from which records are damaged, and the effect on the
//! output.

use super::{RecoverCase, base, case};
use crate::generator::wire::journal::Journal;

/// Bytes of a record.
const RECORD: usize = 136;

/// Returns a journal with a commit for each of these segments, followed by `tail` zero bytes.
fn followed(segments: &[usize], tail: usize) -> Vec<u8> {
    [Journal::of(&base(), segments).bytes(), vec![0; tail]].concat()
}

pub(super) fn cases() -> Vec<RecoverCase> {
    lengths().into_iter().chain(gaps()).collect()
}

fn lengths() -> Vec<RecoverCase> {
    let tail = |id, comment, len, fate| {
        case(id, &["SV2-JRN-007"], comment).journal(followed(&[0, 1, 2, 3], len)).finds(4, fate)
    };
    vec![
        tail("recover-tail-1", "A byte follows the last record.", 1, "used"),
        tail("recover-tail-135", "A torn tail of a record less a byte.", RECORD - 1, "used"),
        tail("recover-tail-136", "A torn tail of one record.", RECORD, "used"),
        tail("recover-tail-137", "A torn tail of a record and a byte.", RECORD + 1, "damaged"),
        tail("recover-tail-200", "A torn tail of a record and a part.", 200, "damaged"),
        tail("recover-tail-271", "A torn tail of two records less a byte.", 2 * RECORD - 1, "damaged"),
        tail("recover-tail-272", "A torn tail of two records.", 2 * RECORD, "damaged"),
        tail("recover-tail-273", "A torn tail of two records and a byte.", 2 * RECORD + 1, "damaged"),
        case(
            "recover-tail-begun-136",
            &["SV2-JRN-007"],
            "Of a journal without a record: a torn tail of one.",
        )
        .journal(followed(&[], RECORD))
        .finds(4, "used"),
        case("recover-tail-begun-137", &["SV2-JRN-007"], "The same, and a byte more.")
            .journal(followed(&[], RECORD + 1))
            .finds(4, "damaged"),
    ]
}

/// Segment 2 is lost after the last commit. With damaged records this is not known.
fn gaps() -> Vec<RecoverCase> {
    let gap = |id, comment, len| {
        case(id, &["SV2-JRN-007", "SV2-RES-010"], comment)
            .output(|stream, output| output[stream.offset(2)..stream.offset(3)].fill(0))
            .journal(followed(&[0, 1], len))
    };
    vec![
        gap(
            "recover-tail-gap-136",
            "A torn tail of one record, and a segment is lost behind the commit.",
            136,
        )
        .finds(2, "used"),
        gap("recover-tail-gap-137", "A torn tail of a byte more, and the same segment is lost.", 137)
            .rejects("malformed.damaged", 2, 0),
    ]
}
