//! The golden vectors, loaded from their files (vectors/README.md).

use std::fs;
use std::path::Path;

use sha2::{Digest, Sha256};
use stream_v2_conformance::operations::Vector;
use stream_v2_conformance::vector::{Keys, Manifest, Stored};
use stream_v2_pipeline::ContentKey;

/// Returns every vector in the manifest.
pub fn all() -> impl Iterator<Item = Vector> {
    let manifest: Manifest = serde_json::from_slice(&file("manifest.json")).unwrap();
    manifest.vectors.into_iter().map(|entry| serde_json::from_slice(&file(&entry.file)).unwrap())
}

fn file(path: &str) -> Vec<u8> {
    fs::read(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../vectors")).join(path)).unwrap()
}

/// Returns the bytes that a vector holds or names.
pub fn load(stored: &Stored) -> Vec<u8> {
    let bytes = match (&stored.hex, &stored.blob) {
        (Some(digits), _) => hex::decode(digits).unwrap(),
        (None, blob) => file(blob.as_ref().unwrap()),
    };
    assert_eq!((bytes.len(), sha256(&bytes)), (stored.len, stored.sha256.clone()));
    bytes
}

/// Returns the content key, if there is one, and the context.
pub fn keys(keys: &Keys) -> (Option<ContentKey>, Vec<u8>) {
    let key = keys.content_key.as_deref().map(|digits| ContentKey::new(array(digits)));
    (key, hex::decode(&keys.context).unwrap())
}

pub fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// Returns the bytes of hex digits.
pub fn array<const N: usize>(digits: &str) -> [u8; N] {
    hex::decode(digits).unwrap().try_into().unwrap()
}
