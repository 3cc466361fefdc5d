//! Objects and the content of parts.

use std::collections::HashMap;

use bytes::Bytes;

pub(crate) type Metadata = HashMap<String, String>;

/// The properties of an object beside its metadata, as they were sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Properties {
    /// `Content-Type`.
    pub content_type: Option<String>,
    /// `x-amz-storage-class`.
    pub storage_class: Option<String>,
    /// The tags, as in `x-amz-tagging`.
    pub tagging: Option<String>,
    /// Whether the object has a lock.
    pub is_locked: bool,
}

/// An object, or the content of a part.
#[derive(Clone)]
pub(crate) struct Stored {
    pub(crate) bytes: Bytes,
    /// Without quotation marks.
    pub(crate) etag: String,
    pub(crate) metadata: Metadata,
    pub(crate) properties: Properties,
}

impl Stored {
    /// Stores bytes that were sent in one piece. Their MD5 is the ETag.
    pub(crate) fn new(bytes: Bytes, metadata: Metadata) -> Self {
        Self { etag: md5_hex(&bytes), bytes, metadata, properties: Properties::default() }
    }
}

/// Returns the MD5 of bytes in hexadecimal.
pub(crate) fn md5_hex(bytes: &[u8]) -> String {
    hex::encode(<md5::Md5 as md5::Digest>::digest(bytes))
}
