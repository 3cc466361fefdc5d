//! Keys of age from fixed secrets: their text, and the stanzas that wrap a file key for them.

use curve25519_dalek::{EdwardsPoint, MontgomeryPoint};
use sha2::{Digest, Sha256, Sha512};

pub(crate) use super::hybrid::{Hybrid, hybrid_stanza};
use super::stanza;
use super::text::{base64, bech32};
use crate::generator::primitives::{hkdf_sha256, seal_chacha};

const X25519_INFO: &[u8] = b"age-encryption.org/v1/X25519";
const SSH_INFO: &[u8] = b"age-encryption.org/v1/ssh-ed25519";
const SSH_TYPE: &[u8] = b"ssh-ed25519";

/// Returns X25519 (RFC 7748).
pub(crate) fn x25519(secret: &[u8; 32], point: &[u8; 32]) -> [u8; 32] {
    MontgomeryPoint(*point).mul_clamped(*secret).to_bytes()
}

pub(crate) fn x25519_public(secret: &[u8; 32]) -> [u8; 32] {
    MontgomeryPoint::mul_base_clamped(*secret).to_bytes()
}

/// Returns a file key, sealed under a key that is used once.
pub(crate) fn sealed(key: &[u8; 32], file_key: &[u8; 16]) -> Vec<u8> {
    let mut body = file_key.to_vec();
    let tag = seal_chacha(key, [0; 12], &mut body);
    [&body[..], &tag].concat()
}

/// An identity of the type X25519.
#[derive(Clone, Copy)]
pub(crate) struct X25519(pub(crate) [u8; 32]);

impl X25519 {
    pub(crate) fn identity(&self) -> String {
        bech32("age-secret-key-", &self.0).to_uppercase()
    }

    pub(crate) fn recipient(&self) -> String {
        bech32("age", &x25519_public(&self.0))
    }

    /// Wraps a file key. `ephemeral` is the secret of the sender.
    pub(crate) fn wrap(&self, ephemeral: &[u8; 32], file_key: &[u8; 16]) -> String {
        x25519_stanza(&x25519_public(&self.0), ephemeral, file_key)
    }

    /// Returns share and body of a stanza.
    pub(crate) fn wrapped(&self, ephemeral: &[u8; 32], file_key: &[u8; 16]) -> ([u8; 32], Vec<u8>) {
        x25519_wrapped(&x25519_public(&self.0), ephemeral, file_key)
    }
}

/// Returns the stanza for a recipient.
pub(crate) fn x25519_stanza(recipient: &[u8; 32], ephemeral: &[u8; 32], file_key: &[u8; 16]) -> String {
    let (share, body) = x25519_wrapped(recipient, ephemeral, file_key);
    stanza(&["X25519", &base64(&share)], &body)
}

fn x25519_wrapped(recipient: &[u8; 32], ephemeral: &[u8; 32], file_key: &[u8; 16]) -> ([u8; 32], Vec<u8>) {
    let share = x25519_public(ephemeral);
    let key = x25519_wrap_key(&x25519(ephemeral, recipient), &share, recipient);
    (share, sealed(&key, file_key))
}

/// Returns the key that seals the file key of an X25519 stanza.
pub(crate) fn x25519_wrap_key(shared: &[u8; 32], share: &[u8; 32], recipient: &[u8; 32]) -> [u8; 32] {
    hkdf_sha256(shared, &[&share[..], recipient].concat(), X25519_INFO)
}

/// A key of OpenSSH, of the type ssh-ed25519.
#[derive(Clone, Copy)]
pub(crate) struct Ssh(pub(crate) [u8; 32]);

impl Ssh {
    fn public(&self) -> EdwardsPoint {
        EdwardsPoint::mul_base_clamped(self.secret())
    }

    /// Returns the secret for X25519, which is that for Ed25519.
    fn secret(&self) -> [u8; 32] {
        let mut secret = [0; 32];
        secret.copy_from_slice(&Sha512::digest(self.0)[..32]);
        secret
    }

    /// Returns the public key as OpenSSH writes it.
    fn blob(&self) -> Vec<u8> {
        [string(SSH_TYPE), string(self.public().compress().as_bytes())].concat()
    }

    /// Returns a private key without a passphrase.
    pub(crate) fn identity(&self) -> String {
        let public = self.public().compress().to_bytes();
        let check = [0xA5; 8];
        let pair = [self.0, public].concat();
        let secrets =
            [&check[..], &string(SSH_TYPE), &string(&public), &string(&pair), &string(b"")].concat();
        // The comment is empty, and the padding counts up to a multiple of 8.
        let padding: Vec<u8> = (1..=8).take((8 - secrets.len() % 8) % 8).collect();
        let key = [
            b"openssh-key-v1\0",
            &[string(b"none"), string(b"none"), string(b"")].concat()[..],
            &1_u32.to_be_bytes(),
            &string(&self.blob()),
            &string(&[secrets, padding].concat()),
        ]
        .concat();
        let text = base64(&key) + &"=".repeat((3 - key.len() % 3) % 3);
        let lines: Vec<&[u8]> = text.as_bytes().chunks(70).collect();
        let body = String::from_utf8_lossy(&lines.join(&b'\n')).into_owned();
        format!("-----BEGIN OPENSSH PRIVATE KEY-----\n{body}\n-----END OPENSSH PRIVATE KEY-----\n")
    }

    pub(crate) fn wrap(&self, ephemeral: &[u8; 32], file_key: &[u8; 16]) -> String {
        let (share, recipient) = (x25519_public(ephemeral), self.public().to_montgomery().to_bytes());
        let shared = x25519(ephemeral, &recipient);
        let tag = base64(&Sha256::digest(self.blob())[..4]);
        let body = sealed(&self.wrap_key(&shared, &share, &recipient), file_key);
        stanza(&["ssh-ed25519", &tag, &base64(&share)], &body)
    }

    /// Returns the file key of a stanza.
    pub(crate) fn unwrap_key(&self, share: &[u8; 32]) -> [u8; 32] {
        let recipient = self.public().to_montgomery().to_bytes();
        self.wrap_key(&x25519(&self.secret(), share), share, &recipient)
    }

    fn wrap_key(&self, shared: &[u8; 32], share: &[u8; 32], recipient: &[u8; 32]) -> [u8; 32] {
        let tweak = hkdf_sha256(&[], &self.blob(), SSH_INFO);
        hkdf_sha256(&x25519(&tweak, shared), &[&share[..], recipient].concat(), SSH_INFO)
    }
}

/// Returns a string as SSH writes it.
fn string(bytes: &[u8]) -> Vec<u8> {
    let len = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    [&len.to_be_bytes(), bytes].concat()
}
