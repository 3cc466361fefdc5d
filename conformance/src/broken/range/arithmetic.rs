//! Finds segments by arithmetic. Links are followed from the trailer down.

use super::super::Refusal;
use super::super::segment::{Header, Place};
use super::sealed::{Sealed, link_parts};
use super::{Wanted, is_data};

/// Known runs, the last one first.
pub(super) struct Arithmetic {
    runs: Vec<([u8; 16], u64)>,
}

impl Arithmetic {
    pub(super) fn new(stream: &Sealed<'_>) -> Self {
        Self { runs: vec![stream.run] }
    }

    pub(super) fn wanted(
        &mut self,
        stream: &mut Sealed<'_>,
        begin: u64,
        end: u64,
    ) -> Result<Vec<Wanted>, Refusal> {
        let size = stream.head.segment_size;
        let (lowest, last) = (begin / size, end.div_ceil(size));
        while let Some((_, first)) = self.runs.last().copied().filter(|(_, first)| *first > lowest) {
            let place = place(stream, first);
            stream.may_read_link(place)?;
            let header = stream.header_at(place)?;
            is_data(&header, place)?;
            if !stream.bug.is("compares-no-first-segment") {
                self.check(stream, &header, place)?;
            }
            let before = link_parts(&stream.link_of(&header, place)?.0);
            // Only a reader that takes any link gets here, and it would not end.
            if before.1 >= first {
                break;
            }
            self.runs.push(before);
        }
        Ok((lowest..last).map(|index| Wanted { place: place(stream, index), begins: index * size }).collect())
    }

    /// Checks SV2-RNG-005, and that the length is the one at this place.
    pub(super) fn check(&self, stream: &Sealed<'_>, header: &Header, place: Place) -> Result<(), Refusal> {
        let holds =
            self.runs.iter().find(|(_, first)| *first <= header.index).is_some_and(|(salt, first)| {
                header.run_salt == *salt && (header.index != *first || header.run_start)
            });
        stream.bug.check("SV2-RNG-005", holds, || place.at("order.run", 12))?;
        let size = stream.head.segment_size;
        let right = size.min(stream.total.saturating_sub(header.index * size));
        let full = header.plaintext_len == right || stream.bug.is("SV2-RNG-001");
        if full { Ok(()) } else { Err(place.at("order.uniform", 28)) }
    }
}

fn place(stream: &Sealed<'_>, index: u64) -> Place {
    let at = usize::try_from(index * stream.full_len()).unwrap_or(usize::MAX / 2);
    Place { offset: stream.head.len + at, segment: usize::try_from(index).unwrap_or(usize::MAX) }
}
