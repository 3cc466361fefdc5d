//! §14.1 Lengths: from the length of a plaintext to that of its stream, and back.

use crate::limits::{FINAL_SEGMENT_LEN, SEGMENT_HEADER_LEN};
use crate::wire::{HISTORY_LEN, HeaderV1, SegmentKind, entries_max, index_payload_len, wire_len};
use crate::{Error, Misuse};

/// Bytes that a data segment with UNIFORM adds to its payload and the overhead of its data frames.
const UNIFORM_OVERHEAD: u64 = 232;
const FRAME_OVERHEAD: u64 = crate::limits::FRAME_OVERHEAD as u64;

/// A plaintext length computed from the length of an object.
///
/// It is unverified until the final segment is verified.
//= spec/stream-v2.md#sv2-len-002
//= type=implication
//= reason=A type of its own keeps it apart from a length that was verified.
//# A tool MUST NOT present a plaintext length that was computed from the size of an object as
//# verified before it has verified the final segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ClaimedLen(pub u64);

/// Computes the lengths of the streams with one stream header.
///
/// The streams have codec 0, no segment that was flushed before it was full and, without UNIFORM,
/// one run.
///
/// # Examples
///
/// ```
/// use stream_v2_format::lengths::{ClaimedLen, Lengths};
/// use stream_v2_format::wire::{HeaderV1, StreamParams};
///
/// // Segments of 1 MiB, frames of 64 KiB, UNIFORM. The tags do not matter.
/// let header = HeaderV1::new(StreamParams::new([0; 32]), [0; 32], 0).unwrap();
/// let lengths = Lengths::new(&header, false).unwrap();
/// assert_eq!(lengths.stream_len(0), Some(128 + 256));
/// assert_eq!(lengths.stream_len(1), Some(128 + 257 + 256));
/// assert_eq!(lengths.stream_len(1 << 20), Some(128 + (1 << 20) + 616 + 256));
/// assert_eq!(lengths.plaintext_len(128 + 257 + 256), Some(ClaimedLen(1)));
/// assert_eq!(lengths.plaintext_len(128 + 256 + 256), None);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Lengths {
    header: HeaderV1,
    index: bool,
}

//= spec/stream-v2.md#sv2-len-001
//# A tool that computes the length of a stream from that of its plaintext, or that of the plaintext
//# from that of a stream, MUST do it by the formulas of §14.1, and MUST refuse a length that cannot
//# occur.
impl Lengths {
    /// Creates the lengths of streams with this header.
    ///
    /// `index` says whether the streams have index segments.
    ///
    /// # Errors
    ///
    /// - `misuse` if a stream with UNIFORM is to have index segments.
    pub fn new(header: &HeaderV1, index: bool) -> Result<Self, Error> {
        if index && header.uniform() {
            Err(Error::misuse(Misuse::UniformWithIndex))
        } else {
            Ok(Self { header: *header, index })
        }
    }

    /// Returns the length of the stream with `plaintext_len` bytes of plaintext.
    ///
    /// Returns `None` if no stream can hold that many.
    #[must_use]
    pub fn stream_len(&self, plaintext_len: u64) -> Option<u64> {
        let size = u64::from(self.header.segment_size());
        let (full, rest) = (plaintext_len / size, plaintext_len % size);
        let data = plaintext_len.div_ceil(size);
        let (index, index_len) = self.index_segments(data)?;
        if data + index > u64::from(self.header.last_segment().0) + 1 {
            return None;
        }
        let rest_len =
            u32::try_from(rest).ok().filter(|&rest| rest > 0).map_or(0, |rest| self.data_len(rest));
        let begun = if data > 0 && !self.header.uniform() { HISTORY_LEN.into() } else { 0 };
        // At most 2^32 segments of less than 2^27 bytes.
        let body = full * self.data_len(self.header.segment_size()) + rest_len + begun + index_len;
        Some(self.around() + body)
    }

    /// Returns the length of the plaintext in a stream of `stream_len` bytes.
    ///
    /// Returns `None` if no stream has that length.
    #[must_use]
    pub fn plaintext_len(&self, stream_len: u64) -> Option<ClaimedLen> {
        let found = if self.header.uniform() { self.uniform(stream_len)? } else { self.searched(stream_len) };
        (self.stream_len(found) == Some(stream_len)).then_some(ClaimedLen(found))
    }

    fn uniform(&self, stream_len: u64) -> Option<u64> {
        let (size, frame) = (u64::from(self.header.segment_size()), u64::from(self.header.frame_size()));
        let full = self.data_len(self.header.segment_size());
        let body = stream_len.checked_sub(self.around())?;
        let before = (body / full).checked_mul(size)?;
        let payload = match body % full {
            0 => 0,
            last => {
                let sealed = last.checked_sub(UNIFORM_OVERHEAD)?;
                let frames = sealed.div_ceil(frame + FRAME_OVERHEAD);
                let payload = sealed.checked_sub(FRAME_OVERHEAD * frames)?;
                (frame * frames.checked_sub(1)? < payload && payload < size).then_some(payload)?
            }
        };
        before.checked_add(payload)
    }

    /// Returns the largest plaintext length whose stream is at most `stream_len` bytes long.
    ///
    /// The search is valid because the length of a stream grows with each byte of plaintext.
    fn searched(&self, stream_len: u64) -> u64 {
        let segments = u64::from(self.header.last_segment().0) + 1;
        let (mut fits, mut beyond) = (0, segments * u64::from(self.header.segment_size()) + 1);
        while beyond - fits > 1 {
            let middle = fits + (beyond - fits) / 2;
            match self.stream_len(middle) {
                Some(len) if len <= stream_len => fits = middle,
                _ => beyond = middle,
            }
        }
        fits
    }

    /// Returns how many index segments cover `data` data segments, and their total length.
    fn index_segments(&self, data: u64) -> Option<(u64, u64)> {
        if !self.index {
            return Some((0, 0));
        }
        let most = entries_max(&self.header);
        let (full, rest) = (data / u64::from(most), data % u64::from(most));
        let rest_len = match u32::try_from(rest).ok()? {
            0 => 0,
            rest => self.segment_len(SegmentKind::Index, index_payload_len(rest)),
        };
        let full_len = full.checked_mul(self.segment_len(SegmentKind::Index, index_payload_len(most)))?;
        Some((data.div_ceil(most.into()), full_len.checked_add(rest_len)?))
    }

    fn data_len(&self, payload_len: u32) -> u64 {
        self.segment_len(SegmentKind::Data, payload_len)
    }

    fn segment_len(&self, kind: SegmentKind, payload_len: u32) -> u64 {
        SEGMENT_HEADER_LEN as u64 + wire_len(&self.header, kind, false, payload_len)
    }

    /// Returns the bytes before the body plus those of the final segment.
    const fn around(&self) -> u64 {
        self.header.body_offset().0 + FINAL_SEGMENT_LEN as u64
    }
}

#[cfg(test)]
mod tests {
    use std::vec;

    use proptest::prelude::*;

    use super::*;
    use crate::SegmentIndex;
    use crate::crypto::{ContentKey, Progress, Run, RunSalt, SegmentSealer, StreamSealer};
    use crate::wire::{StreamFlags, StreamParams};

    const FRAME: u32 = 4096;

    fn params(uniform: bool, frames: u32) -> StreamParams {
        let flags = if uniform { StreamFlags::UNIFORM } else { StreamFlags::NONE };
        let segment_size = FRAME * frames;
        StreamParams { flags, segment_size, frame_size_log2: 12, ..StreamParams::new([7; 32]) }
    }

    fn lengths(uniform: bool, frames: u32, index: bool) -> Lengths {
        let header = HeaderV1::new(params(uniform, frames), [0; 32], 0).unwrap();
        Lengths::new(&header, index).unwrap()
    }

    /// Returns the length of a stream that this crate seals byte for byte.
    fn sealed_len(params: StreamParams, index: bool, plaintext_len: usize) -> u64 {
        let stream = StreamSealer::new(params, &ContentKey::new([1; 32]), b"").unwrap();
        let mut sealer = SegmentSealer::new(&stream, Run::first(RunSalt::new([2; 16])));
        let mut progress = Progress::of_writer(&stream);
        let at = |progress: &Progress| SegmentIndex(u32::try_from(progress.segments()).unwrap());
        let mut pieces = vec![0; plaintext_len];
        let mut pieces = pieces.chunks_mut(params.segment_size as usize).peekable();
        while let Some(piece) = pieces.next() {
            let mut wire = vec![0; sealer.wire_len(at(&progress), u32::try_from(piece.len()).unwrap())];
            progress.sealed(&sealer.seal_data(at(&progress), piece, &mut wire).unwrap()).unwrap();
            let payload = progress.index_payload(pieces.peek().is_none()).filter(|_| index);
            if let Some(payload) = payload {
                let (transcript, link) = (*progress.transcript(), *progress.link());
                let (sealed, _) = sealer.seal_index(at(&progress), &payload, &transcript, &link).unwrap();
                progress.sealed(&sealed).unwrap();
            }
        }
        let mut wire = vec![0; SegmentSealer::final_wire_len()];
        let sealed = sealer.seal_final(at(&progress), &progress.trailer(), &mut wire).unwrap();
        128 + progress.position() + sealed.header.segment_len()
    }

    /// The forms of streams: with UNIFORM, without it, with index segments.
    fn forms() -> impl Strategy<Value = (bool, bool)> {
        prop::sample::select(&[(true, false), (false, false), (false, true)][..])
    }

    proptest! {
        //= spec/stream-v2.md#sv2-len-001
        //= type=test
        //# A tool that computes the length of a stream from that of its plaintext, or that of the
        //# plaintext from that of a stream, MUST do it by the formulas of §14.1, and MUST refuse a
        //# length that cannot occur.
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn are_those_of_streams_that_are_sealed((uniform, index) in forms(), frames in 1u32..4, len in 0usize..40_000) {
            let expected = sealed_len(params(uniform, frames), index, len);
            let lengths = lengths(uniform, frames, index);
            prop_assert_eq!(lengths.stream_len(len as u64), Some(expected));
            prop_assert_eq!(lengths.plaintext_len(expected), Some(ClaimedLen(len as u64)));
        }

        #[test]
        fn have_one_meaning_or_none((uniform, index) in forms(), frames in 1u32..4, len in 0u64..1 << 44) {
            let lengths = lengths(uniform, frames, index);
            if let Some(stream_len) = lengths.stream_len(len) {
                prop_assert_eq!(lengths.plaintext_len(stream_len), Some(ClaimedLen(len)));
                let next = lengths.stream_len(len + 1).unwrap_or(stream_len + 1);
                prop_assert!(next > stream_len);
                for between in stream_len + 1..next {
                    prop_assert_eq!(lengths.plaintext_len(between), None);
                }
            }
        }

        #[test]
        fn no_length_is_a_panic((uniform, index) in forms(), frames in 1u32..4, len: u64) {
            let lengths = lengths(uniform, frames, index);
            let _ = (lengths.stream_len(len), lengths.plaintext_len(len));
        }
    }

    #[test]
    fn lengths_count_index_segments_of_each_block() {
        // An index segment of segments of 4 KiB holds 169 entries.
        let lengths = lengths(false, 1, true);
        for segments in [1, 168, 169, 170, 338, 339] {
            for len in [segments * 4096, segments * 4096 - 1] {
                let expected = sealed_len(params(false, 1), true, len);
                assert_eq!(lengths.stream_len(len as u64), Some(expected), "{len}");
                assert_eq!(lengths.plaintext_len(expected), Some(ClaimedLen(len as u64)));
            }
        }
    }

    #[test]
    fn end_where_the_indices_do() {
        let params = StreamParams { epoch_segments: 1, ..params(true, 1) };
        let header = HeaderV1::new(params, [0; 32], 0).unwrap();
        let lengths = Lengths::new(&header, false).unwrap();
        // The last index of a data segment is 65,534.
        let most = 65_535 * 4096;
        let longest = lengths.stream_len(most).unwrap();
        assert_eq!(lengths.stream_len(most + 1), None);
        assert_eq!(lengths.plaintext_len(longest), Some(ClaimedLen(most)));
        assert_eq!(lengths.plaintext_len(longest + 257), None);
    }

    #[test]
    fn uniform_lengths_within_overhead_are_refused() {
        let lengths = lengths(true, 2, false);
        let full = 8192 + 24 * 2 + 232;
        let occur = (0..full).filter(|more| lengths.plaintext_len(128 + 256 + 3 * full + more).is_some());
        assert_eq!(occur.count() as u64, 8192);
        let default = HeaderV1::new(StreamParams::new([0; 32]), [0; 32], 0).unwrap();
        assert_eq!(Lengths::new(&default, false).unwrap().data_len(1 << 20), (1 << 20) + 616);
        assert!(Lengths::new(&default, true).is_err());
    }
}
