//! §12.2: age files, and the identities that open them.

use super::{Bug, Refusal};
use crate::generator::age::keys::{Hybrid, Ssh, X25519, x25519, x25519_public, x25519_wrap_key};
use crate::generator::age::text::{of_base64, of_bech32};
use crate::generator::age::{FINAL, chunk_nonce, header_mac, payload_key};
use crate::generator::primitives::open_chacha;

const NONCE_LEN: usize = 16;
const TAG_LEN: usize = 16;
const STANZAS_MAX: usize = 256;

/// An identity that a caller brought.
pub(super) enum Identity {
    X25519(X25519),
    Hybrid(Hybrid),
    Ssh(Ssh),
}

impl Identity {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let secret = |prefix| of_bech32(prefix, text).and_then(|bytes| bytes.try_into().ok());
        let x25519 = secret("age-secret-key-").map(|secret| Self::X25519(X25519(secret)));
        let hybrid = || secret("age-secret-key-pq-").map(|seed| Self::Hybrid(Hybrid(seed)));
        x25519.or_else(hybrid).or_else(|| of_open_ssh(text))
    }

    /// Returns the file key of a stanza, if it is for this identity.
    fn file_key(&self, Stanza { arguments, body }: &Stanza<'_>) -> Option<[u8; 16]> {
        let sealed = <[u8; 32]>::try_from(&body[..]).ok()?;
        let share = |text: &[u8]| of_base64(text).and_then(|share| <[u8; 32]>::try_from(share).ok());
        let key = match (self, &arguments[..]) {
            (Self::X25519(X25519(secret)), [b"X25519", text]) => {
                let share = share(text)?;
                let shared = x25519(secret, &share);
                (shared != [0; 32]).then(|| x25519_wrap_key(&shared, &share, &x25519_public(secret)))?
            }
            (Self::Ssh(ssh), [b"ssh-ed25519", _, text]) => ssh.unwrap_key(&share(text)?),
            (Self::Hybrid(hybrid), [b"mlkem768x25519", text]) => {
                return hybrid.unwrap(&of_base64(text)?, &sealed);
            }
            _ => return None,
        };
        let mut file_key = [0; 16];
        file_key.copy_from_slice(&sealed[..16]);
        open_chacha(&key, [0; 12], &mut file_key, &sealed[16..]).then_some(file_key)
    }
}

/// Reads the seed of a private key of OpenSSH without a passphrase.
fn of_open_ssh(text: &str) -> Option<Identity> {
    let body = text.strip_prefix("-----BEGIN OPENSSH PRIVATE KEY-----\n")?;
    let body = body.strip_suffix("\n-----END OPENSSH PRIVATE KEY-----\n")?;
    let key = of_base64(body.replace('\n', "").trim_end_matches('=').as_bytes())?;
    // The only long string is that of seed and public key.
    let at = key.windows(4).position(|window| window == 64_u32.to_be_bytes())? + 4;
    Some(Identity::Ssh(Ssh(key.get(at..at + 32)?.try_into().ok()?)))
}

struct Stanza<'a> {
    arguments: Vec<&'a [u8]>,
    body: Vec<u8>,
}

/// An age file that was parsed.
pub(super) struct AgeFile<'a> {
    stanzas: Vec<Stanza<'a>>,
    /// The header up to and with its `---`.
    signed: &'a [u8],
    mac: Vec<u8>,
    payload: &'a [u8],
}

impl<'a> AgeFile<'a> {
    /// Parses a file. It is `None` if it is none, or has too many stanzas.
    pub(super) fn parse(bug: Bug<'_>, file: &'a [u8]) -> Option<Self> {
        let counted = file.split(|byte| *byte == b'\n').take_while(|line| !line.starts_with(b"---"));
        let counted = counted.filter(|line| line.starts_with(b"-> ")).count();
        if counted > STANZAS_MAX && !bug.is("SV2-ENV-022") {
            return None;
        }
        let mut rest = file;
        if line(&mut rest)? != b"age-encryption.org/v1" {
            return None;
        }
        let mut stanzas = Vec::new();
        while !rest.starts_with(b"---") {
            stanzas.push(stanza(&mut rest)?);
        }
        let signed = &file[..file.len() - rest.len() + 3];
        let mac = of_base64(line(&mut rest)?.strip_prefix(b"--- ")?)?;
        Some(Self { stanzas, signed, mac, payload: rest })
    }

    /// Returns the content key.
    pub(super) fn unwrap(&self, bug: Bug<'_>, identity: &Identity) -> Option<[u8; 32]> {
        if self.is_for("scrypt") {
            return None;
        }
        let file_key = self.stanzas.iter().find_map(|stanza| identity.file_key(stanza))?;
        if self.mac != header_mac(&file_key, self.signed) && !bug.is("skips-the-mac-of-age") {
            return None;
        }
        let (nonce, chunk) = self.payload.split_at_checked(NONCE_LEN)?;
        let (sealed, tag) = chunk.split_at_checked(chunk.len().checked_sub(TAG_LEN)?)?;
        let mut plaintext = sealed.to_vec();
        let nonce_of_chunk = chunk_nonce(0, FINAL);
        if !open_chacha(&payload_key(&file_key, nonce), nonce_of_chunk, &mut plaintext, tag) {
            return None;
        }
        if bug.is("SV2-ENV-015") {
            plaintext.resize(32, 0);
        }
        plaintext.try_into().ok()
    }

    fn is_for(&self, name: &str) -> bool {
        self.stanzas.iter().any(|stanza| stanza.arguments[0] == name.as_bytes())
    }

    /// Does what no envelope may cause.
    pub(super) fn misbehave(&self, bug: Bug<'_>) -> Result<(), Refusal> {
        if bug.is("runs-scrypt") && self.is_for("scrypt") {
            // As much as shows it.
            std::hint::black_box(&vec![1_u8; 512 << 20]);
        }
        let known = ["X25519", "mlkem768x25519", "ssh-ed25519", "scrypt"];
        let named = self
            .stanzas
            .iter()
            .any(|stanza| !known.iter().any(|name| stanza.arguments[0] == name.as_bytes()));
        if bug.is("starts-what-age-files-name") && named {
            // No such program is there.
            return Err(Refusal { error: "io", offset: None, segment: None });
        }
        Ok(())
    }
}

fn stanza<'a>(rest: &mut &'a [u8]) -> Option<Stanza<'a>> {
    let arguments: Vec<&[u8]> = line(rest)?.strip_prefix(b"-> ")?.split(|byte| *byte == b' ').collect();
    if arguments.iter().any(|argument| argument.is_empty() || !argument.iter().all(u8::is_ascii_graphic)) {
        return None;
    }
    let mut text = Vec::new();
    loop {
        let line = line(rest)?;
        text.extend_from_slice(line);
        match line.len() {
            64 => {}
            0..64 => return Some(Stanza { arguments, body: of_base64(&text)? }),
            _ => return None,
        }
    }
}

/// Takes a line off, without its line feed.
fn line<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let end = rest.iter().position(|byte| *byte == b'\n')?;
    let line = &rest[..end];
    *rest = &rest[end + 1..];
    Some(line)
}
