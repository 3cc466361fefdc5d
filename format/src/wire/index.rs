//! §11 Index segments: the payload that lets a range reader find data segments of different sizes.
//!
//! ```text
//! 0 distance u64 | 8 previous (16) | entries of 24 bytes:
//! 0 plaintext_len u32 | 4 wire_len u32 | 8 segment_tag[0..16]
//! ```
//!
//! The expected payload follows from the headers of the segments before it, see
//! [`PendingIndex`](crate::crypto::PendingIndex).

use alloc::vec::Vec;

use binrw::binwrite;
use nom::number::streaming::{le_u32, le_u64};

use super::encode::encode;
use super::outcome::{Step, array};
use super::{HeaderV1, SegmentHeader};
use crate::limits::INDEX_ENTRIES_MAX;
use crate::{Detail, Error, Offset};

/// Bytes before the entries: `distance` and `previous`.
const BACK_LEN: u32 = 24;
const ENTRY_LEN: u32 = 24;

/// The entry of one data segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndexEntry {
    /// Plaintext bytes of the segment.
    pub plaintext_len: u32,
    /// Bytes of the segment's wire.
    pub wire_len: u32,
    /// The first 16 bytes of the segment's tag.
    pub tag_prefix: [u8; 16],
}

impl IndexEntry {
    /// Returns the entry of the data segment with this header.
    #[must_use]
    pub fn of(header: &SegmentHeader) -> Self {
        Self {
            plaintext_len: header.plaintext_len,
            wire_len: header.wire_len,
            tag_prefix: tag_prefix(header),
        }
    }
}

/// Returns the first 16 bytes of a segment's tag, by which index segments name the segment.
pub(crate) fn tag_prefix(header: &SegmentHeader) -> [u8; 16] {
    let mut prefix = [0; 16];
    prefix.copy_from_slice(&header.segment_tag[..16]);
    prefix
}

/// Returns the maximum entries of an index segment of this stream (n of §11).
#[must_use]
pub const fn entries_max(stream: &HeaderV1) -> u32 {
    let fit = (stream.segment_size() - BACK_LEN) / ENTRY_LEN;
    if fit < INDEX_ENTRIES_MAX { fit } else { INDEX_ENTRIES_MAX }
}

/// Returns the payload bytes of an index segment with `entries` entries.
pub(crate) const fn index_payload_len(entries: u32) -> u32 {
    BACK_LEN + ENTRY_LEN * entries
}

/// Returns how many entries a payload of this length holds.
///
/// Returns `None` if no index segment of this stream has such a payload (SV2-IDX-003).
pub(crate) fn entries_in(stream: &HeaderV1, payload_len: u32) -> Option<u32> {
    let bytes = payload_len.checked_sub(BACK_LEN).filter(|bytes| bytes.is_multiple_of(ENTRY_LEN))?;
    let entries = bytes / ENTRY_LEN;
    (1..=entries_max(stream)).contains(&entries).then_some(entries)
}

/// The payload of an index segment, without a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndexView<'a> {
    distance: u64,
    previous: [u8; 16],
    entries: &'a [u8],
}

impl<'a> IndexView<'a> {
    /// Parses the whole payload of an index segment that begins at `offset`.
    ///
    /// # Errors
    ///
    /// - `malformed.payload_len` if the payload is not 24 + 24 × k bytes long.
    pub fn parse(payload: &'a [u8], offset: Offset) -> Result<Self, Error> {
        let wrong = Error::new(Detail::MalformedPayloadLen, offset).with_found(payload.len() as u64);
        let Ok((entries, (distance, previous))) = back(payload) else { return Err(wrong) };
        if entries.is_empty() || !entries.len().is_multiple_of(ENTRY_LEN as usize) {
            return Err(wrong);
        }
        Ok(Self { distance, previous, entries })
    }

    /// Returns the bytes from the previous index segment to this one; 0 for the first.
    #[must_use]
    pub const fn distance(&self) -> u64 {
        self.distance
    }

    /// Returns the first 16 bytes of the previous index segment's tag; zero in the first.
    #[must_use]
    pub const fn previous(&self) -> &[u8; 16] {
        &self.previous
    }

    /// Returns the entries in order.
    pub fn entries(&self) -> impl Iterator<Item = IndexEntry> + use<'a> {
        self.entries
            .chunks_exact(ENTRY_LEN as usize)
            .filter_map(|bytes| entry(bytes).ok())
            .map(|(_, entry)| entry)
    }
}

/// Returns the payload of an index segment, 24 + 24 × `entries.len()` bytes.
#[must_use]
pub fn write_index(distance: u64, previous: [u8; 16], entries: &[IndexEntry]) -> Vec<u8> {
    let mut payload = Vec::with_capacity(BACK_LEN as usize + ENTRY_LEN as usize * entries.len());
    payload.extend_from_slice(&encode::<{ BACK_LEN as usize }, _>(&BackBytes { distance, previous }));
    for entry in entries {
        let IndexEntry { plaintext_len, wire_len, tag_prefix } = *entry;
        payload.extend_from_slice(&encode::<{ ENTRY_LEN as usize }, _>(&EntryBytes {
            plaintext_len,
            wire_len,
            tag_prefix,
        }));
    }
    payload
}

fn back(input: &[u8]) -> Step<'_, (u64, [u8; 16])> {
    let (rest, distance) = le_u64(input)?;
    let (rest, previous) = array(rest)?;
    Ok((rest, (distance, previous)))
}

fn entry(input: &[u8]) -> Step<'_, IndexEntry> {
    let (rest, plaintext_len) = le_u32(input)?;
    let (rest, wire_len) = le_u32(rest)?;
    let (rest, tag_prefix) = array(rest)?;
    Ok((rest, IndexEntry { plaintext_len, wire_len, tag_prefix }))
}

#[binwrite]
#[bw(little)]
struct BackBytes {
    distance: u64,
    previous: [u8; 16],
}

#[binwrite]
#[bw(little)]
struct EntryBytes {
    plaintext_len: u32,
    wire_len: u32,
    tag_prefix: [u8; 16],
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_written_is_parsed_again(
            distance: u64,
            previous: [u8; 16],
            entries in prop::collection::vec((any::<u32>(), any::<u32>(), any::<[u8; 16]>()), 1..20),
        ) {
            let entries: Vec<_> = entries
                .into_iter()
                .map(|(plaintext_len, wire_len, tag_prefix)| IndexEntry { plaintext_len, wire_len, tag_prefix })
                .collect();
            let payload = write_index(distance, previous, &entries);
            let view = IndexView::parse(&payload, Offset(0)).unwrap();
            prop_assert_eq!((view.distance(), view.previous()), (distance, &previous));
            prop_assert_eq!(view.entries().collect::<Vec<_>>(), entries);
        }

        #[test]
        fn any_bytes_are_parsed_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            if let Ok(view) = IndexView::parse(&bytes, Offset(0)) {
                prop_assert_eq!(24 + 24 * view.entries().count(), bytes.len());
            }
        }
    }

    #[test]
    fn payload_length_is_whole_entries() {
        let stream = HeaderV1::new(super::super::StreamParams::new([0; 32]), [0; 32], 0).unwrap();
        assert_eq!(entries_max(&stream), 43_689);
        for (payload_len, entries) in [
            (0, None),
            (24, None),
            (48, Some(1)),
            (49, None),
            (24 + 24 * 43_689, Some(43_689)),
            (24 + 24 * 43_690, None),
        ] {
            assert_eq!(entries_in(&stream, payload_len), entries, "{payload_len}");
        }
    }
}
