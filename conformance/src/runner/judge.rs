//! What an answer is worth.

use serde::{Deserialize, Serialize};

use super::protocol::{Answer, Peer};
use super::questions::Right;
use crate::vector::{Expect, Fault, RangeExpect, RangePlace, RecoverExpect, ResumeExpect, WriteExpect};

/// What came of a vector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Every answer was right.
    Pass,
    /// An answer was wrong.
    Fail,
    /// The adapter did not answer, and said why; or it lacks the operation.
    Skip,
    /// The adapter ended before it answered.
    Crash,
    /// The adapter did not answer in time.
    Timeout,
    /// Plaintext was released that should not have been.
    OverRelease,
    /// Memory grew by more than allowed.
    OverMemory,
    /// What the adapter wrote is not an answer.
    Garbage,
    /// Expected not to pass, and passes: the list of what is expected is out of date.
    StaleSkip,
}

impl Verdict {
    /// All of them, in the order of reports.
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

    /// Its name in reports.
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

    /// Whether an implementation with this verdict is not to be trusted.
    #[must_use]
    pub fn is_failure(self) -> bool {
        !matches!(self, Self::Pass | Self::Skip)
    }
}

/// A verdict and, where it is not a pass, why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// The verdict.
    pub verdict: Verdict,
    /// Why.
    pub detail: String,
    /// A requirement that holds for every vector, and was broken here.
    pub breaks: Option<&'static str>,
}

impl Judgement {
    /// A verdict with its reason.
    pub fn new(verdict: Verdict, detail: impl Into<String>) -> Self {
        Self { verdict, detail: detail.into(), breaks: None }
    }

    /// Nothing is wrong.
    #[must_use]
    pub fn pass() -> Self {
        Self::new(Verdict::Pass, "")
    }

    fn breaking(self, requirement: &'static str) -> Self {
        Self { breaks: Some(requirement), ..self }
    }
}

/// Compares an answer with the only right one.
#[must_use]
pub fn judge(peer: &Peer, right: &Right<'_>, answer: &Answer) -> Judgement {
    if let Some(reason) = &answer.skipped {
        return Judgement::new(Verdict::Skip, reason.clone());
    }
    let judged = match right {
        Right::Read(expect) => read(peer, expect, answer),
        Right::Range(expect) => range(peer, expect, answer),
        Right::Write(expect, output) => write(peer, expect, output, answer),
        Right::Crash(left) => {
            one_of(&answer.result, &["crashed"]).and_then(|_| same_bytes(left, &output(answer)?))
        }
        Right::Recover(expect) => recover(peer, expect, answer),
        Right::Resume(expect, output) => resume(peer, expect, output, answer),
    };
    judged.err().unwrap_or_else(Judgement::pass)
}

type Judged = Result<(), Judgement>;

fn fail(what: impl Into<String>) -> Judged {
    Err(Judgement::new(Verdict::Fail, what))
}

/// A field that the answer to this operation must have.
fn field<'a, T>(name: &str, value: &'a Option<T>) -> Result<&'a T, Judgement> {
    value
        .as_ref()
        .ok_or_else(|| Judgement::new(Verdict::Garbage, format!("the answer has no field {name:?}")))
}

fn one_of<'a>(result: &'a Option<String>, allowed: &[&str]) -> Result<&'a str, Judgement> {
    let result = field("result", result)?;
    if allowed.contains(&result.as_str()) {
        return Ok(result);
    }
    Err(Judgement::new(
        Verdict::Garbage,
        format!("{result:?} is no result of this operation ({})", allowed.join(", ")),
    ))
}

fn read(peer: &Peer, expect: &Expect, answer: &Answer) -> Judged {
    released(peer, expect, answer)?;
    match expect {
        Expect::Accept { .. } => Ok(()),
        Expect::Reject(fault) | Expect::Unsupported(fault) => again(peer, fault, answer),
    }
}

/// Result, error, and what was released.
fn released(peer: &Peer, expect: &Expect, answer: &Answer) -> Judged {
    let result = one_of(&answer.result, &["accept", "reject", "unsupported"])?;
    let released_len = *field("released_len", &answer.released_len)?;
    let released_sha256 = field("released_sha256", &answer.released_sha256)?;
    let (right, len, sha256, fault) = match expect {
        Expect::Accept { plaintext_len, plaintext_sha256 } => {
            ("accept", plaintext_len, plaintext_sha256, None)
        }
        Expect::Reject(fault) => ("reject", &fault.released_len, &fault.released_sha256, Some(fault)),
        Expect::Unsupported(fault) => {
            ("unsupported", &fault.released_len, &fault.released_sha256, Some(fault))
        }
    };
    let len = *len as u64;
    let how = || match (&answer.error, result) {
        (Some(error), "reject" | "unsupported") => format!("{result} ({error})"),
        _ => result.to_owned(),
    };
    if released_len > len {
        let what = format!("{released_len} bytes released, {len} allowed; {}", how());
        return Err(Judgement::new(Verdict::OverRelease, what).breaking("SV2-REL-001"));
    }
    if result != right {
        let wanted = fault.map_or(String::new(), |fault| format!(" ({})", fault.error.join(" or ")));
        return fail(format!("{}, expected {right}{wanted}", how()));
    }
    if let Some(fault) = fault {
        at_fault(peer, fault.into(), answer)?;
    }
    if released_len < len {
        return fail(format!("{released_len} bytes released, expected {len}"));
    }
    if released_sha256 != sha256 {
        let what = format!("{len} bytes released, and they are not the plaintext");
        return Err(Judgement::new(Verdict::OverRelease, what).breaking("SV2-REL-001"));
    }
    Ok(())
}

/// SV2-REL-003. An adapter that cannot ask its reader again says so in the handshake.
fn again(peer: &Peer, fault: &Fault, answer: &Answer) -> Judged {
    if !peer.again {
        return Ok(());
    }
    let Some(again) = &answer.again else {
        let what = "the answer does not say what the reader reports when it is asked again (\"again\")";
        return Err(Judgement::new(Verdict::Fail, what).breaking("SV2-REL-003"));
    };
    if again.released_len > fault.released_len as u64 {
        let more = format!("asked again after the error, {} bytes were released", again.released_len);
        return Err(Judgement::new(Verdict::OverRelease, more).breaking("SV2-REL-003"));
    }
    let other = match &again.error {
        None => fail("the reader reported none"),
        Some(error) => named(peer, &fault.error, Some(error)),
    };
    other.map_err(|judgement| {
        let detail = format!("asked again after the error: {}", judgement.detail);
        Judgement { detail, ..judgement }.breaking("SV2-REL-003")
    })
}

/// The parts of an error that answers are compared with.
struct Expected<'a> {
    error: &'a [String],
    offset: Option<usize>,
    segment: Option<usize>,
}

impl<'a> From<&'a Fault> for Expected<'a> {
    fn from(fault: &'a Fault) -> Self {
        Self { error: &fault.error, offset: fault.offset, segment: fault.segment }
    }
}

fn at_fault(peer: &Peer, expected: Expected<'_>, answer: &Answer) -> Judged {
    named(peer, expected.error, answer.error.as_ref())?;
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

fn named(peer: &Peer, allowed: &[String], found: Option<&String>) -> Judged {
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

/// Opening, and then each range.
fn range(peer: &Peer, expect: &RangeExpect, answer: &Answer) -> Judged {
    let result = one_of(&answer.result, &["accept", "reject", "unsupported"])?;
    let (right, place) = match expect {
        RangeExpect::Accept { .. } => ("accept", None),
        RangeExpect::Reject(place) => ("reject", Some(place)),
        RangeExpect::Unsupported(place) => ("unsupported", Some(place)),
    };
    if result != right {
        let error = answer.error.as_deref().unwrap_or("no error named");
        let wanted = place.map_or(String::new(), |place| format!(" ({})", place.error.join(" or ")));
        return fail(format!("opening: {result} ({error}), expected {right}{wanted}"));
    }
    if let Some(RangePlace { error, offset, segment }) = place {
        return at_fault(peer, Expected { error, offset: *offset, segment: *segment }, answer);
    }
    let RangeExpect::Accept { by, plaintext_len, ranges } = expect else { return Ok(()) };
    let found = *field("plaintext_len", &answer.plaintext_len)?;
    if found != *plaintext_len as u64 {
        return fail(format!("plaintext_len {found}, expected {plaintext_len}"));
    }
    let found = field("by", &answer.by)?;
    if found != by {
        return fail(format!("by {found}, expected {by}"));
    }
    let parts = field("ranges", &answer.ranges)?;
    if parts.len() != ranges.len() {
        let what = format!("{} answers to {} ranges", parts.len(), ranges.len());
        return Err(Judgement::new(Verdict::Garbage, what));
    }
    let mut failed = false;
    for (number, (expect, part)) in ranges.iter().zip(parts).enumerate() {
        released(peer, expect, part).map_err(|judgement| {
            let breaks = if failed { Some("SV2-REL-003") } else { judgement.breaks };
            Judgement { detail: format!("range {number}: {}", judgement.detail), breaks, ..judgement }
        })?;
        failed |= !matches!(expect, Expect::Accept { .. });
    }
    Ok(())
}

fn write(peer: &Peer, expect: &WriteExpect, right: &[u8], answer: &Answer) -> Judged {
    let result = one_of(&answer.result, &["accept", "reject", "unsupported"])?;
    match (expect, result) {
        (WriteExpect::Accept { .. }, "accept") => same_bytes(right, &output(answer)?),
        (WriteExpect::Reject { error }, "reject") => named(peer, error, answer.error.as_ref()),
        (WriteExpect::Accept { .. }, _) => fail(format!("{result}, expected accept")),
        (WriteExpect::Reject { error }, _) => {
            fail(format!("{result}, expected reject ({})", error.join(" or ")))
        }
    }
}

fn output(answer: &Answer) -> Result<Vec<u8>, Judgement> {
    hex::decode(field("output", &answer.output)?)
        .map_err(|error| Judgement::new(Verdict::Garbage, format!("output: {error}")))
}

fn same_bytes(right: &[u8], found: &[u8]) -> Judged {
    let same = right.iter().zip(found).take_while(|(right, found)| right == found).count();
    match (right.get(same), found.get(same)) {
        (None, None) => Ok(()),
        (Some(right), Some(found)) => fail(format!("byte {same} is {found:02x}, expected {right:02x}")),
        _ => fail(format!("{} bytes written, expected {}", found.len(), right.len())),
    }
}

fn resume(peer: &Peer, expect: &ResumeExpect, right: &[u8], answer: &Answer) -> Judged {
    let result = one_of(&answer.result, &["resumed", "nothing", "reject"])?;
    match (expect, result) {
        (ResumeExpect::Resumed { .. }, "resumed") => same_bytes(right, &output(answer)?),
        (ResumeExpect::Nothing, "nothing") => Ok(()),
        (ResumeExpect::Reject { error, offset, segment }, "reject") => {
            at_fault(peer, Expected { error, offset: *offset, segment: *segment }, answer)
        }
        (ResumeExpect::Reject { error, .. }, _) => {
            fail(format!("{result}, expected reject ({})", error.join(" or ")))
        }
        (expect, _) => {
            let expected = if *expect == ResumeExpect::Nothing { "nothing" } else { "resumed" };
            let error = answer.error.as_deref().unwrap_or("no error named");
            fail(format!("{result} ({error}), expected {expected}"))
        }
    }
}

fn recover(peer: &Peer, expect: &RecoverExpect, answer: &Answer) -> Judged {
    let result = one_of(&answer.result, &["recovered", "nothing", "reject"])?;
    match expect {
        RecoverExpect::Nothing if result == "nothing" => Ok(()),
        RecoverExpect::Nothing => fail(format!("{result}, expected nothing")),
        RecoverExpect::Reject { error, offset, segment } if result == "reject" => {
            at_fault(peer, Expected { error, offset: *offset, segment: *segment }, answer)
        }
        RecoverExpect::Reject { error, .. } => {
            fail(format!("{result}, expected reject ({})", error.join(" or ")))
        }
        RecoverExpect::Recovered { .. } if result != "recovered" => {
            let error = answer.error.as_deref().unwrap_or("no error named");
            fail(format!("{result} ({error}), expected recovered"))
        }
        RecoverExpect::Recovered { segments, plaintext_len, stream_len, sealed, journal } => {
            let numbers = [
                ("segments", *segments, &answer.segments),
                ("plaintext_len", *plaintext_len, &answer.plaintext_len),
                ("stream_len", *stream_len, &answer.stream_len),
            ];
            for (name, right, found) in numbers {
                let found = *field(name, found)?;
                if found != right as u64 {
                    return fail(format!("{name} {found}, expected {right}"));
                }
            }
            if field("sealed", &answer.sealed)? != sealed {
                return fail(format!("sealed {}, expected {sealed}", !sealed));
            }
            let found = field("journal", &answer.journal)?;
            if found == journal { Ok(()) } else { fail(format!("journal {found}, expected {journal}")) }
        }
    }
}
