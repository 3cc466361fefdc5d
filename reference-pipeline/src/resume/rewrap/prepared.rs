//! An envelope that is to be replaced, and what a replacement is reported as.

use std::fmt;

use stream_v2_format::envelope::DetachedEnvelope;
use stream_v2_format::wire::HeaderV1;

use super::{Unlocked, envelope_digest};
use crate::keys::OpenedBy;

/// An envelope that was replaced, or that would be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Replaced {
    /// The key or passphrase that opened the stream.
    pub opened_by: OpenedBy,
    /// The 32 bytes of stream_salt, which name the stream.
    pub stream_salt: [u8; 32],
    /// The digest of the old envelope ([`envelope_digest`](crate::envelope_digest)).
    pub old: [u8; 32],
    /// The digest of the new envelope.
    pub new: [u8; 32],
}

impl Replaced {
    /// Describes the replacement of the envelope `old` by `new`.
    #[must_use]
    pub fn new(unlocked: &Unlocked, old: &[u8], new: &[u8]) -> Self {
        Self {
            opened_by: unlocked.opened_by(),
            stream_salt: unlocked.header().params().stream_salt,
            old: envelope_digest(old),
            new: envelope_digest(new),
        }
    }
}

/// A new envelope of the length of the old one, before it replaces that.
#[derive(Clone)]
pub struct Prepared {
    pub(super) header: HeaderV1,
    pub(super) old: Vec<u8>,
    /// The same as the old one if there is nothing to do.
    pub(super) new: Vec<u8>,
    pub(super) rescue: DetachedEnvelope,
    pub(super) replaced: Replaced,
}

impl Prepared {
    /// Returns what is replaced by what.
    #[must_use]
    pub const fn replaced(&self) -> &Replaced {
        &self.replaced
    }

    /// Returns the bytes of the stream before segment 0 as they are.
    #[must_use]
    pub fn old_head(&self) -> Vec<u8> {
        [&self.header.to_bytes()[..], &self.old].concat()
    }

    /// Returns them with the new envelope.
    #[must_use]
    pub fn new_head(&self) -> Vec<u8> {
        [&self.header.to_bytes()[..], &self.new].concat()
    }

    /// Returns whether the envelope is already the new one: an interrupted call has replaced it.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.old == self.new
    }

    /// Returns the old envelope as a detached one.
    #[must_use]
    pub const fn old_envelope(&self) -> &DetachedEnvelope {
        &self.rescue
    }
}

impl fmt::Debug for Prepared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prepared").field("replaced", &self.replaced).finish_non_exhaustive()
    }
}
