//! §17 Errors: one error type with detail, place, and the found and allowed values.

use core::fmt;

use crate::detail::{Detail, ErrorKind};
use crate::limits::STREAM_HEADER_LEN;
use crate::{Misuse, Offset};

/// The values that a field may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Allowed {
    /// Not expressible as numbers.
    Unstated,
    /// Exactly this value.
    Exactly(u64),
    /// Any value from the first to the second, both included.
    Between(u64, u64),
}

/// One error of a stream: the check that failed, its place, and the found and allowed values.
///
/// It is small and `Copy`, because threads pass it on and a reader repeats it (§15.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
//= spec/stream-v2.md#sv2-err-001
//# A reader MUST report, with each error of the stream, the kind, the detail, the offset, and the
//# number of segments before the place of the fault.
pub struct Error {
    detail: Detail,
    offset: Offset,
    segment: Option<u64>,
    found: Option<u64>,
    allowed: Allowed,
    /// The broken rule; set for a misuse only.
    rule: Option<Misuse>,
}

impl Error {
    pub(crate) const fn new(detail: Detail, offset: Offset) -> Self {
        Self { detail, offset, segment: None, found: None, allowed: Allowed::Unstated, rule: None }
    }

    /// Returns `truncated`: the input ended at `offset` (SV2-FIN-004).
    ///
    /// There are `segments` committed segments before it.
    #[must_use]
    pub const fn truncated(offset: Offset, segments: Option<u64>) -> Self {
        Self { segment: segments, ..Self::new(Detail::Truncated, offset) }
    }

    /// Returns `misuse`: the caller broke `rule`.
    #[must_use]
    pub const fn misuse(rule: Misuse) -> Self {
        Self { rule: Some(rule), ..Self::new(Detail::Misuse, Offset(0)) }
    }

    /// Returns `key.envelope`: a library for age cannot unwrap the content key (SV2-ENV-009).
    #[must_use]
    pub const fn key_envelope() -> Self {
        Self::new(Detail::KeyEnvelope, Offset(STREAM_HEADER_LEN as u64))
    }

    /// Returns whether the envelope is damaged, or is being replaced in place at this moment
    /// (§12.4).
    #[must_use]
    pub const fn is_torn_envelope(&self) -> bool {
        matches!(self.detail, Detail::MalformedEnvelopeCrc | Detail::MalformedEnvelope)
    }

    /// Returns `malformed.magic`: the output does not begin like a stream (SV2-RES-014).
    #[must_use]
    pub const fn not_a_stream() -> Self {
        Self::new(Detail::MalformedMagic, Offset(0))
    }

    /// Returns `malformed.damaged`: committed segments are damaged from `offset` on.
    ///
    /// There are `segments` intact ones before them (SV2-RES-006, SV2-RES-010).
    #[must_use]
    pub const fn damaged(offset: Offset, segments: u64) -> Self {
        Self { segment: Some(segments), ..Self::new(Detail::MalformedDamaged, offset) }
    }

    /// Returns `journal.source`: the interrupted run read another source (SV2-RES-008).
    ///
    /// `plaintext_len` is the number of its bytes that were compared or are committed.
    #[must_use]
    pub const fn other_source(plaintext_len: u64) -> Self {
        Self::new(Detail::JournalSource, Offset(plaintext_len))
    }

    /// Returns `trailing`: bytes follow the final segment, from `offset` on (SV2-FIN-003).
    #[must_use]
    pub const fn trailing(offset: Offset, segments: u64) -> Self {
        Self { segment: Some(segments), ..Self::new(Detail::Trailing, offset) }
    }

    /// Returns `malformed.wire_crc`: the wire's checksum does not match (SV2-SEG-025).
    ///
    /// The expected checksum is in the segment header at `segment_offset`.
    #[must_use]
    pub const fn wire_crc(segment_offset: Offset, segments_before: u64) -> Self {
        Self::new(Detail::MalformedWireCrc, segment_offset.plus(56)).in_segment(segments_before)
    }

    /// Returns `limit.policy`: `segment_size` is above the caller's own limit (SV2-LIM-002).
    ///
    /// Both are in bytes.
    #[must_use]
    pub const fn over_policy(segment_size: u32, allowed: u32) -> Self {
        Self::new(Detail::LimitPolicy, Offset(16)).between(segment_size as u64, 0, allowed as u64)
    }

    pub(crate) const fn exactly(self, found: u64, allowed: u64) -> Self {
        Self { found: Some(found), allowed: Allowed::Exactly(allowed), ..self }
    }

    pub(crate) const fn between(self, found: u64, low: u64, high: u64) -> Self {
        Self { found: Some(found), allowed: Allowed::Between(low, high), ..self }
    }

    pub(crate) const fn with_found(self, found: u64) -> Self {
        Self { found: Some(found), ..self }
    }

    pub(crate) const fn in_segment(self, segments_before: u64) -> Self {
        Self { segment: Some(segments_before), ..self }
    }

    /// Turns a truncation into the report of a salvage (SV2-SAL-002).
    ///
    /// Other errors stay unchanged.
    #[must_use]
    pub const fn salvaged(self) -> Self {
        match self.detail {
            Detail::Truncated => Self { detail: Detail::TruncatedUnsealed, ..self },
            _ => self,
        }
    }

    /// Returns the kind of the error (§17).
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        self.detail.kind()
    }

    /// Returns the check that failed.
    #[must_use]
    pub const fn detail(&self) -> Detail {
        self.detail
    }

    /// Returns the offset of the field at fault, in bytes from the start of the stream (§17).
    #[must_use]
    pub const fn offset(&self) -> Offset {
        self.offset
    }

    /// Returns the number of segments before the one at fault; `None` in the stream header.
    #[must_use]
    pub const fn segment(&self) -> Option<u64> {
        self.segment
    }

    /// Returns the value at fault, if it is a number.
    #[must_use]
    pub const fn found(&self) -> Option<u64> {
        self.found
    }

    /// Returns the values that the field may have.
    #[must_use]
    pub const fn allowed(&self) -> Allowed {
        self.allowed
    }

    /// Returns the rule that the caller broke; `None` unless the kind is [`ErrorKind::Misuse`].
    #[must_use]
    pub const fn rule(&self) -> Option<Misuse> {
        self.rule
    }
}

/// The problem, and after it, in parentheses, the detail and the place of the fault.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let problem = self.rule.map_or(self.detail.sentence(), Misuse::sentence);
        match (self.found, self.detail.field(), self.allowed) {
            (None, ..) => f.write_str(problem)?,
            (Some(found), Some(field), Allowed::Exactly(_) | Allowed::Between(..)) => {
                write!(f, "{field} is {found}")?;
            }
            (Some(found), ..) => write!(f, "{problem}: found {found}")?,
        }
        match self.allowed {
            Allowed::Unstated => {}
            Allowed::Exactly(value) => write!(f, ", expected {value}")?,
            Allowed::Between(low, high) => write!(f, ", expected {low} to {high}")?,
        }
        write!(f, " ({}", self.detail.name())?;
        if let Some(requirement) = self.rule.and_then(Misuse::requirement) {
            write!(f, ", {requirement}")?;
        }
        if self.detail != Detail::Misuse {
            write!(f, " at byte {}", self.offset.0)?;
        }
        if let Some(segment) = self.segment {
            write!(f, ", segment {segment}")?;
        }
        f.write_str(")")
    }
}

impl core::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn says_what_where_found_and_allowed() {
        let error = Error::new(Detail::MalformedWireLen, Offset(1060)).in_segment(1);
        insta::assert_snapshot!(error.exactly(4_278_190_085, 1_049_032).to_string(), @"wire_len is 4278190085, expected 1049032 (malformed.wire_len at byte 1060, segment 1)");
        insta::assert_snapshot!(error.to_string(), @"wire_len does not follow from the other fields (malformed.wire_len at byte 1060, segment 1)");
        let error = Error::new(Detail::UnsupportedCodec, Offset(521)).with_found(9);
        insta::assert_snapshot!(error.to_string(), @"this codec is not supported: found 9 (unsupported.codec at byte 521)");
    }

    #[test]
    fn a_misuse_names_the_rule_and_no_byte() {
        let error = Error::misuse(Misuse::PlaintextLen).in_segment(3).between(5000, 1, 4096);
        insta::assert_snapshot!(error.to_string(), @"a data segment has at least one byte of plaintext, and at most segment_size: found 5000, expected 1 to 4096 (misuse, segment 3)");
        let error = Error::misuse(Misuse::ShortSegment).in_segment(1);
        insta::assert_snapshot!(error.to_string(), @"a stream with UNIFORM allows no data segment after one that is not full (misuse, SV2-HDR-016, segment 1)");
        assert_eq!((error.kind(), error.rule()), (ErrorKind::Misuse, Some(Misuse::ShortSegment)));
    }
}
