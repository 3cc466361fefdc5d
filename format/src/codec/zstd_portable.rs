//! §10 Codec 1 decoded in Rust alone, for builds without a C compiler.

use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};
use ruzstd::io::Read as _;

use super::Fault;

/// Decompresses one frame, whose header was checked, into all of `plaintext`.
///
/// Its window and one block, of at most 128 KiB, take memory besides.
#[cfg_attr(all(feature = "zstd", not(test)), expect(dead_code, reason = "the C library decodes"))]
pub(super) fn decode(payload: &[u8], plaintext: &mut [u8]) -> Result<(), Fault> {
    frame(payload, plaintext).ok_or(Fault::Payload)
}

fn frame(mut payload: &[u8], plaintext: &mut [u8]) -> Option<()> {
    let mut decoder = FrameDecoder::new();
    decoder.init(&mut payload).ok()?;
    let mut filled = 0;
    while !decoder.is_finished() {
        decoder.decode_blocks(&mut payload, BlockDecodingStrategy::UptoBlocks(1)).ok()?;
        if decoder.can_collect() > plaintext.len() - filled {
            return None;
        }
        filled += decoder.read(&mut plaintext[filled..]).ok()?;
    }
    let whole = payload.is_empty() && filled == plaintext.len();
    let checksum = decoder.get_checksum_from_data();
    let holds = checksum.is_none() || checksum == decoder.get_calculated_checksum();
    (whole && holds).then_some(())
}
