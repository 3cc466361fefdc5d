//! §7 The place of a frame: nonce and associated data, and the error for a rejected frame.

use crate::SegmentIndex;
use crate::wire::{BOUND_PREFIX_LEN, FRAME_HEADER_LEN, FrameHeader, Suite};

/// Bytes of the associated data of a frame.
pub(super) const ASSOCIATED_LEN: usize = BOUND_PREFIX_LEN + FRAME_HEADER_LEN;

/// The place of a frame: its nonce except for the run salt, and its associated data.
pub(in crate::crypto) struct FramePlace<'a> {
    pub(in crate::crypto) segment: SegmentIndex,
    pub(in crate::crypto) frame_index: u32,
    pub(in crate::crypto) bound_prefix: &'a [u8; BOUND_PREFIX_LEN],
    pub(in crate::crypto) header: FrameHeader,
}

impl FramePlace<'_> {
    /// Returns the 12 bytes for the AEAD of the suite: four zeros and the place.
    ///
    /// With suite 0x0001 they are the part of the 24 bytes that HChaCha20 does not use.
    pub(super) fn nonce(&self, suite: Suite) -> [u8; 12] {
        let number = |number: u32| match suite {
            Suite::XChaCha20Poly1305 => number.to_le_bytes(),
            Suite::Aes256Gcm => number.to_be_bytes(),
        };
        let mut nonce = [0; 12];
        nonce[4..8].copy_from_slice(&number(self.segment.0));
        nonce[8..].copy_from_slice(&number(self.frame_index));
        nonce
    }

    /// Returns bound prefix (56 bytes) || frame header (8 bytes).
    pub(super) fn associated_data(&self) -> [u8; ASSOCIATED_LEN] {
        let mut data = [0; ASSOCIATED_LEN];
        data[..BOUND_PREFIX_LEN].copy_from_slice(self.bound_prefix);
        data[BOUND_PREFIX_LEN..].copy_from_slice(&self.header.to_bytes());
        data
    }
}

/// The AEAD rejected a frame, or two buffers differ in length.
///
/// It does not say which of the two (SV2-FRM-006).
#[derive(Debug)]
//= spec/stream-v2.md#sv2-err-002
//# A reader MUST NOT tell more about a failed tag, frame or unwrapping than its kind, detail,
//# offset and segment.
pub(in crate::crypto) struct Rejected;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::FrameType;

    /// Four zeros, then numbers that grow from their last byte.
    #[test]
    fn the_nonce_of_aes_counts_as_interfaces_do() {
        let header = FrameHeader { frame_type: FrameType::Data, len: 3 };
        let place =
            FramePlace { segment: SegmentIndex(0x0102_0304), frame_index: 5, bound_prefix: &[9; 56], header };
        assert_eq!(place.nonce(Suite::Aes256Gcm), [0, 0, 0, 0, 1, 2, 3, 4, 0, 0, 0, 5]);
        assert_eq!(place.nonce(Suite::XChaCha20Poly1305), [0, 0, 0, 0, 4, 3, 2, 1, 5, 0, 0, 0]);
    }
}
