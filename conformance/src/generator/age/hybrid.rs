//! Recipients of age that combine ML-KEM-768 and X25519: X-Wing as a KEM, and HPKE (RFC 9180).

use ml_kem::kem::{Decapsulate, DecapsulationKey, EncapsulationKey};
use ml_kem::{EncapsulateDeterministic, EncodedSizeUser, KemCore, MlKem768, MlKem768Params};
use sha3_old::Shake256;
use sha3_old::digest::{ExtendableOutput, Update, XofReader};

use super::keys::{x25519, x25519_public};
use super::stanza;
use super::text::{base64, bech32};
use crate::generator::primitives::{expand_sha256, hmac_sha256, open_chacha, seal_chacha, sha3};

const STANZA: &str = "mlkem768x25519";
const INFO: &[u8] = b"age-encryption.org/mlkem768x25519";
const X_WING: &[u8] = br"\.//^\";
/// MLKEM768-X25519, HKDF-SHA256, ChaCha20Poly1305.
const SUITE: &[u8; 10] = b"HPKE\x64\x7A\0\x01\0\x03";
/// Bytes of a ciphertext of ML-KEM-768.
const CIPHERTEXT_LEN: usize = 1088;

/// An identity: the seed of both keys.
#[derive(Clone, Copy)]
pub(crate) struct Hybrid(pub(crate) [u8; 32]);

impl Hybrid {
    pub(crate) fn identity(&self) -> String {
        bech32("age-secret-key-pq-", &self.0).to_uppercase()
    }

    pub(crate) fn recipient(&self) -> String {
        let (_, public, secret) = self.secrets();
        bech32("age1pq", &[&public.as_bytes()[..], &x25519_public(&secret)].concat())
    }

    fn secrets(&self) -> (DecapsulationKey<MlKem768Params>, EncapsulationKey<MlKem768Params>, [u8; 32]) {
        let mut expanded = [[0; 32]; 3];
        Shake256::default().chain(self.0).finalize_xof().read(expanded.as_flattened_mut());
        let [d, z, x25519] = expanded;
        let (secret, public) = MlKem768::generate_deterministic(&d.into(), &z.into());
        (secret, public, x25519)
    }

    /// Wraps a file key. `seed` is the random seed of ML-KEM, and `ephemeral` the secret of X25519.
    pub(crate) fn wrap(&self, seed: [u8; 32], ephemeral: &[u8; 32], file_key: &[u8; 16]) -> String {
        let (_, public, secret) = self.secrets();
        wrapped(&public, &x25519_public(&secret), seed, ephemeral, file_key)
    }

    /// Returns the file key of a stanza.
    pub(crate) fn unwrap(&self, encapsulated: &[u8], body: &[u8]) -> Option<[u8; 16]> {
        let (ciphertext, share) = encapsulated.split_at_checked(CIPHERTEXT_LEN)?;
        let share: [u8; 32] = share.try_into().ok()?;
        let (secret, _, x25519_secret) = self.secrets();
        let shared = secret.decapsulate(&ciphertext.try_into().ok()?).ok()?;
        let recipient = x25519_public(&x25519_secret);
        let combined = combined(&shared, &x25519(&x25519_secret, &share), &share, &recipient);
        let (key, nonce) = schedule(&combined);
        let (sealed, tag) = body.split_at_checked(16)?;
        let mut file_key: [u8; 16] = sealed.try_into().ok()?;
        open_chacha(&key, nonce, &mut file_key, tag).then_some(file_key)
    }
}

/// Returns the stanza for a recipient.
pub(crate) fn hybrid_stanza(
    recipient: &[u8],
    seed: [u8; 32],
    ephemeral: &[u8; 32],
    file_key: &[u8; 16],
) -> Option<String> {
    let (public, x25519) = recipient.split_last_chunk::<32>()?;
    let public = EncapsulationKey::<MlKem768Params>::from_bytes(&public.try_into().ok()?);
    Some(wrapped(&public, x25519, seed, ephemeral, file_key))
}

fn wrapped(
    public: &EncapsulationKey<MlKem768Params>,
    recipient: &[u8; 32],
    seed: [u8; 32],
    ephemeral: &[u8; 32],
    file_key: &[u8; 16],
) -> String {
    let Ok((ciphertext, shared)) = public.encapsulate_deterministic(&seed.into()) else {
        unreachable!("encapsulation fails for no key")
    };
    let share = x25519_public(ephemeral);
    let combined = combined(&shared, &x25519(ephemeral, recipient), &share, recipient);
    let (key, nonce) = schedule(&combined);
    let mut body = file_key.to_vec();
    let tag = seal_chacha(&key, nonce, &mut body);
    stanza(&[STANZA, &base64(&[&ciphertext[..], &share].concat())], &[&body[..], &tag].concat())
}

/// Returns the shared secret of both KEMs.
fn combined(ml_kem: &[u8], x25519: &[u8; 32], share: &[u8; 32], recipient: &[u8; 32]) -> [u8; 32] {
    sha3(&[ml_kem, x25519, share, recipient, X_WING])
}

/// Returns key and nonce of the first message in base mode.
fn schedule(shared: &[u8; 32]) -> ([u8; 32], [u8; 12]) {
    let extract = |salt: &[u8], label: &[u8], ikm: &[u8]| {
        hmac_sha256(salt, &[b"HPKE-v1", &SUITE[..], label, ikm].concat())
    };
    let context = [&[0], &extract(&[], b"psk_id_hash", &[])[..], &extract(&[], b"info_hash", INFO)].concat();
    let secret = extract(shared, b"secret", &[]);
    let expand = |label: &[u8], len: u8| {
        expand_sha256(&secret, &[&[0, len], &b"HPKE-v1"[..], SUITE, label, &context].concat())
    };
    let mut nonce = [0; 12];
    nonce.copy_from_slice(&expand(b"base_nonce", 12)[..12]);
    (expand(b"key", 32), nonce)
}
