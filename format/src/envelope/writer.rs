//! §12 Writes an envelope: its stanzas in order, padding up to a length, and the CRC.

use alloc::vec;
use alloc::vec::Vec;

use super::padding;
use super::stanza::{ENVELOPE_OFFSET, STANZA_HEADER_LEN};
use super::wrapped::WrappedKey;
use super::{CRC_LEN, EnvelopeView, write_envelope};
use crate::limits::ENVELOPE_LEN_MAX;
use crate::wire::StanzaType;
use crate::{Detail, Error, Misuse};

/// The bytes of an envelope that wraps a content key at least once (§12).
///
/// # Examples
///
/// ```
/// use stream_v2_format::crypto::ContentKey;
/// use stream_v2_format::envelope::{Envelope, KeyView, WrappedKey};
///
/// // In a program, content key and salt come from the operating system and are never constants.
/// let (content_key, salt) = (ContentKey::new([1; 32]), [2; 32]);
/// let key = ContentKey::new([7; 32]); // of a key file
/// let envelope = Envelope::new([WrappedKey::by_key(&key, key.id(), salt, &content_key)?])?;
/// assert_eq!(envelope.envelope_len(), 1020);
/// let stanza = envelope.view().stanzas().find_map(|stanza| KeyView::parse(&stanza)).unwrap();
/// assert_eq!(stanza.unwrap(&key)?.id(), content_key.id());
/// # Ok::<(), stream_v2_format::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope(Vec<u8>);

impl Envelope {
    /// Writes an envelope of one of the lengths of [`ENVELOPE_LENS`](super::ENVELOPE_LENS).
    ///
    /// The keys may have any order.
    ///
    /// # Errors
    ///
    /// - `misuse` if there is no key.
    /// - `limit.envelope_len` if the keys do not fit into any envelope.
    /// - `malformed.envelope` if keys cannot be together (SV2-ENV-004, SV2-ENV-005).
    pub fn new(keys: impl IntoIterator<Item = WrappedKey>) -> Result<Self, Error> {
        let stanzas = sorted(keys)?;
        let needed = len_of(&stanzas);
        let over = Error::new(Detail::LimitEnvelopeLen, ENVELOPE_OFFSET);
        let over = over.between((needed + STANZA_HEADER_LEN) as u64, 0, ENVELOPE_LEN_MAX.into());
        write(&stanzas, padding::envelope_len(needed).ok_or(over)?)
    }

    /// Writes an envelope of a given length, in the place of another one (SV2-ENV-030).
    ///
    /// # Errors
    ///
    /// - As [`new`](Self::new).
    /// - `misuse` if the keys do not fit.
    pub fn with_len(keys: impl IntoIterator<Item = WrappedKey>, envelope_len: u32) -> Result<Self, Error> {
        write(&sorted(keys)?, envelope_len)
    }

    /// Returns the stanzas and the CRC.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Returns the envelope_len of the stream header, which does not count the CRC.
    #[must_use]
    pub fn envelope_len(&self) -> u32 {
        u32::try_from(self.0.len() - CRC_LEN).unwrap_or(u32::MAX)
    }

    /// Returns a view of the stanzas.
    #[must_use]
    pub fn view(&self) -> EnvelopeView<'_> {
        EnvelopeView { stanzas: &self.0[..self.0.len() - CRC_LEN] }
    }
}

fn sorted(keys: impl IntoIterator<Item = WrappedKey>) -> Result<Vec<WrappedKey>, Error> {
    let mut keys: Vec<WrappedKey> = keys.into_iter().collect();
    if keys.is_empty() {
        return Err(Error::misuse(Misuse::EnvelopeEmpty));
    }
    keys.sort_by_key(|key| key.stanza_type().value());
    Ok(keys)
}

fn len_of(stanzas: &[WrappedKey]) -> usize {
    stanzas.iter().map(|key| STANZA_HEADER_LEN + key.body().len()).sum()
}

fn write(stanzas: &[WrappedKey], envelope_len: u32) -> Result<Envelope, Error> {
    let room = (envelope_len as usize).checked_sub(len_of(stanzas));
    let padding = match room {
        Some(0) => None,
        Some(room) => room.checked_sub(STANZA_HEADER_LEN).map(|len| vec![0; len]),
        None => None,
    };
    if room != Some(0) && padding.is_none() {
        return Err(Error::misuse(Misuse::EnvelopeRoom).between(
            len_of(stanzas) as u64,
            0,
            u64::from(envelope_len).saturating_sub(STANZA_HEADER_LEN as u64),
        ));
    }
    let padding = padding.as_deref().map(|body| (StanzaType::Padding.value(), body));
    let keys = stanzas.iter().map(|key| (key.stanza_type().value(), key.body()));
    write_envelope(&keys.chain(padding).collect::<Vec<_>>()).map(Envelope)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::crypto::ContentKey;
    use crate::wire::Parsed;

    fn key(key: u8) -> WrappedKey {
        let (key, content_key) = (ContentKey::new([key; 32]), ContentKey::new([9; 32]));
        WrappedKey::by_key(&key, key.id(), [7; 32], &content_key).unwrap()
    }

    fn age(len: usize) -> WrappedKey {
        WrappedKey::new(StanzaType::Age, vec![b'a'; len])
    }

    fn password() -> WrappedKey {
        let body = super::super::argon2id::tests::argon2id_body(65_536, 3, 4);
        WrappedKey::new(StanzaType::Argon2id, body)
    }

    fn types(envelope: &Envelope) -> Vec<u16> {
        envelope.view().stanzas().map(|stanza| stanza.stanza_type).collect()
    }

    #[test]
    fn stanzas_are_sorted_and_padded() {
        let envelope = Envelope::new([key(2), age(30), key(1)]).unwrap();
        assert_eq!((types(&envelope), envelope.envelope_len()), (vec![2, 3, 3, 0xFFFF], 1020));
        // Stanzas of one type keep their order.
        let bodies: Vec<&[u8]> = envelope.view().stanzas().map(|stanza| stanza.body).collect();
        assert_eq!(bodies[1..3], [key(2).body(), key(1).body()]);
        let same_len = Envelope::with_len([password()], 1020).unwrap();
        assert_eq!(same_len.as_bytes().len(), envelope.as_bytes().len());
        let exact = Envelope::with_len([password()], 132).unwrap();
        assert_eq!(types(&exact), [1]);
    }

    #[test]
    fn impossible_envelopes_are_refused() {
        let rule = |made: Result<Envelope, Error>| made.unwrap_err().rule();
        let detail = |made: Result<Envelope, Error>| made.unwrap_err().detail();
        assert_eq!(rule(Envelope::new([])), Some(Misuse::EnvelopeEmpty));
        // One to three bytes cannot be padded.
        for len in [131, 124, 0] {
            assert_eq!(rule(Envelope::with_len([password()], len)), Some(Misuse::EnvelopeRoom), "{len}");
        }
        assert_eq!(rule(Envelope::with_len([age(9)], 12)), Some(Misuse::EnvelopeRoom));
        assert_eq!(detail(Envelope::with_len([password()], 139)), Detail::MalformedEnvelopeLen);
        assert_eq!(detail(Envelope::new([age(65_525)])), Detail::LimitEnvelopeLen);
        assert_eq!(Envelope::new([age(65_524)]).unwrap().envelope_len(), 65_532);
        for together in
            [[password(), key(1)], [password(), age(1)], [password(), password()], [age(1), age(1)]]
        {
            assert_eq!(detail(Envelope::new(together)), Detail::MalformedEnvelope);
        }
    }

    proptest! {
        #[test]
        fn readers_accept_every_envelope(keys in prop::collection::vec((0usize..3000, any::<bool>()), 1..40)) {
            let ages = keys.iter().position(|(_, is_age)| *is_age);
            let made = keys.iter().enumerate().map(|(at, (len, _))| match ages == Some(at) {
                true => age(*len),
                false => key(u8::try_from(at).unwrap()),
            });
            let envelope = Envelope::new(made).unwrap();
            let parsed = EnvelopeView::parse(envelope.as_bytes(), envelope.envelope_len()).unwrap();
            prop_assert_eq!(parsed, Parsed::Complete(envelope.view(), envelope.as_bytes().len()));
            prop_assert!(super::super::ENVELOPE_LENS.contains(&envelope.envelope_len()));
        }
    }
}
