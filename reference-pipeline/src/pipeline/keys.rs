//! How a pipeline comes by the content key of a stream: from its caller, or from the envelope.

use stream_v2_format::crypto::{ContentKey, StreamOpener};
use stream_v2_format::envelope::Envelope;
use stream_v2_format::wire::HeaderV1;
use stream_v2_format::{self as format, Misuse};

use crate::engine::stages::Engine;
use crate::error::{Error, Stage};
use crate::keys::{Credentials, OpenedBy, Recipients};

/// The keys of a writer.
#[derive(Clone, Copy)]
pub(crate) enum WriterKeys<'a> {
    /// The content key. Streams have no envelope.
    Content(&'a ContentKey),
    /// Those for whom a fresh content key is wrapped, and what the caller has to open an envelope,
    /// if that is not what the recipients have.
    Recipients(&'a Recipients, Option<&'a Credentials>),
}

impl WriterKeys<'_> {
    /// Returns the content key of a new stream, and its envelope if it gets one.
    pub(super) async fn begin(&self, engine: &impl Engine) -> Result<(ContentKey, Option<Envelope>), Error> {
        match self {
            Self::Content(key) => Ok(((*key).clone(), None)),
            Self::Recipients(recipients, _) => {
                let (key, envelope) = engine.compute(*recipients, Recipients::begin).await?;
                Ok((key, Some(envelope)))
            }
        }
    }

    /// Opens the stream of an earlier run.
    pub(crate) fn open(
        &self,
        header: &HeaderV1,
        envelope: &[u8],
        context: &[u8],
    ) -> Result<StreamOpener, Error> {
        match self {
            Self::Content(key) => ReaderKeys::Content(key).open(header, envelope, context),
            Self::Recipients(_, Some(credentials)) => credentials.open(header, envelope, context),
            Self::Recipients(recipients, None) => recipients.credentials().open(header, envelope, context),
        }
        .map(|(stream, _)| stream)
    }

    /// Returns whether nothing that the caller has opens the envelope of a new stream.
    pub(super) fn cannot_open(&self, header: &HeaderV1, envelope: &[u8], context: &[u8]) -> bool {
        match self {
            Self::Content(_) => false,
            // A writer for a passphrase has it.
            Self::Recipients(recipients, _) if recipients.has_passphrase() => false,
            // A key file or an identity opens what is wrapped for it. Trying may ask the user.
            Self::Recipients(recipients, None) => !recipients.has_keys(),
            Self::Recipients(..) => self.open(header, envelope, context).is_err(),
        }
    }

    /// Returns the recipients, if a content key is wrapped for some.
    pub(crate) const fn recipients(&self) -> Option<&Recipients> {
        match self {
            Self::Content(_) => None,
            Self::Recipients(recipients, _) => Some(recipients),
        }
    }
}

/// The keys of a reader.
#[derive(Clone, Copy)]
pub(crate) enum ReaderKeys<'a> {
    /// The content key.
    Content(&'a ContentKey),
    /// What is tried in the order of §12.6.
    Credentials(&'a Credentials),
    /// None, for a stream that was opened before.
    Opened,
}

impl ReaderKeys<'_> {
    /// Returns whether the stream's own envelope is ignored.
    pub(super) fn has_detached_envelope(&self) -> bool {
        matches!(self, Self::Credentials(credentials) if credentials.detached_envelope().is_some())
    }

    /// Opens a stream where that delays nothing else: a passphrase takes a second.
    pub(super) async fn open_on(
        &self,
        engine: &impl Engine,
        header: HeaderV1,
        envelope: Vec<u8>,
        context: &[u8],
    ) -> Result<(StreamOpener, OpenedBy), Error> {
        let Self::Credentials(credentials) = self else { return self.open(&header, &envelope, context) };
        let context = context.to_vec();
        engine.compute(*credentials, move |keys| keys.open(&header, &envelope, &context)).await
    }

    pub(super) fn open(
        &self,
        header: &HeaderV1,
        envelope: &[u8],
        context: &[u8],
    ) -> Result<(StreamOpener, OpenedBy), Error> {
        let fault = |error| Error::format(Stage::Start, error);
        match self {
            Self::Content(key) => {
                let stream = StreamOpener::new(header, key, context).map_err(fault)?;
                Ok((stream, OpenedBy::ContentKey))
            }
            Self::Credentials(credentials) => credentials.open(header, envelope, context),
            Self::Opened => Err(fault(format::Error::misuse(Misuse::NoContentKey))),
        }
    }
}
