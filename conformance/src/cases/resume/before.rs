//! SV2-RES-006, SV2-IDX-011: faults that a resume finds before the last commit, and foreign files.

use super::{Expect, ResumeCase, case, of};
use crate::generator::plan::{Plan, run_salt};
use crate::generator::wire::journal::ending;

/// n of §11 for S = 4096.
const N: usize = 169;

/// Returns a case of five data segments in three runs, with a commit for the last one.
fn three_runs(id: &'static str, comment: &'static str) -> ResumeCase {
    let plan = Plan::flushed(&[100, 70, 30, 50, 60]).runs_at(&[1, 3]);
    of(id, &["SV2-IDX-011", "SV2-RES-006"], comment, plan, 5310).journal(&[4])
}

fn asks(case: ResumeCase) -> ResumeCase {
    ResumeCase { index: true, entries_max: Some(N), ..case }
}

/// All segments that an index segment can cover are committed, and not covered.
fn full() -> ResumeCase {
    let comment =
        "The caller asks for index segments, and as many data segments as one can cover are committed.";
    asks(of("resume-index-full", &["SV2-IDX-010"], comment, Plan::flushed(&[1; N]), 5000))
}

impl ResumeCase {
    fn sealed_and(self, expect: Expect) -> Self {
        Self { expect, ..self.sealed() }
    }
}

/// Replaces segments 1 and 2 by those of a run that was not continued.
fn forked(mut case: ResumeCase) -> ResumeCase {
    let fork = case.plan.clone().runs(&[(0, run_salt(0)), (1, run_salt(5))]).write();
    for segment in [1, 2] {
        let (begin, end) = (case.stream.offset(segment), case.stream.offset(segment + 1));
        case.output[begin..end].copy_from_slice(&fork.segments[segment].bytes);
    }
    case.expect = Expect::Damaged(3);
    case
}

pub(super) fn cases() -> Vec<ResumeCase> {
    indexed().into_iter().chain(asked_too_late()).chain(pipes()).chain(others()).collect()
}

/// SV2-IDX-010: the caller asks for index segments too late.
fn asked_too_late() -> Vec<ResumeCase> {
    let refused = |id, comment, plan, source_len| {
        let case = asks(of(id, &["SV2-IDX-010"], comment, plan, source_len));
        ResumeCase { expect: Expect::Misuse, ..case }
    };
    let all = Plan::flushed(&[100, 70, 30, 50]);
    vec![
        refused(
            "resume-index-uniform",
            "The caller asks for index segments, with UNIFORM.",
            Plan::filled(4096, 8192).uniform(),
            20_000,
        ),
        refused(
            "resume-index-too-many",
            "The caller asks for index segments, and one data segment more than an index segment can cover is committed.",
            Plan::flushed(&[1; N + 1]),
            5000,
        ),
        refused(
            "resume-index-ending",
            "The caller asks for index segments, after an ending.",
            all.clone(),
            250,
        )
        .journal_with(&[0, 1, 2, 3], |stream, journal| journal.records.push(ending(stream, 4))),
        refused(
            "resume-index-sealed-asked",
            "The caller asks for index segments, and the stream is sealed.",
            all,
            250,
        )
        .sealed_and(Expect::Misuse),
    ]
}

fn indexed() -> Vec<ResumeCase> {
    let mut asked = asks(three_runs("resume-index-asked", "The caller asks for index segments."));
    asked.requirements = vec!["SV2-IDX-010", "SV2-IDX-011"];
    vec![
        asked,
        full(),
        forked(asks(three_runs(
            "resume-index-fork",
            "The caller asks for index segments, and segments 1 and 2 are of a run that segment 3 does not name.",
        ))),
        forked(three_runs("resume-fork", "The same, and the caller does not ask for them.")),
    ]
}

/// Flips a bit in the wire of a segment.
fn damaged(mut case: ResumeCase, segment: usize) -> ResumeCase {
    let at = case.stream.offset(segment) + 110;
    case.output[at] ^= 1;
    case.requirements.push("SV2-RES-006");
    case
}

/// A pipe is compared with all committed plaintext. The first fault in it is reported.
fn pipes() -> Vec<ResumeCase> {
    let case = |id, comment| case(id, &["SV2-RES-008"], comment).journal(&[3]).pipe();
    let mut alone = damaged(case("resume-pipe-damage", "A pipe, and damage in segment 1."), 1);
    alone.expect = Expect::Damaged(1);
    let mut first = damaged(
        case("resume-pipe-damage-first", "A pipe, damage in segment 1, and another byte in segment 2."),
        1,
    )
    .changed(180);
    first.expect = Expect::Damaged(1);
    let uniform = Plan::filled(4096, 5 * 4096).uniform().runs_at(&[1, 3]);
    let mut forked = forked(
        of(
            "resume-pipe-fork",
            &["SV2-RES-006", "SV2-RES-008"],
            "UNIFORM, a pipe, and segments 1 and 2 are of a run that segment 3 does not continue.",
            uniform,
            30_000,
        )
        .journal(&[4])
        .pipe(),
    );
    forked.requirements.push("SV2-DIG-005");
    vec![
        forked,
        alone,
        first,
        damaged(
            case("resume-pipe-damage-later", "A pipe, another byte in segment 0, and damage in segment 1."),
            1,
        )
        .changed(60)
        .refused(60),
    ]
}

fn others() -> Vec<ResumeCase> {
    let mut journal = case(
        "resume-journal-magic",
        &["SV2-RES-014"],
        "What stands under the name of the journal does not begin as one: it is somebody else's.",
    )
    .journal_with(&[3], |_, journal| journal.header.magic = *b"notes.tx");
    journal.expect = Expect::Misuse;
    vec![journal]
}
