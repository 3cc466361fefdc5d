//! §3 to §12: the structures of a stream, as bytes that a plan may alter.

pub(crate) mod builder;
pub(crate) mod envelope;
pub(crate) mod journal;
pub(crate) mod segment_header;
pub(crate) mod stream;
pub(crate) mod stream_header;
pub(crate) mod wrapping;
