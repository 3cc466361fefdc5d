//! §17 `misuse`: the rules that a caller can break, each with its requirement.

use core::fmt;

/// Declares `Misuse` with the requirement and the sentence of each rule.
macro_rules! rules {
    ($($(#[$doc:meta])* $variant:ident = $requirement:expr, $sentence:literal;)+) => {
        /// A rule that the caller broke, which is a defect of the calling program (§17).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Misuse {
            $($(#[$doc])* $variant,)+
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

            /// Returns the rule as one sentence without its full stop.
            pub(crate) const fn sentence(self) -> &'static str {
                match self { $(Self::$variant => $sentence,)+ }
            }
        }
    };
}

rules! {
    /// A data segment follows one that is not full, in a stream with UNIFORM.
    ShortSegment = Some("SV2-HDR-016"), "a stream with UNIFORM allows no data segment after one that is not full";
    /// Index segments were requested for a stream with UNIFORM. Clear one of the two.
    UniformWithIndex = Some("SV2-HDR-016"), "a stream with UNIFORM has no index segments";
    /// An index segment is due before the segment to be sealed.
    IndexMissing = Some("SV2-IDX-001"), "an index segment must come before this segment";
    /// A segment that is not final follows an index segment that is not full.
    IndexEndsStream = Some("SV2-IDX-005"), "only a final segment may follow an index segment that is not full";
    /// An index segment was requested, although no data segment has come since the last one.
    NothingToIndex = Some("SV2-IDX-002"), "an index segment needs a data segment that no index segment covers yet";
    /// A payload has a length that no index segment of this stream has.
    IndexPayloadLen = Some("SV2-IDX-003"), "no index segment of this stream has a payload of this length";
    /// A stream without index segments is too long to add them when it resumes.
    IndexTooLate = Some("SV2-IDX-010"), "index segments cannot be added: more data segments are committed than one of them covers";
    /// A stream without index segments has ended, so that none can be added.
    IndexAfterEnd = Some("SV2-IDX-010"), "index segments cannot be added: the stream has ended, and data segments are not covered";
    /// A segment was to be sealed with another digest_alg than those before it.
    DigestAlgChanged = Some("SV2-DIG-008"), "all segments of a stream have the same digest_alg";
    /// A stream was to be resumed with another digest_alg than its own.
    ResumedDigestAlg = Some("SV2-RES-005"), "a stream is resumed with its own digest_alg";
    /// The stream to be resumed has ended, or has no segment_index left.
    ResumedSealed = Some("SV2-RES-009"), "a stream that has its final segment, or as many segments as it can have, cannot be resumed";
    /// A segment_index was sealed before, or a higher one was.
    SealedTwice = Some("SV2-FRM-008"), "a run seals its segments in ascending order, each of them once";
    /// The parameters have a stream_salt, which a writer draws itself.
    SaltChosen = Some("SV2-WRT-006"), "a writer draws stream_salt itself, so the parameters must have none";
    /// The stream has no envelope, and the caller has no content key.
    NoContentKey = Some("SV2-ENV-008"), "a stream without an envelope is read with a content key from the caller";
    /// The envelope has stanzas that this reader can unwrap, and the caller brought nothing for
    /// them.
    NothingForEnvelope = Some("SV2-ENV-025"), "no stanza of the envelope is for a key, identity or password of the caller";
    /// A passphrase and something else were to wrap one content key. Anyone who has the other would
    /// not need the passphrase.
    PassphraseAlone = Some("SV2-ENV-005"), "a stream that is encrypted for a passphrase is for nothing else";
    /// The output is unfinished, or its journal is still there. Let its writer complete it first.
    EnvelopeUnfinished = Some("SV2-ENV-033"), "the envelope of an output that a writer has open or can resume is not replaced";
    /// The content key is one that the caller brought, and other streams may have it. Decrypt the
    /// stream, and encrypt it anew.
    WrapsBrought = Some("SV2-ENV-034"), "a content key from the caller, which other streams may have, is not wrapped";
    /// The cost of Argon2id is below the minimum for writers.
    Argon2idWeak = Some("SV2-ENV-027"), "a writer uses at least 65,536 KiB of memory and 3 passes for a password";
    /// The age file is encrypted with a password of age. Use an argon2id stanza instead.
    AgeScrypt = Some("SV2-ENV-020"), "an age file in an envelope must not have a password of its own";
    /// Hybrid recipients of age were combined with others, which a quantum computer could open.
    AgeMixed = None, "hybrid recipients of age are combined only with other hybrid recipients";
    /// A stream was to be resumed for other recipients than those that it was begun for.
    OtherRecipients = None, "a stream is resumed for the recipients that it was begun for";
    /// A file under a working name of the output was not written by it. Move it away.
    OutputOfOthers = Some("SV2-RES-014"), "a file that is not part of this output is not dropped or replaced";
    /// The link of a segment was requested that has none.
    NoLink = Some("SV2-RNG-006"), "only an index segment and the first segment of a run have a link";
    /// Nothing was wrapped for the envelope, so the stream could not be opened.
    EnvelopeEmpty = None, "an envelope wraps the content key at least once";
    /// The stream has no envelope, so that none can be overwritten.
    EnvelopeMissing = None, "the stream has no envelope that could be replaced in place";
    /// The wrapped keys are too long for the requested length of the envelope.
    EnvelopeRoom = None, "the stanzas do not fit into an envelope of this length";
    /// The opened segment is not a final segment, or not the one of this header.
    NotFinal = None, "the opened segment is not the final segment";
    /// The plaintext of a data segment is empty, or longer than segment_size.
    PlaintextLen = None, "a data segment has at least one byte of plaintext, and at most segment_size";
    /// The buffer for the wire is longer or shorter than wire_len.
    WireLen = None, "the buffer of the wire must have wire_len bytes";
    /// The buffer for the payload is longer or shorter than payload_len.
    PayloadLen = None, "the buffer of the payload must have payload_len bytes";
    /// A segment was to be sealed with a payload that is not shorter than its plaintext.
    CodecGains = Some("SV2-COD-001"), "a segment has a codec only if that makes its payload shorter";
    /// A segment was to be sealed with a codec, in a stream with UNIFORM.
    UniformWithCodec = Some("SV2-HDR-016"), "a stream with UNIFORM has no codec";
    /// The buffer for the plaintext is longer or shorter than plaintext_len.
    PlaintextBuffer = None, "the buffer of the plaintext must have plaintext_len bytes";
    /// A piece of a segment ends within a frame.
    SplitFrame = None, "a piece of a segment must end where a frame ends";
    /// More bytes were pushed than the segment has.
    SegmentOverrun = None, "more bytes were pushed than the segment has";
    /// The segment was to be finished before all of its bytes were pushed.
    SegmentUnfinished = None, "fewer bytes were pushed than the segment has";
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
    fn no_two_rules_have_the_same_sentence() {
        let said: std::collections::BTreeSet<_> = Misuse::ALL.iter().map(ToString::to_string).collect();
        assert_eq!(said.len(), Misuse::ALL.len());
    }
}
