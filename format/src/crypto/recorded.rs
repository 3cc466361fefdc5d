//! Every message that is sealed, for tests that look for a (key, nonce) pair with two of them
//! (SV2-FRM-008). No released binary has this.

use std::sync::OnceLock;

/// One message on its way into the AEAD.
#[derive(Clone, Copy)]
pub struct Sealing<'a> {
    /// 32 bytes: the XChaCha20 subkey of run and epoch.
    pub key: &'a [u8; 32],
    /// 12 bytes: what is left of the nonce.
    pub nonce: &'a [u8; 12],
    /// Associated data.
    pub associated_data: &'a [u8],
    /// Plaintext of the frame.
    pub plaintext: &'a [u8],
}

static RECORDER: OnceLock<fn(&Sealing<'_>)> = OnceLock::new();

/// Has every later sealing of this process shown to `recorder`; the first recorder stays.
pub fn record_sealings(recorder: fn(&Sealing<'_>)) {
    let _ = RECORDER.set(recorder);
}

pub(super) fn record(key: &[u8; 32], nonce: &[u8; 12], associated_data: &[u8], plaintext: &[u8]) {
    if let Some(recorder) = RECORDER.get() {
        recorder(&Sealing { key, nonce, associated_data, plaintext });
    }
}
