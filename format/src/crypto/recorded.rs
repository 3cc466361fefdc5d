//! Shows every sealed message to tests.
//!
//! The tests look for a (key, nonce) pair with two messages (SV2-FRM-008).
//!
//! No released binary contains this.

use std::sync::OnceLock;

/// One message that is about to be sealed.
#[derive(Clone, Copy)]
pub struct Sealing<'a> {
    /// The XChaCha20 subkey of run and epoch.
    pub key: &'a [u8; 32],
    /// The remaining 12 bytes of the nonce.
    pub nonce: &'a [u8; 12],
    /// Associated data.
    pub associated_data: &'a [u8],
    /// Plaintext of the frame.
    pub plaintext: &'a [u8],
}

static RECORDER: OnceLock<fn(&Sealing<'_>)> = OnceLock::new();

/// Shows every later sealing of this process to `recorder`. The first recorder stays.
pub fn record_sealings(recorder: fn(&Sealing<'_>)) {
    let _ = RECORDER.set(recorder);
}

pub(super) fn record(key: &[u8; 32], nonce: &[u8; 12], associated_data: &[u8], plaintext: &[u8]) {
    if let Some(recorder) = RECORDER.get() {
        recorder(&Sealing { key, nonce, associated_data, plaintext });
    }
}
