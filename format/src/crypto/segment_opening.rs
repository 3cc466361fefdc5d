//! §7, §8, §15 One segment while it is opened, frame by frame in order (steps 12 to 16 of §15.1).

use super::digest::DigestState;
use super::frame_opener::{FrameOpener, SealedEnds};
use super::run_keys::ForSegment;
use super::scrub::{scrub_cipher, scrub_mac};
use super::{AuthenticHeader, OpenedSegment};
use crate::limits::SEGMENT_HEADER_LEN;
use crate::wire::{Crc32c, FrameHeader, FrameLayout, FrameType, FrameView, HeaderV1};
use crate::{Error, Misuse};

/// A segment that is being opened.
///
/// Each byte passes CRC, digest and AEAD while it is in the cache. Errors are reported at the end,
/// because only then is it known which one is first in the order of checks. The payload is zeroed
/// if this is dropped, or finished with an error.
pub struct SegmentOpening<'s> {
    stream: &'s HeaderV1,
    authentic: &'s AuthenticHeader,
    layout: FrameLayout,
    /// Bytes of the wire that have arrived.
    taken: usize,
    payload: Unverified<'s>,
    frames: FrameOpener<'s>,
    ends: SealedEnds,
    crc: Crc32c,
    digest: &'s mut DigestState,
    /// The first wrong frame header (step 13 of §15.1).
    malformed: Option<Error>,
    /// The first frame that the AEAD rejected (step 14 of §15.1).
    rejected: Option<Error>,
}

impl<'s> SegmentOpening<'s> {
    /// Begins a segment whose `payload` has the length that its header states.
    pub(super) fn begin(
        stream: &'s HeaderV1,
        keys: ForSegment<'s>,
        authentic: &'s AuthenticHeader,
        payload: &'s mut [u8],
    ) -> Result<Self, Error> {
        let header = authentic.header();
        let payload = Unverified { bytes: payload, filled: 0, verified: false };
        if payload.bytes.len() as u64 != u64::from(header.payload_len) {
            let wrong = authentic.misuse(Misuse::PayloadLen);
            return Err(wrong.exactly(payload.bytes.len() as u64, header.payload_len.into()));
        }
        let ForSegment { keys, digest, .. } = keys;
        let frames = FrameOpener::new(keys, authentic, 0);
        scrub_mac(|| digest.begin(header.digest_alg, &keys.digest, &frames.bound_prefix));
        Ok(Self {
            stream,
            authentic,
            layout: FrameLayout::new(stream, header),
            taken: 0,
            payload,
            frames,
            ends: SealedEnds::EMPTY,
            crc: Crc32c::new(),
            digest,
            malformed: None,
            rejected: None,
        })
    }

    /// Returns the bytes of the frames that fit in `most` bytes, but of at least one frame.
    ///
    /// Returns 0 at the end of the wire.
    #[must_use]
    pub fn next_len(&self, most: usize) -> usize {
        let next = (self.frames.frame_index..).map_while(|frame_index| self.layout.header(frame_index));
        next.map(FrameHeader::frame_len)
            .scan(0, |len, frame| {
                *len += frame;
                (*len <= most || *len == frame).then_some(*len)
            })
            .last()
            .unwrap_or(0)
    }

    /// Takes the next bytes of the wire, which are any number of whole frames.
    ///
    /// # Errors
    ///
    /// - `misuse` if a piece ends inside a frame, or is more than the rest of the segment.
    pub fn push(&mut self, wire: &[u8]) -> Result<(), Error> {
        scrub_cipher(|| self.frames(wire))
    }

    fn frames(&mut self, wire: &[u8]) -> Result<(), Error> {
        let mut rest = wire;
        while !rest.is_empty() {
            let wrong = |rule| {
                let (taken, allowed) = (self.taken + rest.len(), self.authentic.header().wire_len);
                self.authentic.misuse(rule).exactly(taken as u64, allowed.into())
            };
            let expected = self.layout.header(self.frames.frame_index);
            let expected = expected.ok_or_else(|| wrong(Misuse::SegmentOverrun))?;
            let frame = rest.split_at_checked(expected.frame_len());
            let (frame, after) = frame.ok_or_else(|| wrong(Misuse::SplitFrame))?;
            self.frame(expected, frame);
            rest = after;
        }
        Ok(())
    }

    /// Takes a frame, and opens it unless the segment is already known to be wrong.
    fn frame(&mut self, expected: FrameHeader, bytes: &[u8]) {
        let offset = self.authentic.offset().plus((SEGMENT_HEADER_LEN + self.taken) as u64);
        self.taken += bytes.len();
        self.crc.update(bytes);
        match FrameView::check(bytes, expected, offset) {
            Ok(frame) if self.malformed.is_none() && self.rejected.is_none() => {
                self.rejected = self.open(&frame).err();
            }
            Ok(_) => self.frames.pass(),
            Err(error) => {
                let error = error.in_segment(self.authentic.header().index.0.into());
                self.malformed.get_or_insert(error);
                self.frames.pass();
            }
        }
    }

    fn open(&mut self, frame: &FrameView<'_>) -> Result<(), Error> {
        if frame.header.frame_type != FrameType::Data {
            return self.ends.open(&mut self.frames, frame);
        }
        self.digest.data_frame(frame.bytes, frame.tag);
        self.frames.open(frame, self.payload.next(frame.ciphertext.len()))
    }

    /// Verifies the segment, once all of its wire has arrived.
    ///
    /// # Errors
    ///
    /// The first error in this order:
    ///
    /// - `misuse` if a part of the wire has not arrived.
    /// - `malformed.wire_crc` if the checksum of the wire does not match.
    /// - `malformed.frame_*` if a frame header is wrong.
    /// - `auth.frame` if the AEAD rejects a frame.
    /// - `auth.digest` if the digest does not match.
    /// - `malformed.terminator` if the terminator is invalid.
    pub fn finish(self) -> Result<OpenedSegment, Error> {
        let Self { stream, authentic, taken, mut payload, ends, crc, digest, malformed, rejected, .. } = self;
        let header = authentic.header();
        if taken as u64 != u64::from(header.wire_len) {
            let wrong = authentic.misuse(Misuse::SegmentUnfinished);
            return Err(wrong.exactly(taken as u64, header.wire_len.into()));
        }
        //= spec/stream-v2.md#sv2-seg-025
        //# A reader MUST reject with `malformed.wire_crc` a segment whose wire_crc32c does not
        //# match the wire, whatever its frames are.
        if crc.finish() != header.wire_crc32c {
            return Err(Error::wire_crc(authentic.offset(), header.index.0.into()));
        }
        //= spec/stream-v2.md#sv2-frm-005
        //# A reader MUST report what is wrong with any frame header of a segment in the place of
        //# what the AEAD makes of its frames.
        if let Some(error) = malformed.or(rejected) {
            return Err(error);
        }
        let opened = ends.verified(stream, authentic, scrub_mac(|| digest.finish()))?;
        payload.verified = true;
        Ok(opened)
    }
}

/// The opened part of an unverified segment, zeroed unless the segment is verified.
struct Unverified<'s> {
    bytes: &'s mut [u8],
    filled: usize,
    verified: bool,
}

impl Unverified<'_> {
    /// Returns the space for the next `len` bytes.
    ///
    /// A segment's data frames are as long as its payload.
    fn next(&mut self, len: usize) -> &mut [u8] {
        let begin = self.filled;
        self.filled += len;
        &mut self.bytes[begin..self.filled]
    }
}

impl Drop for Unverified<'_> {
    fn drop(&mut self) {
        if !self.verified {
            self.bytes.fill(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::vec;
    use std::vec::Vec;

    use super::*;
    use crate::crypto::{ContentKey, Run, RunSalt, SegmentOpener, SegmentSealer, StreamOpener, StreamSealer};
    use crate::limits::FRAME_OVERHEAD;
    use crate::wire::{SegmentHeader, StreamParams, crc32c};
    use crate::{Detail, Offset, SegmentIndex};

    const FRAME: usize = 4096 + FRAME_OVERHEAD;
    /// Two and a half frames.
    const LEN: usize = 10_240;

    struct Sealed {
        stream: StreamSealer,
        header: SegmentHeader,
        wire: Vec<u8>,
    }

    impl Sealed {
        fn new() -> Self {
            let params =
                StreamParams { segment_size: 16_384, frame_size_log2: 12, ..StreamParams::new([7; 32]) };
            let stream = StreamSealer::new(params, &ContentKey::new([1; 32]), b"").unwrap();
            let mut sealer = SegmentSealer::new(&stream, Run::first(RunSalt::new([2; 16])));
            let mut wire = vec![0; sealer.wire_len(SegmentIndex::FIRST, 10_240)];
            let sealed = sealer.seal_data(SegmentIndex::FIRST, &[0x5A; LEN], &mut wire).unwrap();
            Self { stream, header: sealed.header, wire }
        }

        /// Returns a copy with flipped bits in one byte, and the right CRC.
        fn with(mut self, at: usize, flip: u8) -> Self {
            self.wire[at] ^= flip;
            self.header.wire_crc32c = crc32c(&self.wire);
            self.header.segment_tag = self.stream.keys.segment.hmac(&[&self.header.tagged_bytes()]);
            self
        }

        fn reader(&self) -> (SegmentOpener, AuthenticHeader) {
            let reader = StreamOpener::new(self.stream.header(), &ContentKey::new([1; 32]), b"").unwrap();
            let parsed = reader.authenticate(&self.header.to_bytes(), Offset(128), 0).unwrap();
            (SegmentOpener::new(&reader), parsed.complete().unwrap().0)
        }

        /// Opens the segment in pieces of `most` bytes, or of one frame.
        fn open(&self, most: usize) -> (Result<(), Detail>, Vec<u8>) {
            let ((mut opener, authentic), mut payload) = (self.reader(), vec![1; LEN]);
            let mut opening = opener.begin(&authentic, &mut payload).unwrap();
            let mut rest = &self.wire[..];
            while !rest.is_empty() {
                let (piece, after) = rest.split_at(opening.next_len(most));
                opening.push(piece).unwrap();
                rest = after;
            }
            assert_eq!(opening.next_len(most), 0);
            let result = opening.finish();
            let mut whole = vec![1; LEN];
            let again = opener.open(&authentic, &self.wire, &mut whole);
            assert_eq!(result.map(|opened| opened.digest), again.map(|opened| opened.digest));
            assert!(payload == whole);
            (result.map(|_| ()).map_err(|error| error.detail()), payload)
        }
    }

    #[test]
    fn pieces_of_whole_frames_open_like_the_whole() {
        let sealed = Sealed::new();
        for most in [0, 1, FRAME, 2 * FRAME - 1, 2 * FRAME, usize::MAX] {
            assert_eq!(sealed.open(most), (Ok(()), vec![0x5A; LEN]), "{most}");
        }
        let damaged = Sealed { wire: vec![0; sealed.wire.len()], ..sealed };
        assert_eq!(damaged.open(FRAME), (Err(Detail::MalformedWireCrc), vec![0; LEN]));
    }

    #[test]
    fn first_failed_check_is_reported_payload_zeroed() {
        let tail = 2 * FRAME + 2048 + FRAME_OVERHEAD;
        let cases = [
            (vec![20], Detail::AuthFrame),
            (vec![20, FRAME], Detail::MalformedFrameType),
            (vec![20, tail + 1], Detail::MalformedFrameReserved),
            (vec![20, tail + FRAME_OVERHEAD + 36 + 4], Detail::MalformedFrameLen),
            (vec![FRAME + 4, FRAME + 1], Detail::MalformedFrameReserved),
            (vec![tail + 8], Detail::AuthFrame),
        ];
        for (places, detail) in cases {
            let sealed = places.iter().fold(Sealed::new(), |sealed, &at| sealed.with(at, 0x40));
            assert_eq!(sealed.open(1), (Err(detail), vec![0; LEN]), "{places:?}");
            // The checksum comes before all of them.
            let header = SegmentHeader { wire_crc32c: !sealed.header.wire_crc32c, ..sealed.header };
            let segment_tag = sealed.stream.keys.segment.hmac(&[&header.tagged_bytes()]);
            let sealed = Sealed { header: SegmentHeader { segment_tag, ..header }, ..sealed };
            assert_eq!(sealed.open(1).0, Err(Detail::MalformedWireCrc), "{places:?}");
        }
    }

    #[test]
    fn wrong_piece_is_misuse_payload_zeroed() {
        let sealed = Sealed::new();
        let ((mut opener, authentic), mut payload) = (sealed.reader(), vec![1; LEN]);
        let mut opening = opener.begin(&authentic, &mut payload).unwrap();
        opening.push(&sealed.wire[..FRAME]).unwrap();
        for end in [FRAME + 1, 2 * FRAME - 1] {
            assert_eq!(opening.push(&sealed.wire[FRAME..end]).unwrap_err().rule(), Some(Misuse::SplitFrame));
        }
        drop(opening);
        assert!(payload == vec![0; LEN]);

        let mut opening = opener.begin(&authentic, &mut payload).unwrap();
        opening.push(&sealed.wire[..FRAME]).unwrap();
        let wire_len = authentic.header().wire_len.into();
        let expected = authentic.misuse(Misuse::SegmentUnfinished).exactly(FRAME as u64, wire_len);
        assert_eq!(opening.finish().unwrap_err(), expected);
        assert!(payload == vec![0; LEN]);

        let mut opening = opener.begin(&authentic, &mut payload).unwrap();
        opening.push(&sealed.wire).unwrap();
        assert_eq!(opening.push(&[0]).unwrap_err().rule(), Some(Misuse::SegmentOverrun));
        drop(opening);
        let error = opener.begin(&authentic, &mut payload[1..]).err().unwrap();
        assert_eq!(error.rule(), Some(Misuse::PayloadLen));
    }
}
