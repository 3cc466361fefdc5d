//! One self-contained page with a row for each requirement, a column for each implementation, and
//! every failure below.

use std::collections::BTreeSet;

use super::{Report, Verdict, escape, worst};

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem;color:#1b1f24;background:#fff}\
table{border-collapse:collapse;margin:1rem 0}th,td{border:1px solid #ccd2d9;padding:.2rem .6rem;text-align:left}th{background:#f2f4f7}\
td.pass{background:#d9f2e0}td.skip{background:#f2f4f7;color:#57606a}td.bad{background:#fbd9d5;font-weight:600}code{font-size:.9em}\
@media(prefers-color-scheme:dark){body{color:#e6e9ed;background:#16191d}th,td{border-color:#3a424c}th,td.skip{background:#22272e;color:#aab2bd}\
td.pass{background:#12391f}td.bad{background:#56201b}}";

/// Returns the page of several reports. `waivers` are requirements that no vector tests, with
/// reasons.
#[must_use]
pub fn html(reports: &[Report], waivers: &[(String, String)]) -> String {
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Stream V2 conformance</title>\
         <meta name=\"viewport\" content=\"width=device-width\"><style>{STYLE}</style></head><body>\n\
         <h1>Stream V2 conformance</h1>\n"
    );
    page += &summary(reports);
    page += &matrix(reports);
    for report in reports {
        page += &failures(report);
    }
    if !waivers.is_empty() {
        page += "<h2>Requirements without a vector</h2>\n<table><tr><th>requirement</th><th>why</th></tr>\n";
        for (requirement, reason) in waivers {
            page += &format!("<tr><td>{}</td><td>{}</td></tr>\n", escape(requirement), escape(reason));
        }
        page += "</table>\n";
    }
    page + "</body></html>\n"
}

fn summary(reports: &[Report]) -> String {
    let mut table = "<table><tr><th>implementation</th><th>language</th><th>version</th><th>operations</th>\
                     <th>features</th><th>vectors</th><th>result</th></tr>\n"
        .to_owned();
    for report in reports {
        let peer = &report.peer;
        let class = if report.is_success() { "pass" } else { "bad" };
        table += &format!(
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td class=\"{class}\">{}</td></tr>\n",
            escape(&peer.name),
            escape(&peer.language),
            escape(&peer.version),
            escape(&peer.operations.join(", ")),
            escape(&peer.features.join(", ")),
            escape(&report.suite),
            escape(&report.summary())
        );
    }
    table + "</table>\n"
}

fn matrix(reports: &[Report]) -> String {
    let rolled: Vec<_> = reports.iter().map(Report::by_requirement).collect();
    let requirements: BTreeSet<&str> = rolled.iter().flat_map(|rolled| rolled.keys().copied()).collect();
    let names: String =
        reports.iter().map(|report| format!("<th>{}</th>", escape(&report.peer.name))).collect();
    let mut table = format!("<h2>Requirements</h2>\n<table><tr><th>requirement</th>{names}</tr>\n");
    for requirement in requirements {
        table += &format!("<tr><td>{}</td>", escape(requirement));
        for rolled in &rolled {
            let Some(outcomes) = rolled.get(requirement) else {
                table += "<td class=\"skip\">not run</td>";
                continue;
            };
            let passed = outcomes.iter().filter(|outcome| outcome.verdict == Verdict::Pass).count();
            let class = match worst(outcomes) {
                Verdict::Pass => "pass",
                Verdict::Skip => "skip",
                _ => "bad",
            };
            table += &format!("<td class=\"{class}\">{passed} of {}</td>", outcomes.len());
        }
        table += "</tr>\n";
    }
    table + "</table>\n"
}

fn failures(report: &Report) -> String {
    let listed: Vec<_> = report.outcomes.iter().filter(|outcome| outcome.verdict != Verdict::Pass).collect();
    if listed.is_empty() {
        return String::new();
    }
    let mut table = format!(
        "<h2>{}: what did not pass</h2>\n<table><tr><th>vector</th><th>verdict</th><th>why</th><th>requirements</th></tr>\n",
        escape(&report.peer.name)
    );
    for outcome in listed {
        let class = if outcome.verdict.is_failure() { "bad" } else { "skip" };
        table += &format!(
            "<tr><td><code>{}</code></td><td class=\"{class}\">{}</td><td>{}</td><td>{}</td></tr>\n",
            escape(&outcome.id),
            outcome.verdict.name(),
            escape(&outcome.detail),
            escape(&outcome.requirements.join(", "))
        );
    }
    table + "</table>\n"
}
