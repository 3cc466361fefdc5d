//! The permit of the pipeline: a pair of recycled buffers. A worker needs a permit to read a
//! segment.

use bytes::{Bytes, BytesMut};

/// The memory for one segment: an input and an output.
#[derive(Default)]
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

/// Alignment of a buffer.
///
/// With it, copies between the buffer and whole pages of a file begin at the same place of a page
/// on both sides. Large memory of malloc begins 16 bytes after a page, and some processors copy a
/// page half as fast into it.
const PAGE: usize = 4096;

/// Makes the buffer `len` bytes long and keeps its content, in its own memory, or in memory that
/// begins a page.
pub(crate) fn resize(buffer: &mut BytesMut, len: usize) {
    if buffer.capacity() >= len {
        return buffer.resize(len, 0);
    }
    let mut larger = BytesMut::zeroed(len + PAGE);
    let before = larger.as_ptr().align_offset(PAGE).min(PAGE);
    drop(larger.split_to(before));
    larger.truncate(len);
    larger[..buffer.len()].copy_from_slice(buffer);
    *buffer = larger;
}

/// Returns the memory behind `bytes` if it has no other owner, or a fresh buffer.
fn reclaim(bytes: Bytes) -> BytesMut {
    bytes.try_into_mut().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growing_buffer_keeps_its_content() {
        let mut buffer = BytesMut::from(&b"segment"[..]);
        for len in [7, 8, 5000, 1 << 20, (1 << 20) + 5000] {
            resize(&mut buffer, len);
            assert!(buffer.len() == len && buffer.starts_with(b"segment"), "{len}");
            assert!(len == 7 || buffer.as_ptr().addr() % PAGE == 0, "{len}");
        }
        assert!(buffer[7..].iter().all(|&byte| byte == 0));
    }

    #[test]
    fn memory_is_reclaimed_without_other_owner() {
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
