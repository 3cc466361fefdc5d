//! SV2-RES-006 and SV2-RES-007: the bytes at the place of the last commit and before it, and an
//! output that is too short.

use super::{RecoverCase, case};
use crate::generator::plan::Plan;
use crate::generator::wire::builder::Builder;
use crate::generator::wire::envelope::padding;
use crate::generator::wire::journal::Journal;
use crate::generator::wire::segment_header::{SEGMENT_HEADER_LEN, at};
use crate::generator::wire::stream::Stream;

const DAMAGED: &str = "malformed.damaged";
const PLACE: &[&str] = &["SV2-RES-006"];
const LENS: [usize; 4] = [100, 70, 30, 50];

fn plan() -> Plan {
    Plan::flushed(&LENS)
}

/// Returns a case with a commit for segment 3 of `stream`, which is the last one.
fn committed(
    id: &'static str,
    requirements: &[&'static str],
    comment: &'static str,
    stream: Stream,
) -> RecoverCase {
    let journal = Journal::of(&stream, &[3]).bytes();
    case(id, requirements, comment).stream(stream).journal(journal)
}

pub(super) fn cases() -> Vec<RecoverCase> {
    [shorter(), beyond(), beyond_by_others(), lost(), envelopes()].into_iter().flatten().collect()
}

/// Replaces segment 3 by other bytes.
fn in_place(bytes: Vec<u8>) -> impl FnOnce(&Stream, &mut Vec<u8>) {
    move |stream, output| {
        output.truncate(stream.offset(3));
        output.extend(bytes);
    }
}

/// Returns the beginning of segment 3 as another run has sealed it.
fn of_another_run(len: usize) -> Vec<u8> {
    plan().runs_at(&[3]).write().segments[3].bytes[..len].to_vec()
}

/// 96 bytes of another header are enough to contradict the commit. Only its own header tells how
/// far the output must reach.
fn shorter() -> Vec<RecoverCase> {
    let place = |id, requirements, comment| committed(id, requirements, comment, plan().write());
    let both = &["SV2-RES-006", "SV2-RES-007"];
    vec![
        place("recover-commit-95", both, "At the last commit are 95 zeros, and no more.")
            .output(in_place(vec![0; SEGMENT_HEADER_LEN - 1]))
            .finds(3, "lost"),
        place("recover-commit-96", both, "At the last commit are 96 zeros, and no more.")
            .output(in_place(vec![0; SEGMENT_HEADER_LEN]))
            .rejects(DAMAGED, 3, 0),
        place("recover-commit-97", both, "At the last commit are 97 zeros, and no more.")
            .output(in_place(vec![0; SEGMENT_HEADER_LEN + 1]))
            .rejects(DAMAGED, 3, 0),
        place("recover-commit-95-own", both, "The header of the last commit lacks its last byte.")
            .output(|stream, output| output.truncate(stream.offset(3) + SEGMENT_HEADER_LEN - 1))
            .finds(3, "lost"),
        place("recover-commit-96-own", both, "The header of the last commit is there, and no wire.")
            .output(|stream, output| output.truncate(stream.offset(3) + SEGMENT_HEADER_LEN))
            .finds(3, "lost"),
        place("recover-commit-wire-short", both, "The segment of the last commit lacks its last byte.")
            .output(|stream, output| output.truncate(stream.offset(4) - 1))
            .finds(3, "lost"),
        place(
            "recover-commit-96-other",
            both,
            "The header of another run is at the last commit, and no wire.",
        )
        .output(in_place(of_another_run(SEGMENT_HEADER_LEN)))
        .rejects(DAMAGED, 3, 0),
        place("recover-commit-95-other", both, "That header lacks its last byte.")
            .output(in_place(of_another_run(SEGMENT_HEADER_LEN - 1)))
            .finds(3, "lost"),
    ]
}

fn codec(builder: &mut Builder) {
    builder.header.codec = 3;
}

fn too_long(builder: &mut Builder) {
    builder.header.plaintext_len = 4097;
}

/// `limit` is damage up to the end of the last commit, and `unsupported` is not.
fn beyond() -> Vec<RecoverCase> {
    let built = |id, comment, segment, alter: fn(&mut Builder)| {
        committed(id, PLACE, comment, plan().builder(segment, alter).write())
    };
    vec![
        unsupported(
            built(
                "recover-before-codec",
                "In front of the last commit is a codec that is not assigned.",
                1,
                codec,
            ),
            1,
        ),
        built(
            "recover-before-plaintext-len",
            "In front of the last commit plaintext_len is above S.",
            1,
            too_long,
        )
        .rejects(DAMAGED, 1, 0),
        unsupported(
            built(
                "recover-commit-codec",
                "The segment of the last commit has a codec that is not assigned.",
                3,
                codec,
            ),
            3,
        ),
        built(
            "recover-commit-plaintext-len",
            "In the segment of the last commit plaintext_len is above S.",
            3,
            too_long,
        )
        .rejects(DAMAGED, 3, 0),
    ]
}

fn unsupported(case: RecoverCase, segment: usize) -> RecoverCase {
    case.rejects("unsupported.codec", segment, usize::try_from(at::CODEC).unwrap_or(usize::MAX))
}

/// Errors from other segments than the committed one. With UNIFORM no header before it is read.
fn beyond_by_others() -> Vec<RecoverCase> {
    let other = plan().runs_at(&[3]).builder(3, codec).write().segments[3].bytes.clone();
    let limit = plan().runs_at(&[3]).builder(3, too_long).write().segments[3].bytes.clone();
    let forged = plan().write().forge(3, |bytes| bytes[9] = 3).segments[3].bytes.clone();
    let place = |id, comment, bytes| committed(id, PLACE, comment, plan().write()).output(in_place(bytes));
    vec![
        unsupported(
            place(
                "recover-commit-codec-other",
                "At the last commit another run has a codec that is not assigned: the tag of the commit is compared later.",
                other,
            ),
            3,
        ),
        place(
            "recover-commit-plaintext-len-other",
            "At the last commit plaintext_len of another run is above S.",
            limit,
        )
        .rejects(DAMAGED, 3, 0),
        unsupported(
            place(
                "recover-commit-codec-forged",
                "At the last commit somebody without the key has set a codec that is not assigned.",
                forged,
            ),
            3,
        ),
        committed(
            "recover-before-codec-uniform",
            PLACE,
            "UNIFORM: a codec that is not assigned in front of the last commit is not seen.",
            Plan::filled(4096, 4 * 4096).uniform().builder(1, codec).write(),
        )
        .finds(4, "used"),
    ]
}

/// SV2-RES-010 holds as if there were no journal.
fn lost() -> Vec<RecoverCase> {
    let short = |id, comment, damaged: usize| {
        committed(id, &["SV2-RES-007", "SV2-RES-010"], comment, plan().write()).output(
            move |stream, output| {
                output.truncate(stream.offset(3));
                output[stream.offset(damaged)..stream.offset(damaged + 1)].fill(0);
            },
        )
    };
    vec![
        short("recover-lost-gap", "The output ends before the last commit, and segment 1 is lost.", 1)
            .rejects(DAMAGED, 1, 0),
        short("recover-lost-gap-first", "The output ends before the last commit, and segment 0 is lost.", 0)
            .rejects(DAMAGED, 0, 0),
        short(
            "recover-lost-last",
            "The output ends before the last commit, and the segment before is lost.",
            2,
        )
        .finds(2, "lost"),
    ]
}

/// SV2-RES-040: an output that ends inside its envelope.
fn envelopes() -> Vec<RecoverCase> {
    let of = |id, comment, keep: fn(&Stream) -> usize| {
        case(id, &["SV2-RES-040"], comment)
            .stream(plan().envelope(padding(40)).write())
            .output(move |stream, output| output.truncate(keep(stream)))
            .finds_nothing()
    };
    vec![
        of("recover-envelope-none", "The stream header is there, and nothing of the envelope.", |_| 128),
        of("recover-envelope-torn", "The output ends inside the envelope.", |_| 150),
        of("recover-envelope-less-1", "The envelope lacks its last byte.", |stream| stream.head.len() - 1),
        of("recover-envelope-begun", "The envelope is there, and nothing after it.", |stream| {
            stream.head.len()
        })
        .finds(0, "none"),
    ]
}
