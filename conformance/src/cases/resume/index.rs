//! §11: streams that have an index segment must be resumed with index segments.

use super::{Expect, ResumeCase, of};
use crate::generator::plan::{Plan, with_index};

/// n of §11 for S = 4096. The first index segment is segment 169.
const N: usize = 169;

/// Returns a case of this many data segments of one byte each, with their index segments, up to the
/// final segment.
fn case(id: &'static str, comment: &'static str, data: usize, source_len: usize) -> ResumeCase {
    let plan = Plan::flushed(&vec![1; data]);
    let items = with_index(&plan.items, N);
    let requirements = ["SV2-IDX-010", "SV2-RES-009"];
    let case = of(id, &requirements, comment, plan.items(&items), source_len);
    ResumeCase { entries_max: Some(N), ..case }
}

/// Returns the case up to another segment.
fn before(segment: usize, case: ResumeCase) -> ResumeCase {
    case.torn(segment, 0)
}

fn source(mut case: ResumeCase) -> ResumeCase {
    case.requirements = vec!["SV2-RES-008"];
    case
}

pub(super) fn cases() -> Vec<ResumeCase> {
    let five = |id, comment, source_len| before(N + 6, case(id, comment, N + 5, source_len));
    let full = |id, comment| before(N + 1, case(id, comment, N + 5, N + 5000));
    let short = |id, comment, source_len| case(id, comment, 20, source_len);
    let mut damaged = full(
        "resume-index-damaged",
        "The last commit is that of an index segment, and the data segment before it is damaged.",
    )
    .journal(&[N]);
    let at = damaged.stream.offset(N - 1) + 110;
    damaged.output[at] ^= 1;
    damaged.requirements = vec!["SV2-RES-006"];
    damaged.expect = Expect::Damaged(N - 1);
    vec![
        five("resume-index", "A full index segment and five data segments after it.", N + 5000),
        five(
            "resume-index-journal",
            "The same, and a commit for the index segment and the last one.",
            N + 5000,
        )
        .journal(&[N, N + 5]),
        five("resume-index-pipe", "The same, and the source is a pipe.", N + 5000).pipe(),
        full("resume-index-last", "A full index segment is the last one."),
        full("resume-index-commit", "A full index segment is the last one, and has a commit.").journal(&[N]),
        five(
            "resume-index-uncovered",
            "The source has ended: the run that goes on begins with an index segment.",
            N + 5,
        )
        .journal(&[N + 5]),
        case("resume-index-torn", "The output ends inside the last index segment.", N + 5, N + 5)
            .torn(N + 6, 150),
        short(
            "resume-index-short",
            "A short index segment is the last one: only the final segment is missing.",
            20,
        )
        .journal(&[20]),
        short("resume-index-sealed", "The stream is sealed: nothing is written.", 20).sealed(),
        source(short(
            "resume-index-more",
            "A short index segment is the last one, and the source goes on.",
            21,
        ))
        .refused(20),
        source(full(
            "resume-index-source",
            "The last commit is that of an index segment, and the last byte before it is another one.",
        ))
        .journal(&[N])
        .changed(N - 1)
        .refused(N - 1),
        damaged,
    ]
}
