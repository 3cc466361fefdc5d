//! SV2-RES-008: another source.

use super::{Expect, ResumeCase, case, of};
use crate::generator::plan::Plan;
use crate::generator::wire::journal::ending;

pub(super) fn cases() -> Vec<ResumeCase> {
    [refused(), refused_at_the_end()].into_iter().flatten().collect()
}

fn refused() -> Vec<ResumeCase> {
    let case = |id, comment| case(id, &["SV2-RES-008"], comment);
    let mut damaged =
        case("resume-damaged", "A bit of the segment of the last commit is flipped.").journal(&[0, 1, 2, 3]);
    let at = damaged.stream.offset(3) + 100;
    damaged.output[at] ^= 1;
    damaged.requirements = vec!["SV2-RES-006"];
    damaged.expect = Expect::Damaged(3);
    vec![
        damaged,
        case("resume-source-short", "The source ends before the committed plaintext_len.")
            .source(220)
            .refused(220),
        case("resume-source-shorter", "The source ends before the last committed segment.")
            .source(120)
            .refused(120),
        case("resume-source-short-pipe", "A pipe ends before the committed plaintext_len.")
            .source(120)
            .pipe()
            .refused(120),
        case("resume-source-last", "A byte of the last committed segment is another one.")
            .changed(230)
            .refused(230),
        case("resume-source-last-pipe", "A pipe gives another byte in the last committed segment.")
            .changed(230)
            .pipe()
            .refused(230),
        case("resume-source-first-pipe", "A pipe gives another first byte.")
            .journal(&[0, 1, 2, 3])
            .changed(0)
            .pipe()
            .refused(0),
        case(
            "resume-source-commit",
            "A byte of the last commit's segment, before the last committed segment.",
        )
        .journal(&[0, 1])
        .changed(130)
        .refused(130),
        case("resume-source-after-commit", "A byte of the last committed segment, after the last commit.")
            .journal(&[0, 1])
            .changed(201)
            .refused(201),
        case("resume-source-len", "The journal knows another length of the source.")
            .journal_with(&[0, 1, 2, 3], |_, journal| journal.header.source_len = 300)
            .refused(0),
        case("resume-source-empty", "Nothing is committed yet, and the source has become empty.")
            .torn(0, 0)
            .journal_with(&[], |_, journal| journal.header.source_len = 5250)
            .source(0)
            .refused(0),
        case("resume-source-not-empty", "Nothing is committed yet, and the source was empty before.")
            .torn(0, 0)
            .journal_with(&[], |_, journal| journal.header.source_len = 0)
            .refused(0),
    ]
}

/// SV2-RES-008: the source goes beyond a place at which it must end.
fn refused_at_the_end() -> Vec<ResumeCase> {
    let case = |id, comment| case(id, &["SV2-RES-008"], comment).source(251).refused(250);
    let sealed = |id, comment| {
        let mut case = case(id, comment).sealed();
        case.expect = Expect::Source(250);
        case
    };
    let short = Plan::filled(4096, 5000).uniform();
    vec![
        case("resume-more-ending", "The journal has an ending record, and the source goes on.").journal_with(
            &[0, 1, 2, 3],
            |stream, journal| {
                journal.records.push(ending(stream, 4));
            },
        ),
        sealed("resume-more-sealed", "The stream is sealed, and the source goes on."),
        sealed("resume-more-sealed-pipe", "The stream is sealed, and a pipe goes on.").pipe(),
        of(
            "resume-more-uniform",
            &["SV2-RES-008"],
            "UNIFORM, the last data segment is not full, and the source goes on.",
            short,
            5001,
        )
        .refused(5000),
    ]
}
