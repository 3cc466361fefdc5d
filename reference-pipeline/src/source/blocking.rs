//! Sources that block their caller instead of being awaited.

use std::io::{self, Read};

use super::Source;
use crate::engine::block_on::block_on;

/// Wraps a source that blocks its caller.
pub(crate) struct BlockingSource<T>(pub(crate) T);

impl<R: Read> Source for BlockingSource<R> {
    async fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

/// Reads until `buffer` is full or the source ends, and returns the number of bytes.
pub(crate) fn fill(source: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    block_on(super::fill(&mut BlockingSource(source), buffer))
}
