//! The whole suite against the reference crates.

use std::path::Path;
use std::time::Duration;

use stream_v2_conformance::runner::adapter::Caps;
use stream_v2_conformance::runner::run::{Options, run};
use stream_v2_conformance::runner::suite::Suite;

#[test]
fn the_reference_passes_everything() {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../vectors"));
    let suite = Suite::load(folder).unwrap();
    let options = Options {
        command: vec![env!("CARGO_BIN_EXE_stream-v2-reference-adapter").to_owned()],
        caps: Caps { timeout: Duration::from_secs(60), ..Caps::default() },
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
    // Index segments and suite 2 are not built.
    assert_eq!(
        skipped.join(" "),
        "write-index write-index-empty write-index-full write-index-two write-suite-2"
    );
    assert_eq!(report.outcomes.len(), suite.vectors.len());
}
