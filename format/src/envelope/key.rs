//! §12.5 Stanza `key`: the content key wrapped under another key, such as that of a key file.
//!
//! ```text
//!  0 key_id (16) | 16 salt (32)
//! 48 commitment (32) | 80 wrapped (48)
//! ```

use super::stanza::Stanza;
use super::wrapped::{WrappedKey, not_unwrapped};
use crate::Error;
use crate::crypto::{ContentKey, WRAPPED_BODY_LEN, WrapLabels, WrapRoot};
use crate::wire::StanzaType;

const SALT_OFFSET: usize = 16;
const PREFIX_LEN: usize = SALT_OFFSET + 32;
const LABELS: WrapLabels = WrapLabels { commitment: b"key commitment", wrap: b"key wrap" };

/// The body of a `key` stanza, without a copy (§12.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyView<'a> {
    key_id: [u8; 16],
    salt: [u8; 32],
    body: &'a [u8; WRAPPED_BODY_LEN],
}

impl<'a> KeyView<'a> {
    /// Returns the body of a `key` stanza, or `None` if `stanza` is of another type or length.
    #[must_use]
    pub fn parse(stanza: &Stanza<'a>) -> Option<Self> {
        if StanzaType::from_value(stanza.stanza_type) != Some(StanzaType::Key) {
            return None;
        }
        //= spec/stream-v2.md#sv2-env-018
        //# A reader MUST skip a `key` stanza whose body is not 128 bytes long.
        let body: &[u8; WRAPPED_BODY_LEN] = stanza.body.try_into().ok()?;
        let (mut key_id, mut salt) = ([0; 16], [0; 32]);
        key_id.copy_from_slice(&body[..SALT_OFFSET]);
        salt.copy_from_slice(&body[SALT_OFFSET..PREFIX_LEN]);
        Some(Self { key_id, salt, body })
    }

    /// Returns the id of the wrapping key; zero if the stanza does not name it.
    #[must_use]
    pub const fn key_id(&self) -> [u8; 16] {
        self.key_id
    }

    /// Returns the content key that is wrapped under `key`.
    ///
    /// # Errors
    ///
    /// - `key.envelope` if it is wrapped under another key, or the stanza was altered.
    pub fn unwrap(&self, key: &ContentKey) -> Result<ContentKey, Error> {
        WrapRoot::of_key(&self.salt, key).unwrap(&LABELS, self.body).ok_or(not_unwrapped())
    }
}

impl WrappedKey {
    /// Wraps `content_key` under `key`, for a `key` stanza (§12.5).
    ///
    /// `key_id` names `key`, and is zero to hide which streams it opens. `salt` comes
    /// from the operating system's random generator and is used once (SV2-ENV-014).
    ///
    /// # Errors
    ///
    /// - `key.envelope` if the AEAD of this build cannot be set up.
    pub fn by_key(
        key: &ContentKey,
        key_id: [u8; 16],
        salt: [u8; 32],
        content_key: &ContentKey,
    ) -> Result<Self, Error> {
        let mut prefix = [0; PREFIX_LEN];
        prefix[..SALT_OFFSET].copy_from_slice(&key_id);
        prefix[SALT_OFFSET..].copy_from_slice(&salt);
        let body = WrapRoot::of_key(&salt, key).wrap(&LABELS, &prefix, content_key);
        Ok(Self::new(StanzaType::Key, body.ok_or(not_unwrapped())?))
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::String;
    use alloc::vec::Vec;

    use proptest::prelude::*;

    use super::*;
    use crate::{Detail, Offset};

    fn stanza(body: &[u8]) -> Stanza<'_> {
        Stanza { stanza_type: 3, body, offset: Offset(128) }
    }

    fn wrapped(key: [u8; 32], key_id: [u8; 16], content_key: [u8; 32]) -> WrappedKey {
        WrappedKey::by_key(&ContentKey::new(key), key_id, [7; 32], &ContentKey::new(content_key)).unwrap()
    }

    proptest! {
        #[test]
        fn wrapped_key_comes_out_under_its_key_alone(
            key: [u8; 32],
            other: [u8; 32],
            key_id: [u8; 16],
            content_key: [u8; 32],
        ) {
            prop_assume!(key != other);
            let wrapped = wrapped(key, key_id, content_key);
            let view = KeyView::parse(&stanza(wrapped.body())).unwrap();
            prop_assert_eq!(view.key_id(), key_id);
            let unwrapped = view.unwrap(&ContentKey::new(key)).unwrap();
            prop_assert_eq!(unwrapped.id(), ContentKey::new(content_key).id());
            let error = view.unwrap(&ContentKey::new(other)).unwrap_err();
            prop_assert_eq!((error.detail(), error.offset()), (Detail::KeyEnvelope, Offset(128)));
        }

        #[test]
        fn any_bytes_unwrap_to_an_error(body in prop::collection::vec(any::<u8>(), 0..200), key: [u8; 32]) {
            let view = KeyView::parse(&stanza(&body));
            prop_assert_eq!(view.is_some(), body.len() == 128);
            if let Some(view) = view {
                prop_assert!(view.unwrap(&ContentKey::new(key)).is_err());
            }
        }
    }

    //= spec/stream-v2.md#sv2-env-009
    //= type=test
    //# A reader MUST report every failure to unwrap a content key as `key.envelope`,
    #[test]
    fn every_altered_bit_is_noticed() {
        let wrapped = wrapped([1; 32], [2; 16], [3; 32]);
        let key = ContentKey::new([1; 32]);
        for bit in 0..8 * 128 {
            let mut altered: Vec<u8> = wrapped.body().to_vec();
            altered[bit / 8] ^= 1 << (bit % 8);
            let error = KeyView::parse(&stanza(&altered)).unwrap().unwrap(&key).unwrap_err();
            assert_eq!(error.detail(), Detail::KeyEnvelope, "{bit}");
        }
    }

    /// Computed with hashlib and libsodium.
    #[test]
    fn body_is_that_of_other_libraries() {
        let counted = |from: u8| core::array::from_fn(|at| from + u8::try_from(at).unwrap());
        let (key, content_key) = (ContentKey::new(counted(0x80)), ContentKey::new(counted(0)));
        let wrapped = WrappedKey::by_key(&key, key.id(), counted(0x40), &content_key).unwrap();
        let hex: String = wrapped.body().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(&hex[..32], "4cc7990d650606a11c0b045c3cd8df66");
        assert_eq!(&hex[96..160], "0bfa55605a92ecf43c875e2b90ecf9b100b108ca2ebbe306e558825968e1ac14");
        assert_eq!(&hex[160..224], "7aff178bab3be4c773ae1f277cf11b61885754e89ca899179b7a0a52bd791297");
        assert_eq!(&hex[224..], "251642b6d12684c8bae7bb663ff0329c");
    }

    //= spec/stream-v2.md#sv2-env-018
    //= type=test
    //# A reader MUST skip a `key` stanza whose body is not 128 bytes long.
    #[test]
    fn stanzas_of_another_kind_are_skipped() {
        let wrapped = wrapped([1; 32], [2; 16], [3; 32]);
        let longer = [wrapped.body(), &[0]].concat();
        for body in [&wrapped.body()[..127], &longer[..], &[]] {
            assert_eq!(KeyView::parse(&stanza(body)), None, "{}", body.len());
        }
        let other = Stanza { stanza_type: 4, ..stanza(wrapped.body()) };
        assert_eq!(KeyView::parse(&other), None);
    }
}
