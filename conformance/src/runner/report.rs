//! The result of a run, and its forms: JSON lines, JUnit, TAP, one HTML page, a badge.

mod badge;
mod html;
mod json_lines;
mod junit;
mod tap;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::judge::Verdict;
use crate::protocol::Peer;

pub use badge::badge;
pub use html::html;
pub use json_lines::{from_json_lines, json_lines};
pub use junit::junit;
pub use tap::tap;

/// The result of one vector.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outcome {
    /// The vector.
    pub id: String,
    /// `read`, `write` or `recover`.
    pub operation: String,
    /// `MUST` or `SHOULD`.
    pub level: String,
    /// The requirements that it tests.
    pub requirements: Vec<String>,
    /// The first verdict that is not a pass, or a pass.
    pub verdict: Verdict,
    /// The reason if it is not a pass.
    pub detail: String,
    /// A requirement that holds for every vector (such as SV2-REL-003), if that one was broken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub breaks: Option<String>,
    /// The number of requests.
    pub asked: usize,
    /// The time of all requests.
    pub milliseconds: u64,
}

/// The result of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Version of the vectors.
    pub suite: String,
    /// The tested implementation.
    pub peer: Peer,
    /// Whether the run ended early because the adapter failed too often.
    pub given_up: bool,
    /// In the order of ids.
    pub outcomes: Vec<Outcome>,
}

impl Report {
    /// Returns how often each verdict was given, without the verdicts that were not.
    #[must_use]
    pub fn counts(&self) -> Vec<(Verdict, usize)> {
        let count =
            |verdict| self.outcomes.iter().filter(|outcome: &&Outcome| outcome.verdict == verdict).count();
        Verdict::ALL
            .into_iter()
            .map(|verdict| (verdict, count(verdict)))
            .filter(|(_, count)| *count > 0)
            .collect()
    }

    /// Returns whether nothing failed, and nothing was left out after failures of the adapter.
    #[must_use]
    pub fn is_success(&self) -> bool {
        !self.given_up && self.outcomes.iter().all(|outcome| !outcome.verdict.is_failure())
    }

    /// Returns one line: `598 vectors: 590 pass, 8 skip`.
    #[must_use]
    pub fn summary(&self) -> String {
        let counts: Vec<String> =
            self.counts().iter().map(|(verdict, count)| format!("{count} {}", verdict.name())).collect();
        let early = if self.given_up { "; given up early" } else { "" };
        let untested = if self.peer.again { "" } else { "; nothing was asked again (SV2-REL-003)" };
        format!("{} vectors: {}{early}{untested}", self.outcomes.len(), counts.join(", "))
    }

    /// Returns the vectors of each requirement.
    #[must_use]
    pub fn by_requirement(&self) -> BTreeMap<&str, Vec<&Outcome>> {
        let mut rolled: BTreeMap<&str, Vec<&Outcome>> = BTreeMap::new();
        for outcome in &self.outcomes {
            for requirement in outcome.requirements.iter().chain(&outcome.breaks) {
                let outcomes = rolled.entry(requirement.as_str()).or_default();
                if outcomes.last().is_none_or(|last| last.id != outcome.id) {
                    outcomes.push(outcome);
                }
            }
        }
        rolled
    }
}

/// Returns the worst of several verdicts. A failure is worse than a skip, and a skip than a pass.
#[must_use]
pub fn worst(outcomes: &[&Outcome]) -> Verdict {
    let rank = |verdict: Verdict| match verdict {
        Verdict::Pass => 0,
        Verdict::Skip => 1,
        _ => 2,
    };
    outcomes
        .iter()
        .map(|outcome| outcome.verdict)
        .max_by_key(|verdict| rank(*verdict))
        .unwrap_or(Verdict::Skip)
}

/// Escapes text for XML or HTML.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            control if control.is_control() => escaped.push(' '),
            other => escaped.push(other),
        }
    }
    escaped
}
