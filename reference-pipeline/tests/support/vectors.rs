//! The golden vectors as they stand in their files (vectors/README.md).

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::Deserialize;
use sha2::{Digest, Sha256};
use stream_v2_pipeline::ContentKey;

#[derive(Deserialize)]
pub(crate) struct Manifest {
    pub(crate) vectors: Vec<Listed>,
}

#[derive(Deserialize)]
pub(crate) struct Listed {
    pub(crate) id: String,
    pub(crate) file: String,
    pub(crate) operation: String,
    pub(crate) features: Vec<String>,
}

#[derive(Deserialize)]
pub(crate) struct ReadVector {
    pub(crate) keys: Keys,
    pub(crate) mode: String,
    pub(crate) input: Bytes,
    pub(crate) plaintext: Pattern,
    pub(crate) expect: Option<Expect>,
    #[serde(default)]
    pub(crate) expect_without: BTreeMap<String, Expect>,
    pub(crate) recipe: Option<Recipe>,
    pub(crate) deliveries: Vec<String>,
}

#[derive(Deserialize)]
pub(crate) struct Keys {
    pub(crate) content_key: Option<String>,
    pub(crate) context: String,
}

#[derive(Deserialize)]
pub(crate) struct Bytes {
    pub(crate) len: usize,
    pub(crate) sha256: String,
    pub(crate) hex: Option<String>,
    pub(crate) blob: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct Pattern {
    pub(crate) pattern: String,
    pub(crate) len: usize,
}

#[derive(Deserialize)]
pub(crate) struct Recipe {
    pub(crate) change: String,
    pub(crate) ranges: Vec<Range>,
}

#[derive(Deserialize)]
pub(crate) struct Range {
    pub(crate) from: usize,
    pub(crate) to: usize,
    #[serde(flatten)]
    pub(crate) expect: Expect,
}

#[derive(Deserialize)]
pub(crate) struct Expect {
    pub(crate) result: String,
    #[serde(default)]
    pub(crate) error: Vec<String>,
    pub(crate) offset: Option<u64>,
    pub(crate) segment: Option<u64>,
    pub(crate) released_len: Option<usize>,
    pub(crate) released_sha256: Option<String>,
    pub(crate) plaintext_len: Option<usize>,
    pub(crate) plaintext_sha256: Option<String>,
    pub(crate) output: Option<Bytes>,
}

#[derive(Deserialize)]
pub(crate) struct WriteVector {
    pub(crate) keys: Keys,
    pub(crate) parameters: Parameters,
    pub(crate) runs: Vec<RunAt>,
    pub(crate) flushes: Vec<usize>,
    pub(crate) plaintext: Pattern,
    pub(crate) expect: Expect,
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
}

#[derive(Deserialize)]
pub(crate) struct RunAt {
    pub(crate) first_segment: u32,
    pub(crate) run_salt: String,
}

pub(crate) fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../vectors"))
}

pub(crate) fn listed(operation: &str) -> Vec<(Listed, Vec<u8>)> {
    let manifest: Manifest =
        serde_json::from_slice(&fs::read(folder().join("manifest.json")).unwrap()).unwrap();
    let vectors = manifest.vectors.into_iter().filter(|listed| listed.operation == operation);
    vectors
        .map(|listed| {
            let bytes = fs::read(folder().join(&listed.file)).unwrap();
            (listed, bytes)
        })
        .collect()
}

impl Keys {
    pub(crate) fn context(&self) -> Vec<u8> {
        hex::decode(&self.context).unwrap()
    }

    /// `None` where the reader has none.
    pub(crate) fn content_key(&self) -> Option<ContentKey> {
        self.content_key.as_deref().map(|digits| ContentKey::new(array(digits)))
    }
}

impl Bytes {
    pub(crate) fn load(&self) -> Vec<u8> {
        let bytes = match (&self.hex, &self.blob) {
            (Some(digits), None) => hex::decode(digits).unwrap(),
            (None, Some(blob)) => fs::read(folder().join(blob)).unwrap(),
            _ => unreachable!("either hex or blob"),
        };
        assert_eq!((bytes.len(), sha256(&bytes)), (self.len, self.sha256.clone()));
        bytes
    }
}

impl Pattern {
    pub(crate) fn bytes(&self) -> Vec<u8> {
        match self.pattern.as_str() {
            "i mod 251" => super::plaintext(self.len),
            "0x41" => vec![0x41; self.len],
            other => unreachable!("pattern {other}"),
        }
    }
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

pub(crate) fn array<const N: usize>(digits: &str) -> [u8; N] {
    hex::decode(digits).unwrap().try_into().unwrap()
}
