//! What a caller brings to open streams, and the order in which it is tried (§12.6).

use stream_v2_format::crypto::{ContentKey, StreamOpener};
use stream_v2_format::envelope::{
    Argon2idLimits, Argon2idMemory, Argon2idView, DetachedEnvelope, EnvelopeView, KeyView, no_content_key,
};
use stream_v2_format::wire::{HeaderV1, StanzaType};

#[cfg(feature = "age")]
use super::Identity;
use super::opened::{Opened, OpenedBy};
use super::tries::{Tries, fault};
use super::{KeyFile, Passphrase};
use crate::error::{Error, Stage};

/// The keys that a caller has to open streams: content keys, key files, identities and passphrases.
///
/// They are tried in the order of §12.6. A passphrase is asked for only if a stream has a stanza
/// for one, and Argon2id runs only within the limits.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Credentials {
    content_keys: Vec<ContentKey>,
    key_files: Vec<KeyFile>,
    #[cfg(feature = "age")]
    pub(super) identities: Vec<Identity>,
    passphrases: Vec<Passphrase>,
    pub(super) limits: Argon2idLimits,
    /// It takes the place of the stream's own envelope.
    pub(super) detached: Option<DetachedEnvelope>,
}

impl Credentials {
    /// Returns nothing, which opens no stream.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a content key.
    #[must_use]
    pub fn with_content_key(mut self, key: ContentKey) -> Self {
        self.content_keys.push(key);
        self
    }

    /// Adds the key of a key file. It opens streams without an envelope, and `key` stanzas.
    #[must_use]
    pub fn with_key_file(mut self, key_file: KeyFile) -> Self {
        self.key_files.push(key_file);
        self
    }

    /// Adds an identity of age.
    #[cfg(feature = "age")]
    #[must_use]
    pub fn with_identity(mut self, identity: Identity) -> Self {
        self.identities.push(identity);
        self
    }

    /// Adds a passphrase.
    #[must_use]
    pub fn with_passphrase(mut self, passphrase: Passphrase) -> Self {
        self.passphrases.push(passphrase);
        self
    }

    /// Sets what an envelope may cost; [`Argon2idLimits::DEFAULT`] unless it is called.
    #[must_use]
    pub const fn with_limits(mut self, limits: Argon2idLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Lets Argon2id take at most so many bytes of memory.
    #[must_use]
    pub fn with_memory_limit(self, bytes: u64) -> Self {
        let memory_kib = u32::try_from(bytes >> 10).unwrap_or(u32::MAX);
        let limits = self.limits.with_memory_kib(memory_kib);
        self.with_limits(limits)
    }

    /// Opens the stream of `header` by the envelope after it.
    pub(super) fn open_by(
        &self,
        header: &HeaderV1,
        envelope: &[u8],
        context: &[u8],
    ) -> Result<Opened, Error> {
        let envelope = EnvelopeView::after(header, envelope);
        let mut tries = Tries::new(header, context);
        let directly = self.directly(&mut tries, envelope.is_none());
        let opened = match (directly, &envelope) {
            (None, Some(envelope)) => self.by_stanza(&mut tries, envelope)?,
            (opened, _) => opened,
        };
        if let (Some((stream, by)), Some(key)) = (opened, tries.key) {
            return Ok(Opened { key, stream, by });
        }
        // A stanza that something was brought for says more than a key of another stream.
        let error = tries.of_envelope.or(tries.of_header_tag).unwrap_or_else(|| {
            no_content_key(envelope.as_ref(), |stanza| match stanza {
                StanzaType::Age => cfg!(feature = "age"),
                stanza => matches!(stanza, StanzaType::Key | StanzaType::Argon2id),
            })
        });
        Err(fault(error))
    }

    /// Tries keys as the content key of the stream: rows 1 and 2 of §12.6.
    fn directly(&self, tries: &mut Tries<'_>, bare: bool) -> Option<(StreamOpener, OpenedBy)> {
        //= spec/stream-v2.md#sv2-env-023
        //# A reader MUST try the next key, identity or password of §12.6 after one that does not
        //# unwrap.
        for key in &self.content_keys {
            if let Ok(stream) = tries.key(key) {
                return Some((stream, OpenedBy::ContentKey));
            }
        }
        let key_id = tries.header.params().key_id;
        for file in self.key_files.iter().filter(|file| bare || file.key_id == key_id) {
            if let Ok(stream) = tries.key(&file.key) {
                return Some((stream, OpenedBy::KeyFile(file.key_id)));
            }
        }
        None
    }

    /// Unwraps the content key from a stanza: rows 3 to 7 of §12.6.
    fn by_stanza(
        &self,
        tries: &mut Tries<'_>,
        envelope: &EnvelopeView<'_>,
    ) -> Result<Option<(StreamOpener, OpenedBy)>, Error> {
        for file in &self.key_files {
            let stanzas = |id| {
                let stanzas = envelope.stanzas().filter_map(|stanza| KeyView::parse(&stanza));
                stanzas.filter(move |stanza| stanza.key_id() == id)
            };
            let unnamed = stanzas([0; 16]).filter(|_| file.key_id != [0; 16]);
            for stanza in stanzas(file.key_id).chain(unnamed) {
                if let Some(key) = tries.unwrapped(stanza.unwrap(&file.key))? {
                    return tries.only(&key, OpenedBy::KeyStanza(file.key_id)).map(Some);
                }
            }
        }
        #[cfg(feature = "age")]
        if let Some(opened) = self.by_identity(tries, envelope)? {
            return Ok(Some(opened));
        }
        self.by_passphrase(tries, envelope)
    }

    /// Unwraps the content key with a passphrase: row 7 of §12.6.
    fn by_passphrase(
        &self,
        tries: &mut Tries<'_>,
        envelope: &EnvelopeView<'_>,
    ) -> Result<Option<(StreamOpener, OpenedBy)>, Error> {
        let mut stanzas = envelope.stanzas();
        let Some(stanza) = stanzas.find(|stanza| stanza.stanza_type == StanzaType::Argon2id.value()) else {
            return Ok(None);
        };
        let stanza = Argon2idView::parse(&stanza).map_err(fault)?;
        let mut memory = Argon2idMemory::new();
        for passphrase in &self.passphrases {
            // A passphrase that cannot be used is not asked for.
            stanza.check_policy(self.limits).map_err(fault)?;
            let unwrapped = passphrase
                .find(|bytes| tries.unwrapped(stanza.unwrap(bytes, self.limits, &mut memory)).transpose());
            let unwrapped = unwrapped.map_err(|error| Error::io(Stage::Start, None, error))?;
            if let Some(key) = unwrapped.transpose()? {
                return tries.only(&key, OpenedBy::Passphrase).map(Some);
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use stream_v2_format::crypto::StreamSealer;
    use stream_v2_format::envelope::{Envelope, WrappedKey, write_envelope};
    use stream_v2_format::wire::StreamParams;
    use stream_v2_format::{self as format, Detail, Misuse};

    use super::*;

    const CONTENT_KEY: [u8; 32] = [9; 32];

    fn key_file(key: u8) -> KeyFile {
        KeyFile::parse(KeyFile::text(&[key; 32]).as_bytes()).unwrap()
    }

    /// A key stanza for key file `key`, which wraps `content_key`.
    fn stanza(key: u8, named: bool, content_key: [u8; 32]) -> WrappedKey {
        let file = key_file(key);
        let key_id = if named { file.key_id } else { [0; 16] };
        WrappedKey::by_key(&file.key, key_id, [key; 32], &ContentKey::new(content_key)).unwrap()
    }

    /// The stanza of an argon2id body with these parameters, which wraps nothing.
    fn argon2id(memory_kib: u32, passes: u32) -> Vec<u8> {
        let mut body = vec![5; 128];
        for (at, value) in [(32, memory_kib), (36, passes), (40, 1), (44, 0)] {
            body[at..at + 4].copy_from_slice(&value.to_le_bytes());
        }
        write_envelope(&[(1, &body), (0xFFFF, &[0; 4])]).unwrap()
    }

    struct Stream {
        header: HeaderV1,
        envelope: Vec<u8>,
    }

    impl Stream {
        fn new(envelope: Vec<u8>, key_id: [u8; 16]) -> Self {
            let mut params = StreamParams::new([1; 32]);
            params.key_id = key_id;
            let sealer = StreamSealer::new(params, &ContentKey::new(CONTENT_KEY), b"context").unwrap();
            let len = u32::try_from(envelope.len().saturating_sub(4)).unwrap();
            Self { header: *sealer.with_envelope_len(len).unwrap().header(), envelope }
        }

        fn of(keys: impl IntoIterator<Item = WrappedKey>) -> Self {
            Self::new(Envelope::new(keys).unwrap().as_bytes().to_vec(), [0; 16])
        }

        fn opened(&self, credentials: &Credentials) -> Result<OpenedBy, format::Error> {
            match credentials.open(&self.header, &self.envelope, b"context") {
                Ok((_, by)) => Ok(by),
                Err(error) => Err(*error.format_error().unwrap()),
            }
        }

        fn refused(&self, credentials: &Credentials) -> Detail {
            self.opened(credentials).unwrap_err().detail()
        }
    }

    fn files(keys: impl IntoIterator<Item = u8>) -> Credentials {
        keys.into_iter().map(key_file).fold(Credentials::new(), Credentials::with_key_file)
    }

    #[test]
    fn content_keys_open_any_stream() {
        let credentials = files([1]).with_content_key(ContentKey::new([8; 32]));
        let credentials = credentials.with_content_key(ContentKey::new(CONTENT_KEY));
        for stream in [Stream::new(Vec::new(), [0; 16]), Stream::of([stanza(1, true, CONTENT_KEY)])] {
            assert_eq!(stream.opened(&credentials), Ok(OpenedBy::ContentKey));
        }
    }

    #[test]
    fn key_files_are_content_keys_of_bare_streams() {
        let bare = Stream::new(Vec::new(), [0; 16]);
        assert_eq!(bare.opened(&files([1, 9])), Ok(OpenedBy::KeyFile(key_file(9).key_id)));
        assert_eq!(bare.refused(&files([1])), Detail::KeyHeaderTag);
        // With an envelope only a key file that the stream names is tried directly.
        let padding = || write_envelope(&[(0xFFFF, &[0; 8])]).unwrap();
        let named = Stream::new(padding(), key_file(9).key_id);
        assert_eq!(named.opened(&files([9])), Ok(OpenedBy::KeyFile(key_file(9).key_id)));
        let unnamed = Stream::new(padding(), [0; 16]);
        assert_eq!(unnamed.refused(&files([9])), Detail::UnsupportedEnvelope);
    }

    //= spec/stream-v2.md#sv2-env-023
    //= type=test
    //# A reader MUST try the next key, identity or password of §12.6 after one that does not
    //# unwrap.
    #[test]
    fn key_stanzas_are_tried_one_after_the_other() {
        let by = |key: u8| Ok(OpenedBy::KeyStanza(key_file(key).key_id));
        let stream = Stream::of([stanza(1, true, CONTENT_KEY), stanza(2, false, CONTENT_KEY)]);
        assert_eq!(stream.opened(&files([1])), by(1));
        // The second file is tried on the stanza without an id, as is the third one before it.
        assert_eq!(stream.opened(&files([3, 2])), by(2));
        assert_eq!(stream.refused(&files([3])), Detail::KeyEnvelope);
        // A key that claims the id of another one.
        let mut forged = key_file(4);
        forged.key_id = key_file(1).key_id;
        assert_eq!(
            stream.opened(&Credentials::new().with_key_file(forged).with_key_file(key_file(1))),
            by(1)
        );
    }

    //= spec/stream-v2.md#sv2-env-024
    //= type=test
    //# A reader MUST NOT try another one after a stanza gave a content key.
    #[test]
    fn no_other_stanza_is_tried_after_a_key() {
        let stream = Stream::of([
            stanza(1, true, [8; 32]),
            stanza(1, false, CONTENT_KEY),
            stanza(2, true, CONTENT_KEY),
        ]);
        assert_eq!(stream.refused(&files([1, 2])), Detail::KeyHeaderTag);
        assert_eq!(stream.opened(&files([2])), Ok(OpenedBy::KeyStanza(key_file(2).key_id)));
    }

    #[test]
    fn errors_say_what_was_missing() {
        let stream = Stream::of([stanza(1, true, CONTENT_KEY)]);
        let nothing = stream.opened(&Credentials::new()).unwrap_err();
        assert_eq!(nothing.rule(), Some(Misuse::NothingForEnvelope));
        // A key file that no stanza is for is nothing either.
        assert_eq!(stream.opened(&files([2])).unwrap_err().rule(), Some(Misuse::NothingForEnvelope));
        let wrong_key = Credentials::new().with_content_key(ContentKey::new([8; 32]));
        assert_eq!(stream.refused(&wrong_key), Detail::KeyHeaderTag);
        let bare = Stream::new(Vec::new(), [0; 16]);
        assert_eq!(bare.opened(&Credentials::new()).unwrap_err().rule(), Some(Misuse::NoContentKey));
        let passphrase = Credentials::new().with_passphrase(Passphrase::new(b"x".to_vec().into()));
        assert_eq!(bare.opened(&passphrase).unwrap_err().rule(), Some(Misuse::NoContentKey));
    }

    #[test]
    fn passphrases_are_asked_for_once_and_if_needed() {
        let asked = Arc::new(AtomicU32::new(0));
        let counted = asked.clone();
        let passphrase = Passphrase::asked(move || {
            counted.fetch_add(1, Ordering::Relaxed);
            Ok(b"guess".to_vec().into())
        });
        let credentials = files([1]).with_passphrase(passphrase);
        assert_eq!(
            Stream::of([stanza(1, true, CONTENT_KEY)]).opened(&credentials).ok(),
            Some(OpenedBy::KeyStanza(key_file(1).key_id))
        );
        // The limits refuse before anybody is asked.
        let costly = Stream::new(argon2id(1 << 20, 5), [0; 16]);
        assert_eq!(costly.refused(&credentials), Detail::LimitPolicy);
        assert_eq!(asked.load(Ordering::Relaxed), 0);
        let cheap = Stream::new(argon2id(8, 1), [0; 16]);
        for _ in 0..2 {
            assert_eq!(cheap.refused(&credentials), Detail::KeyEnvelope);
            assert_eq!(asked.load(Ordering::Relaxed), 1);
        }
        let limits = Argon2idLimits::DEFAULT.with_memory_kib(7);
        assert_eq!(cheap.refused(&credentials.with_limits(limits)), Detail::LimitPolicy);
    }

    #[test]
    fn unanswered_passphrase_is_an_io_error() {
        let passphrase = Passphrase::asked(|| Err(std::io::ErrorKind::NotConnected.into()));
        let credentials = Credentials::new().with_passphrase(passphrase);
        let stream = Stream::new(argon2id(8, 1), [0; 16]);
        let opened = credentials.open(&stream.header, &stream.envelope, b"context");
        let error = opened.map(|_| ()).unwrap_err();
        assert_eq!((error.stage(), error.format_error()), (Stage::Start, None));
    }
}
