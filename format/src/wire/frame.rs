//! §7 Frames: a header of 8 bytes, the ciphertext and a tag of 16 bytes.
//!
//! ```text
//! 0 frame_type u8 | 1 reserved (3) | 4 len u32 | 8 ciphertext (len) | 8 + len tag (16)
//! ```

use binrw::binwrite;
use nom::bytes::streaming::take;
use nom::number::streaming::{le_u8, le_u32};

use super::encode::encode;
use super::outcome::{Step, array};
use super::{DIGEST_PLAINTEXT_LEN, FrameType, HeaderV1, SegmentHeader, terminator_len};
use crate::limits::{FRAME_OVERHEAD, SEGMENT_HEADER_LEN};
use crate::{Detail, Error, Offset};

/// Bytes of a frame header.
pub const FRAME_HEADER_LEN: usize = 8;
/// Bytes of a frame's tag.
pub const TAG_LEN: usize = 16;

const _: () = assert!(FRAME_HEADER_LEN + TAG_LEN == FRAME_OVERHEAD);

/// The fields of a frame header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameHeader {
    /// Data, digest or terminator.
    pub frame_type: FrameType,
    /// Plaintext bytes sealed in the frame.
    pub len: u32,
}

impl FrameHeader {
    /// Returns the 8 bytes of the frame header.
    #[must_use]
    pub fn to_bytes(self) -> [u8; FRAME_HEADER_LEN] {
        encode(&HeaderBytes { frame_type: self.frame_type.value(), reserved: [0; 3], len: self.len })
    }

    /// Returns the bytes of the whole frame.
    #[must_use]
    pub const fn frame_len(self) -> usize {
        self.len as usize + FRAME_OVERHEAD
    }
}

/// The frames that a checked segment header calls for (SV2-FRM-001, SV2-FRM-004).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameLayout {
    frame_size: u32,
    data_frames: u32,
    payload_len: u32,
    terminator_len: u32,
}

impl FrameLayout {
    /// Creates the layout of a segment.
    ///
    /// Its header has passed [`check_segment`](super::check_segment).
    #[must_use]
    pub fn new(stream: &HeaderV1, header: &SegmentHeader) -> Self {
        Self {
            frame_size: stream.frame_size(),
            data_frames: header.data_frames,
            payload_len: header.payload_len,
            terminator_len: terminator_len(stream, header.kind, header.flags.run_start()),
        }
    }

    /// Returns the layout of the digest frame and the terminator frame alone.
    #[must_use]
    pub const fn tail(self) -> Self {
        Self { data_frames: 0, ..self }
    }

    /// Returns the bytes of all frames, which is `wire_len` if the layout is that of a whole wire.
    #[must_use]
    pub fn frames_len(self) -> usize {
        self.headers().map(FrameHeader::frame_len).sum()
    }

    /// Returns the frame headers in order: data, digest, terminator.
    pub fn headers(self) -> impl Iterator<Item = FrameHeader> + Clone {
        (0..=self.data_frames.saturating_add(1)).map_while(move |frame_index| self.header(frame_index))
    }

    /// Returns the frame header at `frame_index`, or `None` if the segment has fewer frames.
    #[must_use]
    pub fn header(self, frame_index: u32) -> Option<FrameHeader> {
        //= spec/stream-v2.md#sv2-frm-001
        //# The frames of a segment MUST be data_frames data frames, then one digest frame, then one
        //# terminator frame, and fill the wire exactly.
        match frame_index.checked_sub(self.data_frames) {
            None => {
                let before = u64::from(frame_index) * u64::from(self.frame_size);
                let left = u64::from(self.payload_len).saturating_sub(before);
                #[expect(clippy::cast_possible_truncation, reason = "at most frame_size")]
                let len = left.min(self.frame_size.into()) as u32;
                Some(FrameHeader { frame_type: FrameType::Data, len })
            }
            Some(0) => Some(FrameHeader { frame_type: FrameType::Digest, len: DIGEST_PLAINTEXT_LEN }),
            Some(1) => Some(FrameHeader { frame_type: FrameType::Terminator, len: self.terminator_len }),
            Some(_) => None,
        }
    }
}

/// One frame in the wire, without a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FrameView<'a> {
    /// The frame header, equal to that of the layout.
    pub header: FrameHeader,
    /// The whole frame: header, ciphertext and tag.
    pub bytes: &'a [u8],
    /// The ciphertext, `header.len` bytes.
    pub ciphertext: &'a [u8],
    /// The tag, 16 bytes.
    pub tag: &'a [u8; TAG_LEN],
    /// The offset of the frame, in bytes from the start of the stream.
    pub offset: Offset,
}

impl<'a> FrameView<'a> {
    /// Checks the header of the frame in `bytes`, which begins at `offset`.
    ///
    /// `bytes` has the length that `expected` calls for. The errors name no segment.
    ///
    /// # Errors
    ///
    /// - `malformed.frame_type`, `malformed.frame_reserved` or `malformed.frame_len` if that field
    ///   is wrong.
    /// - `malformed.wire_len` if `bytes` has another length.
    pub fn check(bytes: &'a [u8], expected: FrameHeader, offset: Offset) -> Result<Self, Error> {
        let Ok(([], (fields, ciphertext, tag))) = frame(bytes, expected.len) else {
            return Err(Error::new(Detail::MalformedWireLen, offset));
        };
        check_fields(&fields, expected, offset)?;
        Ok(Self { header: expected, bytes, ciphertext, tag, offset })
    }
}

/// The frames of one wire, in order. All their headers have been checked.
#[derive(Clone, Debug)]
pub struct Frames<'a> {
    wire: &'a [u8],
    layout: FrameLayout,
    offset: Offset,
}

impl<'a> Frames<'a> {
    /// Checks every frame header of a wire against the layout (step 13 of §15.1).
    ///
    /// `segment_offset` is the offset of the segment's header, in bytes from the start of the
    /// stream. `segments_before` is the number of segments before it.
    ///
    /// # Errors
    ///
    /// - `malformed.frame_type`, `malformed.frame_reserved` or `malformed.frame_len` at the first
    ///   frame that differs.
    /// - `malformed.wire_len` if the frames do not fill the wire.
    pub fn check(
        wire: &'a [u8],
        layout: FrameLayout,
        segment_offset: Offset,
        segments_before: u64,
    ) -> Result<Self, Error> {
        Self::check_headers(wire, layout, segment_offset).map_err(|error| error.in_segment(segments_before))
    }

    fn check_headers(wire: &'a [u8], layout: FrameLayout, segment_offset: Offset) -> Result<Self, Error> {
        let offset = segment_offset.plus(SEGMENT_HEADER_LEN as u64);
        let total = layout.frames_len();
        if total != wire.len() {
            return Err(Error::new(Detail::MalformedWireLen, offset).exactly(wire.len() as u64, total as u64));
        }
        let frames = Self { wire, layout, offset };
        frames
            .pieces()
            .try_for_each(|(header, bytes, at)| FrameView::check(bytes, header, at).map(|_| ()))?;
        Ok(frames)
    }

    /// Returns the frames in order.
    pub fn iter(&self) -> impl Iterator<Item = FrameView<'a>> {
        self.pieces().map_while(|(header, bytes, offset)| FrameView::check(bytes, header, offset).ok())
    }

    /// Returns each header of the layout with its bytes and their offset.
    fn pieces(&self) -> impl Iterator<Item = (FrameHeader, &'a [u8], Offset)> {
        let (mut rest, mut offset) = (self.wire, self.offset);
        self.layout.headers().map_while(move |header| {
            let (bytes, after) = rest.split_at_checked(header.frame_len())?;
            let piece = (header, bytes, offset);
            rest = after;
            offset = offset.plus(bytes.len() as u64);
            Some(piece)
        })
    }
}

struct Fields {
    frame_type: u8,
    reserved: [u8; 3],
    len: u32,
}

/// Checks the fields of a frame header at `at`.
///
/// Errors name the frame's offset, not the field's (SV2-ERR-001).
fn check_fields(fields: &Fields, expected: FrameHeader, at: Offset) -> Result<(), Error> {
    //= spec/stream-v2.md#sv2-frm-002
    //# A reader MUST reject with `malformed.frame_type` a frame whose frame_type is not the one
    //# that SV2-FRM-001 puts in its place.
    if fields.frame_type != expected.frame_type.value() {
        return Err(Error::new(Detail::MalformedFrameType, at)
            .exactly(fields.frame_type.into(), expected.frame_type.value().into()));
    }
    //= spec/stream-v2.md#sv2-frm-003
    //# A reader MUST reject with `malformed.frame_reserved` a frame header in which bytes 1..4 are
    //# not zero.
    if let Some(&byte) = fields.reserved.iter().find(|&&byte| byte != 0) {
        return Err(Error::new(Detail::MalformedFrameReserved, at).exactly(byte.into(), 0));
    }
    //= spec/stream-v2.md#sv2-frm-004
    //# A reader MUST reject with `malformed.frame_len` a frame whose len is not the derived one: F
    //# in a data frame that is not the last, payload_len - F × (data_frames - 1) in the last data
    //# frame, 36 in the digest frame, and terminator_len in the terminator.
    if fields.len != expected.len {
        return Err(Error::new(Detail::MalformedFrameLen, at).exactly(fields.len.into(), expected.len.into()));
    }
    Ok(())
}

/// Parses a frame whose ciphertext is `len` bytes long.
fn frame(input: &[u8], len: u32) -> Step<'_, (Fields, &[u8], &[u8; TAG_LEN])> {
    let (rest, frame_type) = le_u8(input)?;
    let (rest, reserved) = array(rest)?;
    let (rest, stated_len) = le_u32(rest)?;
    let (rest, ciphertext) = take(len)(rest)?;
    let (rest, tag) = take(TAG_LEN)(rest)?;
    match tag.try_into() {
        Ok(tag) => Ok((rest, (Fields { frame_type, reserved, len: stated_len }, ciphertext, tag))),
        Err(_) => super::outcome::fail(input, Detail::MalformedWireLen),
    }
}

#[binwrite]
#[bw(little)]
struct HeaderBytes {
    frame_type: u8,
    reserved: [u8; 3],
    len: u32,
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    const LAYOUT: FrameLayout =
        FrameLayout { frame_size: 4096, data_frames: 2, payload_len: 5000, terminator_len: 32 };

    fn wire() -> Vec<u8> {
        let mut wire = Vec::new();
        for header in LAYOUT.headers() {
            wire.extend_from_slice(&header.to_bytes());
            wire.resize(wire.len() + header.len as usize + TAG_LEN, 0xA5);
        }
        wire
    }

    #[test]
    fn layout_is_data_frames_digest_terminator() {
        let lens: Vec<_> = LAYOUT.headers().map(|header| (header.frame_type, header.len)).collect();
        let expected = [
            (FrameType::Data, 4096),
            (FrameType::Data, 904),
            (FrameType::Digest, 36),
            (FrameType::Terminator, 32),
        ];
        assert_eq!(lens, expected);
    }

    #[test]
    fn each_wrong_header_byte_is_named() {
        let wire = wire();
        let frames = Frames::check(&wire, LAYOUT, Offset(0), 0).unwrap();
        assert_eq!(frames.iter().map(|view| view.bytes.len()).sum::<usize>(), wire.len());
        let second = 4096 + FRAME_OVERHEAD;
        let places = [
            (0, Detail::MalformedFrameType),
            (2, Detail::MalformedFrameReserved),
            (4, Detail::MalformedFrameLen),
        ];
        for (place, detail) in places {
            let mut wrong = wire.clone();
            wrong[second + place] ^= 0x40;
            let error = Frames::check(&wrong, LAYOUT, Offset(1000), 0).unwrap_err();
            assert_eq!((error.detail(), error.offset().0), (detail, 1096 + second as u64));
        }
    }

    #[test]
    fn a_wire_of_another_length_is_no_panic() {
        let wire = wire();
        for cut in 0..wire.len() {
            assert!(Frames::check(&wire[..cut], LAYOUT, Offset(0), 0).is_err());
        }
    }
}
