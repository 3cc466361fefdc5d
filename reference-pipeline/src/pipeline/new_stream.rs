//! A stream that is about to be written: its keys and salts, before anything flows.

use stream_v2_format::crypto::{Committed, ContentKey, ResumeKey, RunSalt, StreamSealer};
use stream_v2_format::envelope::Envelope;

use super::EncryptPipeline;
use crate::engine::catch_panic::catch_panic_async;
use crate::engine::stages::Engine;
use crate::error::{Error, Stage};
use crate::keys::salts::Salts;
use crate::storage::OutputFile;

/// A stream that is about to be written.
pub(crate) struct NewStream {
    pub(super) stream: StreamSealer,
    /// The envelope and its CRC; nothing if there is none.
    pub(super) envelope: Vec<u8>,
    pub(super) run_salt: RunSalt,
    /// Whether it gets index segments.
    pub(super) index: bool,
    /// The content key that the envelope wraps, if there is one.
    key: Option<ContentKey>,
}

impl EncryptPipeline<'_> {
    /// Draws the salts of a stream, and its content key if there are recipients.
    pub(crate) async fn new_stream(&self, engine: &impl Engine) -> Result<NewStream, Error> {
        // Recipients may call the caller's code, which may panic.
        catch_panic_async(Stage::Start, None, self.drawn(engine)).await
    }

    async fn drawn(&self, engine: &impl Engine) -> Result<NewStream, Error> {
        let fault = |error| Error::format(Stage::Start, error);
        if self.salts.is_none() && self.params.stream_salt != [0; 32] {
            return Err(fault(stream_v2_format::Error::misuse(stream_v2_format::Misuse::SaltChosen)));
        }
        let salts = self.salts.map_or_else(Salts::draw, Ok)?;
        let mut params = self.params.with_stream_salt(salts.stream_salt);
        if params.epoch_segments == 0 {
            // A suite whose keys wear out starts another epoch before they do (§21.4).
            params.epoch_segments = params.default_epoch();
        }
        let (key, envelope) = self.keys.begin(engine).await?;
        if envelope.is_some() {
            // The stanzas name keys. There is nothing for the stream header to name (SV2-KEY-005).
            params.key_id = [0; 16];
        }
        let envelope_len = envelope.as_ref().map_or(0, Envelope::envelope_len);
        let stream = StreamSealer::new(params, &key, self.context)
            .and_then(|stream| stream.with_envelope_len(envelope_len))
            .map_err(fault)?;
        let key = envelope.is_some().then_some(key);
        let envelope = envelope.map_or_else(Vec::new, |envelope| envelope.as_bytes().to_vec());
        let index = Committed::NOTHING.resume_index(stream.header(), self.index, false).map_err(fault)?;
        Ok(NewStream { stream, envelope, run_salt: salts.run_salt, index, key })
    }

    /// Returns the resume key of a new stream, if its output keeps one.
    ///
    /// That is so if nothing that the caller has opens the envelope (§19.9).
    pub(crate) fn resume_key(&self, new: &mut NewStream, output: &OutputFile) -> Option<ResumeKey> {
        let key = new.key.take().filter(|_| output.keeps_resume_key())?;
        let (header, envelope) = (new.stream.header(), &new.envelope);
        if !self.keys.cannot_open(header, envelope, self.context) {
            return None;
        }
        let texts = self.keys.recipients()?.texts();
        let recipients = texts.iter().map(String::as_str);
        Some(ResumeKey::new(header, envelope, &key, recipients, &output.address()))
    }
}
