//! §17 Errors: the checks that a stream can fail, each with its kind, its name and its message.

/// The class of an error, which says whose fault it is (§17).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Bytes that no writer writes: damage, or not a stream. Fetch the stream again.
    Malformed,
    /// Well formed, but not supported by this reader. Use a newer one.
    Unsupported,
    /// Outside the limits of the format, of the stream header or of the caller (§14).
    Limit,
    /// Wrong key, wrong context or altered header.
    Key,
    /// Not written by a holder of the key: the stream was altered.
    Auth,
    /// Authentic segments in the wrong place: the stream was altered.
    Order,
    /// The input ends too early. What was released before is a verified beginning.
    Truncated,
    /// Bytes follow the end of the stream.
    Trailing,
    /// The journal is unusable, or the source is a different one.
    Journal,
    /// The caller asked for something impossible: a defect of the calling program.
    Misuse,
}

/// Declares `Detail` with the kind, the written name and the message of each variant. In
/// parentheses is the field whose value and expected value can take the place of the message.
macro_rules! details {
    ($($(#[$doc:meta])* $variant:ident = $kind:ident $name:literal $(($field:literal))?, $sentence:literal;)+) => {
        /// The check that failed, as `kind.detail` (§17).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Detail {
            $($(#[$doc])* $variant,)+
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

            /// Returns the message: one sentence without its full stop.
            pub(crate) const fn sentence(self) -> &'static str {
                match self { $(Self::$variant => $sentence,)+ }
            }

            /// Returns the field, if "field is 5, expected 7" says all that the message does.
            pub(crate) const fn field(self) -> Option<&'static str> {
                match self { $(Self::$variant => [$(Some($field),)? None][0],)+ }
            }
        }
    };
}

details! {
    /// The first bytes are not a magic of Stream V2: the input is no stream, or its start is
    /// damaged.
    MalformedMagic = Malformed "malformed.magic", "the magic bytes are not those of Stream V2";
    /// A stream header or segment header is damaged. Fetch the stream again.
    MalformedHeaderCrc = Malformed "malformed.header_crc", "the header's checksum does not match";
    /// A reserved byte of a stream header or segment header is not zero.
    MalformedReserved = Malformed "malformed.reserved" ("a reserved byte"), "a reserved byte is not zero";
    /// The stream header has a segment_size that is not a multiple of its frame size.
    MalformedSegmentSize = Malformed "malformed.segment_size", "segment_size is not a multiple of the frame size";
    /// The stream header has an envelope_len that no envelope has (§12).
    MalformedEnvelopeLen = Malformed "malformed.envelope_len", "envelope_len is neither 0 nor a multiple of 8, less 4";
    /// The envelope is damaged. Fetch the stream again.
    MalformedEnvelopeCrc = Malformed "malformed.envelope_crc", "the envelope's checksum does not match";
    /// The stanzas of the envelope break a rule of §12: the writer has a defect.
    MalformedEnvelope = Malformed "malformed.envelope", "the envelope's stanzas break its rules";
    /// A segment is of a kind that this stream must not have, such as an index in a UNIFORM stream.
    MalformedKind = Malformed "malformed.kind", "this kind of segment is not allowed in this stream";
    /// An index segment or final segment names a codec other than 0.
    MalformedCodec = Malformed "malformed.codec", "this codec is not allowed in this segment";
    /// RUN_START or REKEY is set where it must not be, or missing where it must be set.
    MalformedFlags = Malformed "malformed.flags", "RUN_START or REKEY is wrong for this segment";
    /// The key_epoch of a segment header is not the one that its segment_index requires.
    MalformedKeyEpoch = Malformed "malformed.key_epoch" ("key_epoch"), "key_epoch does not follow from segment_index";
    /// A data segment has no plaintext, or another kind of segment has some.
    MalformedPlaintextLen = Malformed "malformed.plaintext_len", "plaintext_len is wrong for this kind of segment";
    /// The payload_len of a segment does not fit its kind, its codec or its plaintext_len.
    MalformedPayloadLen = Malformed "malformed.payload_len", "payload_len is wrong for this segment";
    /// The data_frames of a segment header is not the number that payload_len requires.
    MalformedDataFrames = Malformed "malformed.data_frames" ("data_frames"), "data_frames does not follow from payload_len";
    /// The frame_count of a segment header is not data_frames + 2.
    MalformedFrameCount = Malformed "malformed.frame_count" ("frame_count"), "frame_count is not data_frames + 2";
    /// The wire_len of a segment header is not the length that its other fields require.
    MalformedWireLen = Malformed "malformed.wire_len" ("wire_len"), "wire_len does not follow from the other fields";
    /// The frames of a segment are damaged. Fetch the stream again.
    MalformedWireCrc = Malformed "malformed.wire_crc", "the wire's checksum does not match";
    /// A frame has another type than its place in the segment requires.
    MalformedFrameType = Malformed "malformed.frame_type" ("the frame's type"), "the frame's type is wrong for its place";
    /// A reserved byte of a frame header is not zero.
    MalformedFrameReserved = Malformed "malformed.frame_reserved" ("a reserved byte of the frame header"), "a reserved byte of the frame header is not zero";
    /// A frame has another length than the segment header requires.
    MalformedFrameLen = Malformed "malformed.frame_len" ("the frame's len"), "the frame's len does not follow from the segment header";
    /// An authentic index segment does not describe the segments before it: its writer has a
    /// defect.
    MalformedIndex = Malformed "malformed.index", "the index segment does not describe the segments before it";
    /// A partial output is damaged in segments that were committed. It cannot be resumed (§19).
    MalformedDamaged = Malformed "malformed.damaged", "committed data is damaged";
    /// The terminator of a segment has a link or history that its segment must not have (§8.3).
    MalformedTerminator = Malformed "malformed.terminator", "the terminator has a value that is not allowed in this segment";
    /// The stream is of another version of the format. Read it with a newer reader.
    UnsupportedVersion = Unsupported "unsupported.version" ("version"), "this version of the format is not supported";
    /// A compressed payload is not one frame or block of its codec, or has another length than its
    /// segment states: the writer has a defect.
    MalformedCodecPayload = Malformed "malformed.codec_payload", "the payload does not decompress to the plaintext that the segment states";
    /// The suite of the stream is not assigned, or not implemented here.
    UnsupportedSuite = Unsupported "unsupported.suite", "this suite is not supported";
    /// A flag is set that this version does not know. Read the stream with a newer reader.
    UnsupportedFlags = Unsupported "unsupported.flags", "a flag is set that is not known";
    /// A segment is of a kind that is not implemented here.
    UnsupportedKind = Unsupported "unsupported.kind", "this kind of segment is not supported";
    /// A segment is compressed with a codec that is not implemented here.
    UnsupportedCodec = Unsupported "unsupported.codec", "this codec is not supported";
    /// A segment has a digest algorithm that is not implemented here.
    UnsupportedDigestAlg = Unsupported "unsupported.digest_alg", "this digest algorithm is not supported";
    /// No stanza of the envelope is of a type that is implemented here. Bring the content key, or
    /// use a newer reader.
    UnsupportedEnvelope = Unsupported "unsupported.envelope", "the envelope has no stanza of a supported type";
    /// The frame_size_log2 of the stream header is outside the limits of the format (§14).
    LimitFrameSize = Limit "limit.frame_size" ("frame_size_log2"), "frame_size_log2 is out of range";
    /// The segment_size of the stream header is outside the limits of the format (§14).
    LimitSegmentSize = Limit "limit.segment_size" ("segment_size"), "segment_size is out of range";
    /// The epoch_segments of the stream header lets one key seal more bytes than its suite allows.
    LimitEpochSegments = Limit "limit.epoch_segments" ("epoch_segments"), "epoch_segments allows too many bytes under one key of this suite";
    /// The envelope is longer than the format allows (§14).
    LimitEnvelopeLen = Limit "limit.envelope_len" ("envelope_len"), "envelope_len is out of range";
    /// The stream has no segment_index left for a data or index segment. Begin another stream.
    LimitSegmentIndex = Limit "limit.segment_index" ("segment_index"), "no data or index segment may have this segment_index";
    /// The key_epoch of a segment header is above the limit of the format (§14).
    LimitKeyEpoch = Limit "limit.key_epoch" ("key_epoch"), "key_epoch is out of range";
    /// The plaintext_len of a segment is above the segment_size of its stream.
    LimitPlaintextLen = Limit "limit.plaintext_len" ("plaintext_len"), "plaintext_len is above the stream's segment_size";
    /// The payload_len of a segment is above the segment_size of its stream.
    LimitPayloadLen = Limit "limit.payload_len" ("payload_len"), "payload_len is above the stream's segment_size";
    /// The segments hold more plaintext than the stream header declares.
    LimitStreamPlaintextLen = Limit "limit.stream_plaintext_len", "the plaintext is longer than the stream header declares";
    /// A Zstandard frame asks for a window above segment_size.
    LimitCodecWindow = Limit "limit.codec_window" ("the window"), "the window of the Zstandard frame is above segment_size";
    /// An argon2id stanza asks for more memory, passes or lanes than a reader may spend (§12.1).
    LimitArgon2id = Limit "limit.argon2id", "a parameter of the argon2id stanza is out of range";
    /// The stream is within the format's limits and above the caller's own. Raise that limit.
    LimitPolicy = Limit "limit.policy", "the stream is above a limit that the caller set";
    /// The key or the context is another one, or the stream header was altered. Try another key.
    KeyHeaderTag = Key "key.header_tag", "wrong key, wrong context or altered header";
    /// The passwords and keys of the caller unwrap no stanza of the envelope. Try another one.
    KeyEnvelope = Key "key.envelope", "the envelope does not give the content key";
    /// The detached envelope is that of another stream. Bring the one of this stream.
    KeyDetachedEnvelope = Key "key.detached_envelope", "the detached envelope belongs to another stream";
    /// A segment header was not written by a holder of the key for this place of the stream.
    AuthSegmentTag = Auth "auth.segment_tag", "the segment header is not authentic";
    /// A frame was not written by a holder of the key for this place of the stream.
    AuthFrame = Auth "auth.frame", "a frame is not authentic";
    /// The frames of a segment are authentic, but not those that its digest covers.
    AuthDigest = Auth "auth.digest", "the segment's digest does not match its frames";
    /// The final segment is authentic, but does not end this stream: segments were exchanged.
    AuthTrailer = Auth "auth.trailer", "the trailer does not match the stream before it";
    /// An index segment, or a segment that an index lists, has another tag than the one listed.
    AuthIndex = Auth "auth.index", "the index names another segment than this one";
    /// An authentic segment is at the wrong place: segments were moved, repeated or left out.
    OrderSegmentIndex = Order "order.segment_index" ("segment_index"), "another segment is expected here";
    /// An authentic segment is from another run of the writer: segments of two copies were mixed.
    OrderRun = Order "order.run", "the segment belongs to another run";
    /// A data segment before the last is not full, although the stream declares UNIFORM.
    OrderUniform = Order "order.uniform", "a data segment before the last is not full, in a stream that allows only full ones";
    /// A resumed run continues other segments than those before it: segments were exchanged.
    OrderTranscript = Order "order.transcript", "the segment continues another history of this stream";
    /// An index segment is missing, or comes before it is due (§11).
    OrderIndex = Order "order.index", "an index segment is missing or too early";
    /// The input ends before the final segment. Fetch it again, resume its writer, or salvage it.
    Truncated = Truncated "truncated", "the input ends before the final segment";
    /// The reader was asked to salvage, and has released all whole segments of a truncated stream.
    TruncatedUnsealed = Truncated "truncated.unsealed", "the stream has no final segment: only its committed part was salvaged";
    /// Bytes follow the final segment. Cut the input at the offset of this error.
    Trailing = Trailing "trailing", "bytes follow the final segment";
    /// The journal is too short, of another version, or not a journal. Resume without it.
    JournalHeader = Journal "journal.header", "the file is not a whole journal of a known version";
    /// The journal belongs to another stream. Resume without it.
    JournalForeign = Journal "journal.foreign", "the journal belongs to another stream";
    /// The journal was not written by a holder of the key. Resume without it.
    JournalMac = Journal "journal.mac", "the journal's header is not authentic";
    /// The source has changed since the interrupted run read it. Restore it, or start over.
    JournalSource = Journal "journal.source", "the source is not the one that the interrupted run read";
    /// The caller broke a rule, which [`Error::rule`](crate::Error::rule) names.
    Misuse = Misuse "misuse", "the caller asked for something that the format cannot do";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_lower_case_without_full_stop() {
        for detail in Detail::ALL {
            let said = detail.sentence();
            let begins_low = !said.starts_with(char::is_uppercase) || said.starts_with("RUN_START");
            assert!(begins_low && !said.ends_with('.'), "{}: {said}", detail.name());
        }
    }
}
