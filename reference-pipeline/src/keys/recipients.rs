//! For whom a writer wraps the content key of a stream (§12).

#[cfg(feature = "age")]
use std::io;

use stream_v2_format::Misuse;
use stream_v2_format::crypto::ContentKey;
use stream_v2_format::envelope::{Argon2idLimits, Argon2idMemory, Argon2idParams, Envelope, WrappedKey};
use stream_v2_format::{self as format};

use super::key_file::push_hex;
use super::salts::{draw, draw_key};
use super::{Credentials, KeyFile, Passphrase};
#[cfg(feature = "age")]
use super::{Identity, Recipient};
use crate::error::{Error, Stage};

/// For whom a writer wraps the content key of each stream: key files and recipients of age, or a
/// passphrase.
///
/// Each stream gets a content key of its own. A passphrase cannot be combined with anything
/// (SV2-ENV-005).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Recipients {
    key_files: Vec<KeyFile>,
    #[cfg(feature = "age")]
    recipients: Vec<Recipient>,
    #[cfg(feature = "age")]
    identities: Vec<Identity>,
    passphrase: Option<Passphrase>,
    argon2id: Argon2idParams,
}

impl Default for Recipients {
    fn default() -> Self {
        Self {
            key_files: Vec::new(),
            #[cfg(feature = "age")]
            recipients: Vec::new(),
            #[cfg(feature = "age")]
            identities: Vec::new(),
            passphrase: None,
            argon2id: Argon2idParams::RECOMMENDED,
        }
    }
}

impl Recipients {
    /// Returns an empty set. A stream cannot be written for it.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the key of a key file, which the stanza names by its id.
    #[must_use]
    pub fn with_key_file(mut self, key_file: KeyFile) -> Self {
        self.key_files.push(key_file);
        self
    }

    /// Adds a recipient of age. It cannot resume a stream, because it opens none.
    #[cfg(feature = "age")]
    #[must_use]
    pub fn with_recipient(mut self, recipient: Recipient) -> Self {
        self.recipients.push(recipient);
        self
    }

    /// Adds the recipients of an identity of age. The identity resumes streams.
    #[cfg(feature = "age")]
    #[must_use]
    pub fn with_identity(mut self, identity: Identity) -> Self {
        self.identities.push(identity);
        self
    }

    /// Sets the passphrase.
    #[must_use]
    pub fn with_passphrase(mut self, passphrase: Passphrase) -> Self {
        self.passphrase = Some(passphrase);
        self
    }

    /// Sets the cost of the passphrase; [`Argon2idParams::RECOMMENDED`] unless it is called.
    #[must_use]
    pub const fn with_argon2id(mut self, params: Argon2idParams) -> Self {
        self.argon2id = params;
        self
    }

    /// Returns the credentials that open a stream written for these recipients, to resume it.
    ///
    /// The limits let Argon2id cost what it costs to write.
    #[must_use]
    pub fn credentials(&self) -> Credentials {
        let Argon2idParams { memory_kib, passes, .. } = self.argon2id;
        let (least, work_kib) = (Argon2idLimits::DEFAULT, u64::from(memory_kib) * u64::from(passes));
        let limits = least
            .with_memory_kib(least.memory_kib.max(memory_kib))
            .with_work_kib(least.work_kib.max(work_kib));
        let credentials = Credentials::new().with_limits(limits);
        let credentials = self.key_files.iter().cloned().fold(credentials, Credentials::with_key_file);
        #[cfg(feature = "age")]
        let credentials = self.identities.iter().cloned().fold(credentials, Credentials::with_identity);
        self.passphrase.iter().cloned().fold(credentials, Credentials::with_passphrase)
    }

    /// Returns the credentials of each recipient alone.
    pub(crate) fn each(&self) -> Vec<Credentials> {
        let limits = self.credentials().with_nothing();
        let files = self.key_files.iter().cloned();
        let files = files.map(|file| limits.clone().with_key_file(file));
        let passphrase = self.passphrase.iter().cloned();
        files.chain(passphrase.map(|passphrase| limits.clone().with_passphrase(passphrase))).collect()
    }

    /// Returns the text of each recipient, by which a resume key knows them (§19.9).
    pub(crate) fn texts(&self) -> Vec<String> {
        let of_file = |file: &KeyFile| {
            let mut text = String::from("key ");
            push_hex(&mut text, &file.key_id);
            text
        };
        let texts = self.key_files.iter().map(of_file);
        #[cfg(feature = "age")]
        let texts =
            texts.chain(self.age_recipients().flatten().flatten().map(|recipient| recipient.to_string()));
        texts.collect()
    }

    /// Returns the recipients of age, and those of each identity, which may ask for a passphrase.
    #[cfg(feature = "age")]
    fn age_recipients(&self) -> impl Iterator<Item = io::Result<Vec<Recipient>>> {
        let recipients = self.recipients.iter().map(|recipient| Ok(vec![recipient.clone()]));
        recipients.chain(self.identities.iter().map(Identity::recipients))
    }

    /// Returns whether it has secrets of its own, which open what is wrapped for them.
    pub(crate) const fn has_keys(&self) -> bool {
        #[cfg(feature = "age")]
        if !self.identities.is_empty() {
            return true;
        }
        !self.key_files.is_empty()
    }

    pub(crate) const fn has_passphrase(&self) -> bool {
        self.passphrase.is_some()
    }

    /// Draws a content key, and wraps it.
    pub(crate) fn begin(&self) -> Result<(ContentKey, Envelope), Error> {
        let key = draw_key()?;
        let envelope = self.wrap(&key)?;
        Ok((key, envelope))
    }

    /// Wraps a content key in an envelope of any length.
    pub(crate) fn wrap(&self, content_key: &ContentKey) -> Result<Envelope, Error> {
        Envelope::new(self.wrapped(content_key)?).map_err(|error| Error::format(Stage::Start, error))
    }

    /// Wraps a content key in an envelope of this length.
    pub(crate) fn wrap_in(&self, content_key: &ContentKey, envelope_len: u32) -> Result<Envelope, Error> {
        let envelope = Envelope::with_len(self.wrapped(content_key)?, envelope_len);
        envelope.map_err(|error| Error::format(Stage::Start, error))
    }

    fn wrapped(&self, content_key: &ContentKey) -> Result<Vec<WrappedKey>, Error> {
        let fault = |error| Error::format(Stage::Start, error);
        let Some(passphrase) = &self.passphrase else {
            let mut wrapped = Vec::new();
            for file in &self.key_files {
                wrapped
                    .push(WrappedKey::by_key(&file.key, file.key_id, salt()?, content_key).map_err(fault)?);
            }
            wrapped.extend(self.wrap_for_age(content_key)?);
            return Ok(wrapped);
        };
        if !self.key_files.is_empty() || self.has_age() {
            return Err(fault(format::Error::misuse(Misuse::PassphraseAlone)));
        }
        let (salt, mut memory) = (salt()?, Argon2idMemory::new());
        let wrapped = passphrase
            .find(|bytes| Some(WrappedKey::by_password(bytes, self.argon2id, salt, content_key, &mut memory)))
            .map_err(|error| Error::io(Stage::Start, None, error))?;
        wrapped.into_iter().collect::<Result<_, _>>().map_err(fault)
    }

    #[cfg(feature = "age")]
    const fn has_age(&self) -> bool {
        !self.recipients.is_empty() || !self.identities.is_empty()
    }

    /// Wraps the content key in an age file for all recipients, if there are any.
    #[cfg(feature = "age")]
    fn wrap_for_age(&self, content_key: &ContentKey) -> Result<Option<WrappedKey>, Error> {
        let recipients: io::Result<Vec<_>> = self.age_recipients().collect();
        let recipients = recipients.map_err(|error| Error::io(Stage::Start, None, error))?.concat();
        if recipients.is_empty() {
            return Ok(None);
        }
        super::age::wrap(&recipients, content_key).map(Some)
    }

    #[cfg(not(feature = "age"))]
    #[expect(clippy::unused_self, reason = "as with the feature")]
    const fn has_age(&self) -> bool {
        false
    }

    #[cfg(not(feature = "age"))]
    fn wrap_for_age(&self, _: &ContentKey) -> Result<Option<WrappedKey>, Error> {
        Ok(None)
    }
}

fn salt() -> Result<[u8; 32], Error> {
    //= spec/stream-v2.md#sv2-env-014
    //# A writer MUST draw salt from the operating system's cryptographic random generator for each
    //# wrapping.
    draw().map_err(|error| Error::io(Stage::Start, None, error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use stream_v2_format::crypto::StreamSealer;
    use stream_v2_format::envelope::KeyView;
    use stream_v2_format::wire::StreamParams;

    fn key_file(key: u8) -> KeyFile {
        KeyFile::parse(KeyFile::text(&[key; 32]).as_bytes()).unwrap()
    }

    //= spec/stream-v2.md#sv2-key-005
    //= type=test
    //# A writer of an envelope MUST draw the content key, for that stream alone, from the operating
    //# system's cryptographic random generator.
    //= spec/stream-v2.md#sv2-env-014
    //= type=test
    //# A writer MUST draw salt from the operating system's cryptographic random generator for each
    //# wrapping.
    #[test]
    fn each_stream_has_its_own_key_and_salts() {
        let recipients = Recipients::new().with_key_file(key_file(1)).with_key_file(key_file(2));
        let (first, second) = (recipients.begin().unwrap(), recipients.begin().unwrap());
        assert_ne!(first.0.id(), second.0.id());
        let mut salts: Vec<Vec<u8>> = [first.1, second.1]
            .iter()
            .flat_map(|envelope| {
                envelope.view().stanzas().map(|stanza| stanza.body.to_vec()).collect::<Vec<_>>()
            })
            .filter(|body| body.len() == 128)
            .map(|body| body[16..48].to_vec())
            .collect();
        salts.sort();
        salts.dedup();
        assert_eq!(salts.len(), 4);
    }

    #[test]
    fn both_key_files_open_what_is_wrapped_for_them() {
        let recipients = Recipients::new().with_key_file(key_file(1)).with_key_file(key_file(2));
        let (key, envelope) = recipients.begin().unwrap();
        for file in [key_file(1), key_file(2)] {
            let views = envelope.view().stanzas().filter_map(|stanza| KeyView::parse(&stanza));
            let of_file = views.filter(|view| view.key_id() == file.key_id).collect::<Vec<_>>();
            assert_eq!(of_file.len(), 1);
            assert_eq!(of_file[0].unwrap(&file.key).unwrap().id(), key.id());
        }
        let stream = StreamSealer::new(StreamParams::new([3; 32]), &key, b"").unwrap();
        let stream = stream.with_envelope_len(envelope.envelope_len()).unwrap();
        assert!(recipients.credentials().open(stream.header(), envelope.as_bytes(), b"").is_ok());
    }

    #[test]
    fn impossible_recipients_are_refused() {
        let rule = |recipients: Recipients| {
            recipients.begin().unwrap_err().format_error().and_then(|error| error.rule())
        };
        assert_eq!(rule(Recipients::new()), Some(Misuse::EnvelopeEmpty));
        let passphrase = Passphrase::new(b"correct horse".to_vec().into());
        let both = Recipients::new().with_key_file(key_file(1)).with_passphrase(passphrase);
        assert_eq!(rule(both), Some(Misuse::PassphraseAlone));
    }
}
