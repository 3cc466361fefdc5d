//! `range`: a stream is opened, and ranges of its plaintext are read (§15.5).

use std::fmt::Write as _;
use std::io;

use serde::{Deserialize, Serialize};

use crate::dump::{dump, made};
use crate::folder::Folder;
use crate::generator::plaintext::Pattern;
use crate::judge::{Judged, Judgement, Verdict, fail, field, same_result};
use crate::operations::operation::{Coverage, Operation, Step, Take};
use crate::operations::read::{Expect, is_prefix, released};
use crate::protocol::{Answer, Peer};
use crate::vector::{About, Fault, Keys, Made, Stored};

/// A vector of the operation `range`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RangeVector {
    /// The common fields of all vectors.
    #[serde(flatten)]
    pub about: About,
    /// The caller's keys and context.
    pub keys: Keys,
    /// `strict`.
    pub mode: String,
    /// The stream.
    pub input: Stored,
    /// The plaintext of the sealed history, from which ranges are released.
    pub plaintext: Pattern,
    /// The ranges, read in this order with one reader.
    pub ranges: Vec<Span>,
    /// The number of segments that the reader may read for their link, or null for no limit.
    pub runs_max: Option<u32>,
    /// The only right answer.
    pub expect: RangeExpect,
    /// The origin of the vector.
    pub made: Made,
}

/// A range of plaintext bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Span {
    /// The first byte.
    pub offset: u64,
    /// The number of bytes.
    pub len: u64,
}

/// The result of opening a stream and reading ranges of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "result", rename_all = "lowercase", deny_unknown_fields)]
pub enum RangeExpect {
    /// The final segment is verified.
    Accept {
        /// The way in which segments are found: `arithmetic`, `headers` or `index`.
        by: String,
        /// The length of the plaintext in bytes, as the final segment declares it.
        plaintext_len: usize,
        /// For each range, the only right answer.
        ranges: Vec<Expect>,
    },
    /// The stream is refused before any range is read.
    Reject(Fault),
    /// The reader does not support the stream.
    Unsupported(Fault),
}

#[derive(Serialize)]
struct Fields<'a> {
    mode: &'a str,
    keys: &'a Keys,
    input: String,
    ranges: &'a [Span],
    runs_max: Option<u32>,
}

impl Operation for RangeVector {
    fn about(&self) -> &About {
        &self.about
    }

    fn base(&self) -> Option<&str> {
        self.made.base.as_deref()
    }

    fn stored(&self) -> Vec<&Stored> {
        vec![&self.input]
    }

    fn coverage(&self) -> Coverage {
        let accepting = match &self.expect {
            RangeExpect::Accept { ranges, .. } => ranges.iter().all(Expect::accepts),
            _ => false,
        };
        Coverage::of(accepting)
    }

    fn lint(&self, report: &mut dyn FnMut(bool, &str)) {
        report(self.ranges.is_empty(), "no range");
        report(!self.releases_ranges(), "what is released is not that range of the plaintext");
    }

    fn explain(&self, folder: &Folder) -> io::Result<String> {
        let mut text = String::new();
        let mut at = None;
        match &self.expect {
            RangeExpect::Accept { by, plaintext_len, ranges } => {
                let _ = writeln!(text, "opened: {plaintext_len} bytes, by {by}");
                for (span, expect) in self.ranges.iter().zip(ranges) {
                    let _ = write!(text, "{} bytes from byte {} on, ", span.len, span.offset);
                    text += &expect.explained();
                    at = at.or(expect.offset());
                }
            }
            RangeExpect::Reject(fault) | RangeExpect::Unsupported(fault) => {
                at = fault.offset;
                let expect = serde_json::to_string(&self.expect)?;
                let _ = writeln!(text, "expected when it is opened: {expect}");
            }
        }
        if let Some(runs_max) = self.runs_max {
            let _ = writeln!(text, "links that may be read: {runs_max}");
        }
        Ok(text + &made(&self.made) + &dump("input", &folder.bytes(&self.input)?, at))
    }

    fn steps<'a>(&'a self, folder: &Folder, _: &Peer, take: &mut Take<'_, 'a>) -> io::Result<()> {
        let fields = Fields {
            mode: &self.mode,
            keys: &self.keys,
            input: folder.hex(&self.input)?,
            ranges: &self.ranges,
            runs_max: self.runs_max,
        };
        take(Step::new("range", &self.about, fields, |peer, answer| judge(peer, &self.expect, answer)));
        Ok(())
    }
}

impl RangeVector {
    /// Returns whether all expected bytes of each range are a prefix of it.
    fn releases_ranges(&self) -> bool {
        let RangeExpect::Accept { ranges, .. } = &self.expect else { return true };
        let plaintext = self.plaintext.bytes();
        let right = |(span, expect): (&Span, &Expect)| {
            let begin = usize::try_from(span.offset).unwrap_or(plaintext.len()).min(plaintext.len());
            let (len, sha256) = expect.released();
            len as u64 <= span.len && is_prefix(&plaintext[begin..], len, sha256)
        };
        ranges.len() == self.ranges.len() && self.ranges.iter().zip(ranges).all(right)
    }
}

/// Judges the opening and then each range.
fn judge(peer: &Peer, expect: &RangeExpect, answer: &Answer) -> Judged {
    let right = match expect {
        RangeExpect::Accept { .. } => ("accept", None),
        RangeExpect::Reject(fault) => ("reject", Some(fault)),
        RangeExpect::Unsupported(fault) => ("unsupported", Some(fault)),
    };
    same_result(peer, "opening: ", right, answer)?;
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
            let judgement = judgement.at(&format!("range {number}"));
            if failed { judgement.breaking("SV2-REL-003") } else { judgement }
        })?;
        failed |= !expect.accepts();
    }
    Ok(())
}
