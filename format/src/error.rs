//! §17 Errors: one error type with kind, detail, place, and the found and allowed values.

use core::fmt;

use crate::{Misuse, Offset};

/// The class of an error, which says whose fault it is (§17).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Bytes that no writer writes: damage, or not a stream.
    Malformed,
    /// Well formed, but not supported by this reader.
    Unsupported,
    /// Outside the limits of the format, or of the stream header (§14).
    Limit,
    /// Wrong key, wrong context or altered header.
    Key,
    /// Not written by a holder of the key.
    Auth,
    /// Authentic segments in the wrong place.
    Order,
    /// The input ends too early.
    Truncated,
    /// Bytes follow the end of the stream.
    Trailing,
    /// The journal is unusable, or the source is a different one.
    Journal,
    /// The caller asked for something impossible.
    Misuse,
}

/// Declares `Detail` with the kind, the written name and the sentence of each variant.
macro_rules! details {
    ($($(#[$doc:meta])* $variant:ident = $kind:ident $name:literal, $sentence:literal;)+) => {
        /// The check that failed, as `kind.detail` (§17).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Detail {
            $(#[doc = $sentence] $variant,)+
        }

        impl Detail {
            /// Every detail, in the order of the specification (§17).
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// Returns the kind that this detail belongs to.
            #[must_use]
            pub const fn kind(self) -> ErrorKind {
                match self { $(Self::$variant => ErrorKind::$kind,)+ }
            }

            /// Returns the written form, `kind.detail`.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            const fn sentence(self) -> &'static str {
                match self { $(Self::$variant => $sentence,)+ }
            }
        }
    };
}

details! {
    MalformedMagic = Malformed "malformed.magic", "the magic bytes are not those of Stream V2";
    MalformedHeaderCrc = Malformed "malformed.header_crc", "the header's checksum does not match";
    MalformedReserved = Malformed "malformed.reserved", "a reserved byte is not zero";
    MalformedSegmentSize = Malformed "malformed.segment_size", "segment_size is not a multiple of the frame size";
    MalformedEnvelopeLen = Malformed "malformed.envelope_len", "envelope_len is neither 0 nor a multiple of 8, less 4";
    MalformedEnvelopeCrc = Malformed "malformed.envelope_crc", "the envelope's checksum does not match";
    MalformedEnvelope = Malformed "malformed.envelope", "the envelope's stanzas break its rules";
    MalformedKind = Malformed "malformed.kind", "this kind of segment cannot stand in this stream";
    MalformedCodec = Malformed "malformed.codec", "this codec cannot stand in this segment";
    MalformedFlags = Malformed "malformed.flags", "RUN_START or REKEY is wrong for this segment";
    MalformedKeyEpoch = Malformed "malformed.key_epoch", "key_epoch does not follow from segment_index";
    MalformedPlaintextLen = Malformed "malformed.plaintext_len", "plaintext_len is wrong for this kind of segment";
    MalformedPayloadLen = Malformed "malformed.payload_len", "payload_len is wrong for this segment";
    MalformedDataFrames = Malformed "malformed.data_frames", "data_frames does not follow from payload_len";
    MalformedFrameCount = Malformed "malformed.frame_count", "frame_count is not data_frames + 2";
    MalformedWireLen = Malformed "malformed.wire_len", "wire_len does not follow from the other fields";
    MalformedWireCrc = Malformed "malformed.wire_crc", "the wire's checksum does not match";
    MalformedFrameType = Malformed "malformed.frame_type", "a frame of another type belongs here";
    MalformedFrameReserved = Malformed "malformed.frame_reserved", "a reserved byte of the frame header is not zero";
    MalformedFrameLen = Malformed "malformed.frame_len", "the frame's len does not follow from the segment header";
    MalformedIndex = Malformed "malformed.index", "the index segment does not describe the segments before it";
    MalformedDamaged = Malformed "malformed.damaged", "what was committed is damaged here";
    MalformedTerminator = Malformed "malformed.terminator", "the terminator of this segment says what cannot stand there";
    UnsupportedVersion = Unsupported "unsupported.version", "this version of the format is not known here";
    UnsupportedSuite = Unsupported "unsupported.suite", "this suite is not implemented here";
    UnsupportedFlags = Unsupported "unsupported.flags", "a flag is set that is not known here";
    UnsupportedKind = Unsupported "unsupported.kind", "this kind of segment is not implemented here";
    UnsupportedCodec = Unsupported "unsupported.codec", "this codec is not implemented here";
    UnsupportedDigestAlg = Unsupported "unsupported.digest_alg", "this digest algorithm is not implemented here";
    UnsupportedEnvelope = Unsupported "unsupported.envelope", "no stanza of the envelope is of a type that is implemented here";
    LimitFrameSize = Limit "limit.frame_size", "frame_size_log2 is out of range";
    LimitSegmentSize = Limit "limit.segment_size", "segment_size is out of range";
    LimitEpochSegments = Limit "limit.epoch_segments", "epoch_segments allows too many bytes under one key of this suite";
    LimitEnvelopeLen = Limit "limit.envelope_len", "envelope_len is over its limit";
    LimitSegmentIndex = Limit "limit.segment_index", "no data or index segment may have this segment_index";
    LimitKeyEpoch = Limit "limit.key_epoch", "key_epoch is over its limit";
    LimitPlaintextLen = Limit "limit.plaintext_len", "plaintext_len is over the stream's segment_size";
    LimitPayloadLen = Limit "limit.payload_len", "payload_len is over the stream's segment_size";
    LimitStreamPlaintextLen = Limit "limit.stream_plaintext_len", "more plaintext than the stream header declares";
    LimitArgon2id = Limit "limit.argon2id", "the argon2id stanza asks for more than a reader may spend";
    LimitPolicy = Limit "limit.policy", "the stream is within the format's limits and over the caller's";
    KeyHeaderTag = Key "key.header_tag", "wrong key, wrong context or altered header";
    AuthSegmentTag = Auth "auth.segment_tag", "the segment header is not authentic";
    AuthFrame = Auth "auth.frame", "a frame is not authentic";
    AuthDigest = Auth "auth.digest", "the segment's digest does not match its frames";
    AuthTrailer = Auth "auth.trailer", "the trailer does not match the stream before it";
    AuthIndex = Auth "auth.index", "the index segment, or a segment that it names, is another one";
    OrderSegmentIndex = Order "order.segment_index", "another segment belongs here";
    OrderRun = Order "order.run", "the segment belongs to another run";
    OrderUniform = Order "order.uniform", "a data segment follows one that is not full, in a stream that promises full ones";
    OrderTranscript = Order "order.transcript", "the segment continues another history of this stream";
    OrderIndex = Order "order.index", "an index segment is missing, or stands too early";
    Truncated = Truncated "truncated", "the input ends here, before a final segment";
    TruncatedUnsealed = Truncated "truncated.unsealed", "the committed prefix was salvaged; the stream has no final segment";
    Trailing = Trailing "trailing", "bytes follow the final segment";
    JournalHeader = Journal "journal.header", "this is not a whole journal of a known version";
    JournalForeign = Journal "journal.foreign", "the journal belongs to another stream";
    JournalMac = Journal "journal.mac", "the journal's header is not authentic";
    JournalSource = Journal "journal.source", "this is not the source that the interrupted run has read";
    Misuse = Misuse "misuse", "the caller asked for something that the format cannot do";
}

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

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.detail.name())?;
        if self.detail != Detail::Misuse {
            write!(f, " at byte {}", self.offset.0)?;
        }
        if let Some(segment) = self.segment {
            write!(f, ", segment {segment}")?;
        }
        match self.rule {
            Some(rule) => write!(f, ": {rule}")?,
            None => write!(f, ": {}", self.detail.sentence())?,
        }
        if let Some(found) = self.found {
            write!(f, "; found {found}")?;
        }
        match self.allowed {
            Allowed::Unstated => Ok(()),
            Allowed::Exactly(value) => write!(f, ", allowed is {value}"),
            Allowed::Between(low, high) => write!(f, ", allowed is {low} to {high}"),
        }
    }
}

impl core::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn says_what_where_found_and_allowed() {
        let error = Error::new(Detail::MalformedWireLen, Offset(1060))
            .in_segment(1)
            .exactly(4_278_190_085, 1_049_032);
        insta::assert_snapshot!(error.to_string(), @"malformed.wire_len at byte 1060, segment 1: wire_len does not follow from the other fields; found 4278190085, allowed is 1049032");
    }

    #[test]
    fn a_misuse_names_the_rule_and_no_byte() {
        let error = Error::misuse(Misuse::PlaintextLen).in_segment(3).between(5000, 1, 4096);
        insta::assert_snapshot!(error.to_string(), @"misuse, segment 3: a data segment has at least one byte of plaintext, and at most segment_size; found 5000, allowed is 1 to 4096");
        let error = Error::misuse(Misuse::ShortSegment).in_segment(1);
        insta::assert_snapshot!(error.to_string(), @"misuse, segment 1: a stream with UNIFORM allows no data segment after one that is not full (SV2-HDR-016)");
        assert_eq!((error.kind(), error.rule()), (ErrorKind::Misuse, Some(Misuse::ShortSegment)));
    }

    #[test]
    fn names_begin_with_their_kind_and_stand_in_the_specification() {
        let text = include_str!("../../spec/stream-v2.md");
        for detail in Detail::ALL {
            let kind = std::format!("{:?}", detail.kind()).to_lowercase();
            let name = detail.name();
            assert!(name.split('.').next() == Some(&kind), "{name} is not of kind {kind}");
            assert!(
                text.contains(&std::format!("`{name}`")) || detail == &Detail::Misuse,
                "{name} is not specified"
            );
        }
    }
}
