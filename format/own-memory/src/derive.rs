//! §5 A second key schedule, with the crates `hmac` and `hkdf`, in a separate process.

use std::env;
use std::process::Command;

use chacha20::{R20, hchacha};
use hkdf::SimpleHkdf;
use sha3::{Digest, Sha3_256};

use crate::search::{Hidden, mask};

/// Tells a process that it is the child, and which stream it derives the keys of.
const VARIABLE: &str = "SV2_OWN_MEMORY_DERIVES";

/// The inputs of the key schedule, for a stream with an empty context.
pub struct Stream {
    /// The content key, masked.
    pub content_key: [u8; 32],
    /// The stream header.
    pub header: [u8; 128],
    /// The salts of all runs.
    pub run_salts: Vec<[u8; 16]>,
    /// The number of epochs.
    pub epochs: usize,
}

/// Returns all keys of `stream`, masked. A child process derives them.
///
/// The child runs the test `name` of this binary again. That test must begin with a call of this
/// function, which does not return in the child.
#[must_use]
pub fn derive(name: &str, stream: &Stream) -> Vec<Hidden> {
    if let Ok(text) = env::var(VARIABLE) {
        Stream::of(&text).print();
        std::process::exit(0);
    }
    let child = Command::new(env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture"])
        .env(VARIABLE, stream.text())
        .output()
        .unwrap();
    let text = String::from_utf8(child.stdout).unwrap();
    let secrets: Vec<_> = text
        .lines()
        .filter_map(|line| line.strip_prefix("secret ")?.split_once(": "))
        .map(|(name, masked)| Hidden::masked(name, hex::decode(masked).unwrap().try_into().unwrap()))
        .collect();
    assert!(!secrets.is_empty(), "the child derived nothing: {text}");
    secrets
}

impl Stream {
    fn text(&self) -> String {
        let salts = self.run_salts.iter().map(hex::encode).collect::<Vec<_>>().join(",");
        let (key, header) = (hex::encode(self.content_key), hex::encode(self.header));
        format!("{key} {header} {salts} {}", self.epochs)
    }

    fn of(text: &str) -> Self {
        let words: Vec<&str> = text.split(' ').collect();
        let bytes = |text: &str| hex::decode(text).unwrap();
        Self {
            content_key: bytes(words[0]).try_into().unwrap(),
            header: bytes(words[1]).try_into().unwrap(),
            run_salts: words[2].split(',').map(|salt| bytes(salt).try_into().unwrap()).collect(),
            epochs: words[3].parse().unwrap(),
        }
    }

    fn print(&self) {
        let content_key = mask(self.content_key);
        let bound = Sha3_256::new().chain_update(&self.header[..80]).chain_update([0; 8]).finalize();
        let expand = |secret: &[u8; 32], label: &str, more: &[u8]| {
            let mut okm = [0; 32];
            let info: [&[u8]; 5] = [b"stream-v2\0", label.as_bytes(), b"\0", &bound, more];
            SimpleHkdf::<Sha3_256>::from_prk(secret).unwrap().expand_multi_info(&info, &mut okm).unwrap();
            okm
        };
        let (prk, _) = SimpleHkdf::<Sha3_256>::extract(Some(&self.header[32..64]), &content_key);
        let prk = prk.into();
        let show = |name: &str, key: [u8; 32]| println!("\nsecret {name}: {}", hex::encode(mask(key)));
        show("the content key", content_key);
        show("prk", prk);
        for label in ["header", "chain", "journal", "segment"] {
            show(&format!("K_{label}"), expand(&prk, label, b""));
        }
        let mut epoch = expand(&prk, "epoch", b"");
        for i in 0..self.epochs {
            let aead = expand(&epoch, "aead", b"");
            show(&format!("E_{i}"), epoch);
            show(&format!("K_aead({i})"), aead);
            show(&format!("K_digest({i})"), expand(&epoch, "digest", b""));
            for (run, salt) in self.run_salts.iter().enumerate() {
                show(&format!("K_run({i}) of run {run}"), expand(&aead, "run", salt));
                let subkey = hchacha::<R20>(&aead.into(), salt.into());
                show(&format!("the XChaCha20 subkey of run {run} in epoch {i}"), subkey.into());
            }
            epoch = expand(&epoch, "rekey", b"");
        }
    }
}
