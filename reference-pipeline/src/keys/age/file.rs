//! §12.2 The age file in a stanza: its header by the crate `age`, and the key of its payload.

use std::cell::RefCell;
use std::collections::HashSet;
use std::io;
use std::iter::once;

use age::{Decryptor, EncryptError, Encryptor};
use age_core::format::{FileKey, Stanza};
use age_core::primitives::hkdf;
use age_core::secrecy::ExposeSecret;
use stream_v2_format::Misuse;
use stream_v2_format::crypto::ContentKey;
use stream_v2_format::envelope::{AgeView, WrappedKey};
use stream_v2_format::{self as format};
use zeroize::Zeroizing;

use super::Recipient;
use super::identity::Identity;
use super::plugin::escaped_errors;
use crate::error::{Error, Stage};

/// Bytes that the payload of no plaintext has after its nonce: a tag.
const EMPTY_PAYLOAD_LEN: usize = 16;

/// An age file that was parsed, and whose stanzas are ready for identities.
pub(in crate::keys) struct AgeFile<'a> {
    view: AgeView<'a>,
    stanzas: Vec<Stanza>,
}

impl<'a> AgeFile<'a> {
    /// Parses the header. Returns `None` if it is not that of an age file.
    ///
    /// The view has bounded the number of stanzas before.
    pub(in crate::keys) fn parse(view: AgeView<'a>) -> Option<Self> {
        let decryptor = Decryptor::new_buffered(view.file()).ok()?;
        let taken = TakenStanzas::default();
        // It unwraps nothing, so this fails, and the stanzas are there.
        let _ = decryptor.decrypt(once(&taken as &dyn age::Identity));
        Some(Self { view, stanzas: taken.0.into_inner() })
    }

    /// Returns the content key, if one of the stanzas is for `identity`.
    ///
    /// # Errors
    ///
    /// - any error of asking for a passphrase.
    pub(in crate::keys) fn unwrap(&self, identity: &Identity) -> io::Result<Option<ContentKey>> {
        let file_key = identity.unwrap_stanzas(&self.stanzas)?;
        Ok(file_key.and_then(|file_key| self.open(&file_key)))
    }

    /// Verifies the MAC of the header, and opens the payload.
    fn open(&self, file_key: &FileKey) -> Option<ContentKey> {
        let decryptor = Decryptor::new_buffered(self.view.file()).ok()?;
        decryptor.decrypt(once(&Known(file_key) as &dyn age::Identity)).ok()?;
        let nonce = self.view.payload_nonce().ok()?;
        self.view.unwrap(&payload_key(file_key, &nonce)).ok()
    }
}

/// Wraps `content_key` in an age file for all `recipients`.
///
/// # Errors
///
/// - `misuse` if hybrid recipients are mixed with others.
/// - `io` if a plugin fails.
pub(in crate::keys) fn wrap(recipients: &[Recipient], content_key: &ContentKey) -> Result<WrappedKey, Error> {
    let fault = |error| Error::format(Stage::Start, error);
    let boxed: Vec<Box<dyn age::Recipient + '_>> =
        recipients.iter().map(Recipient::as_age).collect::<Result<_, _>>().map_err(refused)?;
    let Some((first, others)) = boxed.split_first() else {
        return Err(fault(format::Error::misuse(Misuse::EnvelopeEmpty)));
    };
    let first = Noticed { recipient: first.as_ref(), file_key: RefCell::new(None) };
    let all = once(&first as &dyn age::Recipient).chain(others.iter().map(AsRef::as_ref));
    let encryptor = Encryptor::with_recipients(all).map_err(of_age)?;
    // Without a plaintext the crate writes header, nonce and a tag. It never gets the content key,
    // of which it would leave a copy in memory.
    let mut begin = Vec::new();
    encryptor.wrap_output(&mut begin).and_then(age::stream::StreamWriter::finish).map_err(refused)?;
    begin.truncate(begin.len().saturating_sub(EMPTY_PAYLOAD_LEN));
    let unusable = || refused(io::Error::other("the age file has no nonce"));
    let nonce = begin.last_chunk().ok_or_else(unusable)?;
    let file_key = first.file_key.into_inner().ok_or_else(unusable)?;
    let payload_key = payload_key(&file_key, nonce);
    WrappedKey::by_age_payload(&begin, &payload_key, content_key).map_err(fault)
}

/// Derives the key of the payload from the file key and the nonce.
fn payload_key(file_key: &FileKey, nonce: &[u8; 16]) -> Zeroizing<[u8; 32]> {
    Zeroizing::new(hkdf(nonce, b"payload", file_key.expose_secret()))
}

fn copied(file_key: &FileKey) -> FileKey {
    FileKey::init_with_mut(|copy| copy.copy_from_slice(file_key.expose_secret()))
}

fn refused(error: io::Error) -> Error {
    Error::io(Stage::Start, None, error)
}

/// The error of a header that cannot be made.
fn of_age(error: EncryptError) -> Error {
    match error {
        EncryptError::IncompatibleRecipients { .. } => {
            Error::format(Stage::Start, format::Error::misuse(Misuse::AgeMixed))
        }
        EncryptError::Io(error) => refused(error),
        EncryptError::Plugin(errors) => refused(io::Error::other(escaped_errors(&errors))),
        _ => refused(io::Error::other("the age file cannot be made")),
    }
}

/// An identity that unwraps nothing, and takes a copy of the stanzas.
#[derive(Default)]
struct TakenStanzas(RefCell<Vec<Stanza>>);

impl age::Identity for TakenStanzas {
    fn unwrap_stanza(&self, _: &Stanza) -> Option<Result<FileKey, age::DecryptError>> {
        None
    }

    fn unwrap_stanzas(&self, stanzas: &[Stanza]) -> Option<Result<FileKey, age::DecryptError>> {
        let copied = |Stanza { tag, args, body }: &Stanza| Stanza {
            tag: tag.clone(),
            args: args.clone(),
            body: body.clone(),
        };
        self.0.replace(stanzas.iter().map(copied).collect());
        None
    }
}

/// An identity that has the file key already.
struct Known<'a>(&'a FileKey);

impl age::Identity for Known<'_> {
    fn unwrap_stanza(&self, _: &Stanza) -> Option<Result<FileKey, age::DecryptError>> {
        Some(Ok(copied(self.0)))
    }
}

/// A recipient that keeps the file key that it wraps.
struct Noticed<'a> {
    recipient: &'a dyn age::Recipient,
    file_key: RefCell<Option<FileKey>>,
}

impl age::Recipient for Noticed<'_> {
    fn wrap_file_key(&self, file_key: &FileKey) -> Result<(Vec<Stanza>, HashSet<String>), EncryptError> {
        self.file_key.replace(Some(copied(file_key)));
        self.recipient.wrap_file_key(file_key)
    }
}
