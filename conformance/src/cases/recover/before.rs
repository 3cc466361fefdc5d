//! SV2-RES-006: faults before the last commit that headers and links show, and that are damage
//! there.

use super::{RecoverCase, case};
use crate::generator::plan::{Plan, run_salt};
use crate::generator::wire::journal::Journal;
use crate::generator::wire::stream::Stream;

const DAMAGED: &str = "malformed.damaged";
const LENS: [usize; 5] = [100, 70, 30, 50, 60];

/// Returns five data segments: one run from 0 on, one from 1, and one from 3.
fn three_runs() -> Plan {
    Plan::flushed(&LENS).runs_at(&[1, 3])
}

/// Returns segments of another run, from segment 1 on, that was not continued.
fn abandoned(plan: Plan) -> Stream {
    plan.runs(&[(0, run_salt(0)), (1, run_salt(5))]).write()
}

/// Returns a case with a commit for `segment`.
fn of(id: &'static str, comment: &'static str, plan: Plan, segment: usize) -> RecoverCase {
    let stream = plan.write();
    let journal = Journal::of(&stream, &[segment]).bytes();
    case(id, &["SV2-RES-006"], comment).stream(stream).journal(journal)
}

fn linked(mut case: RecoverCase) -> RecoverCase {
    case.requirements.push("SV2-IDX-011");
    case
}

/// Replaces segments by those of another stream.
fn with(other: Stream, segments: &'static [usize]) -> impl FnOnce(&Stream, &mut Vec<u8>) {
    move |stream, output| {
        for &segment in segments {
            let (begin, end) = (stream.offset(segment), stream.offset(segment + 1));
            output[begin..end].copy_from_slice(&other.segments[segment].bytes);
        }
    }
}

pub(super) fn cases() -> Vec<RecoverCase> {
    headers().into_iter().chain(links()).collect()
}

fn headers() -> Vec<RecoverCase> {
    let declared = || Plan::flushed(&LENS).header(|header| header.plaintext_len = 190);
    let uniform = || Plan::filled(4096, 5 * 4096).uniform();
    vec![
        of("recover-before-swapped", "Segments 1 and 2 are swapped.", Plan::flushed(&LENS), 4)
            .output(|stream, output| {
                let swapped = stream.clone().arrange(|segments| segments.swap(1, 2)).bytes();
                *output = swapped[..stream.offset(5)].to_vec();
            })
            .rejects(DAMAGED, 1, 0),
        of("recover-before-header", "A bit of a header is flipped.", three_runs(), 4)
            .output(|stream, output| output[stream.offset(2) + 50] ^= 1)
            .rejects(DAMAGED, 2, 0),
        of("recover-before-limit", "Segment 2 passes the declared plaintext_len.", declared(), 4)
            .rejects(DAMAGED, 2, 0),
        of("recover-before-run", "Segment 2 is of a run that was abandoned.", three_runs(), 4)
            .output(with(abandoned(three_runs()), &[2]))
            .rejects(DAMAGED, 2, 0),
        of(
            "recover-before-uniform",
            "With UNIFORM no header is looked at there.",
            uniform().runs_at(&[1, 3]),
            4,
        )
        .output(with(abandoned(uniform()), &[1, 2]))
        .finds(5, "used"),
    ]
}

fn links() -> Vec<RecoverCase> {
    let fork = || with(abandoned(three_runs()), &[1, 2]);
    let mut another_run =
        of("recover-before-first", "The commit says another first segment.", three_runs(), 4);
    let stream = three_runs().write();
    let journal = Journal::of(&stream, &[4]).with(|journal| journal.records[0].run_first = 2);
    another_run.journal = Some(journal.bytes());
    another_run.requirements.push("SV2-JRN-011");
    [
        of(
            "recover-before-fork",
            "Segments 1 and 2 are of a run that segment 3 does not name.",
            three_runs(),
            4,
        )
        .output(fork())
        .rejects(DAMAGED, 3, 0),
        of(
            "recover-before-fork-commit",
            "The same, and the last commit is that of segment 3.",
            three_runs(),
            3,
        )
        .output(fork())
        .rejects(DAMAGED, 3, 0),
        of("recover-before-link", "A bit of the terminator frame of segment 3 is flipped.", three_runs(), 4)
            .output(|stream, output| output[stream.offset(4) - 1] ^= 1)
            .rejects(DAMAGED, 3, 0),
        of(
            "recover-before-link-none",
            "Segment 2 begins no run: its terminator is not read.",
            three_runs(),
            4,
        )
        .output(|stream, output| output[stream.offset(3) - 1] ^= 1)
        .finds(5, "used"),
        another_run.rejects(DAMAGED, 4, 0),
    ]
    .map(linked)
    .into()
}
