//! Finds segments by index segments, from the last one backwards.

use super::super::segment::{Header, Place};
use super::super::{Refusal, number};
use super::Wanted;
use super::sealed::Sealed;
use crate::generator::primitives::hmac;

/// An entry of an index segment.
struct Entry {
    wanted: Wanted,
    plaintext_len: u64,
    wire_len: u64,
    tag: Vec<u8>,
    /// The index segment that holds it.
    from: Place,
}

pub(super) struct ByIndex {
    /// In ascending order.
    entries: Vec<Entry>,
    /// The first plaintext byte covered by a known entry.
    begins: u64,
    /// The next index segment to read, its end, and 16 bytes of its tag unless it is the last one.
    next: Place,
    next_end: usize,
    name: Option<Vec<u8>>,
}

impl ByIndex {
    pub(super) fn new(stream: &Sealed<'_>) -> Self {
        let distance = usize::try_from(stream.distance).unwrap_or(0);
        let next = Place { offset: stream.end.offset - distance, segment: stream.end.segment - 1 };
        Self { entries: Vec::new(), begins: stream.total, next, next_end: stream.end.offset, name: None }
    }

    pub(super) fn wanted(
        &mut self,
        stream: &Sealed<'_>,
        begin: u64,
        end: u64,
    ) -> Result<Vec<Wanted>, Refusal> {
        while self.begins > begin {
            self.read(stream)?;
        }
        let wanted =
            |entry: &&Entry| entry.wanted.begins < end && entry.wanted.begins + entry.plaintext_len > begin;
        Ok(self.entries.iter().filter(wanted).map(|entry| entry.wanted).collect())
    }

    /// Checks SV2-IDX-006 and the lengths.
    pub(super) fn check(&self, stream: &Sealed<'_>, header: &Header, place: Place) -> Result<(), Refusal> {
        let Some(entry) = self.entries.iter().find(|entry| entry.wanted.place.offset == place.offset) else {
            return Ok(());
        };
        let named = stream.input[place.offset + 60..][..16] == entry.tag;
        stream.bug.check("SV2-IDX-006", named, || place.at("auth.index", 60))?;
        let right = (header.plaintext_len, header.wire_len as u64) == (entry.plaintext_len, entry.wire_len);
        stream.bug.check("SV2-RNG-001", right, || malformed(entry.from))
    }

    /// Reads the index segment before the known entries.
    fn read(&mut self, stream: &Sealed<'_>) -> Result<(), Refusal> {
        let (bug, place) = (stream.bug, self.next);
        let header = stream.header_at(place)?;
        let right = header.is_index() && header.index == place.segment as u64;
        bug.check("SV2-RNG-001", right, || place.at("order.segment_index", 4))?;
        let tag = &stream.input[place.offset + 60..][..16];
        let named = self.name.as_ref().is_none_or(|name| name == tag);
        bug.check("SV2-IDX-006", named, || place.at("auth.index", 60))?;
        bug.check("SV2-RNG-001", place.offset + 96 + header.wire_len == self.next_end, || malformed(place))?;
        let opened = stream.open_segment(&header, place)?;
        if self.name.is_none() {
            let index = header.index.to_le_bytes();
            let transcript =
                hmac(&stream.head.keys.chain, &[&opened.terminator[..32], &index[..4], &opened.digest]);
            let follows = transcript == stream.trailer[24..56];
            bug.check("SV2-IDX-007", follows, || place.at("auth.index", 60))?;
        }
        self.take(stream, &opened.payload).ok_or_else(|| malformed(place))
    }

    /// Returns `None` if the described segments cannot precede it.
    fn take(&mut self, stream: &Sealed<'_>, payload: &[u8]) -> Option<()> {
        let from = self.next;
        let (distance, name) = (usize::try_from(number(payload, 0, 8)).ok()?, &payload[8..24]);
        let (mut at, mut begins, mut segment) = (from.offset, self.begins, from.segment);
        let mut found = Vec::new();
        for entry in payload[24..].chunks(24).rev() {
            let (plaintext_len, wire_len) = (number(entry, 0, 4), number(entry, 4, 4));
            at = at.checked_sub(96 + usize::try_from(wire_len).ok()?).filter(|at| *at >= stream.head.len)?;
            begins = begins.checked_sub(plaintext_len).filter(|_| plaintext_len > 0)?;
            segment = segment.checked_sub(1)?;
            let wanted = Wanted { place: Place { offset: at, segment }, begins };
            found.push(Entry { wanted, plaintext_len, wire_len, tag: entry[8..].to_vec(), from });
        }
        let begun = (at, begins, segment) == (stream.head.len, 0, 0) && name == [0; 16];
        let before = from.offset.checked_sub(distance).filter(|before| *before >= stream.head.len);
        let fits = match distance {
            0 => begun,
            _ => segment > 0 && before.is_some_and(|before| before < at),
        };
        found.reverse();
        self.entries.splice(..0, found);
        (self.begins, self.next_end, self.name) = (begins, at, Some(name.to_vec()));
        self.next = Place { offset: before?, segment: segment.saturating_sub(1) };
        fits.then_some(())
    }
}

fn malformed(index: Place) -> Refusal {
    index.at("malformed.index", 96 + 8)
}
