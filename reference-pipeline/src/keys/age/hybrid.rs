//! Recipients `age1pq…`: ML-KEM-768 and X25519 together, so that both must be broken.
//!
//! The KEM is X-Wing, MLKEM768-X25519 of HPKE. Its key is a seed of 32 bytes, from which SHAKE256
//! makes the keys of both. The file key is sealed by HPKE, as the specification of age says
//! (c2sp.org/age).

use std::collections::HashSet;
use std::fmt;

use age::{DecryptError, EncryptError};
use age_core::format::{FILE_KEY_BYTES, FileKey, Stanza};
use age_core::primitives::{bech32_decode, bech32_encode, bech32_encode_to_fmt, hpke_open, hpke_seal};
use age_core::secrecy::ExposeSecret;
use base64::Engine;
use base64::prelude::BASE64_STANDARD_NO_PAD;
use bech32::Hrp;
use hpke::generic_array::GenericArray;
use hpke::generic_array::typenum::{Sum, U32, U96, U192, U1024};
use hpke::kem::SharedSecret;
use hpke::rand_core::{CryptoRng, RngCore};
use hpke::{Deserializable, HpkeError, Kem, Serializable};
use ml_kem::kem::{Decapsulate, Encapsulate};
use ml_kem::{Ciphertext, Encoded, EncodedSizeUser, KemCore, MlKem768};
use rand_core::OsRng;
use sha3_old::digest::{ExtendableOutput, FixedOutput, Update, XofReader};
use sha3_old::{Sha3_256, Shake256};
use x25519_dalek::{PublicKey as X25519Public, StaticSecret};
use zeroize::{Zeroize, Zeroizing};

const STANZA: &str = "mlkem768x25519";
const INFO: &[u8] = b"age-encryption.org/mlkem768x25519";
/// The label of X-Wing.
const LABEL: &[u8] = br"\.//^\";
const RECIPIENT: Hrp = Hrp::parse_unchecked("age1pq");
const IDENTITY: Hrp = Hrp::parse_unchecked("AGE-SECRET-KEY-PQ-");
/// All recipients of an age file have this label, or none has it.
const POST_QUANTUM: &str = "postquantum";
const WRAPPED_LEN: usize = 32;
const X25519_LEN: usize = 32;

type MlKemPublic = <MlKem768 as KemCore>::EncapsulationKey;
type MlKemSecret = <MlKem768 as KemCore>::DecapsulationKey;

/// A public key: that of ML-KEM (1,184 bytes), then that of X25519.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Recipient(GenericArray<u8, Sum<U1024, U192>>);

impl Recipient {
    /// Reads a text that begins with `age1pq1`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let bytes = bech32_decode(
            text,
            |_| (),
            |hrp| (hrp == RECIPIENT).then_some(()).ok_or(()),
            |_, bytes| Ok(bytes.collect::<Vec<u8>>()),
        );
        Self::from_bytes(&bytes.ok()?).ok()
    }

    fn parts(&self) -> Option<(MlKemPublic, X25519Public)> {
        let (ml_kem, x25519) = self.0.split_last_chunk::<X25519_LEN>()?;
        let encoded = Encoded::<MlKemPublic>::try_from(ml_kem).ok()?;
        Some((MlKemPublic::from_bytes(&encoded), X25519Public::from(*x25519)))
    }

    /// Whether both parts are keys. Encapsulation fails for no others.
    fn is_valid(&self) -> bool {
        let Some((ml_kem, x25519)) = self.parts() else { return false };
        // FIPS 203: a coefficient must be below the modulus. One that is not comes back reduced.
        let is_canonical = self.0.starts_with(&ml_kem.as_bytes());
        // Every X25519 secret is a multiple of the cofactor, so any of them shows a low order.
        is_canonical && StaticSecret::from([1; 32]).diffie_hellman(&x25519).was_contributory()
    }
}

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        bech32_encode_to_fmt(f, RECIPIENT, &self.0)
    }
}

impl age::Recipient for Recipient {
    fn wrap_file_key(&self, file_key: &FileKey) -> Result<(Vec<Stanza>, HashSet<String>), EncryptError> {
        let (enc, body) = hpke_seal::<XWing, _>(self, INFO, file_key.expose_secret(), &mut OsRng);
        let args = vec![BASE64_STANDARD_NO_PAD.encode(enc.to_bytes())];
        let stanza = Stanza { tag: STANZA.into(), args, body };
        Ok((vec![stanza], HashSet::from([POST_QUANTUM.into()])))
    }
}

/// The seed of a secret key.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Identity(Zeroizing<[u8; 32]>);

impl Identity {
    pub(super) fn of_seed(seed: Zeroizing<[u8; 32]>) -> Self {
        Self(seed)
    }

    /// Reads a text that begins with `AGE-SECRET-KEY-PQ-1`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut seed = Zeroizing::new([0; 32]);
        let read = bech32_decode(
            text,
            |_| (),
            |hrp| (hrp == IDENTITY).then_some(()).ok_or(()),
            |_, mut bytes| {
                seed.iter_mut().try_for_each(|byte| bytes.next().map(|read| *byte = read)).ok_or(())?;
                bytes.next().is_none().then_some(()).ok_or(())
            },
        );
        read.ok().map(|()| Self(seed))
    }

    pub(super) fn text(&self) -> Zeroizing<String> {
        let lower = Zeroizing::new(bech32_encode(IDENTITY, &*self.0));
        Zeroizing::new(lower.to_uppercase())
    }

    pub(super) fn recipient(&self) -> Recipient {
        let (ml_kem, x25519) = self.secrets();
        let mut bytes = GenericArray::default();
        let (begin, end) = bytes.split_at_mut(ml_kem.encapsulation_key().as_bytes().len());
        begin.copy_from_slice(&ml_kem.encapsulation_key().as_bytes());
        end.copy_from_slice(X25519Public::from(&x25519).as_bytes());
        Recipient(bytes)
    }

    /// Expands the seed into the two secret keys.
    fn secrets(&self) -> (MlKemSecret, StaticSecret) {
        let mut expanded = Zeroizing::new([0; 96]);
        Shake256::default().chain(*self.0).finalize_xof().read(&mut *expanded);
        let part = |at: usize| {
            let mut part = Zeroizing::new([0; 32]);
            part.copy_from_slice(&expanded[32 * at..32 * (at + 1)]);
            part
        };
        let (mut d, mut z) = ((*part(0)).into(), (*part(1)).into());
        let (secret, _) = MlKem768::generate_deterministic(&d, &z);
        d.zeroize();
        z.zeroize();
        (secret, StaticSecret::from(*part(2)))
    }

    fn unwrap(&self, stanza: &Stanza) -> Option<Result<FileKey, DecryptError>> {
        let [enc] = &stanza.args[..] else { return Some(Err(DecryptError::InvalidHeader)) };
        let enc = BASE64_STANDARD_NO_PAD.decode(enc).ok();
        let enc = enc.and_then(|enc| Encapsulated::from_bytes(&enc).ok());
        let Some(enc) = enc.filter(|enc| stanza.body.len() == WRAPPED_LEN && self.contributes(enc)) else {
            return Some(Err(DecryptError::InvalidHeader));
        };
        // A stanza for another recipient is no error.
        let opened = Zeroizing::new(hpke_open::<XWing>(&enc, self, INFO, &stanza.body).ok()?);
        let Ok(key) = <&[u8; FILE_KEY_BYTES]>::try_from(&opened[..]) else {
            return Some(Err(DecryptError::DecryptionFailed));
        };
        Some(Ok(FileKey::init_with_mut(|file_key| file_key.copy_from_slice(key))))
    }

    /// Whether the X25519 share is not of a low order.
    fn contributes(&self, enc: &Encapsulated) -> bool {
        let share = enc.parts().map(|(_, share)| share);
        share.is_some_and(|share| self.secrets().1.diffie_hellman(&share).was_contributory())
    }
}

impl age::Identity for Identity {
    fn unwrap_stanza(&self, stanza: &Stanza) -> Option<Result<FileKey, DecryptError>> {
        if stanza.tag == STANZA { self.unwrap(stanza) } else { None }
    }
}

/// What a sender sends: a ciphertext of ML-KEM (1,088 bytes), then a share of X25519.
#[derive(Clone)]
pub(super) struct Encapsulated(GenericArray<u8, Sum<U1024, U96>>);

impl Encapsulated {
    fn parts(&self) -> Option<(Ciphertext<MlKem768>, X25519Public)> {
        let (ciphertext, share) = self.0.split_last_chunk::<X25519_LEN>()?;
        Some((Ciphertext::<MlKem768>::try_from(ciphertext).ok()?, X25519Public::from(*share)))
    }
}

/// The KEM of a hybrid recipient, for HPKE.
struct XWing;

impl Kem for XWing {
    type PublicKey = Recipient;
    type PrivateKey = Identity;
    type EncappedKey = Encapsulated;
    type NSecret = U32;
    const KEM_ID: u16 = 0x647A;

    fn sk_to_pk(secret: &Identity) -> Recipient {
        secret.recipient()
    }

    fn derive_keypair(ikm: &[u8]) -> (Identity, Recipient) {
        let mut seed = Zeroizing::new([0; 32]);
        let label = b"DeriveKeyPair";
        let hash = Shake256::default().chain(ikm).chain(b"HPKE-v1KEM").chain(Self::KEM_ID.to_be_bytes());
        let hash = hash.chain([0, 13]).chain(label).chain([0, 32]);
        hash.finalize_xof().read(&mut *seed);
        let identity = Identity(seed);
        let recipient = identity.recipient();
        (identity, recipient)
    }

    fn encap<R: CryptoRng + RngCore>(
        recipient: &Recipient,
        _sender: Option<(&Identity, &Recipient)>,
        rng: &mut R,
    ) -> Result<(SharedSecret<Self>, Encapsulated), HpkeError> {
        let (ml_kem, x25519) = recipient.parts().ok_or(HpkeError::EncapError)?;
        let (ciphertext, mut first) = ml_kem.encapsulate(rng).map_err(|()| HpkeError::EncapError)?;
        let mut ephemeral = Zeroizing::new([0; 32]);
        rng.fill_bytes(&mut *ephemeral);
        let ephemeral = StaticSecret::from(*ephemeral);
        let share = X25519Public::from(&ephemeral);
        let second = ephemeral.diffie_hellman(&x25519);
        let secret = combined(&first, second.as_bytes(), &share, &x25519);
        first.zeroize();
        let mut enc = GenericArray::default();
        let (begin, end) = enc.split_at_mut(ciphertext.len());
        begin.copy_from_slice(&ciphertext);
        end.copy_from_slice(share.as_bytes());
        Ok((secret, Encapsulated(enc)))
    }

    fn decap(
        identity: &Identity,
        _sender: Option<&Recipient>,
        enc: &Encapsulated,
    ) -> Result<SharedSecret<Self>, HpkeError> {
        let (ciphertext, share) = enc.parts().ok_or(HpkeError::DecapError)?;
        let (ml_kem, x25519) = identity.secrets();
        let mut first = ml_kem.decapsulate(&ciphertext).map_err(|()| HpkeError::DecapError)?;
        let second = x25519.diffie_hellman(&share);
        let secret = combined(&first, second.as_bytes(), &share, &X25519Public::from(&x25519));
        first.zeroize();
        Ok(secret)
    }
}

/// Returns SHA3-256(ss_M || ss_X || ct_X || pk_X || label).
fn combined(
    ml_kem: &[u8],
    x25519: &[u8; 32],
    share: &X25519Public,
    public: &X25519Public,
) -> SharedSecret<XWing> {
    let mut secret = SharedSecret::default();
    let hash = Sha3_256::default().chain(ml_kem).chain(x25519);
    hash.chain(share.as_bytes()).chain(public.as_bytes()).chain(LABEL).finalize_into(&mut secret.0);
    secret
}

impl Serializable for Recipient {
    type OutputSize = Sum<U1024, U192>;

    fn write_exact(&self, buffer: &mut [u8]) {
        buffer.copy_from_slice(&self.0);
    }
}

impl Deserializable for Recipient {
    fn from_bytes(bytes: &[u8]) -> Result<Self, HpkeError> {
        let recipient = Self(exactly(bytes)?);
        if recipient.is_valid() { Ok(recipient) } else { Err(HpkeError::ValidationError) }
    }
}

impl Serializable for Identity {
    type OutputSize = U32;

    fn write_exact(&self, buffer: &mut [u8]) {
        buffer.copy_from_slice(&*self.0);
    }
}

impl Deserializable for Identity {
    fn from_bytes(bytes: &[u8]) -> Result<Self, HpkeError> {
        let mut seed = Zeroizing::new([0; 32]);
        seed.copy_from_slice(&exactly::<U32>(bytes)?);
        Ok(Self(seed))
    }
}

impl Serializable for Encapsulated {
    type OutputSize = Sum<U1024, U96>;

    fn write_exact(&self, buffer: &mut [u8]) {
        buffer.copy_from_slice(&self.0);
    }
}

impl Deserializable for Encapsulated {
    fn from_bytes(bytes: &[u8]) -> Result<Self, HpkeError> {
        exactly(bytes).map(Self)
    }
}

fn exactly<N: hpke::generic_array::ArrayLength<u8>>(bytes: &[u8]) -> Result<GenericArray<u8, N>, HpkeError> {
    GenericArray::from_exact_iter(bytes.iter().copied())
        .ok_or(HpkeError::IncorrectInputLength(N::to_usize(), bytes.len()))
}

#[cfg(test)]
mod tests {
    use age::{Identity as _, Recipient as _};
    use sha2::{Digest, Sha256};

    use super::*;

    fn file_key() -> FileKey {
        FileKey::new(Box::new([7; 16]))
    }

    fn wrapped(identity: &Identity) -> Stanza {
        let (mut stanzas, labels) = identity.recipient().wrap_file_key(&file_key()).unwrap();
        assert_eq!(labels, HashSet::from(["postquantum".to_owned()]));
        stanzas.remove(0)
    }

    /// The example of the specification of age.
    #[test]
    fn identity_has_its_recipient() {
        let text = "AGE-SECRET-KEY-PQ-1XX76JRALNLXDMEW0CRK45QMCCH4X06SE84UN3VPM33W6HWDX0H3SK3ZQFR";
        let identity = Identity::parse(text).unwrap();
        assert_eq!(identity.text().as_str(), text);
        let recipient = identity.recipient().to_string();
        assert_eq!(
            hex::encode(Sha256::digest(&recipient)),
            "a091dd7e0ee9d62b75173dcc98441a0424baa941e66a8776e570a4ae60ff61ea"
        );
        assert!(Recipient::parse(&recipient) == Some(identity.recipient()));
    }

    #[test]
    fn only_its_identity_unwraps() {
        let identity = Identity::of_seed(Zeroizing::new([1; 32]));
        let other = Identity::of_seed(Zeroizing::new([2; 32]));
        let stanza = wrapped(&identity);
        assert_eq!((stanza.tag.as_str(), stanza.body.len()), ("mlkem768x25519", 32));
        assert_eq!(identity.unwrap_stanza(&stanza).unwrap().unwrap().expose_secret(), &[7; 16]);
        assert!(other.unwrap_stanza(&stanza).is_none());
        for at in [0, 700, 1087, 1088, 1119] {
            let mut enc = BASE64_STANDARD_NO_PAD.decode(&stanza.args[0]).unwrap();
            enc[at] ^= 1;
            let args = vec![BASE64_STANDARD_NO_PAD.encode(enc)];
            let altered = Stanza { tag: stanza.tag.clone(), args, body: stanza.body.clone() };
            assert!(identity.unwrap_stanza(&altered).is_none(), "{at}");
        }
    }

    #[test]
    fn malformed_stanzas_are_errors() {
        let identity = Identity::of_seed(Zeroizing::new([1; 32]));
        let Stanza { tag, args, body } = wrapped(&identity);
        let is_refused = |args: Vec<String>, body: Vec<u8>| {
            matches!(identity.unwrap_stanza(&Stanza { tag: tag.clone(), args, body }), Some(Err(_)))
        };
        assert!(is_refused(Vec::new(), body.clone()));
        assert!(is_refused([args.clone(), args.clone()].concat(), body.clone()));
        assert!(is_refused(vec![args[0][..args[0].len() - 4].into()], body.clone()));
        assert!(is_refused(args.clone(), body[..31].to_vec()));
        // A share of a low order.
        let mut enc = BASE64_STANDARD_NO_PAD.decode(&args[0]).unwrap();
        enc[1088..].fill(0);
        assert!(is_refused(vec![BASE64_STANDARD_NO_PAD.encode(enc)], body));
        let other = Stanza { tag: "X25519".into(), args: Vec::new(), body: Vec::new() };
        assert!(identity.unwrap_stanza(&other).is_none());
    }

    #[test]
    fn keys_that_are_none_are_refused() {
        let good = Identity::of_seed(Zeroizing::new([1; 32])).recipient().0;
        let altered = |at: std::ops::Range<usize>, with: u8| {
            let mut bytes = good;
            bytes[at].fill(with);
            Recipient::from_bytes(&bytes).is_ok()
        };
        assert!(altered(0..0, 0));
        // A coefficient above the modulus, and a point of a low order.
        assert!(!altered(0..3, 0xFF));
        assert!(!altered(1184..1216, 0));
        assert!(Recipient::from_bytes(&good[1..]).is_err());
        assert!(Recipient::parse("age1pq1xyz").is_none() && Identity::parse("AGE-SECRET-KEY-PQ-1").is_none());
    }
}
