//! §8.3 and §19.2: the resumed run names the one before it.

use super::{ResumeCase, of};
use crate::generator::plan::Plan;
use crate::generator::wire::journal::ending;

const JOURNAL: &[&str] = &["SV2-JRN-011", "SV2-DIG-004"];
const WALK: &[&str] = &["SV2-RES-027", "SV2-DIG-004"];

/// Returns four data segments, with runs that begin at these segments.
fn four(runs: &[usize]) -> Plan {
    Plan::flushed(&[100, 70, 30, 50]).runs_at(runs)
}

pub(super) fn cases() -> Vec<ResumeCase> {
    [with_journal(), walked(), ended(), fields()].into_iter().flatten().collect()
}

fn with_journal() -> Vec<ResumeCase> {
    let case = |id, comment, plan: Plan| of(id, JOURNAL, comment, plan, 5250);
    vec![
        case("resume-again", "A run that went on was interrupted too: a third run.", four(&[2]))
            .journal(&[0, 1, 2, 3]),
        case("resume-link-own", "The last commit is that of a segment that begins a run.", four(&[1, 3]))
            .journal(&[0, 1, 2, 3]),
        case("resume-link-run-follows", "A run begins behind the last commit.", four(&[3])).journal(&[0, 1]),
        case("resume-link-four", "The fourth run: three are committed.", four(&[1, 2])).journal(&[3]),
        case(
            "resume-link-zero-salt",
            "The run_salt of the run before is zero.",
            Plan::flushed(&[100, 70, 30, 50]).runs(&[(0, crate::generator::plan::run_salt(0)), (2, [0; 16])]),
        )
        .journal(&[1, 3]),
        of(
            "resume-link-uniform",
            JOURNAL,
            "UNIFORM: a third run, whose first segment has the size of all others.",
            Plan::filled(4096, 3 * 4096).uniform().runs_at(&[1]),
            20_000,
        )
        .journal(&[0, 1, 2]),
        of(
            "resume-link-epoch",
            JOURNAL,
            "The run that goes on begins in epoch 3, and the one before it in epoch 0.",
            Plan::flushed(&[10; 6]).epochs(2).runs_at(&[1]),
            9000,
        )
        .journal(&[5]),
    ]
}

fn walked() -> Vec<ResumeCase> {
    let case = |id, comment, plan: Plan| of(id, WALK, comment, plan, 5250);
    vec![
        case("resume-walk-one", "No journal, and one run.", four(&[])),
        case("resume-walk-again", "No journal, and two runs.", four(&[2])),
        case("resume-walk-own", "No journal, and the last segment begins a run.", four(&[1, 3])),
        case("resume-walk-four", "No journal, and a run in every segment.", four(&[1, 2, 3])),
        of(
            "resume-walk-uniform",
            WALK,
            "UNIFORM, no journal, and two runs.",
            Plan::filled(4096, 3 * 4096).uniform().runs_at(&[1]),
            20_000,
        ),
    ]
}

/// An ending records that the source has ended, and nothing else.
fn ended() -> Vec<ResumeCase> {
    let case = |id, comment, plan: Plan| of(id, &["SV2-RES-030", "SV2-RES-008"], comment, plan, 250);
    vec![
        case("resume-ending-runs", "An ending after two runs: the trailer names the second.", four(&[2]))
            .journal_with(&[0, 1, 2, 3], |stream, journal| journal.records.push(ending(stream, 4))),
        case(
            "resume-ending-of-another",
            "An ending of another branch: its total, position and transcript are not taken.",
            four(&[2]),
        )
        .journal_with(&[0, 1, 2, 3], |stream, journal| {
            let mut record = ending(stream, 4);
            record.position += 100;
            record.plaintext_len += 50;
            record.transcript = [0x5A; 32];
            journal.records.push(record);
        }),
    ]
}

/// SV2-DIG-008: digest_alg is that of the last committed segment.
fn fields() -> Vec<ResumeCase> {
    let case =
        |id, comment, plan: Plan| of(id, &["SV2-RES-005", "SV2-DIG-008"], comment, plan.digest_alg(2), 5250);
    vec![
        case("resume-digest-2", "digest_alg 0x0002, with a journal.", four(&[])).journal(&[0, 1, 2, 3]),
        case("resume-digest-2-walk", "digest_alg 0x0002, without a journal.", four(&[2])),
        case("resume-digest-2-final", "digest_alg 0x0002, and only the final segment is missing.", four(&[]))
            .journal(&[3])
            .source(250),
    ]
}
