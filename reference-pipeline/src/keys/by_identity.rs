//! Unwraps a content key with identities of age: rows 4 to 6 of §12.6.

use stream_v2_format::crypto::StreamOpener;
use stream_v2_format::envelope::{AgeView, EnvelopeView};
use stream_v2_format::{self as format};

use super::age::{AgeFile, Row};
use super::tries::Tries;
use super::{Credentials, OpenedBy};
use crate::error::{Error, Stage};

impl Credentials {
    /// Unwraps the content key with an identity, in the order of the rows.
    pub(super) fn by_identity(
        &self,
        tries: &mut Tries<'_>,
        envelope: &EnvelopeView<'_>,
    ) -> Result<Option<(StreamOpener, OpenedBy)>, Error> {
        // Without an identity the stanza is for nothing that was brought.
        let mut views = envelope.stanzas().filter_map(|stanza| AgeView::parse(&stanza));
        let Some(view) = views.next().filter(|_| !self.identities.is_empty()) else {
            return Ok(None);
        };
        //= spec/stream-v2.md#sv2-env-022
        //# A reader MUST report `key.envelope` for an age file of more than AGE_STANZAS_MAX (§14)
        //# stanzas before it parses them.
        //= spec/stream-v2.md#sv2-env-021
        //# A reader MUST NOT run scrypt for an age file in a stanza.
        let file = view.and_then(|view| AgeFile::parse(view).ok_or(format::Error::key_envelope()));
        let file = match file {
            Ok(file) => file,
            Err(error) => return tries.unwrapped(Err(error)).map(|_| None),
        };
        for row in Row::ALL {
            for (index, identity) in self.identities.iter().enumerate() {
                if identity.row() != row {
                    continue;
                }
                //= spec/stream-v2.md#sv2-env-026
                //# A reader MUST NOT start a program that only the envelope names.
                let unwrapped = file.unwrap(identity);
                let unwrapped = unwrapped.map_err(|error| Error::io(Stage::Start, None, error))?;
                if let Some(key) = tries.unwrapped(unwrapped.ok_or(format::Error::key_envelope()))? {
                    return tries.only(&key, OpenedBy::Identity(index)).map(Some);
                }
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use age_core::format::{FileKey, Stanza};
    use stream_v2_format::crypto::{ContentKey, StreamSealer};
    use stream_v2_format::envelope::write_envelope;
    use stream_v2_format::wire::{HeaderV1, StreamParams};
    use stream_v2_format::{Detail, Misuse};

    use super::super::{Identity, IdentityFile, KeyFile, Passphrase};
    use super::*;

    const CONTENT_KEY: [u8; 32] = [9; 32];

    /// A stream whose envelope is an age file for `recipients`, with this plaintext.
    struct Stream {
        header: HeaderV1,
        envelope: Vec<u8>,
    }

    impl Stream {
        fn of_file(file: &[u8]) -> Self {
            let padding = vec![0; 8 - (file.len() + 4) % 8];
            let envelope = write_envelope(&[(2, file), (0xFFFF, &padding)]).unwrap();
            let key = ContentKey::new(CONTENT_KEY);
            let sealer = StreamSealer::new(StreamParams::new([1; 32]), &key, b"").unwrap();
            let len = u32::try_from(envelope.len() - 4).unwrap();
            Self { header: *sealer.with_envelope_len(len).unwrap().header(), envelope }
        }

        fn of(plaintext: &[u8], recipients: &[&dyn age::Recipient]) -> Self {
            Self::of_file(&age_file(plaintext, recipients))
        }

        fn opened(&self, credentials: &Credentials) -> Result<OpenedBy, format::Error> {
            match credentials.open(&self.header, &self.envelope, b"") {
                Ok((_, by)) => Ok(by),
                Err(error) => Err(*error.format_error().unwrap()),
            }
        }

        fn refused(&self, credentials: &Credentials) -> Detail {
            self.opened(credentials).unwrap_err().detail()
        }
    }

    fn age_file(plaintext: &[u8], recipients: &[&dyn age::Recipient]) -> Vec<u8> {
        let encryptor = age::Encryptor::with_recipients(recipients.iter().copied()).unwrap();
        let mut file = Vec::new();
        let mut writer = encryptor.wrap_output(&mut file).unwrap();
        std::io::Write::write_all(&mut writer, plaintext).unwrap();
        writer.finish().unwrap();
        file
    }

    /// The same identity, and how the crate wraps for it.
    fn x25519() -> (Identity, age::x25519::Recipient) {
        let identity = Identity::generate();
        let recipient = identity.recipients().unwrap()[0].to_string().parse().unwrap();
        (identity, recipient)
    }

    fn with(identities: &[&Identity]) -> Credentials {
        let identities = identities.iter().map(|&identity| identity.clone());
        identities.fold(Credentials::new(), Credentials::with_identity)
    }

    /// Wraps another file key for a recipient, or writes a stanza that is not allowed.
    enum Forged {
        FileKey(age::x25519::Recipient),
        Malformed,
    }

    impl age::Recipient for Forged {
        fn wrap_file_key(&self, _: &FileKey) -> Result<(Vec<Stanza>, HashSet<String>), age::EncryptError> {
            match self {
                Self::FileKey(recipient) => recipient.wrap_file_key(&FileKey::new(Box::new([5; 16]))),
                Self::Malformed => {
                    let stanza = Stanza { tag: "X25519".into(), args: Vec::new(), body: vec![1] };
                    Ok((vec![stanza], HashSet::new()))
                }
            }
        }
    }

    //= spec/stream-v2.md#sv2-env-023
    //= type=test
    //# A reader MUST try the next key, identity or password of §12.6 after one that does not
    //# unwrap.
    #[test]
    fn identities_are_tried_one_after_the_other() {
        let ((one, to_one), (two, to_two), (other, _)) = (x25519(), x25519(), x25519());
        let stream = Stream::of(&CONTENT_KEY, &[&to_one, &to_two]);
        assert_eq!(stream.opened(&with(&[&other, &two, &one])), Ok(OpenedBy::Identity(1)));
        assert_eq!(stream.refused(&with(&[&other])), Detail::KeyEnvelope);
        // The first one gets a file key that is not that of the file.
        let forged = Stream::of(&CONTENT_KEY, &[&Forged::FileKey(to_one.clone()), &to_two]);
        assert_eq!(forged.opened(&with(&[&one, &two])), Ok(OpenedBy::Identity(1)));
        assert_eq!(forged.refused(&with(&[&one])), Detail::KeyEnvelope);
        // The first one reports an error for any file with such a stanza.
        let hybrid = Identity::generate_hybrid().unwrap();
        let file = super::super::age::wrap(&hybrid.recipients().unwrap(), &ContentKey::new(CONTENT_KEY));
        let stream = Stream::of_file(file.unwrap().body());
        assert_eq!(stream.opened(&with(&[&one, &hybrid])), Ok(OpenedBy::Identity(1)));
        let malformed = Stream::of(&CONTENT_KEY, &[&Forged::Malformed, &to_one]);
        assert_eq!(malformed.refused(&with(&[&one, &two])), Detail::KeyEnvelope);
    }

    #[test]
    fn altered_header_opens_nothing() {
        let (one, to_one) = x25519();
        let file = age_file(&CONTENT_KEY, &[&to_one]);
        assert_eq!(Stream::of_file(&file).opened(&with(&[&one])), Ok(OpenedBy::Identity(0)));
        // A digit of the MAC, with everything that the payload depends on unchanged.
        let mac = file.windows(5).position(|line| line == b"\n--- ").unwrap() + 5;
        let mut altered = file;
        altered[mac] = if altered[mac] == b'A' { b'B' } else { b'A' };
        assert_eq!(Stream::of_file(&altered).refused(&with(&[&one])), Detail::KeyEnvelope);
    }

    //= spec/stream-v2.md#sv2-env-015
    //= type=test
    //# A reader MUST report `key.envelope` where the plaintext of the age file is not exactly 32
    //# bytes.
    //= spec/stream-v2.md#sv2-env-024
    //= type=test
    //# A reader MUST NOT try another one after a stanza gave a content key.
    #[test]
    fn plaintext_is_a_content_key() {
        let (one, to_one) = x25519();
        for len in [0, 31, 33, 50_000] {
            let stream = Stream::of(&vec![9; len], &[&to_one]);
            assert_eq!(stream.refused(&with(&[&one])), Detail::KeyEnvelope, "{len}");
        }
        let stream = Stream::of(&[8; 32], &[&to_one]);
        assert_eq!(stream.refused(&with(&[&one, &one])), Detail::KeyHeaderTag);
        // A content key of the caller is tried before, and not after.
        let credentials = with(&[&one]).with_content_key(ContentKey::new(CONTENT_KEY));
        assert_eq!(stream.opened(&credentials), Ok(OpenedBy::ContentKey));
    }

    //= spec/stream-v2.md#sv2-env-022
    //= type=test
    //# A reader MUST report `key.envelope` for an age file of more than AGE_STANZAS_MAX (§14)
    //# stanzas before it parses them.
    //= spec/stream-v2.md#sv2-env-021
    //= type=test
    //# A reader MUST NOT run scrypt for an age file in a stanza.
    #[test]
    fn hostile_age_files_open_nothing() {
        let one = with(&[&x25519().0]);
        let stanzas = |stanza: &str, count| {
            let stanzas = format!("-> {stanza}\n\n").repeat(count);
            format!("age-encryption.org/v1\n{stanzas}--- {}\n", "A".repeat(43)).into_bytes()
        };
        for file in [
            stanzas("x", 10_000),
            stanzas("X25519", 256),
            stanzas("x", 256),
            stanzas("scrypt AAAAAAAAAAAAAAAAAAAAAA 30", 1),
            stanzas(&"x".repeat(60_000), 1),
            stanzas("x", 0),
            b"age-encryption.org/v2\n".to_vec(),
            b"-----BEGIN AGE ENCRYPTED FILE-----\n".to_vec(),
            Vec::new(),
            vec![b'\n'; 60_000],
            vec![0; 60_000],
        ] {
            assert_eq!(Stream::of_file(&file).refused(&one), Detail::KeyEnvelope, "{} bytes", file.len());
        }
    }

    //= spec/stream-v2.md#sv2-env-025
    //= type=test
    //# A reader MUST report `misuse` if its caller brought no content key and nothing that a stanza
    //# of a type it implements is for.
    #[test]
    fn stanza_is_for_identities_alone() {
        let ((one, to_one), key) = (x25519(), KeyFile::text(&[1; 32]));
        let stream = Stream::of(&CONTENT_KEY, &[&to_one]);
        let file = KeyFile::parse(key.as_bytes()).unwrap();
        for credentials in [Credentials::new(), Credentials::new().with_key_file(file)] {
            assert_eq!(stream.opened(&credentials).unwrap_err().rule(), Some(Misuse::NothingForEnvelope));
        }
        let padding = Stream { envelope: write_envelope(&[(0xFFFF, &[0; 8])]).unwrap(), ..stream };
        let sealer = StreamSealer::new(StreamParams::new([1; 32]), &ContentKey::new(CONTENT_KEY), b"");
        let header = *sealer.unwrap().with_envelope_len(12).unwrap().header();
        let padding = Stream { header, ..padding };
        assert_eq!(padding.refused(&with(&[&one])), Detail::UnsupportedEnvelope);
    }

    /// A file of identities under the passphrase "right", and a counter of how often it was asked.
    fn locked(identity: &Identity, answer: &'static str) -> (Identity, Arc<AtomicU32>) {
        let mut scrypt = age::scrypt::Recipient::new(age::secrecy::SecretString::from("right"));
        scrypt.set_work_factor(2);
        let line = identity.text().unwrap();
        let file = age::encrypt(&scrypt, line.as_bytes()).unwrap();
        let asked = Arc::new(AtomicU32::new(0));
        let counted = asked.clone();
        let passphrase = Passphrase::asked(move || {
            counted.fetch_add(1, Ordering::Relaxed);
            Ok(answer.as_bytes().to_vec().into())
        });
        let file = IdentityFile::parse(&file, passphrase, None).unwrap();
        (file.into_identities().remove(0), asked)
    }

    #[test]
    fn passphrase_of_a_file_is_asked_for_once_and_if_needed() {
        let ((one, to_one), (two, to_two)) = (x25519(), x25519());
        let (file, asked) = locked(&one, "right");
        // The plain identity comes first, whatever the caller's order is.
        let both = Stream::of(&CONTENT_KEY, &[&to_one, &to_two]);
        assert_eq!(both.opened(&with(&[&file, &two])), Ok(OpenedBy::Identity(1)));
        assert_eq!(asked.load(Ordering::Relaxed), 0);
        let stream = Stream::of(&CONTENT_KEY, &[&to_one]);
        for _ in 0..3 {
            assert_eq!(stream.opened(&with(&[&two, &file])), Ok(OpenedBy::Identity(1)));
        }
        assert_eq!(file.recipients().unwrap()[0].to_string(), to_one.to_string());
        assert_eq!((asked.load(Ordering::Relaxed), file.has_wrong_passphrase()), (1, false));
        let (wrong, asked) = locked(&one, "wrong");
        for _ in 0..2 {
            assert_eq!(stream.refused(&with(&[&wrong])), Detail::KeyEnvelope);
        }
        assert_eq!((asked.load(Ordering::Relaxed), wrong.has_wrong_passphrase()), (1, true));
        assert_eq!(stream.opened(&with(&[&wrong, &file])), Ok(OpenedBy::Identity(1)));
        assert_eq!(wrong.recipients().unwrap_err().kind(), std::io::ErrorKind::InvalidData);
        assert_eq!(format!("{file:?}"), "Identity(secret)");
    }
}
