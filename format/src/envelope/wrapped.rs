//! §12 A content key that is wrapped, before it is written into an envelope.

use alloc::vec::Vec;

use crate::Error;
use crate::wire::StanzaType;

/// A content key, wrapped for one password or key or for the recipients of an age file (§12).
///
/// [`Envelope`](super::Envelope) writes it as a stanza.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrappedKey {
    stanza_type: StanzaType,
    body: Vec<u8>,
}

impl WrappedKey {
    pub(super) fn new(stanza_type: StanzaType, body: impl Into<Vec<u8>>) -> Self {
        Self { stanza_type, body: body.into() }
    }

    /// Returns the type of its stanza.
    #[must_use]
    pub const fn stanza_type(&self) -> StanzaType {
        self.stanza_type
    }

    /// Returns the body of its stanza.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
    }
}

/// The error of a stanza that does not unwrap. It does not say why (SV2-ERR-002).
pub(super) const fn not_unwrapped() -> Error {
    //= spec/stream-v2.md#sv2-env-009
    //# A reader MUST report every failure to unwrap a content key as `key.envelope`,
    Error::key_envelope()
}
