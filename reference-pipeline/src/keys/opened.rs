//! A stream that was opened, by its own envelope or by a detached one (§12.4).

use stream_v2_format::crypto::{ContentKey, StreamOpener};
use stream_v2_format::envelope::DetachedEnvelope;
use stream_v2_format::wire::HeaderV1;

use super::Credentials;
use super::tries::fault;
use crate::error::Error;

/// The key or passphrase that opened a stream.
///
/// A key file or a passphrase shows that the writer had the same secret. An identity shows nothing
/// about the writer: its recipient is public (§21.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OpenedBy {
    /// A content key of the caller.
    ContentKey,
    /// The key of a key file, which is the content key of the stream.
    KeyFile([u8; 16]),
    /// The key of a key file, under which the envelope wraps the content key.
    KeyStanza([u8; 16]),
    /// An identity of age: that of this index, in the order in which the caller brought them.
    Identity(usize),
    /// A passphrase.
    Passphrase,
}

impl OpenedBy {
    /// Returns whether the caller brought the content key itself, so that other streams may have
    /// it.
    pub(crate) const fn is_content_key(self) -> bool {
        matches!(self, Self::ContentKey | Self::KeyFile(_))
    }
}

/// An opened stream, and its content key.
pub(crate) struct Opened {
    pub(crate) key: ContentKey,
    pub(crate) stream: StreamOpener,
    pub(crate) by: OpenedBy,
}

impl Credentials {
    /// Opens streams with a detached envelope. Their own envelopes are ignored.
    ///
    /// Each stream has its own, so these credentials open one stream. Read its header with
    /// [`read_own_header`](crate::io::read_own_header).
    #[must_use]
    pub fn with_detached_envelope(mut self, envelope: DetachedEnvelope) -> Self {
        self.detached = Some(envelope);
        self
    }

    /// Returns the detached envelope.
    #[must_use]
    pub const fn detached_envelope(&self) -> Option<&DetachedEnvelope> {
        self.detached.as_ref()
    }

    /// Returns the limits alone.
    pub(super) fn with_nothing(&self) -> Self {
        Self::new().with_limits(self.limits)
    }

    /// Opens the stream of `header`, whose `envelope` and CRC were parsed before.
    ///
    /// With a detached envelope, `envelope` is not used.
    ///
    /// # Errors
    ///
    /// - `key.detached_envelope` if the detached envelope is that of another stream.
    /// - `key.header_tag` if no key opens the stream, or the context is another one.
    /// - `key.envelope` if nothing unwraps the content key.
    /// - `limit.policy` if Argon2id would cost more than the limits allow.
    /// - `unsupported.envelope` or `misuse` if nothing was brought for this stream.
    /// - `io` if a passphrase cannot be asked for.
    pub fn open(
        &self,
        header: &HeaderV1,
        envelope: &[u8],
        context: &[u8],
    ) -> Result<(StreamOpener, OpenedBy), Error> {
        self.open_with_key(header, envelope, context).map(|opened| (opened.stream, opened.by))
    }

    /// Does the same as [`open`](Self::open), and returns the content key too.
    pub(crate) fn open_with_key(
        &self,
        header: &HeaderV1,
        envelope: &[u8],
        context: &[u8],
    ) -> Result<Opened, Error> {
        let Some(detached) = &self.detached else { return self.open_by(header, envelope, context) };
        // No key is tried on the envelope of another stream, and no passphrase is asked for.
        detached.check_stream(header).map_err(fault)?;
        let opened = self.open_by(detached.header(), detached.envelope_bytes(), context)?;
        let stream = opened.stream.of_stream(header).map_err(fault)?;
        Ok(Opened { stream, ..opened })
    }
}
