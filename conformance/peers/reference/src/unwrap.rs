//! Opens a stream header with keys and passwords (§12.6), with the format crate, and compares that
//! with the pipeline.

use stream_v2_format::crypto::{ContentKey, StreamOpener};
use stream_v2_format::envelope::{
    AgeView, Argon2idLimits, Argon2idMemory, Argon2idView, DetachedEnvelope, EnvelopeView, KeyView,
    no_content_key,
};
use stream_v2_format::wire::{HeaderV1, StanzaType};
use stream_v2_format::{Detail, Error};
use stream_v2_pipeline::io::{read_own_header, read_stream_header};
use stream_v2_pipeline::{Credentials, KeyFile, OpenedBy};

use crate::answer::{Answer, Found};
use crate::read::{format_error, refused};
use crate::request;

/// A content key, and the offset of the stanza that gave it.
type Opened = (ContentKey, Option<u64>);

pub(crate) fn answer(request: &request::Unwrap) -> Answer {
    let input = hex::decode(&request.input).unwrap();
    let detached = request.detached.as_ref().map(|digits| hex::decode(digits).unwrap());
    match opened(request, &input, detached.as_deref()) {
        Err(answer) => *answer,
        Ok((key, stanza)) => {
            let found = Found::Opened { content_key_id: hex::encode(key.id()), stanza };
            Answer { result: "accept", found, ..Answer::default() }
        }
    }
}

fn opened(request: &request::Unwrap, input: &[u8], detached: Option<&[u8]>) -> Result<Opened, Box<Answer>> {
    let of_run = |error: stream_v2_pipeline::Error| Box::new(refused(&error));
    let context = request.context();
    let detached = detached.map(DetachedEnvelope::parse).transpose().map_err(of_error)?;
    let (own, own_envelope) = match &detached {
        Some(_) => read_own_header(&mut &input[..]),
        None => read_stream_header(&mut &input[..]),
    }
    .map_err(of_run)?;
    if let Some(detached) = &detached {
        detached.check_stream(&own).map_err(of_error)?;
    }
    let header = *detached.as_ref().map_or(&own, DetachedEnvelope::header);
    let envelope = detached.as_ref().map_or(&own_envelope[..], DetachedEnvelope::envelope_bytes);
    let unlocking =
        Unlocking { request, context: &context, header, envelope: EnvelopeView::after(&header, envelope) };
    let tried = unlocking.tried();
    let opened = tried
        .as_ref()
        .map_err(|error| *error)
        .and_then(|(key, stanza)| StreamOpener::new(&own, key, &context).map(|_| stanza.is_some()));
    let by_pipeline = by_pipeline(request, detached, (&own, &own_envelope), &context);
    assert_eq!(by_pipeline, opened, "the pipeline unlocks in another way than the format crate");
    opened.map_err(of_error)?;
    tried.map_err(of_error)
}

/// Returns whether a stanza gave the content key.
fn by_pipeline(
    request: &request::Unwrap,
    detached: Option<DetachedEnvelope>,
    (header, envelope): (&HeaderV1, &[u8]),
    context: &[u8],
) -> Result<bool, Error> {
    let credentials = request.brought.credentials().with_limits(limits(request));
    let credentials = detached.into_iter().fold(credentials, Credentials::with_detached_envelope);
    credentials
        .open(header, envelope, context)
        .map(|(_, by)| !matches!(by, OpenedBy::ContentKey | OpenedBy::KeyFile(_)))
        .map_err(|error| *format_error(&error))
}

fn limits(request: &request::Unwrap) -> Argon2idLimits {
    Argon2idLimits::DEFAULT
        .with_memory_kib(request.limits.memory_kib.unwrap_or(u32::MAX))
        .with_work_kib(request.limits.work_kib.unwrap_or(u64::MAX))
}

fn of_error(error: Error) -> Box<Answer> {
    Box::new(Answer::of_error(&error))
}

struct Unlocking<'a> {
    request: &'a request::Unwrap,
    context: &'a [u8],
    header: HeaderV1,
    envelope: Option<EnvelopeView<'a>>,
}

impl Unlocking<'_> {
    /// Tries the rows of §12.6, from the first to the last.
    fn tried(&self) -> Result<Opened, Error> {
        let brought = &self.request.brought;
        let named = |id: &[u8; 16]| self.envelope.is_none() || *id == self.header.params().key_id;
        let files = brought.key_files().filter(|file| named(&file.key_id)).map(|file| file.key);
        let mut wrong_key = None;
        for key in brought.content_keys().chain(files) {
            match StreamOpener::new(&self.header, &key, self.context) {
                Ok(_) => return Ok((key, None)),
                Err(error) => wrong_key = Some(error),
            }
        }
        let mut not_unwrapped = None;
        if let Some(opened) = self.by_key_files(&mut not_unwrapped) {
            return Ok(opened);
        }
        if let Some(opened) = self.by_identities(&mut not_unwrapped) {
            return Ok(opened);
        }
        if let Some(opened) = self.by_passwords(&mut not_unwrapped)? {
            return Ok(opened);
        }
        let implemented = |stanza| matches!(stanza, StanzaType::Key | StanzaType::Age | StanzaType::Argon2id);
        let nothing_fits = || no_content_key(self.envelope.as_ref(), implemented);
        Err(not_unwrapped.or(wrong_key).unwrap_or_else(nothing_fits))
    }

    fn by_key_files(&self, not_unwrapped: &mut Option<Error>) -> Option<Opened> {
        for KeyFile { key_id, key, .. } in self.request.brought.key_files() {
            for wanted in [key_id, [0; 16]] {
                for stanza in self.envelope.iter().flat_map(EnvelopeView::stanzas) {
                    let Some(view) = KeyView::parse(&stanza).filter(|view| view.key_id() == wanted) else {
                        continue;
                    };
                    match view.unwrap(&key) {
                        Ok(content_key) => return Some((content_key, Some(stanza.offset.0))),
                        Err(error) => *not_unwrapped = Some(error),
                    }
                }
            }
        }
        None
    }

    /// The format crate counts stanzas and opens payloads. The rest of age is in the pipeline.
    fn by_identities(&self, not_unwrapped: &mut Option<Error>) -> Option<Opened> {
        for identity in self.request.brought.identities() {
            for stanza in self.envelope.iter().flat_map(EnvelopeView::stanzas) {
                let Some(view) = AgeView::parse(&stanza) else { continue };
                let unwrapped =
                    view.and_then(|view| identity.unwrap(view).unwrap().ok_or(Error::key_envelope()));
                match unwrapped {
                    Ok(content_key) => return Some((content_key, Some(stanza.offset.0))),
                    Err(error) => *not_unwrapped = Some(error),
                }
            }
        }
        None
    }

    fn by_passwords(&self, not_unwrapped: &mut Option<Error>) -> Result<Option<Opened>, Error> {
        let limits = limits(self.request);
        let mut memory = Argon2idMemory::new();
        for password in self.request.brought.passwords() {
            for stanza in self.envelope.iter().flat_map(EnvelopeView::stanzas) {
                if StanzaType::from_value(stanza.stanza_type) != Some(StanzaType::Argon2id) {
                    continue;
                }
                match Argon2idView::parse(&stanza)?.unwrap(&password, limits, &mut memory) {
                    Ok(content_key) => return Ok(Some((content_key, Some(stanza.offset.0)))),
                    Err(error) if error.detail() == Detail::KeyEnvelope => *not_unwrapped = Some(error),
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(None)
    }
}
