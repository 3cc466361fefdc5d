//! Objects and the content of parts.

use std::collections::HashMap;

use bytes::Bytes;

pub(crate) type Metadata = HashMap<String, String>;

/// An object, or the content of a part.
#[derive(Clone)]
pub(crate) struct Stored {
    pub(crate) bytes: Bytes,
    /// Without quotation marks.
    pub(crate) etag: String,
    pub(crate) metadata: Metadata,
}

impl Stored {
    /// Stores bytes that were sent in one piece. Their MD5 is the ETag.
    pub(crate) fn new(bytes: Bytes, metadata: Metadata) -> Self {
        Self { etag: md5_hex(&bytes), bytes, metadata }
    }
}

/// Returns the MD5 of bytes in hexadecimal.
pub(crate) fn md5_hex(bytes: &[u8]) -> String {
    hex::encode(<md5::Md5 as md5::Digest>::digest(bytes))
}
