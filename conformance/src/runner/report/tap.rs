//! TAP version 14.

use super::{Report, Verdict};

/// Returns the report as TAP.
#[must_use]
pub fn tap(report: &Report) -> String {
    let mut lines = vec!["TAP version 14".to_owned(), format!("1..{}", report.outcomes.len())];
    for (number, outcome) in (1..).zip(&report.outcomes) {
        // A number sign would begin a directive.
        let detail = outcome.detail.replace('\\', "\\\\").replace('#', "\\#");
        lines.push(match outcome.verdict {
            Verdict::Pass => format!("ok {number} - {}", outcome.id),
            Verdict::Skip => format!("ok {number} - {} # SKIP {detail}", outcome.id),
            verdict => format!("not ok {number} - {}: {}: {detail}", outcome.id, verdict.name()),
        });
    }
    if report.given_up {
        lines.push("Bail out! The adapter came to grief too often".to_owned());
    }
    lines.join("\n") + "\n"
}
