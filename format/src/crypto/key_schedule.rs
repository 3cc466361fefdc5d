//! §5 Key schedule: derives every key of a stream.
//!
//! Its inputs are the content key, the context and the first 80 bytes of the stream header.

use sha3::{Digest, Sha3_256};

use super::ContentKey;
use super::mac::Secret;
use super::run::RunSalt;
use crate::wire::{HeaderV1, StreamParams, Suite};

/// `bind(label)` of §5 without the label. It ties every key to one stream and context.
pub(super) struct Binding([u8; 32]);

impl Binding {
    fn new(bound_bytes: &[u8; 80], context: &[u8]) -> Self {
        let len = context.len() as u64;
        let hash =
            Sha3_256::new().chain_update(bound_bytes).chain_update(len.to_le_bytes()).chain_update(context);
        Self(hash.finalize().into())
    }

    /// Returns HKDF-Expand(secret, bind(label), 32).
    fn derive(&self, secret: &Secret, label: &[u8]) -> Secret {
        self.derive_for(secret, label, &[])
    }

    /// Returns HKDF-Expand(secret, bind(label) || whose, 32).
    fn derive_for(&self, secret: &Secret, label: &[u8], whose: &[u8]) -> Secret {
        secret.expand([b"stream-v2\0", label, b"\0", &self.0, whose])
    }
}

/// The keys of a stream that do not depend on the key epoch, and the secret of the first epoch.
pub(super) struct StreamKeys {
    suite: Suite,
    binding: Binding,
    pub(super) header: Secret,
    pub(super) chain: Secret,
    pub(super) journal: Secret,
    pub(super) segment: Secret,
    pub(super) epoch_zero: Secret,
}

impl StreamKeys {
    /// Derives the keys of a stream with these parameters.
    pub(super) fn derive(params: &StreamParams, key: &ContentKey, context: &[u8]) -> Self {
        let binding = Binding::new(&params.bound_bytes(), context);
        //= spec/stream-v2.md#sv2-key-002
        //# An implementation MUST derive every key as §5 says, over the 80 bytes as they stand in
        //# the stream.
        let prk = Secret::extract(&params.stream_salt, key.bytes());
        Self {
            suite: params.suite,
            header: binding.derive(&prk, b"header"),
            chain: binding.derive(&prk, b"chain"),
            journal: binding.derive(&prk, b"journal"),
            segment: binding.derive(&prk, b"segment"),
            epoch_zero: binding.derive(&prk, b"epoch"),
            binding,
        }
    }

    pub(super) const fn suite(&self) -> Suite {
        self.suite
    }

    /// Returns the 32 bytes of a stream's `header_tag` (§4).
    pub(super) fn header_tag(&self, header: &HeaderV1) -> [u8; 32] {
        self.header.hmac(&[&header.bound_bytes()])
    }

    /// Returns E_(i+1) from E_i.
    pub(super) fn next_epoch(&self, epoch: &Secret) -> Secret {
        self.binding.derive(epoch, b"rekey")
    }

    /// Returns K_aead of an epoch.
    pub(super) fn aead(&self, epoch: &Secret) -> Secret {
        self.binding.derive(epoch, b"aead")
    }

    /// Returns K_run of a run in an epoch, which only suite 0x0002 has.
    pub(super) fn run(&self, aead: &Secret, run_salt: &RunSalt) -> Secret {
        self.binding.derive_for(aead, b"run", run_salt.bytes())
    }

    /// Returns K_digest of an epoch.
    pub(super) fn digest(&self, epoch: &Secret) -> Secret {
        self.binding.derive(epoch, b"digest")
    }
}
