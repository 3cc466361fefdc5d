//! Objects, and what their parts hold.

use std::collections::HashMap;

use bytes::Bytes;

pub(crate) type Metadata = HashMap<String, String>;

/// An object, or what a part holds.
#[derive(Clone)]
pub(crate) struct Stored {
    pub(crate) bytes: Bytes,
    /// Without quotation marks.
    pub(crate) etag: String,
    pub(crate) metadata: Metadata,
}

impl Stored {
    /// What was sent in one piece: the ETag is its MD5.
    pub(crate) fn new(bytes: Bytes, metadata: Metadata) -> Self {
        Self { etag: md5_hex(&bytes), bytes, metadata }
    }
}

/// The MD5 of bytes, in hexadecimal.
pub(crate) fn md5_hex(bytes: &[u8]) -> String {
    hex::encode(<md5::Md5 as md5::Digest>::digest(bytes))
}
