//! §12.4 A detached envelope: a stream header and an envelope with nothing after them, kept apart
//! from the stream.
//!
//! ```text
//! 0 stream header (128) | 128 stanzas (envelope_len) | 128 + envelope_len CRC-32C u32
//! ```
//!
//! Its bytes 0..112 are those of the stream. The length of its envelope is its own.

use alloc::vec::Vec;

use super::{Envelope, EnvelopeView};
use crate::limits::{ENVELOPE_LEN_MAX, STREAM_HEADER_LEN};
use crate::wire::{HeaderV1, HeaderV1View, Parsed};
use crate::{Detail, Error, Offset};

/// An envelope that is kept apart from its stream (§12.4).
///
/// # Examples
///
/// ```
/// use stream_v2_format::crypto::{ContentKey, StreamSealer};
/// use stream_v2_format::envelope::{DetachedEnvelope, Envelope, WrappedKey};
/// use stream_v2_format::wire::StreamParams;
///
/// // In a program, content key and salts come from the operating system and are never constants.
/// let (content_key, key) = (ContentKey::new([1; 32]), ContentKey::new([7; 32]));
/// let stream = StreamSealer::new(StreamParams::new([2; 32]), &content_key, b"")?;
/// let envelope = Envelope::new([WrappedKey::by_key(&key, key.id(), [3; 32], &content_key)?])?;
/// let detached = DetachedEnvelope::new(stream.header(), &envelope)?;
/// assert_eq!(DetachedEnvelope::parse(&detached.to_bytes())?, detached);
/// detached.check_stream(stream.header())?;
/// # Ok::<(), stream_v2_format::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DetachedEnvelope {
    header: HeaderV1,
    /// The stanzas and their CRC.
    envelope: Vec<u8>,
}

impl DetachedEnvelope {
    /// Bytes of the longest one.
    pub const LEN_MAX: usize = STREAM_HEADER_LEN + ENVELOPE_LEN_MAX as usize + 4;

    /// Creates a detached envelope for the stream `header`, whose own envelope may have any length.
    ///
    /// # Errors
    ///
    /// - `limit.envelope_len` or `malformed.envelope_len` if no stream can have an envelope of this
    ///   length.
    pub fn new(header: &HeaderV1, envelope: &Envelope) -> Result<Self, Error> {
        let header = header.with_envelope_len(envelope.envelope_len())?;
        Ok(Self { header, envelope: envelope.as_bytes().to_vec() })
    }

    /// Parses all of a detached envelope (steps 1 to 9 of §15.1, without unwrapping).
    ///
    /// # Errors
    ///
    /// - `truncated` if `input` ends too early, and `trailing` if something follows.
    /// - The error of the first check of the stream header, or of its envelope, that fails.
    pub fn parse(input: &[u8]) -> Result<Self, Error> {
        let end = Offset(input.len() as u64);
        let Parsed::Complete(view, _) = HeaderV1View::parse(input)? else {
            return Err(Error::truncated(end, None));
        };
        let header = view.header();
        let rest = &input[STREAM_HEADER_LEN..];
        let taken = match header.envelope_len() {
            0 => 0,
            len => match EnvelopeView::parse(rest, len)? {
                Parsed::Complete(_, taken) => taken,
                Parsed::NeedMore(_) => return Err(Error::truncated(end, None)),
            },
        };
        if taken < rest.len() {
            return Err(Error::new(Detail::Trailing, header.body_offset()));
        }
        Ok(Self { header, envelope: rest.to_vec() })
    }

    /// Creates a detached envelope of the own one of a stream, whose bytes were read after
    /// `header`.
    ///
    /// # Errors
    ///
    /// - the errors of [`parse`](Self::parse).
    pub fn of_stream(header: &HeaderV1, envelope: &[u8]) -> Result<Self, Error> {
        Self::parse(&[&header.to_bytes()[..], envelope].concat())
    }

    /// Returns all bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        [&self.header.to_bytes()[..], &self.envelope].concat()
    }

    /// Returns its stream header, which has the length of this envelope.
    #[must_use]
    pub const fn header(&self) -> &HeaderV1 {
        &self.header
    }

    /// Returns the stanzas and their CRC, or nothing if envelope_len is 0.
    #[must_use]
    pub fn envelope_bytes(&self) -> &[u8] {
        &self.envelope
    }

    /// Returns a view of the stanzas, or `None` if envelope_len is 0.
    #[must_use]
    pub fn view(&self) -> Option<EnvelopeView<'_>> {
        EnvelopeView::after(&self.header, &self.envelope)
    }

    /// Checks that this is an envelope of the stream with this header.
    ///
    /// # Errors
    ///
    /// - `key.detached_envelope` if their bytes 0..112 differ.
    pub fn check_stream(&self, header: &HeaderV1) -> Result<(), Error> {
        //= spec/stream-v2.md#sv2-env-017
        //# A reader MUST reject with `key.detached_envelope` a detached envelope whose bytes 0..112
        //# differ from those of the stream.
        match self.header.is_same_stream(header) {
            true => Ok(()),
            false => Err(Error::new(Detail::KeyDetachedEnvelope, Offset(0))),
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use proptest::prelude::*;

    use super::*;
    use crate::crypto::{ContentKey, StreamOpener, StreamSealer};
    use crate::envelope::WrappedKey;
    use crate::wire::StreamParams;

    const CONTENT_KEY: [u8; 32] = [9; 32];

    fn header(salt: u8) -> HeaderV1 {
        let key = ContentKey::new(CONTENT_KEY);
        *StreamSealer::new(StreamParams::new([salt; 32]), &key, b"").unwrap().header()
    }

    fn detached() -> DetachedEnvelope {
        let (key, content_key) = (ContentKey::new([1; 32]), ContentKey::new(CONTENT_KEY));
        let wrapped = WrappedKey::by_key(&key, key.id(), [7; 32], &content_key).unwrap();
        let envelope = Envelope::with_len([wrapped], 132).unwrap();
        DetachedEnvelope::new(&header(1), &envelope).unwrap()
    }

    fn refused(bytes: &[u8]) -> (Detail, u64) {
        let error = DetachedEnvelope::parse(bytes).unwrap_err();
        (error.detail(), error.offset().0)
    }

    #[test]
    fn short_and_long_ones_are_told_apart() {
        let mut bytes = detached().to_bytes();
        for cut in 0..bytes.len() {
            assert_eq!(refused(&bytes[..cut]), (Detail::Truncated, cut as u64));
        }
        bytes.push(0);
        assert_eq!(refused(&bytes), (Detail::Trailing, 264));
        let bare = header(1).to_bytes();
        assert_eq!(DetachedEnvelope::parse(&bare).unwrap().view(), None);
        assert_eq!(refused(&[&bare[..], &[0]].concat()), (Detail::Trailing, 128));
    }

    //= spec/stream-v2.md#sv2-env-017
    //= type=test
    //# A reader MUST reject with `key.detached_envelope` a detached envelope whose bytes 0..112
    //# differ from those of the stream.
    #[test]
    fn envelopes_of_other_streams_are_refused() {
        let detached = detached();
        detached.check_stream(&header(1)).unwrap();
        // The length of the stream's own envelope does not matter.
        detached.check_stream(&header(1).with_envelope_len(4092).unwrap()).unwrap();
        let tag = HeaderV1::new(*header(1).params(), [0; 32], 0).unwrap();
        for other in [header(2), tag] {
            let error = detached.check_stream(&other).unwrap_err();
            assert_eq!((error.detail(), error.offset()), (Detail::KeyDetachedEnvelope, Offset(0)));
        }
    }

    #[test]
    fn openers_take_the_header_of_the_stream() {
        let key = ContentKey::new(CONTENT_KEY);
        let opener = StreamOpener::new(detached().header(), &key, b"").unwrap();
        assert_eq!(opener.header().body_offset(), Offset(264));
        let opener = opener.of_stream(&header(1)).unwrap();
        assert_eq!(opener.header().body_offset(), Offset(128));
        assert_eq!(opener.of_stream(&header(2)).err().unwrap().detail(), Detail::KeyDetachedEnvelope);
    }

    proptest! {
        #[test]
        fn any_bytes_are_parsed_without_panic(tail in prop::collection::vec(any::<u8>(), 0..300)) {
            let mut bytes = detached().to_bytes();
            bytes.splice(112.., tail.clone());
            let _ = DetachedEnvelope::parse(&bytes);
            let _ = DetachedEnvelope::parse(&tail);
        }

        #[test]
        fn a_changed_bit_is_found(bit in 0usize..264 * 8) {
            let mut bytes = detached().to_bytes();
            bytes[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(DetachedEnvelope::parse(&bytes).is_err());
        }

        #[test]
        fn envelopes_of_any_length_come_back(len in prop::sample::select(vec![132u32, 1020, 2044, 65_532])) {
            let (key, content_key) = (ContentKey::new([1; 32]), ContentKey::new(CONTENT_KEY));
            let wrapped = WrappedKey::by_key(&key, key.id(), [7; 32], &content_key).unwrap();
            let envelope = Envelope::with_len([wrapped], len).unwrap();
            let made = DetachedEnvelope::new(&header(1), &envelope).unwrap();
            prop_assert_eq!(made.header().envelope_len(), len);
            prop_assert_eq!(DetachedEnvelope::of_stream(made.header(), envelope.as_bytes()).unwrap(), made);
        }
    }
}
