//! `read`: a stream from its beginning to its end (§15).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io;

use serde::{Deserialize, Serialize};

use crate::dump::{dump, made};
use crate::folder::Folder;
use crate::generator::plaintext::Pattern;
use crate::generator::primitives::sha256_hex;
use crate::judge::{Judged, Judgement, Verdict, at_fault, fail, field, named, one_of};
use crate::operations::answers::lint_made;
use crate::operations::operation::{Coverage, OneShot, Operation, Step, Take};
use crate::protocol::{Answer, Peer};
use crate::vector::{About, Fault, Keys, Made, Stored};

/// A vector of the operation `read`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadVector {
    /// The common fields of all vectors.
    #[serde(flatten)]
    pub about: About,
    /// The caller's keys and context.
    pub keys: Keys,
    /// `strict` or `salvage`.
    pub mode: String,
    /// The stream. For a recipe, the stream before the change.
    pub input: Stored,
    /// The plaintext whose prefixes are released.
    pub plaintext: Pattern,
    /// The only right answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expect: Option<Expect>,
    /// The only right answer of a reader that lacks a feature, by feature.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub expect_without: BTreeMap<String, Expect>,
    /// Many inputs that are made from one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recipe: Option<Recipe>,
    /// Whether an error is reported again when the reader is asked again.
    pub sticky: bool,
    /// The ways in which the input is delivered.
    pub deliveries: Vec<String>,
    /// The origin of the vector.
    pub made: Made,
}

/// The only right answer to an input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "result", rename_all = "lowercase", deny_unknown_fields)]
pub enum Expect {
    /// The whole plaintext is released and success reported.
    Accept {
        /// Length in bytes.
        plaintext_len: usize,
        /// SHA-256 in hex.
        plaintext_sha256: String,
    },
    /// The stream is refused.
    Reject(Refusal),
    /// The reader does not support the stream.
    Unsupported(Refusal),
}

/// The refusal of a stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// The error and its place.
    #[serde(flatten)]
    pub fault: Fault,
    /// The exact number of released plaintext bytes.
    pub released_len: usize,
    /// SHA-256 of those bytes, in hex.
    pub released_sha256: String,
}

/// Many inputs that are made from one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// `truncate` or `flip-bit`.
    pub change: String,
    /// The reader's answer for each place.
    pub ranges: Vec<RecipeRow>,
}

/// Places in an input, and the reader's answer to each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecipeRow {
    /// First length or byte offset.
    pub from: usize,
    /// One after the last.
    pub to: usize,
    /// `reject`.
    pub result: String,
    /// `kind.detail`, one of these.
    pub error: Vec<String>,
    /// The offset from the start of the stream. It is absent in `truncate`, in which it is the
    /// length of the input.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offset: Option<usize>,
    /// The number of segments before the fault, or null in the stream header and the envelope.
    pub segment: Option<usize>,
    /// The exact number of released plaintext bytes.
    pub released_len: usize,
    /// SHA-256 of those bytes, in hex.
    pub released_sha256: String,
}

#[derive(Serialize)]
struct Fields<'a> {
    mode: &'a str,
    keys: &'a Keys,
    /// `whole`, or the length of a piece in bytes.
    delivery: &'a str,
    /// Whether the reader is asked again after an error.
    sticky: bool,
    input: String,
}

impl Operation for ReadVector {
    fn about(&self) -> &About {
        &self.about
    }

    fn base(&self) -> Option<&str> {
        self.made.base.as_deref()
    }

    fn is_recipe(&self) -> bool {
        self.recipe.is_some()
    }

    fn has_answer_without(&self, _: &str) -> bool {
        true
    }

    fn stored(&self) -> Vec<&Stored> {
        vec![&self.input]
    }

    fn coverage(&self) -> Coverage {
        if self.is_recipe() {
            // The recipe's unchanged input is accepted.
            return Coverage { accepting: true, rejecting: true };
        }
        let answers = self.expect.iter().chain(self.expect_without.values());
        answers.map(|answer| Coverage::of(answer.accepts())).fold(Coverage::default(), Coverage::or)
    }

    fn lint(&self, report: &mut dyn FnMut(bool, &str)) {
        lint_made(&self.made, report);
        report(self.expect.is_some() == self.recipe.is_some(), "either an answer or a recipe");
        let without: BTreeSet<&String> = self.expect_without.keys().collect();
        report(without != self.about.features.iter().collect(), "features and expect_without differ");
        report(!self.releases_prefixes(), "what is released is not a prefix of the plaintext");
    }

    fn explain(&self, folder: &Folder) -> io::Result<String> {
        let mut text = String::new();
        let mut fault = None;
        if let Some(expect) = &self.expect {
            text += &expect.explained();
            fault = expect.offset();
        }
        for (feature, expect) in &self.expect_without {
            let _ = write!(text, "without {feature}: {}", expect.explained());
        }
        if let Some(recipe) = &self.recipe {
            let _ = writeln!(text, "recipe: {}, {} rows", recipe.change, recipe.ranges.len());
        }
        Ok(text + &made(&self.made) + &dump("input", &folder.bytes(&self.input)?, fault))
    }

    fn steps<'a>(&'a self, folder: &Folder, peer: &Peer, take: &mut Take<'_, 'a>) -> io::Result<()> {
        let input = folder.bytes(&self.input)?;
        let deliveries = if peer.deliveries { &self.deliveries[..] } else { &self.deliveries[..1] };
        if let Some(recipe) = &self.recipe {
            self.follow(recipe, &input, deliveries, take);
            return Ok(());
        }
        let expect = match peer.lacks(&self.about.features) {
            Some(feature) => self.expect_without.get(feature),
            None => self.expect.as_ref(),
        };
        let expect = expect.ok_or_else(|| {
            let text = format!("{}: no answer for these features", self.about.id);
            io::Error::new(io::ErrorKind::InvalidData, text)
        })?;
        for (number, delivery) in deliveries.iter().enumerate() {
            let mut step = self.step(format!("delivery {delivery}"), delivery, input.clone(), expect.clone());
            // The answer was right when the input came whole, and is wrong now.
            step.breaks = (number > 0).then_some("SV2-RDR-002");
            if take(step).is_none() {
                break;
            }
        }
        Ok(())
    }
}

impl ReadVector {
    fn step<'a>(&'a self, which: String, delivery: &'a str, input: Vec<u8>, expect: Expect) -> Step<'a> {
        let (mode, keys) = (&*self.mode, &self.keys);
        let fields = Fields { mode, keys, delivery, sticky: self.sticky, input: hex::encode(&input) };
        let mut step =
            Step::new("read", &self.about, fields, move |peer, answer| judge(peer, &expect, answer));
        step.one_shot = Some(OneShot { keys, mode, input });
        step.named(which)
    }

    /// Makes every change that the recipe describes. Truncations come in every delivery, and
    /// flipped bits come whole.
    fn follow<'a>(
        &'a self,
        recipe: &Recipe,
        input: &[u8],
        deliveries: &'a [String],
        take: &mut Take<'_, 'a>,
    ) {
        let places =
            recipe.ranges.iter().flat_map(|range| (range.from..range.to).map(move |place| (range, place)));
        for (range, place) in places {
            let truncates = recipe.change == "truncate";
            let expect = Expect::Reject(Refusal {
                fault: Fault {
                    error: range.error.clone(),
                    offset: if truncates { Some(place) } else { range.offset },
                    segment: range.segment,
                },
                released_len: range.released_len,
                released_sha256: range.released_sha256.clone(),
            });
            let passed = if truncates {
                deliveries.iter().all(|delivery| {
                    let which = format!("the first {place} bytes, delivery {delivery}");
                    take(self.step(which, delivery, input[..place].to_vec(), expect.clone())).is_some()
                })
            } else {
                (0..8).all(|bit| {
                    let mut flipped = input.to_vec();
                    flipped[place] ^= 1 << bit;
                    let which = format!("bit {bit} of byte {place} flipped");
                    take(self.step(which, "whole", flipped, expect.clone())).is_some()
                })
            };
            if !passed {
                return;
            }
        }
    }

    /// Returns whether all expected output is a prefix of the plaintext that the vector describes.
    fn releases_prefixes(&self) -> bool {
        let plaintext = self.plaintext.bytes();
        let mut answers = self.expect.iter().chain(self.expect_without.values());
        let mut ranges = self.recipe.iter().flat_map(|recipe| &recipe.ranges);
        answers.all(|answer| {
            let (len, sha256) = answer.released();
            let whole = !answer.accepts() || len == plaintext.len();
            whole && is_prefix(&plaintext, len, sha256)
        }) && ranges.all(|range| is_prefix(&plaintext, range.released_len, &range.released_sha256))
    }
}

/// Returns whether the first `len` bytes have this hash.
pub(super) fn is_prefix(plaintext: &[u8], len: usize, sha256: &str) -> bool {
    plaintext.get(..len).is_some_and(|bytes| sha256_hex(bytes) == sha256)
}

impl Expect {
    /// Returns whether it is a success.
    #[must_use]
    pub fn accepts(&self) -> bool {
        matches!(self, Self::Accept { .. })
    }

    /// Returns the length of the released plaintext, and its hash.
    pub(super) fn released(&self) -> (usize, &str) {
        match self {
            Self::Accept { plaintext_len, plaintext_sha256 } => (*plaintext_len, plaintext_sha256),
            Self::Reject(refusal) | Self::Unsupported(refusal) => {
                (refusal.released_len, &refusal.released_sha256)
            }
        }
    }

    /// Returns the refusal, if there is one.
    fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Accept { .. } => None,
            Self::Reject(refusal) | Self::Unsupported(refusal) => Some(refusal),
        }
    }

    fn result(&self) -> &'static str {
        match self {
            Self::Accept { .. } => "accept",
            Self::Reject(_) => "reject",
            Self::Unsupported(_) => "unsupported",
        }
    }

    /// Returns the offset of the fault, if there is one.
    pub(super) fn offset(&self) -> Option<usize> {
        self.refusal().and_then(|refusal| refusal.fault.offset)
    }

    /// Returns a line for people.
    pub(super) fn explained(&self) -> String {
        let (len, _) = self.released();
        let Some(Refusal { fault, .. }) = self.refusal() else {
            return format!("expected: accept, {len} bytes released\n");
        };
        let place =
            |name: &str, place: Option<usize>| place.map_or(String::new(), |at| format!(", {name} {at}"));
        format!(
            "expected: {} ({}){}{}, {len} bytes released before\n",
            self.result(),
            fault.names(),
            place("offset", fault.offset),
            place("segment", fault.segment),
        )
    }
}

fn judge(peer: &Peer, expect: &Expect, answer: &Answer) -> Judged {
    released(peer, expect, answer)?;
    expect.refusal().map_or(Ok(()), |refusal| again(peer, refusal, answer))
}

/// Compares the result, the error and the released bytes.
pub(super) fn released(peer: &Peer, expect: &Expect, answer: &Answer) -> Judged {
    let result = one_of(&answer.result, &["accept", "reject", "unsupported"])?;
    let released_len = *field("released_len", &answer.released_len)?;
    let released_sha256 = field("released_sha256", &answer.released_sha256)?;
    let (right, fault) = (expect.result(), expect.refusal().map(|refusal| &refusal.fault));
    let (len, sha256) = expect.released();
    let len = len as u64;
    let how = || match (&answer.error, result) {
        (Some(error), "reject" | "unsupported") => format!("{result} ({error})"),
        _ => result.to_owned(),
    };
    if released_len > len {
        let what = format!("{released_len} bytes released, {len} allowed; {}", how());
        return Err(Judgement::new(Verdict::OverRelease, what).breaking("SV2-REL-001"));
    }
    if result != right {
        let wanted = fault.map_or(String::new(), |fault| format!(" ({})", fault.names()));
        return fail(format!("{}, expected {right}{wanted}", how()));
    }
    if let Some(fault) = fault {
        at_fault(peer, fault, answer)?;
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

/// Checks SV2-REL-003. An adapter declares in the handshake if its reader cannot be asked again.
fn again(peer: &Peer, refusal: &Refusal, answer: &Answer) -> Judged {
    if !peer.again {
        return Ok(());
    }
    let Some(again) = &answer.again else {
        let what = "the answer does not say what the reader reports when it is asked again (\"again\")";
        return Err(Judgement::new(Verdict::Fail, what).breaking("SV2-REL-003"));
    };
    if again.released_len > refusal.released_len as u64 {
        let more = format!("asked again after the error, {} bytes were released", again.released_len);
        return Err(Judgement::new(Verdict::OverRelease, more).breaking("SV2-REL-003"));
    }
    let other = match &again.error {
        None => fail("the reader reported none"),
        Some(error) => named(peer, &refusal.fault.error, Some(error)),
    };
    other.map_err(|judgement| judgement.at("asked again after the error").breaking("SV2-REL-003"))
}
