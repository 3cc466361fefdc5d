//! Finds segments by walking over headers from segment 0.

use super::super::Refusal;
use super::super::segment::{Header, Place};
use super::Wanted;
use super::sealed::Sealed;

/// The headers passed so far.
#[derive(Default)]
pub(super) struct Headers {
    walked: Vec<(Wanted, Header)>,
    /// R of the last of them.
    run: [u8; 20],
}

impl Headers {
    pub(super) fn wanted(
        &mut self,
        stream: &mut Sealed<'_>,
        begin: u64,
        end: u64,
    ) -> Result<Vec<Wanted>, Refusal> {
        let goes_on = |walked: &Self, stream: &Sealed<'_>| {
            let (place, total) = walked.next(stream);
            let names = place.segment as u64 <= stream.run.1 && !stream.bug.is("walks-to-the-range-only");
            total < end || names
        };
        while goes_on(self, stream) {
            self.step(stream)?;
        }
        let wanted = |(wanted, header): &&(Wanted, Header)| {
            header.is_data() && wanted.begins < end && wanted.begins + header.plaintext_len > begin
        };
        Ok(self.walked.iter().filter(wanted).map(|(wanted, _)| *wanted).collect())
    }

    /// Returns the next place, and the number of plaintext bytes before it.
    fn next(&self, stream: &Sealed<'_>) -> (Place, u64) {
        let first = (Place { offset: stream.head.len, segment: 0 }, 0);
        self.walked.last().map_or(first, |(Wanted { place, begins }, header)| {
            let offset = place.offset + 96 + header.wire_len;
            (Place { offset, segment: place.segment + 1 }, begins + header.plaintext_len)
        })
    }

    fn step(&mut self, stream: &mut Sealed<'_>) -> Result<(), Refusal> {
        let (place, begins) = self.next(stream);
        let header = stream.header_at(place)?;
        let right = !header.is_final() && header.index == place.segment as u64;
        if !right && !stream.bug.is("counts-order-of-runs-only") {
            return Err(place.at("order.segment_index", 4));
        }
        self.order(stream, &header, place)?;
        if header.run_start && place.segment > 0 {
            stream.may_read_link(place)?;
            let (link, at) = stream.link_of(&header, place)?;
            let right = link == self.run || stream.bug.is("walks-without-links");
            stream.bug.check("SV2-RNG-007", right, || place.at("order.transcript", at))?;
        }
        self.run[..16].copy_from_slice(&header.run_salt);
        if header.run_start {
            self.run[16..].copy_from_slice(&header.index.to_le_bytes()[..4]);
        }
        self.walked.push((Wanted { place, begins }, header));
        let (next, total) = self.next(stream);
        let counted = next.offset != stream.end.offset || next.segment == stream.end.segment;
        stream.bug.check("SV2-RNG-001", counted, || stream.end.at("order.segment_index", 4))?;
        let whole = (next.offset, total) == (stream.end.offset, stream.total);
        let goes_on = next.offset < stream.end.offset
            && next.segment != stream.end.segment
            && (total < stream.total || stream.bug.is("reaches-the-total-early"));
        stream.trailer_check("SV2-RNG-001", whole || goes_on)
    }

    /// Checks SV2-ORD-002 and SV2-ORD-003, and SV2-RNG-005 of the run that the trailer names.
    fn order(&self, stream: &Sealed<'_>, header: &Header, place: Place) -> Result<(), Refusal> {
        let refuse = || place.at("order.run", 12);
        let bugs = ["walks-without-the-order-of-runs", "lets-the-run-salt-change"];
        if let Some((_, before)) = self.walked.last().filter(|_| !bugs.iter().any(|bug| stream.bug.is(bug))) {
            let continues = header.run_start != (header.run_salt == before.run_salt);
            stream.bug.check("SV2-RNG-007", continues, refuse)?;
        }
        let (salt, first) = stream.run;
        let named =
            header.index < first || (header.run_salt == salt && (header.index != first || header.run_start));
        stream.bug.check("SV2-RNG-005", named, refuse)
    }

    /// Checks that the run of a place is the run of the header found there on the walk.
    pub(super) fn check(&self, stream: &Sealed<'_>, header: &Header, place: Place) -> Result<(), Refusal> {
        let walked = self.walked.get(place.segment).map(|(_, walked)| walked.run_salt);
        stream.bug.check("SV2-RNG-005", walked == Some(header.run_salt), || place.at("order.run", 12))
    }
}
