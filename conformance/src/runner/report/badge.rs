//! A badge file in the JSON that badge services accept (`schemaVersion` 1).

use serde_json::json;

use super::{Report, Verdict};

/// Returns the report in one line.
#[must_use]
pub fn badge(report: &Report) -> String {
    let count = |wanted| report.outcomes.iter().filter(|outcome| outcome.verdict == wanted).count();
    let (passed, skipped) = (count(Verdict::Pass), count(Verdict::Skip));
    let asked = report.outcomes.len() - skipped;
    let color = match (report.is_success(), skipped) {
        (true, 0) => "brightgreen",
        (true, _) => "green",
        (false, _) => "red",
    };
    let skips = if skipped == 0 { String::new() } else { format!(", {skipped} skipped") };
    let badge = json!({
        "schemaVersion": 1,
        "label": format!("Stream V2 {}", report.suite),
        "message": format!("{passed} of {asked}{skips}"),
        "color": color,
    });
    format!("{badge}\n")
}
