//! Facts about the final segment that a walk over headers shows: the end of all segments, and their
//! total length.

use super::{RangeCase, case, flushed};
use crate::cases::read::case::Place;
use crate::generator::plan::Plan;
use crate::generator::wire::builder::Builder;

/// SV2-RNG-001: the facts that all headers together show.
pub(super) fn cases() -> Vec<RangeCase> {
    let wrong = |id: &str, comment: &str, total: u64| {
        let plan = flushed(&[]).builder(4, move |builder: &mut Builder| {
            builder.terminator.plain[..8].copy_from_slice(&total.to_le_bytes());
        });
        let mut case = case(id, &["SV2-RNG-001"], comment, &plan)
            .made(
                "range-headers-one-run",
                "total in the trailer altered before sealing; all else made for that",
            )
            .reads(&[(210, 90)])
            .fails(0, "auth.trailer", Place::Frame(4, 1), 0);
        case.plaintext_len = Some(usize::try_from(total).unwrap_or(usize::MAX));
        case
    };
    let plan = flushed(&[]).builder(4, |builder: &mut Builder| builder.header.segment_index = 5);
    let counted = case(
        "range-headers-final-index",
        &["SV2-RNG-001"],
        "The final segment counts a segment too many.",
        &plan,
    )
    .made("range-headers-one-run", "segment_index of the final segment altered; all else made for that");
    let counted = counted.reads(&[(210, 40)]);
    let offset = counted.stream.offset(4) + 4;
    vec![
        behind(),
        early("range-headers-total-early", "The total is reached in front of the position.", 200, 2),
        early("range-headers-total-early-first", "Segment 0 alone has the total.", 100, 0),
        counted.fails_at(0, "order.segment_index", Some(offset), Some(5)),
        wrong("range-headers-total-more", "The trailer counts a byte more than all headers.", 251),
        wrong("range-headers-total-less", "The trailer counts a byte less than all headers.", 249),
    ]
}

/// The last data segment is longer than its place.
fn behind() -> RangeCase {
    let plan = flushed(&[]);
    let longer = Plan::flushed(&[100, 70, 30, 80]).write().segments[3].clone();
    case(
        "range-headers-behind",
        &["SV2-RNG-001"],
        "The header of the last data segment leads behind the beginning of the final one.",
        &plan,
    )
    .stored(|stream| {
        let mut longer = longer;
        longer.bytes.truncate(stream.segments[3].bytes.len());
        stream.arrange(|all| all[3] = longer)
    })
    .made("range-headers-one-run", "segment 3 replaced by the beginning of a longer one")
    .reads(&[(210, 10)])
    .fails(0, "auth.trailer", Place::Frame(4, 1), 0)
}

/// Returns a case whose total is that of the first segments alone. The range ends with it.
fn early(id: &str, comment: &str, total: u64, segment: usize) -> RangeCase {
    let plan = flushed(&[]).builder(4, move |builder: &mut Builder| {
        builder.terminator.plain[..8].copy_from_slice(&total.to_le_bytes());
    });
    let mut case = case(id, &["SV2-RNG-001"], comment, &plan)
        .made("range-headers-one-run", "total in the trailer altered before sealing; all else made for that");
    let begin = case.stream.released_len(segment) as u64;
    case.plaintext_len = Some(usize::try_from(total).unwrap_or(usize::MAX));
    case.reads(&[(begin, 10), (0, 1)]).fails(0, "auth.trailer", Place::Frame(4, 1), 0)
}
