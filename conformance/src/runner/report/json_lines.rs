//! A line about the run, and a line for each vector (`vectors/schema/report.schema.json`).

use serde::{Deserialize, Serialize};

use super::{Outcome, Report};
use crate::protocol::Peer;

/// The first line.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    suite: String,
    peer: Peer,
    given_up: bool,
}

/// Returns the report as JSON lines.
///
/// # Errors
///
/// - never for plain data.
pub fn json_lines(report: &Report) -> serde_json::Result<String> {
    let head = Head { suite: report.suite.clone(), peer: report.peer.clone(), given_up: report.given_up };
    let mut lines = vec![serde_json::to_string(&head)?];
    for outcome in &report.outcomes {
        lines.push(serde_json::to_string(outcome)?);
    }
    lines.push(String::new());
    Ok(lines.join("\n"))
}

/// Returns the report that JSON lines hold.
///
/// # Errors
///
/// - if a line does not follow the schema.
pub fn from_json_lines(text: &str) -> serde_json::Result<Report> {
    let mut lines = text.lines();
    let head: Head = serde_json::from_str(lines.next().unwrap_or_default())?;
    let outcomes = lines.map(serde_json::from_str::<Outcome>).collect::<serde_json::Result<_>>()?;
    Ok(Report { suite: head.suite, peer: head.peer, given_up: head.given_up, outcomes })
}
