//! SV2-RES-027, SV2-DIG-007 and SV2-IDX-011: links and runs that are wrong, with a commit and
//! without.

use super::{RecoverCase, case};
use crate::generator::plan::{Plan, run_salt};
use crate::generator::wire::journal::Journal;
use crate::generator::wire::stream::Stream;

const DAMAGED: &str = "malformed.damaged";
const TRANSCRIPT: &str = "order.transcript";
/// The offsets of run_salt and first of R in a terminator.
const SALT: usize = 32;
const FIRST: usize = 48;
const WALK: &[&str] = &["SV2-RES-027", "SV2-DIG-005"];
const OWN: &[&str] = &["SV2-DIG-007"];
const BEFORE: &[&str] = &["SV2-IDX-011", "SV2-RES-006"];

fn four(runs: &[usize]) -> Plan {
    Plan::flushed(&[100, 70, 30, 50]).runs_at(runs)
}

fn uniform(runs: &[usize]) -> Plan {
    Plan::filled(4096, 4 * 4096).uniform().runs_at(runs)
}

/// Returns a stream in which the terminator of `segment` holds another byte.
fn built(plan: Plan, segment: usize, at: usize, value: u8) -> Stream {
    plan.builder(segment, move |builder| builder.terminator.plain[at] = value).write()
}

fn of(
    id: &'static str,
    requirements: &[&'static str],
    comment: &'static str,
    stream: Stream,
    commits: &[usize],
) -> RecoverCase {
    let journal = Journal::of(&stream, commits).bytes();
    case(id, requirements, comment).stream(stream).journal(journal)
}

pub(super) fn cases() -> Vec<RecoverCase> {
    [walked(), own(), own_with_a_commit(), transcripts(), orders(), firsts()].into_iter().flatten().collect()
}

/// Without a commit R is that of the walk.
fn walked() -> Vec<RecoverCase> {
    let wrong = |id, comment, runs: &[usize], segment, at, value| {
        let stream = built(four(runs), segment, at, value);
        let place = stream.segments[segment].frame_offset(2);
        (case(id, WALK, comment).stream(stream), segment, place)
    };
    let rejects = |(case, segment, at): (RecoverCase, usize, usize)| case.rejects(TRANSCRIPT, segment, at);
    let (begun, segment, at) = wrong(
        "recover-walk-link-begun",
        "A journal without a commit, and a link is wrong.",
        &[2],
        2,
        SALT,
        0,
    );
    let journal = Journal::of(&begun.stream, &[]).bytes();
    vec![
        rejects((begun.journal(journal), segment, at)),
        rejects(wrong(
            "recover-walk-link-first-less",
            "Without a journal: first in a link is less.",
            &[1, 3],
            3,
            FIRST,
            0,
        )),
        rejects(wrong(
            "recover-walk-link-first-more",
            "Without a journal: first in a link is more.",
            &[1, 3],
            3,
            FIRST,
            2,
        )),
        rejects(wrong(
            "recover-walk-link-last",
            "Without a journal: the link of the last segment is wrong.",
            &[3],
            3,
            SALT + 15,
            0,
        )),
        rejects(wrong(
            "recover-walk-link-transcript",
            "Without a journal: T in a segment that begins a run is wrong.",
            &[2],
            2,
            0,
            0,
        )),
    ]
}

/// A link that must not be there is `malformed`, as a torn segment is.
fn own() -> Vec<RecoverCase> {
    let walk = |id, comment, stream| case(id, OWN, comment).stream(stream);
    vec![
        walk(
            "recover-walk-link-own",
            "Without a journal: a run names itself, and a segment follows.",
            built(four(&[2]), 2, FIRST, 2),
        )
        .rejects(DAMAGED, 2, 0),
        walk(
            "recover-walk-link-own-last",
            "Without a journal: the last segment names itself, which is dropped as torn.",
            built(four(&[3]), 3, FIRST, 3),
        )
        .finds(3, "none"),
        walk(
            "recover-walk-link-segment-0",
            "Without a journal: segment 0 names a run before it.",
            built(four(&[]), 0, SALT, 1),
        )
        .rejects(DAMAGED, 0, 0),
        of(
            "recover-behind-link-own",
            OWN,
            "Behind the last commit a run names itself: it ends what is committed.",
            built(four(&[2]), 2, FIRST, 2),
            &[0],
        )
        .finds(2, "used"),
    ]
}

fn own_with_a_commit() -> Vec<RecoverCase> {
    let with =
        |id, comment, stream, commit| of(id, &["SV2-DIG-007", "SV2-RES-006"], comment, stream, &[commit]);
    vec![
        with(
            "recover-before-link-own",
            "In front of the last commit a run names itself.",
            built(four(&[2]), 2, FIRST, 2),
            3,
        )
        .rejects(DAMAGED, 2, 0),
        with(
            "recover-before-link-segment-0",
            "In front of the last commit the terminator of segment 0 is not read.",
            built(four(&[]), 0, SALT, 1),
            3,
        )
        .finds(4, "used"),
        with(
            "recover-commit-link-own",
            "The segment of the last commit names itself.",
            built(four(&[3]), 3, FIRST, 3),
            3,
        )
        .rejects(DAMAGED, 3, 0),
        with(
            "recover-commit-link-own-uniform",
            "UNIFORM: the segment of the last commit names itself.",
            built(uniform(&[3]), 3, FIRST, 3),
            3,
        )
        .rejects(DAMAGED, 3, 0),
    ]
}

/// At the last commit T is that of the commit.
fn transcripts() -> Vec<RecoverCase> {
    vec![
        of(
            "recover-commit-link",
            BEFORE,
            "The link in the segment of the last commit is wrong.",
            built(four(&[3]), 3, SALT, 0),
            &[3],
        )
        .rejects(DAMAGED, 3, 0),
        of(
            "recover-commit-link-uniform",
            &["SV2-RES-006"],
            "UNIFORM: the same, and no link is read there.",
            built(uniform(&[3]), 3, SALT, 0),
            &[3],
        )
        .finds(4, "used"),
        of(
            "recover-commit-transcript",
            &["SV2-RES-006"],
            "T in the segment of the last commit is wrong: it is not compared.",
            built(four(&[3]), 3, 0, 0),
            &[3],
        )
        .finds(4, "used"),
    ]
}

/// SV2-ORD-002 and SV2-ORD-003 before the last commit, and in its segment.
fn orders() -> Vec<RecoverCase> {
    let wrong = |id, order, comment, stream, segment| {
        let mut case = of(id, BEFORE, comment, stream, &[3]).rejects(DAMAGED, segment, 0);
        case.requirements.push(order);
        case
    };
    let same = |first: usize| four(&[]).runs(&[(0, run_salt(0)), (first, run_salt(0))]).write();
    let changed =
        |segment: usize| four(&[]).builder(segment, |builder| builder.header.run_salt[3] ^= 1).write();
    vec![
        wrong(
            "recover-before-salt-changes",
            "SV2-ORD-002",
            "In front of the last commit run_salt changes, and no run begins.",
            changed(1),
            1,
        ),
        wrong(
            "recover-commit-salt-changes",
            "SV2-ORD-002",
            "With the segment of the last commit run_salt changes, and no run begins.",
            changed(3),
            3,
        ),
        wrong(
            "recover-before-same-salt",
            "SV2-ORD-003",
            "In front of the last commit a run begins with the run_salt of the one before.",
            same(1),
            1,
        ),
        wrong(
            "recover-commit-same-salt",
            "SV2-ORD-003",
            "The segment of the last commit begins a run with the run_salt of the one before.",
            same(3),
            3,
        ),
    ]
}

/// R of the headers is that of the commit.
fn firsts() -> Vec<RecoverCase> {
    let says = |id, comment, plan: Plan, run_first| {
        let stream = plan.write();
        let journal = Journal::of(&stream, &[3]).with(|journal| journal.records[0].run_first = run_first);
        case(id, &["SV2-IDX-011", "SV2-RES-006", "SV2-JRN-011"], comment)
            .stream(stream)
            .journal(journal.bytes())
            .rejects(DAMAGED, 3, 0)
    };
    let mut not_seen = says(
        "recover-commit-first-uniform",
        "UNIFORM: the commit says another first segment, which no header shows.",
        uniform(&[1]),
        2,
    )
    .finds(4, "used");
    not_seen.requirements = vec!["SV2-JRN-011"];
    vec![
        not_seen,
        says("recover-commit-first-0", "The commit says that its run begins with segment 0.", four(&[1]), 0),
        says(
            "recover-commit-first-own",
            "The segment of the commit begins a run, and the commit says an earlier one.",
            four(&[1, 3]),
            1,
        ),
        says(
            "recover-commit-first-invented",
            "The commit says that its segment begins a run, which it does not.",
            four(&[1]),
            3,
        ),
    ]
}
