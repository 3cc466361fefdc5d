//! §7, §8 One segment while it is sealed, frame by frame in order.

use super::SealedSegment;
use super::cipher::FramePlace;
use super::digest::DigestState;
use super::key_schedule::StreamKeys;
use super::run_keys::{ForSegment, RunKeys, SegmentKeys};
use super::scrub::{scrub_cipher, scrub_mac};
use crate::wire::{
    BOUND_PREFIX_LEN, Crc32c, DigestPlaintext, FRAME_HEADER_LEN, FrameHeader, FrameType, HeaderV1,
    SegmentHeader, TAG_LEN,
};
use crate::{Error, Misuse, SegmentIndex};

/// A segment that is being sealed.
///
/// Each byte passes AEAD, digest and CRC while it is in the cache. If this is dropped before it is
/// finished, the content of the wire is undefined, and the index must not be sealed again in this
/// run.
pub struct SegmentSealing<'s> {
    stream: &'s StreamKeys,
    /// The header as far as it is known before sealing.
    header: SegmentHeader,
    frame_size: usize,
    terminator: &'s [u8],
    /// Bytes of the payload that are not yet sealed.
    left: usize,
    frames: FrameWriter<'s>,
    digest: &'s mut DigestState,
}

impl<'s> SegmentSealing<'s> {
    /// Begins a segment whose `wire` has the length that `header` states.
    pub(super) fn begin(
        stream: &HeaderV1,
        keys: &'s mut RunKeys,
        header: SegmentHeader,
        terminator: &'s [u8],
        wire: &'s mut [u8],
    ) -> Result<Self, Error> {
        if wire.len() as u64 != u64::from(header.wire_len) {
            let wrong = misuse(Misuse::WireLen, header.index);
            return Err(wrong.exactly(wire.len() as u64, header.wire_len.into()));
        }
        let ForSegment { stream: stream_keys, keys, digest } = keys.for_segment(&header);
        let bound_prefix = header.bound_prefix();
        scrub_mac(|| digest.begin(header.digest_alg, &keys.digest, &bound_prefix));
        let frames = FrameWriter {
            keys,
            bound_prefix,
            index: header.index,
            frame_index: 0,
            rest: wire,
            crc: Crc32c::new(),
        };
        let (frame_size, left) = (stream.frame_size() as usize, header.payload_len as usize);
        Ok(Self { stream: stream_keys, header, frame_size, terminator, left, frames, digest })
    }

    /// Seals the next `plaintext`.
    ///
    /// It is any number of frames of `frame_size` bytes, or the rest of the segment.
    ///
    /// # Errors
    ///
    /// - `misuse` if there is more than that, or if a piece ends inside a frame.
    pub fn push(&mut self, plaintext: &[u8]) -> Result<(), Error> {
        let (index, len) = (self.header.index, plaintext.len() as u64);
        let left = self
            .left
            .checked_sub(plaintext.len())
            .ok_or_else(|| misuse(Misuse::SegmentOverrun, index).between(len, 0, self.left as u64))?;
        if left > 0 && !plaintext.len().is_multiple_of(self.frame_size) {
            return Err(misuse(Misuse::SplitFrame, index).with_found(len));
        }
        scrub_cipher(|| {
            plaintext.chunks(self.frame_size).try_for_each(|plaintext| {
                let frame = self.frames.write(FrameType::Data, plaintext)?;
                self.digest.data_frame(frame, &frame[frame.len() - TAG_LEN..]);
                Ok(())
            })
        })?;
        self.left = left;
        Ok(())
    }

    /// Ends the segment with its digest and its terminator.
    ///
    /// # Errors
    ///
    /// - `misuse` if a part of its plaintext is not yet sealed.
    pub fn finish(self) -> Result<SealedSegment, Error> {
        let Self { stream, mut header, terminator, left, mut frames, digest, .. } = self;
        if left > 0 {
            let (len, wrong) =
                (u64::from(header.payload_len), misuse(Misuse::SegmentUnfinished, header.index));
            return Err(wrong.exactly(len - left as u64, len));
        }
        let digest = scrub_mac(|| digest.finish());
        //= spec/stream-v2.md#sv2-dig-001
        //# A writer MUST put the digest of §8.1 into the digest frame.
        let digest_plaintext = DigestPlaintext { digest_alg: header.digest_alg, digest: digest.0 }.to_bytes();
        scrub_cipher(|| {
            frames.write(FrameType::Digest, &digest_plaintext)?;
            frames.write(FrameType::Terminator, terminator)
        })?;
        header.wire_crc32c = frames.crc.finish();
        header.segment_tag = stream.segment.hmac(&[&header.tagged_bytes()]);
        Ok(SealedSegment { header, digest })
    }
}

/// Writes the frames into the wire.
struct FrameWriter<'s> {
    keys: &'s SegmentKeys,
    bound_prefix: [u8; BOUND_PREFIX_LEN],
    index: SegmentIndex,
    frame_index: u32,
    rest: &'s mut [u8],
    /// The checksum of all bytes written.
    crc: Crc32c,
}

impl<'s> FrameWriter<'s> {
    /// Seals `plaintext` as the next frame and returns the frame.
    fn write(&mut self, frame_type: FrameType, plaintext: &[u8]) -> Result<&'s [u8], Error> {
        let wrong = misuse(Misuse::WireLen, self.index);
        let len = u32::try_from(plaintext.len()).map_err(|_| wrong)?;
        let header = FrameHeader { frame_type, len };
        let rest = core::mem::take(&mut self.rest);
        let (frame, rest) = rest.split_at_mut_checked(header.frame_len()).ok_or(wrong)?;
        let (head, sealed) = frame.split_at_mut(FRAME_HEADER_LEN);
        let (ciphertext, tag) = sealed.split_at_mut(plaintext.len());
        head.copy_from_slice(&header.to_bytes());
        let place = FramePlace {
            segment: self.index,
            frame_index: self.frame_index,
            bound_prefix: &self.bound_prefix,
            header,
        };
        //= spec/stream-v2.md#sv2-frm-007
        //# A writer MUST seal each frame under the nonce and the associated data of §7.
        let sealed_tag = self.keys.cipher.seal(&place, plaintext, ciphertext).map_err(|_| wrong)?;
        tag.copy_from_slice(&sealed_tag);
        self.crc.update(frame);
        self.frame_index += 1;
        self.rest = rest;
        Ok(frame)
    }
}

pub(super) const fn misuse(rule: Misuse, index: SegmentIndex) -> Error {
    Error::misuse(rule).in_segment(index.0 as u64)
}

#[cfg(test)]
mod tests {
    use std::vec;
    use std::vec::Vec;

    use super::*;
    use crate::crypto::{ContentKey, Run, RunSalt, SegmentSealer, StreamSealer};
    use crate::wire::StreamParams;

    /// A segment of two and a half frames.
    const LEN: usize = 10_240;

    fn sealer() -> SegmentSealer {
        let params = StreamParams { segment_size: 16_384, frame_size_log2: 12, ..StreamParams::new([7; 32]) };
        let stream = StreamSealer::new(params, &ContentKey::new([1; 32]), b"").unwrap();
        SegmentSealer::new(&stream, Run::first(RunSalt::new([2; 16])))
    }

    #[test]
    fn pieces_give_the_bytes_of_the_whole() {
        let plaintext: Vec<u8> = (0..=255).cycle().take(LEN).collect();
        let len = sealer().wire_len(SegmentIndex::FIRST, 10_240);
        let (mut whole, mut pieces) = (vec![0; len], vec![1; len]);
        let sealed = sealer().seal_data(SegmentIndex::FIRST, &plaintext, &mut whole).unwrap();

        let mut sealer = sealer();
        let mut sealing = sealer.begin_data(SegmentIndex::FIRST, LEN, &mut pieces).unwrap();
        for piece in [&plaintext[..4096], &[], &plaintext[4096..]] {
            sealing.push(piece).unwrap();
        }
        assert_eq!(sealing.finish().unwrap(), sealed);
        assert!(pieces == whole);
    }

    #[test]
    fn piece_of_wrong_length_is_refused() {
        let mut sealer = sealer();
        let mut wire = vec![0; sealer.wire_len(SegmentIndex::FIRST, 10_240)];
        let mut sealing = sealer.begin_data(SegmentIndex::FIRST, LEN, &mut wire).unwrap();
        for (wrong, rule) in [
            (1, Misuse::SplitFrame),
            (4095, Misuse::SplitFrame),
            (4097, Misuse::SplitFrame),
            (LEN + 1, Misuse::SegmentOverrun),
            (3 * 4096, Misuse::SegmentOverrun),
        ] {
            assert_eq!(sealing.push(&vec![0; wrong]).unwrap_err().rule(), Some(rule), "{wrong}");
        }
        sealing.push(&[0; 2 * 4096]).unwrap();
        let error = sealing.finish().unwrap_err();
        assert_eq!(error, misuse(Misuse::SegmentUnfinished, SegmentIndex::FIRST).exactly(8192, 10_240));
    }
}
