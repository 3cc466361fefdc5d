//! §10 Codec 1 by the C library.

use super::Fault;
use super::zstd_frame;
#[cfg(not(feature = "zstd"))]
use super::zstd_portable::decode;

/// Decompresses a payload into all of `plaintext`.
#[derive(Default)]
pub(super) struct ZstdDecoder {
    #[cfg(feature = "zstd")]
    context: Option<zstd_safe::DCtx<'static>>,
}

impl ZstdDecoder {
    pub(super) fn decode(
        &mut self,
        payload: &[u8],
        plaintext: &mut [u8],
        window_max: u32,
    ) -> Result<(), Fault> {
        zstd_frame::check(payload, plaintext.len(), window_max)?;
        self.frame(payload, plaintext)
    }

    #[cfg(feature = "zstd")]
    fn frame(&mut self, payload: &[u8], plaintext: &mut [u8]) -> Result<(), Fault> {
        // The library would decompress several frames, one after the other.
        let one = zstd_safe::find_frame_compressed_size(payload) == Ok(payload.len());
        let context = self.context.get_or_insert_with(zstd_safe::DCtx::create);
        let len = plaintext.len();
        if one && context.decompress(plaintext, payload) == Ok(len) { Ok(()) } else { Err(Fault::Payload) }
    }

    #[cfg(not(feature = "zstd"))]
    #[expect(clippy::unused_self, reason = "the decoder in Rust keeps nothing")]
    fn frame(&mut self, payload: &[u8], plaintext: &mut [u8]) -> Result<(), Fault> {
        decode(payload, plaintext)
    }
}

/// Compresses plaintext to frames without dictionary and without checksum. The tags of the segment
/// are stronger.
#[cfg(feature = "zstd")]
pub(super) struct ZstdEncoder {
    context: zstd_safe::CCtx<'static>,
    level: i32,
}

#[cfg(feature = "zstd")]
impl ZstdEncoder {
    pub(super) fn new(level: i32) -> Self {
        Self { context: zstd_safe::CCtx::create(), level }
    }

    /// Returns the bytes of the frame, or `None` if it does not fit into `payload`.
    ///
    /// The library chooses a window of at most the length of the plaintext, which it knows.
    pub(super) fn encode(&mut self, plaintext: &[u8], payload: &mut [u8]) -> Option<usize> {
        self.context.compress(payload, plaintext, self.level).ok()
    }
}
