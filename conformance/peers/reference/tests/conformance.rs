//! Runs the whole suite against the reference crates. With `FAIL_FAST` in the environment it ends
//! at the first failure, which is enough for a mutant (conformance/mutants).

use std::path::Path;
use std::time::Duration;

use stream_v2_conformance::runner::adapter::Caps;
use stream_v2_conformance::runner::run::{Options, run};
use stream_v2_conformance::runner::suite::Suite;

//= spec/stream-v2.md#sv2-rdr-002
//= type=test
//# A reader MUST give the same result, the same released bytes and the same error for an input
//# however the input is cut into reads.
//= spec/stream-v2.md#sv2-err-001
//= type=test
//# A reader MUST report, with each error of the stream, the kind, the detail, the offset, and the
//# number of segments before the place of the fault.
#[test]
fn the_reference_passes_everything() {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../vectors"));
    let suite = Suite::load(folder).unwrap();
    let fail_fast = std::env::var_os("FAIL_FAST").is_some();
    // A busy machine must not fail the test, and a mutant that does not end must be found soon.
    let timeout = Duration::from_secs(if fail_fast { 20 } else { 300 });
    let options = Options {
        command: vec![env!("CARGO_BIN_EXE_stream-v2-reference-adapter").to_owned()],
        caps: Caps { timeout, ..Caps::default() },
        fail_fast,
        ..Options::default()
    };
    let report = run(&suite, &options, &|_| ()).unwrap();
    let wrong: Vec<_> = report.outcomes.iter().filter(|outcome| outcome.verdict.is_failure()).collect();
    assert!(report.is_success(), "{}: {wrong:#?}", report.summary());
    let skipped: Vec<_> = report
        .outcomes
        .iter()
        .filter(|outcome| !outcome.detail.is_empty())
        .map(|outcome| &*outcome.id)
        .collect();
    assert_eq!(skipped.join(" "), "");
    assert_eq!(report.outcomes.len(), suite.vectors.len());
}
