//! Recipients and identities `ssh-ed25519`: keys of OpenSSH, as age uses them.
//!
//! The key is mapped to Curve25519. A stanza names it by 32 bits of its hash, so it can be found
//! by anyone who knows the key. Keys of the type `ssh-rsa` are not read: no implementation of RSA
//! in Rust is known to decrypt in constant time.

use std::collections::HashSet;
use std::fmt;

use age::{DecryptError, EncryptError};
use age_core::format::{FileKey, Stanza};
use age_core::primitives::{aead_decrypt, aead_encrypt, hkdf};
use age_core::secrecy::ExposeSecret;
use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD};
use curve25519_dalek::edwards::CompressedEdwardsY;
use rand_core::OsRng;
use sha2::{Digest, Sha256, Sha512};
use x25519_dalek::{EphemeralSecret, PublicKey, StaticSecret};
use zeroize::{Zeroize, Zeroizing};

use super::identity::LineError;
use super::recipient::RecipientError;

const KEY_TYPE: &str = "ssh-ed25519";
const LABEL: &[u8] = b"age-encryption.org/v1/ssh-ed25519";
const BEGIN: &str = "-----BEGIN OPENSSH PRIVATE KEY-----";
const END: &str = "-----END OPENSSH PRIVATE KEY-----";
const MAGIC: &[u8] = b"openssh-key-v1\0";
const WRAPPED_LEN: usize = 32;

/// A public key of OpenSSH.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Recipient {
    /// The key as OpenSSH writes it: its type, and 32 bytes.
    blob: Vec<u8>,
    x25519: PublicKey,
}

impl Recipient {
    /// Reads a line that begins with `ssh-`. A comment may follow the key.
    pub(super) fn parse(text: &str) -> Result<Self, RecipientError> {
        let mut words = text.split_ascii_whitespace();
        match words.next() {
            Some(KEY_TYPE) => {}
            Some("ssh-rsa") => return Err(RecipientError::SshRsa),
            _ => return Err(RecipientError::Unknown),
        }
        let blob = words.next().and_then(|word| BASE64_STANDARD.decode(word).ok());
        blob.and_then(Self::of_blob).ok_or(RecipientError::Damaged)
    }

    fn of_blob(blob: Vec<u8>) -> Option<Self> {
        let mut rest = &blob[..];
        let (key_type, key) = (string(&mut rest)?, string(&mut rest)?);
        if key_type != KEY_TYPE.as_bytes() || !rest.is_empty() {
            return None;
        }
        let point = CompressedEdwardsY(key.try_into().ok()?).decompress()?;
        if point.is_small_order() {
            return None;
        }
        let x25519 = PublicKey::from(point.to_montgomery().to_bytes());
        Some(Self { blob, x25519 })
    }

    /// The first 32 bits of the hash of the key.
    fn tag(&self) -> String {
        BASE64_STANDARD_NO_PAD.encode(&Sha256::digest(&self.blob)[..4])
    }

    /// Returns the key that wraps the file key. `shared` is a share of this key and of a sender.
    fn wrap_key(&self, share: &PublicKey, shared: &[u8; 32]) -> Zeroizing<[u8; 32]> {
        let tweak = StaticSecret::from(hkdf(&self.blob, LABEL, &[]));
        let shared = tweak.diffie_hellman(&PublicKey::from(*shared));
        let salt = [*share.as_bytes(), *self.x25519.as_bytes()].concat();
        Zeroizing::new(hkdf(&salt, LABEL, shared.as_bytes()))
    }
}

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{KEY_TYPE} {}", BASE64_STANDARD.encode(&self.blob))
    }
}

impl age::Recipient for Recipient {
    fn wrap_file_key(&self, file_key: &FileKey) -> Result<(Vec<Stanza>, HashSet<String>), EncryptError> {
        let ephemeral = EphemeralSecret::random_from_rng(OsRng);
        let share = PublicKey::from(&ephemeral);
        let shared = ephemeral.diffie_hellman(&self.x25519);
        let body = aead_encrypt(&self.wrap_key(&share, shared.as_bytes()), file_key.expose_secret());
        let args = vec![self.tag(), BASE64_STANDARD_NO_PAD.encode(share.as_bytes())];
        Ok((vec![Stanza { tag: KEY_TYPE.into(), args, body }], HashSet::new()))
    }
}

/// A private key of OpenSSH.
pub(super) struct Identity {
    recipient: Recipient,
    secret: StaticSecret,
}

impl Identity {
    pub(super) fn recipient(&self) -> &Recipient {
        &self.recipient
    }

    /// Returns whether a text is a private key of OpenSSH, of any type.
    pub(super) fn is_private_key(text: &str) -> bool {
        text.trim_start().starts_with(BEGIN)
    }

    /// Reads a private key that has no passphrase.
    pub(super) fn parse(text: &str) -> Result<Self, LineError> {
        let lines = text.trim().strip_prefix(BEGIN).and_then(|text| text.strip_suffix(END));
        let mut joined = Zeroizing::new(String::with_capacity(text.len()));
        joined.extend(lines.ok_or(LineError::Damaged)?.split_ascii_whitespace());
        let bytes = BASE64_STANDARD.decode(&*joined).map_err(|_| LineError::Damaged)?;
        Self::of_bytes(&Zeroizing::new(bytes))
    }

    fn of_bytes(bytes: &[u8]) -> Result<Self, LineError> {
        let mut rest = bytes.strip_prefix(MAGIC).ok_or(LineError::Damaged)?;
        let cipher = string(&mut rest).ok_or(LineError::Damaged)?;
        if cipher != b"none" {
            return Err(LineError::SshPassphrase);
        }
        let private = private_part(&mut rest).ok_or(LineError::Damaged)?;
        let mut rest = private;
        match string(&mut rest) {
            Some(b"ssh-ed25519") => {}
            Some(b"ssh-rsa") => return Err(LineError::SshRsa),
            Some(_) => return Err(LineError::Unknown),
            None => return Err(LineError::Damaged),
        }
        Self::of_pair(&mut rest).ok_or(LineError::Damaged)
    }

    /// Reads the public key, and the seed with the public key behind it.
    fn of_pair(rest: &mut &[u8]) -> Option<Self> {
        let (public, pair) = (string(rest)?, string(rest)?);
        let (seed, again) = pair.split_at_checked(32)?;
        let mut hash = Sha512::digest(seed);
        let mut secret = Zeroizing::new([0; 32]);
        secret.copy_from_slice(&hash[..32]);
        hash.as_mut_slice().zeroize();
        let secret = StaticSecret::from(*secret);
        let mut blob = Vec::with_capacity(4 + KEY_TYPE.len() + 4 + public.len());
        for part in [KEY_TYPE.as_bytes(), public] {
            blob.extend_from_slice(&u32::try_from(part.len()).ok()?.to_be_bytes());
            blob.extend_from_slice(part);
        }
        let recipient = Recipient::of_blob(blob)?;
        // A damaged seed belongs to another public key.
        let fits = again == public && PublicKey::from(&secret) == recipient.x25519;
        fits.then_some(Self { recipient, secret })
    }

    fn unwrap(&self, tag: &str, share: &str, body: &[u8]) -> Option<Result<FileKey, DecryptError>> {
        if tag != self.recipient.tag() {
            return None;
        }
        let share = BASE64_STANDARD_NO_PAD.decode(share).ok();
        let share: Option<[u8; 32]> = share.and_then(|share| share.try_into().ok());
        let Some(share) = share.filter(|_| body.len() == WRAPPED_LEN).map(PublicKey::from) else {
            return Some(Err(DecryptError::InvalidHeader));
        };
        let shared = self.secret.diffie_hellman(&share);
        let wrap_key = self.recipient.wrap_key(&share, shared.as_bytes());
        let opened = aead_decrypt(&wrap_key, WRAPPED_LEN / 2, body).map(Zeroizing::new);
        Some(opened.map_err(|_| DecryptError::DecryptionFailed).map(|opened| {
            FileKey::init_with_mut(|file_key| {
                file_key.iter_mut().zip(&*opened).for_each(|(to, from)| *to = *from)
            })
        }))
    }
}

impl age::Identity for Identity {
    fn unwrap_stanza(&self, stanza: &Stanza) -> Option<Result<FileKey, DecryptError>> {
        match (&stanza.tag[..], &stanza.args[..]) {
            (KEY_TYPE, [tag, share]) => self.unwrap(tag, share, &stanza.body),
            (KEY_TYPE, _) => Some(Err(DecryptError::InvalidHeader)),
            _ => None,
        }
    }
}

/// Returns the part of one private key, after its check: the same number twice.
fn private_part<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (_kdf, _options) = (string(rest)?, string(rest)?);
    let (count, after) = rest.split_first_chunk::<4>()?;
    if u32::from_be_bytes(*count) != 1 {
        return None;
    }
    *rest = after;
    let (_public, private) = (string(rest)?, string(rest)?);
    let (check, private) = private.split_first_chunk::<4>()?;
    let (again, private) = private.split_first_chunk::<4>()?;
    (check == again).then_some(private)
}

/// Takes a string of SSH: its length in four bytes, and its bytes.
fn string<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (len, after) = rest.split_first_chunk::<4>()?;
    let len = usize::try_from(u32::from_be_bytes(*len)).ok()?;
    let (string, after) = after.split_at_checked(len)?;
    *rest = after;
    Some(string)
}

#[cfg(test)]
mod tests {
    use age::{Identity as _, Recipient as _};
    use curve25519_dalek::EdwardsPoint;

    use super::*;

    fn ssh_string(bytes: &[u8]) -> Vec<u8> {
        [&u32::try_from(bytes.len()).unwrap().to_be_bytes(), bytes].concat()
    }

    /// A private key of OpenSSH, as ssh-keygen writes it without a passphrase.
    fn private_key(seed: [u8; 32], cipher: &[u8], key_type: &[u8]) -> String {
        let scalar = Sha512::digest(seed);
        let point = EdwardsPoint::mul_base_clamped(scalar[..32].try_into().unwrap());
        let public: [u8; 32] = point.compress().to_bytes();
        let blob = [ssh_string(key_type), ssh_string(&public)].concat();
        let pair = [seed, public].concat();
        let private =
            [vec![3; 8], blob.clone(), ssh_string(&pair), ssh_string(b"me@here"), vec![1, 2, 3]].concat();
        let parts = [ssh_string(cipher), ssh_string(b"none"), ssh_string(b""), 1u32.to_be_bytes().to_vec()];
        let bytes = [MAGIC.to_vec(), parts.concat(), ssh_string(&blob), ssh_string(&private)].concat();
        let encoded = BASE64_STANDARD.encode(bytes);
        let lines: Vec<&str> =
            (0..encoded.len()).step_by(70).map(|at| &encoded[at..(at + 70).min(encoded.len())]).collect();
        format!("{BEGIN}\n{}\n{END}\n", lines.join("\n"))
    }

    fn identity(seed: u8) -> Identity {
        Identity::parse(&private_key([seed; 32], b"none", b"ssh-ed25519")).unwrap()
    }

    #[test]
    fn only_its_identity_unwraps() {
        let (one, other) = (identity(1), identity(2));
        let text = format!("{} me@here", one.recipient());
        let recipient = Recipient::parse(&text).unwrap();
        assert!(recipient == *one.recipient());
        let file_key = FileKey::new(Box::new([7; 16]));
        let stanza = recipient.wrap_file_key(&file_key).unwrap().0.remove(0);
        assert_eq!(one.unwrap_stanza(&stanza).unwrap().unwrap().expose_secret(), &[7; 16]);
        assert!(other.unwrap_stanza(&stanza).is_none());
        let cut = Stanza { body: stanza.body[..31].to_vec(), tag: stanza.tag, args: stanza.args };
        assert!(matches!(one.unwrap_stanza(&cut), Some(Err(_))));
    }

    #[test]
    fn other_keys_are_refused() {
        let fault =
            |cipher: &[u8], key_type: &[u8]| Identity::parse(&private_key([1; 32], cipher, key_type)).err();
        assert_eq!(fault(b"none", b"ssh-ed25519"), None);
        assert_eq!(fault(b"aes256-ctr", b"ssh-ed25519"), Some(LineError::SshPassphrase));
        assert_eq!(fault(b"none", b"ssh-rsa"), Some(LineError::SshRsa));
        assert_eq!(fault(b"none", b"ecdsa-sha2-nistp256"), Some(LineError::Unknown));
        let good = private_key([1; 32], b"none", b"ssh-ed25519");
        for at in (BEGIN.len()..good.len() - END.len()).step_by(9) {
            // Any text, cut or with a character of another value, is refused or the same key.
            assert!(Identity::parse(&good[..at]).is_err());
            let mut damaged = good.clone().into_bytes();
            damaged[at] = if damaged[at] == b'A' { b'B' } else { b'A' };
            if let Ok(same) = Identity::parse(&String::from_utf8(damaged).unwrap()) {
                assert!(*same.recipient() == *identity(1).recipient(), "{at}");
            }
        }
        assert_eq!(Recipient::parse("ssh-rsa AAAA").err(), Some(RecipientError::SshRsa));
        assert_eq!(Recipient::parse("ssh-ed25519 AAAA").err(), Some(RecipientError::Damaged));
        let zero = [ssh_string(b"ssh-ed25519"), ssh_string(&[0; 32])].concat();
        let low_order = format!("ssh-ed25519 {}", BASE64_STANDARD.encode(zero));
        assert_eq!(Recipient::parse(&low_order).err(), Some(RecipientError::Damaged));
    }
}
