//! Files of identities that are encrypted with a passphrase, which is asked for when it is needed.

use std::io::{self, Read};
use std::iter::once;
use std::sync::OnceLock;

use age::Decryptor;
use age::armor::ArmoredReader;
use age_core::secrecy::SecretString;
use zeroize::Zeroizing;

use super::identity_file::{AGE_TEXT_LEN_MAX, IdentityFile, IdentityFileError};
use super::{Identity, Plugins};
use crate::keys::Passphrase;

const VERSION: &[u8] = b"age-encryption.org/v1\n";
const ARMOR: &[u8] = b"-----BEGIN AGE ENCRYPTED FILE-----";
/// The largest cost of scrypt, as a power of two: 1 GiB of memory. It is the file of the caller.
const WORK_FACTOR_MAX: u8 = 20;

/// An age file with a passphrase, whose plaintext is a file of identities.
pub(super) struct LockedFile {
    file: Vec<u8>,
    passphrase: Passphrase,
    plugins: Option<Plugins>,
    /// `None` if the passphrase is wrong.
    opened: OnceLock<Option<Vec<Identity>>>,
}

impl LockedFile {
    /// Returns whether `bytes` are an age file, and not a text with identities.
    pub(super) fn is_age_file(bytes: &[u8]) -> bool {
        bytes.starts_with(VERSION) || bytes.trim_ascii_start().starts_with(ARMOR)
    }

    /// Takes an age file, in binary or as text. It is not decrypted yet.
    pub(super) fn new(
        bytes: &[u8],
        passphrase: Passphrase,
        plugins: Option<&Plugins>,
    ) -> Result<Self, IdentityFileError> {
        let mut file = Vec::new();
        let mut reader = ArmoredReader::new(bytes).take(AGE_TEXT_LEN_MAX as u64);
        reader.read_to_end(&mut file).map_err(|_| IdentityFileError::Damaged)?;
        // One stanza, so that parsing takes no time.
        let header = file.split(|&byte| byte == b'\n').take_while(|line| !line.starts_with(b"---"));
        let mut stanzas = header.filter(|line| line.starts_with(b"-> "));
        match (stanzas.next(), stanzas.next()) {
            (Some(first), None) if first.starts_with(b"-> scrypt ") => {}
            _ => return Err(IdentityFileError::NoPassphrase),
        }
        let plugins = plugins.cloned();
        Ok(Self { file, passphrase, plugins, opened: OnceLock::new() })
    }

    /// Returns the identities, or `None` if the passphrase is wrong.
    ///
    /// # Errors
    ///
    /// - any error of asking for the passphrase.
    pub(super) fn identities(&self) -> io::Result<Option<&[Identity]>> {
        if self.opened.get().is_none() {
            let opened = self.passphrase.find(|passphrase| self.open(passphrase))?;
            // Another thread may have opened it, with the same passphrase.
            let _ = self.opened.set(opened);
        }
        Ok(self.opened.get().and_then(Option::as_deref))
    }

    pub(super) fn is_wrong(&self) -> bool {
        matches!(self.opened.get(), Some(None))
    }

    fn open(&self, passphrase: &[u8]) -> Option<Vec<Identity>> {
        let passphrase = SecretString::from(std::str::from_utf8(passphrase).ok()?);
        let mut identity = age::scrypt::Identity::new(passphrase);
        identity.set_max_work_factor(WORK_FACTOR_MAX);
        let decryptor = Decryptor::new_buffered(&self.file[..]).ok()?;
        let plaintext = decryptor.decrypt(once(&identity as &dyn age::Identity)).ok()?;
        // Allocated once and never moved, so that no copy of an identity remains.
        let mut text = Zeroizing::new(Vec::with_capacity(self.file.len()));
        plaintext.take(self.file.len() as u64).read_to_end(&mut text).ok()?;
        IdentityFile::parse_text(&text, self.plugins.as_ref()).ok().map(IdentityFile::into_identities)
    }
}
