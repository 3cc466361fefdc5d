//! The arguments of `unwrap` and `rewrap`: keys, limits, and those for whom a content key is
//! wrapped.

use serde::{Deserialize, Serialize};

/// The rows of §12.6. Each list has the order of the caller.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Brought {
    /// Content keys: 32 bytes in hex.
    pub content_keys: Vec<String>,
    /// Key files.
    pub key_files: Vec<BroughtKey>,
    /// age identities, as text.
    pub identities: Vec<String>,
    /// Passwords: any bytes, in hex.
    pub passwords: Vec<String>,
}

/// The content of a key file (Appendix C).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BroughtKey {
    /// 16 bytes in hex.
    pub id: String,
    /// 32 bytes in hex.
    pub key: String,
}

/// The caller's limits of SV2-LIM-003. Null is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Memory in KiB.
    pub memory_kib: Option<u32>,
    /// Memory in KiB times passes.
    pub work_kib: Option<u64>,
}

/// The three ways of §12.4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    /// Another stream with the same segments.
    New,
    /// The new envelope overwrites the old one.
    InPlace,
    /// A stream header and the new envelope.
    Detached,
}

/// For whom the content key is wrapped.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewSet {
    /// Key files.
    pub key_files: Vec<BroughtKey>,
    /// age recipients, as text.
    pub recipients: Vec<String>,
    /// Passwords.
    pub passwords: Vec<NewPassword>,
}

/// A password, and what it costs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewPassword {
    /// Any bytes, in hex.
    pub password: String,
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes.
    pub passes: u32,
    /// Lanes.
    pub lanes: u32,
}
