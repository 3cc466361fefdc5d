//! The attempts to open a stream, and the errors of those that failed (§12.6).

use stream_v2_format::crypto::{ContentKey, StreamOpener};
use stream_v2_format::wire::HeaderV1;
use stream_v2_format::{self as format, Detail};

use super::OpenedBy;
use crate::error::{Error, Stage};

/// The attempts to open one stream, and how the last ones failed.
pub(super) struct Tries<'a> {
    pub(super) header: &'a HeaderV1,
    context: &'a [u8],
    /// The content key, once one has opened the stream.
    pub(super) key: Option<ContentKey>,
    pub(super) of_header_tag: Option<format::Error>,
    pub(super) of_envelope: Option<format::Error>,
}

impl<'a> Tries<'a> {
    pub(super) const fn new(header: &'a HeaderV1, context: &'a [u8]) -> Self {
        Self { header, context, key: None, of_header_tag: None, of_envelope: None }
    }

    pub(super) fn key(&mut self, key: &ContentKey) -> Result<StreamOpener, format::Error> {
        let stream = StreamOpener::new(self.header, key, self.context);
        self.key = stream.is_ok().then(|| key.clone());
        stream.inspect_err(|error| self.of_header_tag = Some(*error))
    }

    /// Opens the stream under the key that a stanza gave.
    pub(super) fn only(&mut self, key: &ContentKey, by: OpenedBy) -> Result<(StreamOpener, OpenedBy), Error> {
        //= spec/stream-v2.md#sv2-env-024
        //# A reader MUST NOT try another one after a stanza gave a content key.
        self.key(key).map(|stream| (stream, by)).map_err(fault)
    }

    /// Returns the content key, or `None` if the stanza does not unwrap.
    pub(super) fn unwrapped(
        &mut self,
        unwrapped: Result<ContentKey, format::Error>,
    ) -> Result<Option<ContentKey>, Error> {
        match unwrapped {
            Ok(key) => Ok(Some(key)),
            Err(error) if error.detail() == Detail::KeyEnvelope => {
                self.of_envelope = Some(error);
                Ok(None)
            }
            Err(error) => Err(fault(error)),
        }
    }
}

pub(super) fn fault(error: format::Error) -> Error {
    Error::format(Stage::Start, error)
}
