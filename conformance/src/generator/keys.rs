//! §5 and §13: the key schedule.

use crate::generator::primitives::{expand, hmac, sha3};

/// The keys of one stream that do not depend on the epoch, and the bound hash from which they are
/// derived.
#[derive(Clone)]
pub(crate) struct Keys {
    pub(crate) bound_hash: [u8; 32],
    pub(crate) prk: [u8; 32],
    pub(crate) header: [u8; 32],
    pub(crate) chain: [u8; 32],
    pub(crate) journal: [u8; 32],
    pub(crate) segment: [u8; 32],
    pub(crate) epoch_0: [u8; 32],
}

/// The keys of one key epoch.
pub(crate) struct EpochKeys {
    pub(crate) aead: [u8; 32],
    pub(crate) digest: [u8; 32],
}

impl Keys {
    /// Derives the keys from the first 80 bytes of the stream header, as they are in the stream.
    pub(crate) fn derive(content_key: &[u8; 32], context: &[u8], header: &[u8]) -> Self {
        let bound_hash = sha3(&[&header[..80], &(context.len() as u64).to_le_bytes(), context]);
        let prk = hmac(&header[32..64], &[content_key]);
        let key = |label| expand(&prk, &bind(label, &bound_hash));
        Self {
            header: key("header"),
            chain: key("chain"),
            journal: key("journal"),
            segment: key("segment"),
            epoch_0: key("epoch"),
            bound_hash,
            prk,
        }
    }

    /// Walks from E_0 to `key_epoch`.
    pub(crate) fn epoch(&self, key_epoch: u32) -> EpochKeys {
        let rekey = self.bind("rekey");
        let secret = (0..key_epoch).fold(self.epoch_0, |secret, _| expand(&secret, &rekey));
        EpochKeys { aead: expand(&secret, &self.bind("aead")), digest: expand(&secret, &self.bind("digest")) }
    }

    /// Returns K_run of suite 0x0002, from K_aead of the epoch.
    pub(crate) fn run(&self, aead: &[u8; 32], run_salt: &[u8; 16]) -> [u8; 32] {
        expand(aead, &[self.bind("run").as_slice(), run_salt].concat())
    }

    /// Returns the info string of a label.
    pub(crate) fn bind(&self, label: &str) -> Vec<u8> {
        bind(label, &self.bound_hash)
    }
}

fn bind(label: &str, bound_hash: &[u8; 32]) -> Vec<u8> {
    [b"stream-v2\0", label.as_bytes(), b"\0", bound_hash].concat()
}
