//! §12 Envelope: stanzas that wrap the content key, and a CRC. Each stanza has its own file.
//!
//! ```text
//! 0 stanzas (envelope_len) | envelope_len CRC-32C u32
//! ```
//!
//! The envelope follows the stream header, if envelope_len is not 0. A reader parses an
//! [`EnvelopeView`], which checks structure and rules, and unwraps the content key from a stanza. A
//! writer wraps it ([`WrappedKey`]) and writes an [`Envelope`]. A [`DetachedEnvelope`] is apart
//! from its stream.
//!
//! | stanza | type | view | section |
//! |---|---|---|---|
//! | `argon2id`: the key under a password | 0x0001 | [`Argon2idView`] | §12.1 |
//! | `age`: the key in an age file | 0x0002 | [`AgeView`] | §12.2 |
//! | `key`: the key under another key | 0x0003 | [`KeyView`] | §12.5 |
//! | `padding`: zeros | 0xFFFF | [`Stanza`] | §12.3 |
//!
//! Unwrapping by a password takes the feature `argon2id`. All integers are little-endian.

mod age;
mod argon2id;
mod detached;
mod key;
mod padding;
#[cfg(feature = "argon2id")]
mod password;
mod stanza;
mod wrapped;
mod writer;

use alloc::vec::Vec;
use core::num::NonZeroUsize;

use nom::bytes::streaming::take;
use nom::number::streaming::le_u32;

pub use self::age::AgeView;
pub use self::argon2id::{Argon2idParams, Argon2idView};
pub use self::detached::DetachedEnvelope;
pub use self::key::KeyView;
pub use self::padding::ENVELOPE_LENS;
#[cfg(feature = "argon2id")]
pub use self::password::{Argon2idLimits, Argon2idMemory};
pub use self::stanza::Stanza;
use self::stanza::{ENVELOPE_OFFSET, Stanzas};
pub use self::wrapped::WrappedKey;
pub use self::writer::Envelope;
use crate::limits::ENVELOPE_LEN_MAX;
use crate::wire::outcome::{Step, outcome};
use crate::wire::{HeaderV1, Parsed, StanzaType, crc32c};
use crate::{Detail, Error, Misuse};

const CRC_LEN: usize = 4;

/// An envelope in the input whose CRC and stanzas are valid (§12).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EnvelopeView<'a> {
    stanzas: &'a [u8],
}

impl<'a> EnvelopeView<'a> {
    /// Parses an envelope of `envelope_len` bytes and its CRC.
    ///
    /// `input` begins after the 128 bytes of the stream header.
    ///
    /// # Errors
    ///
    /// - `malformed.envelope_crc` if the CRC does not match.
    /// - `malformed.envelope` if the stanzas break a rule of the envelope.
    /// - `limit.argon2id` if a parameter of an `argon2id` stanza is outside the limits.
    pub fn parse(input: &'a [u8], envelope_len: u32) -> Result<Parsed<Self>, Error> {
        let total = envelope_len as usize + CRC_LEN;
        if let Some(missing) = total.checked_sub(input.len()).and_then(NonZeroUsize::new) {
            return Ok(Parsed::NeedMore(missing));
        }
        outcome(split(input, envelope_len), input, ENVELOPE_OFFSET)?.and_then(|(stanzas, crc)| {
            //= spec/stream-v2.md#sv2-env-002
            //# A reader MUST reject with `malformed.envelope_crc` an envelope whose CRC does not
            //# match.
            if crc32c(stanzas) != crc {
                return Err(Error::new(
                    Detail::MalformedEnvelopeCrc,
                    ENVELOPE_OFFSET.plus(envelope_len.into()),
                ));
            }
            let view = Self { stanzas };
            view.check()?;
            Ok(view)
        })
    }

    /// Returns the envelope after `header`, whose bytes were parsed before; `None` if it has none.
    #[must_use]
    pub fn after(header: &HeaderV1, bytes: &'a [u8]) -> Option<Self> {
        let len = Some(header.envelope_len()).filter(|len| *len != 0)?;
        Some(Self::parse(bytes, len).ok()?.complete()?.0)
    }

    /// Returns the stanzas in order.
    pub fn stanzas(&self) -> impl Iterator<Item = Stanza<'a>> + use<'a> {
        let mut walk = Stanzas { rest: self.stanzas, offset: ENVELOPE_OFFSET };
        core::iter::from_fn(move || walk.next_stanza().ok().flatten())
    }

    /// Returns the bytes for more stanzas in an envelope of the same length: those of the padding.
    #[must_use]
    pub fn room(&self) -> u32 {
        let padding = StanzaType::Padding.value();
        let len =
            self.stanzas().filter(|stanza| stanza.stanza_type == padding).map(|stanza| stanza.body.len());
        u32::try_from(len.sum::<usize>()).unwrap_or(u32::MAX)
    }

    fn check(&self) -> Result<(), Error> {
        let mut walk = Stanzas { rest: self.stanzas, offset: ENVELOPE_OFFSET };
        let mut before: Option<u16> = None;
        let mut argon2id = false;
        while let Some(stanza) = walk.next_stanza()? {
            let known = StanzaType::from_value(stanza.stanza_type);
            //= spec/stream-v2.md#sv2-env-004
            //# A reader MUST reject with `malformed.envelope` stanzas whose stanza_type is below
            //# that of the stanza before, a type 0x0000, and a repeated stanza of type 0x0001,
            //# 0x0002 or 0xFFFF.
            let in_order = match before {
                Some(before) if is_single(known) => before < stanza.stanza_type,
                Some(before) => before <= stanza.stanza_type,
                None => stanza.stanza_type != 0,
            };
            //= spec/stream-v2.md#sv2-env-005
            //# A reader MUST reject with `malformed.envelope` an `argon2id` stanza beside any other
            //# stanza than `padding`.
            let alone = !argon2id || known == Some(StanzaType::Padding);
            if !in_order || !alone {
                return Err(Error::new(Detail::MalformedEnvelope, stanza.offset)
                    .with_found(stanza.stanza_type.into()));
            }
            check_body(&stanza, known)?;
            before = Some(stanza.stanza_type);
            argon2id |= known == Some(StanzaType::Argon2id);
        }
        Ok(())
    }
}

/// Returns the error of a reader whose caller brought nothing that fits the stream.
///
/// The reader reports it once stream header and envelope are checked. `envelope` is `None` if there
/// is no envelope. `implemented` says which types of stanzas the reader can unwrap.
///
/// It is `misuse` without an envelope. With an envelope it is `unsupported.envelope` if no stanza
/// is implemented, and `misuse` otherwise.
#[must_use]
pub fn no_content_key(
    envelope: Option<&EnvelopeView<'_>>,
    implemented: impl Fn(StanzaType) -> bool,
) -> Error {
    let unwraps = |stanza: Stanza<'_>| match StanzaType::from_value(stanza.stanza_type) {
        Some(StanzaType::Padding) | None => false,
        Some(StanzaType::Key) if KeyView::parse(&stanza).is_none() => false,
        Some(known) => implemented(known),
    };
    //= spec/stream-v2.md#sv2-env-008
    //# A reader that has no content key from its caller MUST report `unsupported.envelope` where
    //# there is an envelope and no stanza of it is of a type that the reader implements, and
    //# `misuse` where there is no envelope.
    //= spec/stream-v2.md#sv2-env-025
    //# A reader MUST report `misuse` if its caller brought no content key and nothing that a stanza
    //# of a type it implements is for.
    match envelope {
        None => Error::misuse(Misuse::NoContentKey),
        Some(view) if view.stanzas().any(unwraps) => Error::misuse(Misuse::NothingForEnvelope),
        Some(_) => Error::new(Detail::UnsupportedEnvelope, ENVELOPE_OFFSET),
    }
}

/// Returns whether stanzas of this type may not repeat.
const fn is_single(known: Option<StanzaType>) -> bool {
    matches!(known, Some(StanzaType::Argon2id | StanzaType::Age | StanzaType::Padding))
}

/// Returns the bytes of an envelope and its CRC.
///
/// Each stanza is a type and a body. The stanzas must be in the order of their types.
///
/// # Errors
///
/// - `limit.envelope_len` if the envelope or the body of a stanza is too long.
/// - `malformed.envelope_len` if the length of the envelope is not a multiple of 8, less 4.
/// - The error of a reader if the stanzas break a rule of the envelope.
pub fn write_envelope(stanzas: &[(u16, &[u8])]) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    for (stanza_type, body) in stanzas {
        let body_len = u16::try_from(body.len()).map_err(|_| {
            Error::new(Detail::LimitEnvelopeLen, ENVELOPE_OFFSET).with_found(body.len() as u64)
        })?;
        bytes.extend_from_slice(&stanza_type.to_le_bytes());
        bytes.extend_from_slice(&body_len.to_le_bytes());
        bytes.extend_from_slice(body);
    }
    let limit = u64::from(ENVELOPE_LEN_MAX);
    let len = u32::try_from(bytes.len()).ok().filter(|&len| len <= ENVELOPE_LEN_MAX);
    let len = len.ok_or(Error::new(Detail::LimitEnvelopeLen, ENVELOPE_OFFSET).between(
        bytes.len() as u64,
        0,
        limit,
    ))?;
    if len % 8 != 4 {
        return Err(Error::new(Detail::MalformedEnvelopeLen, ENVELOPE_OFFSET).with_found(len.into()));
    }
    EnvelopeView { stanzas: &bytes }.check()?;
    let crc = crc32c(&bytes);
    bytes.extend_from_slice(&crc.to_le_bytes());
    Ok(bytes)
}

fn check_body(stanza: &Stanza<'_>, known: Option<StanzaType>) -> Result<(), Error> {
    match known {
        Some(StanzaType::Padding) => padding::check(stanza),
        Some(StanzaType::Argon2id) => Argon2idView::parse(stanza).map(|_| ()),
        //= spec/stream-v2.md#sv2-env-007
        //# A reader MUST skip stanzas of unknown type.
        _ => Ok(()),
    }
}

fn split(input: &[u8], envelope_len: u32) -> Step<'_, (&[u8], u32)> {
    let (rest, stanzas) = take(envelope_len)(input)?;
    let (rest, crc) = le_u32(rest)?;
    Ok((rest, (stanzas, crc)))
}

#[cfg(test)]
mod tests {
    use super::argon2id::tests::argon2id_body;
    use super::*;
    use proptest::prelude::*;

    fn detail(stanzas: &[(u16, &[u8])]) -> Option<Detail> {
        write_envelope(stanzas).err().map(|error| error.detail())
    }

    #[test]
    fn stanzas_in_wrong_order_or_number_are_refused() {
        let password = argon2id_body(65_536, 3, 4);
        assert_eq!(detail(&[(1, &password), (0xFFFF, &[0; 4])]), None);
        assert_eq!(detail(&[(3, b"ab"), (3, b"cd"), (0xFFFF, &[0; 4])]), None);
        let wrong: [&[(u16, &[u8])]; 6] = [
            &[(0, b"abcdefgh")],
            &[(3, b"a"), (2, b"b"), (0xFFFF, &[0; 6])],
            &[(2, b"aa"), (2, b"bb"), (0xFFFF, &[0; 4])],
            &[(1, &password), (3, b"ab"), (0xFFFF, &[0; 6])],
            &[(0xFFFF, b"\0\0\0\0\0\0\0\x01")],
            &[(1, &password[..127]), (0xFFFF, &[0; 5])],
        ];
        for stanzas in wrong {
            assert_eq!(detail(stanzas), Some(Detail::MalformedEnvelope), "{stanzas:?}");
        }
    }

    //= spec/stream-v2.md#sv2-env-025
    //= type=test
    //# A reader MUST report `misuse` if its caller brought no content key and nothing that a stanza
    //# of a type it implements is for.
    #[test]
    fn reader_without_a_key_says_why() {
        let said = |stanzas: &[(u16, &[u8])]| {
            let bytes = write_envelope(stanzas).unwrap();
            let view = EnvelopeView { stanzas: &bytes[..bytes.len() - CRC_LEN] };
            let error = no_content_key(Some(&view), |known| known == StanzaType::Key);
            (error.detail(), error.rule())
        };
        let unsupported = (Detail::UnsupportedEnvelope, None);
        assert_eq!(said(&[(0xFFFF, &[0; 8])]), unsupported);
        assert_eq!(said(&[(2, b"12345678")]), unsupported);
        assert_eq!(said(&[(3, &[5; 127]), (0xFFFF, &[0; 5])]), unsupported);
        assert_eq!(said(&[(3, &[5; 128])]), (Detail::Misuse, Some(Misuse::NothingForEnvelope)));
        let error = no_content_key(None, |_| true);
        assert_eq!(error.rule(), Some(Misuse::NoContentKey));
    }

    #[test]
    fn damage_and_short_input_are_told_apart() {
        let bytes = write_envelope(&[(7, b"whatever"), (0xFFFF, &[0; 4])]).unwrap();
        let len = u32::try_from(bytes.len() - 4).unwrap();
        for cut in 0..bytes.len() {
            let parsed = EnvelopeView::parse(&bytes[..cut], len).unwrap();
            assert_eq!(parsed, Parsed::NeedMore(NonZeroUsize::new(bytes.len() - cut).unwrap()));
        }
        for bit in 0..8 * bytes.len() {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(
                EnvelopeView::parse(&damaged, len).unwrap_err().detail(),
                Detail::MalformedEnvelopeCrc
            );
        }
        let (view, consumed) = EnvelopeView::parse(&bytes, len).unwrap().complete().unwrap();
        assert_eq!((view.stanzas().count(), consumed), (2, bytes.len()));
    }

    proptest! {
        #[test]
        fn any_bytes_are_parsed_without_panic(mut bytes in prop::collection::vec(any::<u8>(), 4..100)) {
            let len = bytes.len() - 4;
            let crc = crc32c(&bytes[..len]);
            bytes[len..].copy_from_slice(&crc.to_le_bytes());
            if let Ok(Parsed::Complete(view, _)) = EnvelopeView::parse(&bytes, u32::try_from(len).unwrap()) {
                let filled: usize = view.stanzas().map(|stanza| 4 + stanza.body.len()).sum();
                prop_assert_eq!(filled, len);
            }
        }
    }
}
