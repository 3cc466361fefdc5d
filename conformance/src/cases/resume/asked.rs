//! SV2-IDX-010 in streams with index segments, SV2-RES-007 with recorded facts about the source,
//! and wrong links.

use super::{Expect, ResumeCase, of};
use crate::generator::plan::{Plan, run_salt, with_index};
use crate::generator::wire::journal::ending;

/// n of §11 for S = 4096.
const N: usize = 169;

pub(super) fn cases() -> Vec<ResumeCase> {
    [indexed(), endings(), lost(), links()].into_iter().flatten().collect()
}

/// Returns a case of this many data segments of one byte each, with their index segments.
fn case(id: &'static str, comment: &'static str, data: usize, source_len: usize) -> ResumeCase {
    let plan = Plan::flushed(&vec![1; data]);
    let items = with_index(&plan.items, N);
    let case = of(id, &["SV2-IDX-010"], comment, plan.items(&items), source_len);
    ResumeCase { entries_max: Some(N), index: true, ..case }
}

/// The caller asks for index segments that are already there.
fn indexed() -> Vec<ResumeCase> {
    vec![
        case("resume-asked-there", "Index segments are asked for, and there is one.", N + 5, N + 5000)
            .torn(N + 6, 0)
            .journal(&[N, N + 5]),
        case("resume-asked-there-walk", "The same, and there is no journal.", N + 5, N + 5000).torn(N + 6, 0),
        case(
            "resume-asked-sealed",
            "Index segments are asked for, and the stream is sealed with one.",
            20,
            20,
        )
        .sealed()
        .journal(&[20]),
    ]
}

/// Resumes after an ending.
fn endings() -> Vec<ResumeCase> {
    let ended = |case: ResumeCase, commits: &[usize]| {
        let sequence = commits.len() as u64;
        case.journal_with(commits, |stream, journal| journal.records.push(ending(stream, sequence)))
    };
    let uncovered = |id, comment| case(id, comment, N + 5, N + 5).torn(N + 6, 0);
    let refused = ended(
        uncovered(
            "resume-asked-uncovered",
            "Index segments are asked for, and after an index segment and an ending data segments are uncovered.",
        ),
        &[N + 5],
    );
    let mut not_asked = ended(
        uncovered("resume-index-uncovered-ending", "The same, and the caller does not ask for them."),
        &[N + 5],
    );
    not_asked.index = false;
    not_asked.requirements = vec!["SV2-RES-009", "SV2-IDX-001"];
    vec![
        ResumeCase { expect: Expect::Misuse, ..refused },
        not_asked,
        ended(
            case(
                "resume-asked-covered",
                "Index segments are asked for, and after an ending all is covered.",
                20,
                20,
            ),
            &[20],
        ),
        ended(
            case("resume-asked-empty", "Index segments are asked for, and an empty source has ended.", 0, 0),
            &[],
        ),
    ]
}

/// The output ends before the last commit.
fn lost() -> Vec<ResumeCase> {
    let case = |id, comment| {
        let plan = Plan::flushed(&[100, 70, 30, 50]);
        of(id, &["SV2-RES-007", "SV2-RES-008"], comment, plan, 5250).torn(2, 50)
    };
    let known = |id, comment, len| {
        case(id, comment).journal_with(&[0, 1, 2, 3], move |_, journal| journal.header.source_len = len)
    };
    vec![
        known(
            "resume-lost-source",
            "The output lost what was durable, and the length of the source is known.",
            5250,
        ),
        known("resume-lost-source-len", "The same, and the source has another length.", 5249).refused(0),
        known("resume-lost-source-empty", "The same, and the source was empty.", 0).refused(0),
        case("resume-lost-ending", "The output lost what was durable: an ending is not taken either.")
            .journal_with(&[0, 1, 2, 3], |stream, journal| journal.records.push(ending(stream, 4))),
        case("resume-lost-last", "The source has another byte before what was lost.")
            .journal(&[0, 1, 2, 3])
            .changed(120)
            .refused(120),
    ]
}

fn links() -> Vec<ResumeCase> {
    let plan = || Plan::flushed(&[100, 70, 30, 50]);
    let walk = |id, comment, at: usize, value: u8| {
        let plan = plan().runs_at(&[1, 3]).builder(3, move |builder| builder.terminator.plain[at] = value);
        let case = of(id, &["SV2-RES-027", "SV2-DIG-005"], comment, plan, 5250);
        let within = case.stream.segments[3].frame_offset(2);
        ResumeCase { expect: Expect::Other("order.transcript", 3, within), ..case }
    };
    let asked = |id, comment, plan: Plan, run_first, damaged| {
        let case = of(id, &["SV2-IDX-011", "SV2-RES-006"], comment, plan, 5250)
            .journal_with(&[3], move |_, journal| journal.records[0].run_first = run_first);
        ResumeCase { index: true, entries_max: Some(N), expect: Expect::Damaged(damaged), ..case }
    };
    let same = plan().runs(&[(0, run_salt(0)), (1, run_salt(0))]);
    let changed = plan().builder(1, |builder| builder.header.run_salt[3] ^= 1);
    vec![
        walk("resume-walk-link-salt", "No journal, and the last run names another run_salt.", 32, 0),
        walk("resume-walk-link-first", "No journal, and the last run names another first segment.", 48, 0),
        asked(
            "resume-asked-first",
            "Index segments are asked for, and the commit says another first segment.",
            plan().runs_at(&[1]),
            2,
            3,
        ),
        asked(
            "resume-asked-same-salt",
            "Index segments are asked for, and a run begins with the run_salt of the one before.",
            same,
            1,
            1,
        ),
        asked(
            "resume-asked-salt-changes",
            "Index segments are asked for, and run_salt changes where no run begins.",
            changed,
            0,
            1,
        ),
    ]
}
