//! Leaves out each check, and finds the fault in the smallest possible worlds.
//!
//! If other checks find the same fault, that is shown instead.

use stream_v2_histories::{Claim, Findings, Layout, Rule, Rules, Size, search};

use Layout::{Free, Indexed, Uniform};

const SMALL: [(u8, u8); 3] = [(2, 3), (3, 2), (4, 1)];

fn without(rules: &[Rule], layout: Layout, (runs, segments): (u8, u8)) -> Findings {
    let rules = rules.iter().fold(Rules::all(), |all, rule| all.without(*rule));
    search(Size { runs, segments, layout }, rules).1
}

/// Checks that this claim fails with so many runs and segments.
fn found(rules: &[Rule], layout: Layout, size: (u8, u8), claim: Claim) {
    let findings = without(rules, layout, size);
    assert!(findings.get(claim).is_some(), "{rules:?}, {layout:?}: {claim:?} holds: {findings:#?}");
}

/// Checks that this claim does not fail.
fn missed(rules: &[Rule], layout: Layout, size: (u8, u8), claim: Claim) {
    let findings = without(rules, layout, size);
    assert_eq!(findings.get(claim), None, "{rules:?}, {layout:?}");
}

#[test]
fn arithmetic_without_links() {
    found(&[Rule::ArithmeticRuns], Uniform, (2, 1), Claim::Released);
}

/// Two runs begin at one index after different ones, which takes four runs.
#[test]
fn first_segment_not_compared_with_link_is_found() {
    missed(&[Rule::FirstCompared], Uniform, (3, 4), Claim::Released);
    found(&[Rule::FirstCompared], Uniform, (4, 1), Claim::Released);
}

#[test]
fn runs_that_are_used_with_another_final_segment() {
    found(&[Rule::RunsOfOwnFinal], Uniform, (2, 1), Claim::Released);
}

#[test]
fn walking_without_links() {
    for layout in [Uniform, Free, Indexed] {
        missed(&[Rule::WalkLinks], layout, (2, 3), Claim::Released);
        found(&[Rule::WalkLinks], layout, (3, 2), Claim::Released);
        found(&[Rule::WalkLinks], layout, (3, 1), Claim::Unsealed);
    }
}

#[test]
fn walking_from_run_to_run_without_run_start() {
    for layout in [Uniform, Free, Indexed] {
        missed(&[Rule::WalkSameRun], layout, (2, 4), Claim::Released);
        found(&[Rule::WalkSameRun], layout, (3, 2), Claim::Released);
        found(&[Rule::WalkSameRun], layout, (2, 2), Claim::Unsealed);
    }
}

#[test]
fn walking_without_the_run_of_the_trailer() {
    for layout in [Uniform, Free, Indexed] {
        found(&[Rule::WalkToTrailer], layout, (2, 2), Claim::Released);
    }
}

#[test]
fn walking_and_not_comparing_again() {
    for layout in [Uniform, Free, Indexed] {
        found(&[Rule::ComparedAgain], layout, (2, 2), Claim::Released);
    }
}

#[test]
fn names_of_an_index_that_are_not_compared() {
    found(&[Rule::NamesCompared], Indexed, (2, 2), Claim::Released);
    found(&[Rule::LastIndexBound], Indexed, (2, 2), Claim::Released);
}

/// The salt is that of another run: its first segment has RUN_START, and all segments after it fit.
#[test]
fn a_link_from_an_unchecked_header() {
    for layout in [Uniform, Free] {
        found(&[Rule::SaltOfCommit], layout, (2, 1), Claim::Strayed);
        found(&[Rule::SaltOfCommit], layout, (2, 1), Claim::Released);
    }
    for layout in [Uniform, Free, Indexed] {
        found(&[Rule::ResumeWalk], layout, (2, 2), Claim::Strayed);
    }
    for layout in [Uniform, Free] {
        found(&[Rule::ResumeWalk], layout, (2, 2), Claim::Released);
    }
}

/// A run that begins elsewhere than its link says is in no history: readers refuse the stream of an
/// honest writer.
#[test]
fn run_first_of_the_record_of_another_branch() {
    for layout in [Uniform, Free] {
        found(&[Rule::FirstOfCommit], layout, (2, 2), Claim::Strayed);
        found(&[Rule::FirstOfCommit], layout, (2, 2), Claim::Refused);
    }
}

/// Honest runs never need the check: a run that a link names has a first segment.
///
/// If a link names another first segment, only this check separates a reader from a terminator of
/// zeros.
#[test]
fn a_first_segment_without_run_start() {
    for size in SMALL {
        for layout in [Uniform, Free, Indexed] {
            assert!(without(&[Rule::StartDemanded], layout, size).is_empty());
        }
    }
    missed(&[Rule::FirstOfCommit], Uniform, (3, 3), Claim::Released);
    found(&[Rule::FirstOfCommit, Rule::StartDemanded], Uniform, (3, 3), Claim::Released);
}

/// Three runs mislead the walk over headers, and a fourth one signs the wrong entries.
#[test]
fn entries_of_an_index_from_unchecked_headers() {
    missed(&[Rule::EntriesVouched], Indexed, (2, 4), Claim::Signed);
    found(&[Rule::EntriesVouched], Indexed, (3, 1), Claim::Signed);
    missed(&[Rule::EntriesVouched], Indexed, (3, 2), Claim::Released);
    found(&[Rule::EntriesVouched], Indexed, (4, 1), Claim::Released);
}

#[test]
fn values_of_an_ending_of_another_branch() {
    for layout in [Uniform, Free] {
        found(&[Rule::EndingWithoutValues], layout, (2, 1), Claim::Released);
    }
    found(&[Rule::EndingWithoutValues], Indexed, (2, 2), Claim::Released);
}

/// Links and T each find every fault for a sequential reader. Without both it finds nothing.
#[test]
fn sequential_reader_without_checks_is_found() {
    use Rule::{SequentialLinks, SequentialTranscripts};
    for layout in [Uniform, Free, Indexed] {
        for size in SMALL {
            assert!(without(&[SequentialLinks], layout, size).is_empty());
            assert!(without(&[SequentialTranscripts], layout, size).is_empty());
        }
        found(&[SequentialLinks, SequentialTranscripts], layout, (3, 1), Claim::Unsealed);
        found(&[SequentialLinks, SequentialTranscripts], layout, (3, 2), Claim::Released);
    }
}

/// The order of runs makes no difference to honest ones: without it nothing is found either.
///
/// No run of these layouts seals an index segment.
#[test]
fn worlds_in_every_order() {
    for layout in [Uniform, Free] {
        for size in SMALL {
            assert!(without(&[Rule::EntriesVouched], layout, size).is_empty());
        }
    }
}
