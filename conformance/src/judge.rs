//! Verdicts on answers, and the comparisons that the judging of every operation shares.

use serde::{Deserialize, Serialize};

use crate::protocol::{Answer, Peer};
use crate::vector::Fault;

/// The result of a vector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Every answer was right.
    Pass,
    /// An answer was wrong.
    Fail,
    /// The adapter did not answer and gave a reason, or it lacks the operation.
    Skip,
    /// The adapter ended before it answered.
    Crash,
    /// The adapter did not answer in time.
    Timeout,
    /// Plaintext was released that should not have been.
    OverRelease,
    /// Memory grew by more than allowed.
    OverMemory,
    /// The adapter's output is not an answer.
    Garbage,
    /// The vector passes although a failure was expected. The list of expected failures is out of
    /// date.
    StaleSkip,
}

impl Verdict {
    /// All verdicts, in the order of reports.
    pub const ALL: [Self; 9] = [
        Self::Pass,
        Self::Fail,
        Self::OverRelease,
        Self::OverMemory,
        Self::Crash,
        Self::Timeout,
        Self::Garbage,
        Self::StaleSkip,
        Self::Skip,
    ];

    /// Returns its name in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Skip => "skip",
            Self::Crash => "crash",
            Self::Timeout => "timeout",
            Self::OverRelease => "over-release",
            Self::OverMemory => "over-memory",
            Self::Garbage => "garbage",
            Self::StaleSkip => "stale-skip",
        }
    }

    /// Returns whether an implementation with this verdict must not be trusted.
    #[must_use]
    pub fn is_failure(self) -> bool {
        !matches!(self, Self::Pass | Self::Skip)
    }
}

/// A verdict, and the reason if it is not a pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// The verdict.
    pub verdict: Verdict,
    /// The reason.
    pub detail: String,
    /// A requirement that holds for every vector and was broken here.
    pub breaks: Option<&'static str>,
}

impl Judgement {
    /// Returns a verdict with its reason.
    pub fn new(verdict: Verdict, detail: impl Into<String>) -> Self {
        Self { verdict, detail: detail.into(), breaks: None }
    }

    /// Returns the verdict that nothing is wrong.
    #[must_use]
    pub fn pass() -> Self {
        Self::new(Verdict::Pass, "")
    }

    pub(crate) fn breaking(self, requirement: &'static str) -> Self {
        Self { breaks: Some(requirement), ..self }
    }

    /// Adds the part of the vector that failed.
    pub(crate) fn at(self, which: &str) -> Self {
        Self { detail: format!("{which}: {}", self.detail), ..self }
    }
}

/// The result of checking an answer.
pub type Judged = Result<(), Judgement>;

/// Returns the verdict for a wrong answer.
pub(crate) fn fail(what: impl Into<String>) -> Judged {
    Err(Judgement::new(Verdict::Fail, what))
}

/// Returns a field that the answer to this operation must have.
pub(crate) fn field<'a, T>(name: &str, value: &'a Option<T>) -> Result<&'a T, Judgement> {
    value
        .as_ref()
        .ok_or_else(|| Judgement::new(Verdict::Garbage, format!("the answer has no field {name:?}")))
}

/// Returns a result that the operation allows.
pub(crate) fn one_of<'a>(result: &'a Option<String>, allowed: &[&str]) -> Result<&'a str, Judgement> {
    let result = field("result", result)?;
    if allowed.contains(&result.as_str()) {
        return Ok(result);
    }
    Err(Judgement::new(
        Verdict::Garbage,
        format!("{result:?} is no result of this operation ({})", allowed.join(", ")),
    ))
}

/// Judges the result of an operation that either accepts its input or names the fault.
///
/// `part` names the part of the answer in a message.
pub(crate) fn same_result(
    peer: &Peer,
    part: &str,
    (right, fault): (&str, Option<&Fault>),
    answer: &Answer,
) -> Judged {
    let result = one_of(&answer.result, &["accept", "reject", "unsupported"])?;
    if result != right {
        let wanted = fault.map_or(String::new(), |fault| format!(" ({})", fault.names()));
        return fail(format!("{part}{result} ({}), expected {right}{wanted}", answer.named_error()));
    }
    fault.map_or(Ok(()), |fault| at_fault(peer, fault, answer))
}

/// Compares the error and its place (SV2-ERR-001).
pub(crate) fn at_fault(peer: &Peer, expected: &Fault, answer: &Answer) -> Judged {
    named(peer, &expected.error, answer.error.as_ref())?;
    let places = [("offset", expected.offset, answer.offset), ("segment", expected.segment, answer.segment)];
    for (part, expected, found) in places {
        if peer.reports(part) && found != expected.map(|place| place as u64) {
            let say = |place: Option<u64>| place.map_or("none".to_owned(), |place| place.to_string());
            let expected = say(expected.map(|place| place as u64));
            let what = format!("{part} {}, expected {expected}", say(found));
            return Err(Judgement::new(Verdict::Fail, what).breaking("SV2-ERR-001"));
        }
    }
    Ok(())
}

/// Compares the error, as far as the peer reports it.
pub(crate) fn named(peer: &Peer, allowed: &[String], found: Option<&String>) -> Judged {
    if !peer.reports("kind") {
        return Ok(());
    }
    let found = field("error", &found.cloned())?.clone();
    let cut = |name: &str| match peer.reports("detail") {
        true => name.to_owned(),
        false => name.split('.').next().unwrap_or_default().to_owned(),
    };
    if allowed.iter().any(|name| cut(name) == cut(&found)) {
        return Ok(());
    }
    fail(format!("error {found}, expected {}", allowed.join(" or ")))
}

fn output(answer: &Answer) -> Result<Vec<u8>, Judgement> {
    hex::decode(field("output", &answer.output)?)
        .map_err(|error| Judgement::new(Verdict::Garbage, format!("output: {error}")))
}

/// Compares the output byte for byte.
pub(crate) fn same_bytes(right: &[u8], answer: &Answer) -> Judged {
    let found = output(answer)?;
    let same = right.iter().zip(&found).take_while(|(right, found)| right == found).count();
    match (right.get(same), found.get(same)) {
        (None, None) => Ok(()),
        (Some(right), Some(found)) => fail(format!("byte {same} is {found:02x}, expected {right:02x}")),
        _ => fail(format!("{} bytes written, expected {}", found.len(), right.len())),
    }
}
