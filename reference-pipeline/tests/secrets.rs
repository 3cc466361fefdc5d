//! No identity and no passphrase stays in memory after a stream was written and read with it, and
//! everything was dropped (SV2-KEY-004).
//!
//! This is a separate binary, because it searches all of its memory.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::thread;

use bech32::{Bech32, Hrp};
use stream_v2_format::envelope::Argon2idParams;
use stream_v2_own_memory::{Hidden, found, unmask};
use stream_v2_pipeline::{
    Credentials, DecryptPipeline, EncryptPipeline, IdentityFile, Managers, Passphrase, Recipients, WriterSink,
};
use zeroize::Zeroizing;

/// Stand-ins, masked, so that no constant of the program is a secret itself.
const X25519: [u8; 32] = *b"an identity under a mask, unseen";
const HYBRID: [u8; 32] = *b"another one that is masked alike";
const PASSPHRASE: [u8; 32] = *b"a phrase of so many masked bytes";

/// Makes keys anew.
type Keys = dyn Fn() -> (Recipients, Credentials) + Sync;

fn unmasked(masked: &[u8; 32]) -> Zeroizing<[u8; 32]> {
    let mut secret = Zeroizing::new([0; 32]);
    unmask(masked, &mut secret);
    secret
}

/// The recipients and credentials of an identity.
fn identity(prefix: &str, masked: &[u8; 32]) -> (Recipients, Credentials) {
    let line = bech32::encode_upper::<Bech32>(Hrp::parse(prefix).unwrap(), &*unmasked(masked));
    let line = Zeroizing::new(line.unwrap());
    let file = IdentityFile::parse(line.as_bytes(), Passphrase::new(Zeroizing::default()), None).unwrap();
    let identity = file.into_identities().remove(0);
    (Recipients::new().with_identity(identity.clone()), Credentials::new().with_identity(identity))
}

/// The recipients and credentials of a passphrase.
fn passphrase(masked: &[u8; 32]) -> (Recipients, Credentials) {
    let mut bytes = Zeroizing::new(Vec::with_capacity(32));
    bytes.extend_from_slice(&*unmasked(masked));
    let passphrase = Passphrase::new(bytes);
    let cheap = Argon2idParams::new(65_536, 3, 1);
    let recipients = Recipients::new().with_argon2id(cheap).with_passphrase(passphrase.clone());
    (recipients, Credentials::new().with_passphrase(passphrase))
}

/// Writes a stream and reads it. `alive` is called while the keys are in use.
fn use_keys(keys: &Keys, alive: &(dyn Fn() + Sync)) {
    let work = || {
        let (recipients, credentials) = keys();
        let mut stream = Vec::new();
        let encrypt = EncryptPipeline::for_recipients(&recipients);
        encrypt.run(&b"plaintext"[..], &mut WriterSink::new(&mut stream), Managers::none()).unwrap();
        let mut back = Vec::new();
        let decrypt = DecryptPipeline::with_credentials(&credentials);
        decrypt.run(&stream[..], &mut WriterSink::new(&mut back), Managers::none()).unwrap();
        assert_eq!(back, b"plaintext");
        alive();
    };
    thread::scope(|scope| scope.spawn(work).join().unwrap());
}

//= spec/stream-v2.md#sv2-key-004
//= type=test
//# An implementation SHOULD overwrite keys in memory when it no longer needs them.
#[test]
fn no_identity_and_no_passphrase_is_left() {
    let cases: [(&str, [u8; 32], &Keys); 3] = [
        ("an identity", X25519, &|| identity("AGE-SECRET-KEY-", &X25519)),
        ("a hybrid identity", HYBRID, &|| identity("AGE-SECRET-KEY-PQ-", &HYBRID)),
        ("a passphrase", PASSPHRASE, &|| passphrase(&PASSPHRASE)),
    ];
    for (name, masked, keys) in cases {
        let secret = [Hidden::masked(name, masked)];
        use_keys(keys, &|| assert!(!found(&secret).is_empty(), "the search does not find {name} in use"));
        let left = found(&secret);
        assert!(left.is_empty(), "{}", left.join("\n"));
    }
}
