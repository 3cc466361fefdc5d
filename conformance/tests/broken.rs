//! The suite finds every bug of a reader, and names the requirement that it breaks.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::path::Path;
use std::time::Duration;

use stream_v2_conformance::broken::{BUGS, CHECKS, MISBEHAVIOURS};
use stream_v2_conformance::runner::adapter::Caps;
use stream_v2_conformance::runner::report::{Report, worst};
use stream_v2_conformance::runner::run::{Options, run};
use stream_v2_conformance::runner::suite::Suite;

/// Requirements that every vector tests. Vectors of two families are enough to find their bugs.
const EVERYWHERE: [&str; 3] = ["SV2-ERR-001", "SV2-RDR-002", "SV2-REL-003"];

fn suite() -> Suite {
    Suite::load(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../vectors"))).unwrap()
}

/// Longer than any answer takes, on any machine.
const PATIENT: Caps = Caps { timeout: Duration::from_secs(300), memory: 64 << 20 };

/// The limits for adapters that never answer.
const IMPATIENT: Caps = Caps { timeout: Duration::from_millis(100), ..PATIENT };

fn against(suite: &Suite, bug: &str, filter: &[&str], caps: Caps) -> Report {
    let options = Options {
        command: vec![env!("CARGO_BIN_EXE_sv2-broken").to_owned(), bug.to_owned()],
        recipes: false,
        filter: filter.iter().map(|part| (*part).to_owned()).collect(),
        caps,
        give_up: 8,
        ..Options::default()
    };
    run(suite, &options, &|_| ()).unwrap()
}

#[test]
fn without_a_bug_the_plain_reader_passes() {
    let report = against(&suite(), "", &["read", "range", "unwrap"], PATIENT);
    assert!(report.is_success(), "{}", report.summary());
}

#[test]
fn each_bug_fails_for_the_requirement_that_it_breaks() {
    let suite = suite();
    let left_out = CHECKS.into_iter().map(|requirement| (requirement, requirement));
    let mut missed = Vec::new();
    for (bug, requirement) in left_out.chain(BUGS) {
        let everywhere = ["segment-", "range-fork"];
        let only = [requirement];
        let filter = if EVERYWHERE.contains(&requirement) { &everywhere[..] } else { &only[..] };
        let report = against(&suite, bug, filter, PATIENT);
        let rolled = report.by_requirement();
        if !rolled.get(requirement).is_some_and(|outcomes| worst(outcomes).is_failure()) {
            missed.push(format!("{bug}: {requirement}: {}", report.summary()));
        }
    }
    assert!(missed.is_empty(), "{missed:#?}");
}

#[test]
fn what_is_no_answer_is_reported_as_what_it_is() {
    let suite = suite();
    for (misbehaviour, verdict) in MISBEHAVIOURS {
        if misbehaviour == "never-reads" {
            continue;
        }
        let caps = if verdict == "timeout" { IMPATIENT } else { PATIENT };
        let report = against(&suite, misbehaviour, &["header-magic"], caps);
        let found: Vec<&str> = report.outcomes.iter().map(|outcome| outcome.verdict.name()).collect();
        assert!(
            !found.is_empty() && found.iter().all(|found| *found == verdict),
            "{misbehaviour}: {found:?}"
        );
    }
}

#[test]
fn an_adapter_that_does_not_read_is_a_timeout() {
    let report = against(&suite(), "never-reads", &["accept-worked-example"], IMPATIENT);
    assert_eq!(report.outcomes[0].verdict.name(), "timeout", "{}", report.outcomes[0].detail);
}
