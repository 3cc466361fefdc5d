//! §17 `misuse`: the rules that a caller can break, each with its requirement.

use core::fmt;

/// Declares `Misuse` with the requirement and the sentence of each rule.
macro_rules! rules {
    ($($variant:ident = $requirement:expr, $sentence:literal;)+) => {
        /// A rule that the caller broke.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Misuse {
            $(#[doc = $sentence] $variant,)+
        }

        impl Misuse {
            /// Every rule.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// Returns the requirement of the specification behind this rule.
            ///
            /// Returns `None` for a rule of this interface, such as the length of a buffer.
            #[must_use]
            pub const fn requirement(self) -> Option<&'static str> {
                match self { $(Self::$variant => $requirement,)+ }
            }

            const fn sentence(self) -> &'static str {
                match self { $(Self::$variant => $sentence,)+ }
            }
        }
    };
}

rules! {
    ShortSegment = Some("SV2-HDR-016"), "a stream with UNIFORM allows no data segment after one that is not full";
    UniformWithIndex = Some("SV2-HDR-016"), "a stream with UNIFORM has no index segments";
    IndexMissing = Some("SV2-IDX-001"), "an index segment must come before this segment";
    IndexEndsStream = Some("SV2-IDX-005"), "only a final segment may follow an index segment that is not full";
    NothingToIndex = Some("SV2-IDX-002"), "an index segment needs a data segment that no index segment covers yet";
    IndexPayloadLen = Some("SV2-IDX-003"), "no index segment of this stream has a payload of this length";
    IndexTooLate = Some("SV2-IDX-010"), "index segments cannot be added: more data segments are committed than one of them covers";
    IndexAfterEnd = Some("SV2-IDX-010"), "index segments cannot be added: the stream has ended, and data segments are not covered";
    DigestAlgChanged = Some("SV2-DIG-008"), "all segments of a stream have the same digest_alg";
    ResumedDigestAlg = Some("SV2-RES-005"), "a stream is resumed with its own digest_alg";
    ResumedSealed = Some("SV2-RES-009"), "a stream that has its final segment, or as many segments as it can have, cannot be resumed";
    SealedTwice = Some("SV2-FRM-008"), "a run seals its segments in ascending order, each of them once";
    SaltChosen = Some("SV2-WRT-006"), "a writer draws stream_salt itself, so the parameters must have none";
    NoContentKey = Some("SV2-ENV-008"), "a stream without an envelope is read with a content key from the caller";
    OutputOfOthers = Some("SV2-RES-014"), "a file that is not part of this output is not dropped or replaced";
    NoLink = Some("SV2-RNG-006"), "only an index segment and the first segment of a run have a link";
    NotFinal = None, "this is not what opening the final segment gave";
    PlaintextLen = None, "a data segment has at least one byte of plaintext, and at most segment_size";
    WireLen = None, "the buffer of the wire must have wire_len bytes";
    PayloadLen = None, "the buffer of the payload must have payload_len bytes";
    SplitFrame = None, "a piece of a segment must end where a frame ends";
    SegmentOverrun = None, "the segment has fewer bytes than this";
    SegmentUnfinished = None, "the segment has more bytes than were pushed";
}

impl fmt::Display for Misuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.sentence())?;
        match self.requirement() {
            Some(requirement) => write!(f, " ({requirement})"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::string::ToString;

    use super::*;

    #[test]
    fn every_requirement_is_one_of_the_specification() {
        let text = include_str!("../../spec/stream-v2.md");
        for requirement in Misuse::ALL.iter().filter_map(|rule| rule.requirement()) {
            assert!(text.contains(&std::format!("\n#### {requirement}\n")), "{requirement}");
        }
    }

    #[test]
    fn no_two_rules_have_the_same_sentence() {
        let said: std::collections::BTreeSet<_> = Misuse::ALL.iter().map(ToString::to_string).collect();
        assert_eq!(said.len(), Misuse::ALL.len());
    }
}
