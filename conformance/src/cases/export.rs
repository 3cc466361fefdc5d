//! The shared parts of writing vectors as JSON: bytes as hex or as blobs.

use std::collections::BTreeMap;

use crate::generator::primitives::sha256_hex;
use crate::vector::{About, Fault, Keys, Made, Stored};

/// Inputs longer than this are blobs.
const INLINE_LEN_MAX: usize = 4096;

/// The name under which vectors are generated.
const GENERATOR: &str = "sv2-vectors";

/// Blobs by path from the root of the vectors.
pub(crate) type Blobs = BTreeMap<String, Vec<u8>>;

/// Returns the common fields of a vector.
pub(crate) fn about(
    operation: &str,
    id: &str,
    requirements: &[&str],
    features: &[&str],
    comment: &str,
) -> About {
    About {
        id: id.to_owned(),
        operation: operation.to_owned(),
        level: "MUST".to_owned(),
        requirements: strings(requirements),
        features: strings(features),
        comment: comment.to_owned(),
    }
}

/// Returns the only right error and its place.
pub(crate) fn fault(error: &str, offset: Option<usize>, segment: Option<usize>) -> Fault {
    Fault { error: vec![error.to_owned()], offset, segment }
}

/// Returns the caller's keys and context in hex.
pub(crate) fn keys(content_key: Option<&[u8; 32]>, context: &[u8]) -> Keys {
    Keys { content_key: content_key.map(hex::encode), context: hex::encode(context) }
}

/// Returns the origin of a vector.
pub(crate) fn made(base: Option<&str>, mutation: &str) -> Made {
    Made { generator: GENERATOR.to_owned(), base: base.map(str::to_owned), mutation: mutation.to_owned() }
}

/// Puts bytes into the vector or into a blob.
pub(crate) fn store(bytes: Vec<u8>, blobs: &mut Blobs) -> Stored {
    let sha256 = sha256_hex(&bytes);
    let len = bytes.len();
    if len <= INLINE_LEN_MAX {
        return Stored { len, sha256, hex: Some(hex::encode(bytes)), blob: None };
    }
    let path = format!("blobs/{sha256}.sv2");
    blobs.insert(path.clone(), bytes);
    Stored { len, sha256, hex: None, blob: Some(path) }
}

/// Returns owned strings.
pub(crate) fn strings(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}
