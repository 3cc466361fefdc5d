//! The requests of the runner.

use serde::Deserialize;
use stream_v2_format::crypto::ContentKey;
use stream_v2_pipeline::{Credentials, Identity, IdentityFile, KeyFile, Passphrase};

#[derive(Deserialize)]
#[serde(tag = "op", rename_all = "lowercase")]
pub(crate) enum Request {
    Hello {},
    Read(Read),
    Range(Range),
    Write(Write),
    Crash(Crash),
    Recover(Recover),
    Resume(Resume),
    Unwrap(Unwrap),
    Rewrap(Rewrap),
    Bye {},
}

/// The caller's keys and context.
#[derive(Deserialize)]
pub(crate) struct Keys {
    content_key: Option<String>,
    context: String,
}

#[derive(Deserialize)]
pub(crate) struct Read {
    pub(crate) mode: String,
    pub(crate) keys: Keys,
    pub(crate) delivery: String,
    pub(crate) input: String,
}

#[derive(Deserialize)]
pub(crate) struct Range {
    pub(crate) mode: String,
    pub(crate) keys: Keys,
    pub(crate) input: String,
    pub(crate) ranges: Vec<Span>,
    pub(crate) runs_max: Option<u32>,
}

#[derive(Deserialize)]
pub(crate) struct Span {
    pub(crate) offset: u64,
    pub(crate) len: u64,
}

#[derive(Deserialize)]
pub(crate) struct Write {
    pub(crate) keys: Keys,
    pub(crate) parameters: Parameters,
    pub(crate) runs: Vec<Run>,
    pub(crate) flushes: Vec<usize>,
    pub(crate) plaintext: String,
}

#[derive(Deserialize)]
pub(crate) struct Parameters {
    pub(crate) suite: u16,
    pub(crate) uniform: bool,
    pub(crate) frame_size_log2: u8,
    pub(crate) segment_size: u32,
    pub(crate) epoch_segments: u32,
    pub(crate) plaintext_len: Option<u64>,
    pub(crate) stream_salt: String,
    pub(crate) key_id: String,
    pub(crate) envelope: String,
    pub(crate) digest_alg: u16,
    pub(crate) index: bool,
}

#[derive(Deserialize)]
pub(crate) struct Run {
    pub(crate) first_segment: u32,
    pub(crate) run_salt: String,
}

#[derive(Deserialize)]
pub(crate) struct Crash {
    pub(crate) keys: Keys,
    pub(crate) parameters: Parameters,
    pub(crate) run_salt: String,
    pub(crate) plaintext: String,
    pub(crate) stop_after: u64,
}

#[derive(Deserialize)]
pub(crate) struct Recover {
    pub(crate) keys: Keys,
    pub(crate) output: String,
    pub(crate) journal: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct Resume {
    pub(crate) keys: Keys,
    pub(crate) output: String,
    pub(crate) journal: Option<String>,
    pub(crate) source: String,
    pub(crate) source_kind: String,
    pub(crate) run_salt: String,
    #[serde(default)]
    pub(crate) index: bool,
}

#[derive(Deserialize)]
pub(crate) struct Unwrap {
    context: String,
    pub(crate) brought: Brought,
    pub(crate) limits: Limits,
    pub(crate) input: String,
    pub(crate) detached: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct Brought {
    content_keys: Vec<String>,
    key_files: Vec<BroughtKey>,
    identities: Vec<String>,
    passwords: Vec<String>,
}

#[derive(Deserialize)]
struct BroughtKey {
    id: String,
    key: String,
}

#[derive(Deserialize)]
pub(crate) struct Limits {
    pub(crate) memory_kib: Option<u32>,
    pub(crate) work_kib: Option<u64>,
}

impl Unwrap {
    pub(crate) fn context(&self) -> Vec<u8> {
        hex::decode(&self.context).unwrap()
    }
}

/// The envelope of `input` is replaced.
#[derive(Deserialize)]
pub(crate) struct Rewrap {
    context: String,
    pub(crate) brought: Brought,
    pub(crate) wraps_brought: bool,
    pub(crate) form: String,
    pub(crate) keep_old: bool,
    pub(crate) new: NewSet,
    pub(crate) input: String,
    pub(crate) detached: Option<String>,
    pub(crate) journal: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct NewSet {
    key_files: Vec<BroughtKey>,
    pub(crate) recipients: Vec<String>,
    pub(crate) passwords: Vec<NewPassword>,
}

#[derive(Deserialize)]
pub(crate) struct NewPassword {
    pub(crate) password: String,
    pub(crate) memory_kib: u32,
    pub(crate) passes: u32,
    pub(crate) lanes: u32,
}

impl Rewrap {
    pub(crate) fn context(&self) -> Vec<u8> {
        hex::decode(&self.context).unwrap()
    }
}

impl NewSet {
    pub(crate) fn key_files(&self) -> impl Iterator<Item = KeyFile> {
        self.key_files.iter().map(BroughtKey::key_file)
    }
}

impl BroughtKey {
    /// Returns a key file of version 1, which may have any id.
    fn key_file(&self) -> KeyFile {
        KeyFile::parse(format!("sv2-key-1 {} {}", self.id, self.key).as_bytes()).unwrap()
    }
}

impl Brought {
    pub(crate) fn content_keys(&self) -> impl Iterator<Item = ContentKey> {
        self.content_keys.iter().map(|digits| ContentKey::new(array(digits)))
    }

    pub(crate) fn key_files(&self) -> impl Iterator<Item = KeyFile> {
        self.key_files.iter().map(BroughtKey::key_file)
    }

    pub(crate) fn identities(&self) -> impl Iterator<Item = Identity> {
        self.identities.iter().flat_map(|text| {
            let nothing = Passphrase::new(Vec::new().into());
            IdentityFile::parse(text.as_bytes(), nothing, None).unwrap().into_identities()
        })
    }

    pub(crate) fn passwords(&self) -> impl Iterator<Item = Vec<u8>> {
        self.passwords.iter().map(|digits| hex::decode(digits).unwrap())
    }

    /// Returns all of it for the pipeline.
    pub(crate) fn credentials(&self) -> Credentials {
        let credentials = self.content_keys().fold(Credentials::new(), Credentials::with_content_key);
        let credentials = self.key_files().fold(credentials, Credentials::with_key_file);
        let credentials = self.identities().fold(credentials, Credentials::with_identity);
        let passphrases = self.passwords().map(|password| Passphrase::new(password.into()));
        passphrases.fold(credentials, Credentials::with_passphrase)
    }
}

impl Keys {
    pub(crate) fn content_key(&self) -> Option<ContentKey> {
        self.content_key.as_deref().map(|digits| ContentKey::new(array(digits)))
    }

    pub(crate) fn context(&self) -> Vec<u8> {
        hex::decode(&self.context).unwrap()
    }
}

/// Returns the bytes of hex digits.
pub(crate) fn array<const N: usize>(digits: &str) -> [u8; N] {
    hex::decode(digits).unwrap().try_into().unwrap()
}
