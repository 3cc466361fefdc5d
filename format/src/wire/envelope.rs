//! §12 Envelope: stanzas that wrap the content key, and a CRC.
//!
//! ```text
//! stanza: 0 stanza_type u16 | 2 body_len u16 | 4 body (body_len)         stanzas fill envelope_len, then CRC-32C u32
//! ```
//!
//! Structure and rules are here. Unwrapping is not implemented yet: callers bring the content key.

use alloc::vec::Vec;
use core::num::NonZeroUsize;

use nom::bytes::streaming::take;
use nom::number::streaming::{le_u16, le_u32};

use super::header_v1::array;
use super::outcome::{Parsed, Step, fail, outcome};
use super::{HeaderV1, StanzaType, crc32c::crc32c};
use crate::limits::{
    ARGON2ID_LANES_MAX, ARGON2ID_MEMORY_KIB_MAX, ARGON2ID_PASSES_MAX, ENVELOPE_LEN_MAX, STREAM_HEADER_LEN,
};
use crate::{Detail, Error, Offset};

const CRC_LEN: usize = 4;
const STANZA_HEADER_LEN: usize = 4;
const ARGON2ID_BODY_LEN: usize = 128;
const ENVELOPE_OFFSET: Offset = Offset(STREAM_HEADER_LEN as u64);

/// One stanza: its type and body. Nothing is copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stanza<'a> {
    /// The type as it stands in the envelope; unknown types are skipped (SV2-ENV-007).
    pub stanza_type: u16,
    /// The body.
    pub body: &'a [u8],
    /// Where the stanza begins, in bytes from the start of the stream.
    pub offset: Offset,
}

/// The body of an `argon2id` stanza (§12.1): nothing is copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Argon2idView<'a> {
    /// 32 bytes.
    pub salt: [u8; 32],
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over the memory.
    pub passes: u32,
    /// Lanes.
    pub lanes: u32,
    /// 32 bytes.
    pub commitment: [u8; 32],
    /// 48 bytes: the wrapped content key and its tag.
    pub wrapped: &'a [u8],
}

/// An envelope in the input, whose CRC and stanzas obey §12.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EnvelopeView<'a> {
    stanzas: &'a [u8],
}

impl<'a> EnvelopeView<'a> {
    /// Parses an envelope of `envelope_len` bytes and its CRC, which follow the 128 bytes of the stream header.
    ///
    /// # Errors
    /// `malformed.envelope_crc`, `malformed.envelope`, `limit.argon2id`.
    pub fn parse(input: &'a [u8], envelope_len: u32) -> Result<Parsed<Self>, Error> {
        let total = envelope_len as usize + CRC_LEN;
        if let Some(missing) = total.checked_sub(input.len()).and_then(NonZeroUsize::new) {
            return Ok(Parsed::NeedMore(missing));
        }
        outcome(split(input, envelope_len), input, ENVELOPE_OFFSET)?.and_then(|(stanzas, crc)| {
            //= spec/stream-v2.md#sv2-env-002
            //# A reader MUST reject with `malformed.envelope_crc` an envelope whose CRC does not match.
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

    /// The stanzas in order.
    pub fn stanzas(&self) -> impl Iterator<Item = Stanza<'a>> + use<'a> {
        let mut walk = Walk { rest: self.stanzas, offset: ENVELOPE_OFFSET };
        core::iter::from_fn(move || walk.next_stanza().ok().flatten())
    }

    fn check(&self) -> Result<(), Error> {
        let mut walk = Walk { rest: self.stanzas, offset: ENVELOPE_OFFSET };
        let mut before: Option<u16> = None;
        let mut argon2id = false;
        while let Some(stanza) = walk.next_stanza()? {
            let known = StanzaType::from_value(stanza.stanza_type);
            //= spec/stream-v2.md#sv2-env-004
            //# A reader MUST reject with `malformed.envelope` stanzas whose stanza_type is below that of the
            //# stanza before, a type 0x0000, and a repeated stanza of type 0x0001, 0x0002 or 0xFFFF.
            let in_order = match before {
                Some(before) if known.is_some() => before < stanza.stanza_type,
                Some(before) => before <= stanza.stanza_type,
                None => stanza.stanza_type != 0,
            };
            //= spec/stream-v2.md#sv2-env-005
            //# A reader MUST reject with `malformed.envelope` an `argon2id` stanza beside any other stanza
            //# than `padding`.
            let alone = !argon2id || known == Some(StanzaType::Padding);
            if !in_order || !alone {
                return Err(
                    Error::new(Detail::MalformedEnvelope, stanza.offset).found(stanza.stanza_type.into())
                );
            }
            check_body(&stanza, known)?;
            before = Some(stanza.stanza_type);
            argon2id |= known == Some(StanzaType::Argon2id);
        }
        Ok(())
    }
}

/// What a reader without a content key reports once the stream header and the envelope were checked (SV2-ENV-008): `misuse` where
/// there is no envelope, `unsupported.envelope` where there is one, as no type of stanza is implemented yet.
#[must_use]
pub const fn no_content_key(header: &HeaderV1) -> Error {
    //= spec/stream-v2.md#sv2-env-008
    //# A reader that has no content key from its caller MUST report `unsupported.envelope` where there is an
    //# envelope and no stanza of it is of a type that the reader implements, and `misuse` where there is no
    //# envelope.
    match header.envelope_len() {
        0 => Error::misuse(),
        _ => Error::new(Detail::UnsupportedEnvelope, ENVELOPE_OFFSET),
    }
}

/// The bytes of an envelope and its CRC. The stanzas are type and body, in the order of their types.
///
/// # Errors
/// `limit.envelope_len`, `malformed.envelope_len`, or what a reader would say of the stanzas.
pub fn write_envelope(stanzas: &[(u16, &[u8])]) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    for (stanza_type, body) in stanzas {
        let body_len = u16::try_from(body.len())
            .map_err(|_| Error::new(Detail::LimitEnvelopeLen, ENVELOPE_OFFSET).found(body.len() as u64))?;
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
        return Err(Error::new(Detail::MalformedEnvelopeLen, ENVELOPE_OFFSET).found(len.into()));
    }
    EnvelopeView { stanzas: &bytes }.check()?;
    let crc = crc32c(&bytes);
    bytes.extend_from_slice(&crc.to_le_bytes());
    Ok(bytes)
}

struct Walk<'a> {
    rest: &'a [u8],
    offset: Offset,
}

impl<'a> Walk<'a> {
    /// The next stanza, `None` at the end, or `malformed.envelope` where the stanzas do not fill the envelope.
    fn next_stanza(&mut self) -> Result<Option<Stanza<'a>>, Error> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        //= spec/stream-v2.md#sv2-env-003
        //# A reader MUST reject with `malformed.envelope` stanzas that do not fill envelope_len exactly.
        let Ok((rest, (stanza_type, body))) = stanza(self.rest) else {
            self.rest = &[];
            return Err(Error::new(Detail::MalformedEnvelope, self.offset));
        };
        let stanza = Stanza { stanza_type, body, offset: self.offset };
        self.offset = self.offset.plus((STANZA_HEADER_LEN + body.len()) as u64);
        self.rest = rest;
        Ok(Some(stanza))
    }
}

fn check_body(stanza: &Stanza<'_>, known: Option<StanzaType>) -> Result<(), Error> {
    match known {
        //= spec/stream-v2.md#sv2-env-006
        //# A reader MUST reject with `malformed.envelope` a `padding` stanza whose body is not zero.
        Some(StanzaType::Padding) if stanza.body.iter().any(|&byte| byte != 0) => {
            Err(Error::new(Detail::MalformedEnvelope, stanza.offset))
        }
        Some(StanzaType::Argon2id) => Argon2idView::parse(stanza).map(|_| ()),
        //= spec/stream-v2.md#sv2-env-007
        //# A reader MUST skip stanzas of unknown type.
        _ => Ok(()),
    }
}

impl<'a> Argon2idView<'a> {
    /// Parses the body of an `argon2id` stanza.
    ///
    /// # Errors
    /// `malformed.envelope` for a body that is not 128 bytes long or has a reserved byte set, `limit.argon2id` for parameters
    /// outside §14.
    pub fn parse(stanza: &Stanza<'a>) -> Result<Self, Error> {
        let wrong = Error::new(Detail::MalformedEnvelope, stanza.offset);
        //= spec/stream-v2.md#sv2-env-011
        //# A reader MUST reject with `malformed.envelope` an `argon2id` body that is not 128 bytes long or
        //# whose bytes 44..48 are not zero.
        if stanza.body.len() != ARGON2ID_BODY_LEN {
            return Err(wrong.exactly(stanza.body.len() as u64, ARGON2ID_BODY_LEN as u64));
        }
        let Ok((_, (view, reserved))) = argon2id(stanza.body) else { return Err(wrong) };
        if reserved != 0 {
            return Err(wrong.exactly(reserved.into(), 0));
        }
        //= spec/stream-v2.md#sv2-env-012
        //# A reader MUST reject with `limit.argon2id` parameters outside §14, before it runs Argon2id.
        view.check_limits(stanza.offset)?;
        Ok(view)
    }

    fn check_limits(&self, offset: Offset) -> Result<(), Error> {
        let error = Error::new(Detail::LimitArgon2id, offset);
        let bounds = [
            (self.lanes, 1, ARGON2ID_LANES_MAX),
            (self.passes, 1, ARGON2ID_PASSES_MAX),
            (self.memory_kib, self.lanes.saturating_mul(8), ARGON2ID_MEMORY_KIB_MAX),
        ];
        match bounds.into_iter().find(|&(value, low, high)| !(low..=high).contains(&value)) {
            Some((value, low, high)) => Err(error.between(value.into(), low.into(), high.into())),
            None => Ok(()),
        }
    }
}

fn split(input: &[u8], envelope_len: u32) -> Step<'_, (&[u8], u32)> {
    let (rest, stanzas) = take(envelope_len)(input)?;
    let (rest, crc) = le_u32(rest)?;
    Ok((rest, (stanzas, crc)))
}

fn stanza(input: &[u8]) -> Step<'_, (u16, &[u8])> {
    let (rest, stanza_type) = le_u16(input)?;
    let (rest, body_len) = le_u16(rest)?;
    let (rest, body) = take(body_len)(rest)?;
    Ok((rest, (stanza_type, body)))
}

fn argon2id(input: &[u8]) -> Step<'_, (Argon2idView<'_>, u32)> {
    let (rest, salt) = array(input)?;
    let (rest, memory_kib) = le_u32(rest)?;
    let (rest, passes) = le_u32(rest)?;
    let (rest, lanes) = le_u32(rest)?;
    let (rest, reserved) = le_u32(rest)?;
    let (rest, commitment) = array(rest)?;
    if rest.len() != 48 {
        return fail(input, Detail::MalformedEnvelope);
    }
    Ok((&[], (Argon2idView { salt, memory_kib, passes, lanes, commitment, wrapped: rest }, reserved)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn argon2id_body(memory_kib: u32, passes: u32, lanes: u32) -> Vec<u8> {
        let mut body = [0x11; 128].to_vec();
        body[32..36].copy_from_slice(&memory_kib.to_le_bytes());
        body[36..40].copy_from_slice(&passes.to_le_bytes());
        body[40..44].copy_from_slice(&lanes.to_le_bytes());
        body[44..48].fill(0);
        body
    }

    fn detail(stanzas: &[(u16, &[u8])]) -> Option<Detail> {
        write_envelope(stanzas).err().map(|error| error.detail())
    }

    #[test]
    fn stanzas_are_ordered_single_and_argon2id_stands_alone() {
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

    #[test]
    fn argon2id_parameters_are_bounded_before_anything_runs() {
        for (memory, passes, lanes, fits) in [
            (1 << 20, 16, 16, true),
            (8, 1, 1, true),
            ((1 << 20) + 1, 3, 4, false),
            (65_536, 17, 4, false),
            (65_536, 0, 4, false),
            (65_536, 3, 17, false),
            (65_536, 3, 0, false),
            (31, 3, 4, false),
        ] {
            let body = argon2id_body(memory, passes, lanes);
            let expected = if fits { None } else { Some(Detail::LimitArgon2id) };
            assert_eq!(detail(&[(1, &body), (0xFFFF, &[0; 4])]), expected, "{memory} {passes} {lanes}");
        }
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
