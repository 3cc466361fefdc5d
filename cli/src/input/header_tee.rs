//! A reader that remembers the stream header that passes through it, so that a message can name the stream's key.

use std::io::{self, Read};

use stream_v2_format::limits::STREAM_HEADER_LEN;
use stream_v2_format::wire::HeaderV1View;

/// Reads from a source and keeps a copy of its first 128 bytes.
pub(crate) struct HeaderTee<R> {
    source: R,
    first: Vec<u8>,
}

impl<R> HeaderTee<R> {
    pub(crate) fn new(source: R) -> Self {
        Self { source, first: Vec::with_capacity(STREAM_HEADER_LEN) }
    }

    /// The 16 bytes of the key's id in the stream header, where a whole one was read. They are not authentic.
    pub(crate) fn key_id(&self) -> Option<[u8; 16]> {
        let (view, _) = HeaderV1View::parse(&self.first).ok()?.complete()?;
        Some(view.header().params().key_id)
    }
}

impl<R: Read> Read for HeaderTee<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read(buffer)?;
        let missing = STREAM_HEADER_LEN - self.first.len();
        self.first.extend_from_slice(&buffer[..read.min(missing)]);
        Ok(read)
    }
}
