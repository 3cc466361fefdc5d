//! §10 The plaintext of segments with a codec, which have one buffer more.

use bytes::BytesMut;
use stream_v2_format::Error;
use stream_v2_format::codec::Decompressor;
use stream_v2_format::crypto::{AuthenticHeader, StreamOpener};
use stream_v2_format::wire::Codec;

use super::buffers::resize;

/// Turns the payloads of opened segments into their contents: the plaintext, or the entries of an
/// index segment.
///
/// Only a payload with a codec differs from the contents. It is opened into memory of its own.
pub(crate) struct Unpacker {
    decompressor: Decompressor,
    packed: BytesMut,
}

impl Unpacker {
    pub(crate) fn new(stream: &StreamOpener) -> Self {
        Self { decompressor: Decompressor::new(stream.header()), packed: BytesMut::new() }
    }

    /// Returns the buffer to open the segment `header` into, which has payload_len bytes.
    pub(crate) fn payload<'b>(
        &'b mut self,
        header: &AuthenticHeader,
        contents: &'b mut BytesMut,
    ) -> &'b mut BytesMut {
        let buffer = if is_packed(header) { &mut self.packed } else { contents };
        //= spec/stream-v2.md#sv2-hdr-019
        //# A reader MUST NOT allocate memory in proportion to plaintext_len of the stream header.
        resize(buffer, header.header().payload_len as usize);
        buffer
    }

    /// Fills `contents` from the payload of the segment `header`, which was opened and verified.
    ///
    /// After an error they are zero.
    pub(crate) fn unpack(&mut self, header: &AuthenticHeader, contents: &mut BytesMut) -> Result<(), Error> {
        if !is_packed(header) {
            return Ok(());
        }
        //= spec/stream-v2.md#sv2-cod-002
        //# A reader MUST authenticate the whole segment before it decompresses any of it.
        resize(contents, header.header().plaintext_len as usize);
        self.decompressor.decompress(header, &self.packed, contents)
    }
}

fn is_packed(header: &AuthenticHeader) -> bool {
    header.header().codec != Codec::None
}
