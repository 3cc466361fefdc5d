//! Every message that was sealed in this process. No (key, nonce) pair may seal two (SV2-FRM-008).

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Mutex, PoisonError};

use stream_v2_format::crypto::{Sealing, record_sealings};

/// Each pair, and a hash of the message that it sealed. Keys are random, so eight of their bytes
/// distinguish them.
static SEEN: Mutex<Option<HashMap<(u64, u64), u64>>> = Mutex::new(None);
/// Pairs under which two messages were sealed.
static TWICE: Mutex<Vec<(u64, u64)>> = Mutex::new(Vec::new());

/// Records every later sealing.
pub fn watch() {
    record_sealings(see);
}

fn see(sealing: &Sealing<'_>) {
    let number = |bytes: &[u8]| u64::from_le_bytes(bytes.try_into().unwrap());
    let pair = (number(&sealing.key[..8]), number(&sealing.nonce[4..]));
    let mut message = DefaultHasher::new();
    (sealing.associated_data, sealing.plaintext).hash(&mut message);
    let message = message.finish();
    let mut seen = SEEN.lock().unwrap_or_else(PoisonError::into_inner);
    if *seen.get_or_insert_default().entry(pair).or_insert(message) != message {
        TWICE.lock().unwrap_or_else(PoisonError::into_inner).push(pair);
    }
}

/// Asserts that no pair has sealed two messages so far. Returns the number of pairs.
pub fn check() -> usize {
    assert_eq!(*TWICE.lock().unwrap(), []);
    SEEN.lock().unwrap().as_ref().map_or(0, HashMap::len)
}
