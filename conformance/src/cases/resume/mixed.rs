//! Records of several branches, sources that have become empty, requested index segments, and suite
//! 0x0002.

use super::{Expect, ResumeCase, of};
use crate::generator::plan::{Plan, run_salt, with_index};
use crate::generator::wire::journal::{Journal, Record};

/// n of §11 for S = 4096.
const N: usize = 169;

/// Returns four data segments, with runs that begin at these segments.
fn four(runs: &[usize]) -> Plan {
    Plan::flushed(&[100, 70, 30, 50]).runs_at(runs)
}

pub(super) fn cases() -> Vec<ResumeCase> {
    [records(), sources(), asked(), under_an_index(), suite_2()].into_iter().flatten().collect()
}

/// Returns the records of an abandoned run that began at segment 1.
fn abandoned() -> Vec<Record> {
    let stream = Plan::flushed(&[100, 70, 30, 50]).runs(&[(0, run_salt(0)), (1, run_salt(5))]).write();
    Journal::of(&stream, &[0, 1, 2, 3]).records
}

/// Records of two branches in one journal.
fn records() -> Vec<ResumeCase> {
    let mixed = |id, comment, place: usize| {
        of(id, &["SV2-JRN-011", "SV2-RES-006"], comment, four(&[2]), 5250).journal_with(
            &[0, 1, 2, 3],
            |_, journal| {
                // A longer segment 1 may push later segments past the next record of the other
                // branch.
                let record = &abandoned()[place];
                let position = record.position.min(journal.records[place].position);
                journal.records[place] = Record { position, ..record.clone() };
            },
        )
    };
    let mut last = mixed("resume-records-last", "The last record is that of a run that was given up.", 3);
    last.expect = Expect::Damaged(3);
    last.stream = four(&[2]).write();
    vec![
        mixed("resume-records-before", "The second of four records is that of a run that was given up.", 1),
        last,
    ]
}

/// A length of 0 is a length like any other.
fn sources() -> Vec<ResumeCase> {
    let known = |id, comment, len| {
        of(id, &["SV2-RES-008"], comment, four(&[]), 5250)
            .journal_with(&[0, 1, 2, 3], move |_, journal| journal.header.source_len = len)
    };
    vec![
        known("resume-source-known", "The length of the source is known, and it is that.", 5250),
        known("resume-source-known-empty", "The length of the source is known, and it is empty now.", 5250)
            .source(0)
            .refused(0),
        known("resume-source-was-empty", "The journal says that the source was empty.", 0).refused(0),
        known("resume-pipe-known-length", "A pipe has no length to compare.", 300).pipe(),
        of("resume-pipe-empty", &["SV2-RES-008"], "A pipe gives nothing.", four(&[]), 0).pipe().refused(0),
    ]
}

/// SV2-IDX-010.
fn asked() -> Vec<ResumeCase> {
    let asked = |id, comment, plan, len| {
        let case = of(id, &["SV2-IDX-010", "SV2-IDX-011"], comment, plan, len);
        ResumeCase { index: true, entries_max: Some(N), ..case }
    };
    vec![
        asked(
            "resume-asked-walk",
            "Index segments are asked for, and there is no journal.",
            four(&[2]),
            5250,
        ),
        asked(
            "resume-asked-end",
            "Index segments are asked for, and the source has ended: the new run begins with one.",
            four(&[2]),
            250,
        )
        .journal(&[3]),
        asked(
            "resume-asked-begun",
            "Index segments are asked for, and nothing is committed.",
            four(&[]),
            5000,
        )
        .torn(0, 0)
        .journal(&[]),
    ]
}

/// SV2-IDX-011: entries of segments after an index segment, and before it.
fn under_an_index() -> Vec<ResumeCase> {
    let case = |id, comment, runs: &[usize]| {
        let plan = Plan::flushed(&[1; N + 5]);
        let items = with_index(&plan.items, N);
        let plan = plan.items(&items).runs_at(runs);
        let case = of(id, &["SV2-IDX-011", "SV2-RES-006"], comment, plan, N + 5000);
        ResumeCase { entries_max: Some(N), ..case }.torn(N + 6, 0).journal(&[N, N + 5])
    };
    // Sealed by an abandoned run that began with this segment.
    let forked = |mut case: ResumeCase, segment: usize, damaged: usize| {
        let mut runs = case.plan.runs.clone();
        runs.retain(|(first, _)| *first < segment);
        runs.push((segment, run_salt(5)));
        let fork = case.plan.clone().runs(&runs).write();
        let (begin, end) = (case.stream.offset(segment), case.stream.offset(segment + 1));
        case.output[begin..end].copy_from_slice(&fork.segments[segment].bytes);
        case.expect = Expect::Damaged(damaged);
        case
    };
    vec![
        case("resume-under-index", "Runs begin before an index segment and behind it.", &[100, N + 3]),
        forked(
            case(
                "resume-under-index-fork",
                "A segment behind the index segment is that of another run.",
                &[N + 3, N + 4],
            ),
            N + 3,
            N + 4,
        ),
        forked(
            case(
                "resume-under-index-fork-before",
                "A segment before the index segment is that of another run.",
                &[100, 101],
            ),
            100,
            101,
        ),
    ]
}

fn suite_2() -> Vec<ResumeCase> {
    let of = |id, comment, plan: Plan| {
        let plan = plan.epochs(65_536).header(|header| header.suite = 2);
        of(id, &["SV2-RES-005", "SV2-FRM-007", "SV2-DIG-004"], comment, plan, 5250)
    };
    vec![
        of("resume-suite-2", "AES-256-GCM: a third run.", four(&[2])).journal(&[0, 1, 2, 3]),
        of("resume-suite-2-walk", "AES-256-GCM, without a journal.", four(&[2])),
    ]
}
