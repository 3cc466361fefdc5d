//! JUnit XML, as continuous integration reads it.

use super::{Report, Verdict, escape};

/// Returns the report as one `testsuite`.
#[must_use]
pub fn junit(report: &Report) -> String {
    let count = |wanted: fn(Verdict) -> bool| report.outcomes.iter().filter(|o| wanted(o.verdict)).count();
    let grief = |verdict| {
        matches!(verdict, Verdict::Crash | Verdict::Timeout | Verdict::OverMemory | Verdict::Garbage)
    };
    let errors = count(grief);
    let failures = report.outcomes.iter().filter(|outcome| outcome.verdict.is_failure()).count() - errors;
    let skipped = count(|verdict| verdict == Verdict::Skip);
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"stream-v2 {} on {}\" tests=\"{}\" failures=\"{failures}\" \
         errors=\"{errors}\" skipped=\"{skipped}\">\n",
        escape(&report.suite),
        escape(&report.peer.name),
        report.outcomes.len()
    );
    for outcome in &report.outcomes {
        let seconds = format!("{}.{:03}", outcome.milliseconds / 1000, outcome.milliseconds % 1000);
        let case = format!(
            "  <testcase classname=\"{}\" name=\"{}\" time=\"{seconds}\"",
            outcome.operation, outcome.id
        );
        let what = format!("message=\"{}\"", escape(&outcome.detail));
        let inside = match outcome.verdict {
            Verdict::Pass => None,
            Verdict::Skip => Some(format!("<skipped {what}/>")),
            found if grief(found) => Some(format!("<error type=\"{}\" {what}/>", found.name())),
            found => Some(format!("<failure type=\"{}\" {what}/>", found.name())),
        };
        text += &match inside {
            None => format!("{case}/>\n"),
            Some(inside) => format!("{case}>{inside}</testcase>\n"),
        };
    }
    text + "</testsuite>\n"
}
