//! The permit of the pipeline: a pair of recycled buffers. Who holds none may not read another segment.

use bytes::{Bytes, BytesMut};

/// One segment's worth of memory: what is read, and what is written.
#[derive(Debug, Default)]
pub(crate) struct Buffers {
    pub(crate) input: BytesMut,
    pub(crate) output: BytesMut,
}

impl Buffers {
    /// Takes both buffers back from a segment that has been written.
    pub(crate) fn recycled(input: Bytes, output: Bytes) -> Self {
        Self { input: reclaim(input), output: reclaim(output) }
    }
}

/// Makes the buffer `len` bytes long, keeping its memory and what it holds. Only growing costs anything.
pub(crate) fn resize(buffer: &mut BytesMut, len: usize) {
    buffer.resize(len, 0);
}

/// The same for a buffer that is written as a whole next, whatever it holds.
///
/// Bytes are shared without an allocation where they fill their memory. The first segment of a run is some bytes longer than those after it: memory that
/// is so little too large is replaced, once.
pub(crate) fn fit(buffer: &mut BytesMut, len: usize) {
    const LITTLE: usize = 128;
    if len > LITTLE && (1..=LITTLE).contains(&buffer.capacity().saturating_sub(len)) {
        *buffer = BytesMut::zeroed(len);
    } else {
        resize(buffer, len);
    }
}

/// The memory behind `bytes` if nobody else holds it, or a fresh buffer.
fn reclaim(bytes: Bytes) -> BytesMut {
    bytes.try_into_mut().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_comes_back_unless_somebody_else_holds_it() {
        let mut buffer = BytesMut::new();
        resize(&mut buffer, 1 << 20);
        let address = buffer.as_ptr();
        let bytes = buffer.freeze();
        let buffers = Buffers::recycled(bytes, Bytes::new());
        assert_eq!((buffers.input.as_ptr(), buffers.input.len()), (address, 1 << 20));

        let bytes = buffers.input.freeze();
        let held = bytes.clone();
        assert!(Buffers::recycled(bytes, Bytes::new()).input.is_empty());
        assert_eq!(held.len(), 1 << 20);
    }
}
