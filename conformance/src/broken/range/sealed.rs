//! The final segment, and reading single segments.

use super::super::header::{self, Head};
use super::super::segment::{self, Header, Opened, Place};
use super::super::{Bug, Refusal, number};

const FINAL_SEGMENT_LEN: usize = 256;

/// A stream whose final segment is verified.
pub(super) struct Sealed<'a> {
    pub(super) bug: Bug<'a>,
    pub(super) input: &'a [u8],
    pub(super) head: Head,
    /// The final segment.
    pub(super) end: Place,
    pub(super) trailer: Vec<u8>,
    trailer_at: usize,
    pub(super) total: u64,
    pub(super) distance: u64,
    /// The salt of the last segment's run, and the first segment of that run.
    pub(super) run: ([u8; 16], u64),
    links_left: Option<u64>,
}

/// Returns the two parts of a link.
pub(super) fn link_parts(link: &[u8]) -> ([u8; 16], u64) {
    (link.first_chunk().copied().unwrap_or_default(), number(link, 16, 4))
}

impl<'a> Sealed<'a> {
    pub(super) fn open(
        bug: Bug<'a>,
        input: &'a [u8],
        content_key: Option<&[u8; 32]>,
        context: &[u8],
        links_left: Option<u64>,
    ) -> Result<Self, Refusal> {
        let head = header::read(bug, input, content_key, context)?;
        let end = Place { offset: head.len, segment: 0 };
        let (trailer, trailer_at, total, distance, run) = (Vec::new(), 0, 0, 0, ([0; 16], 0));
        let mut stream =
            Self { bug, input, head, end, trailer, trailer_at, total, distance, run, links_left };
        let offset = input.len().saturating_sub(FINAL_SEGMENT_LEN);
        let header = match stream.header_at(Place { offset, segment: 0 }) {
            Ok(header) if header.is_final() && offset >= stream.head.len => header,
            Err(refusal) if bug.is("SV2-RNG-010") => return Err(refusal),
            _ => return Err(stream.what_stands_there()),
        };
        stream.end = Place { offset, segment: usize::try_from(header.index).unwrap_or(usize::MAX) };
        let position = (offset - stream.head.len) as u64;
        let right = !stream.head.uniform || header.index == position.div_ceil(stream.full_len());
        bug.check("SV2-RNG-001", right, || stream.end.at("order.segment_index", 4))?;
        let opened = header.open(bug, &stream.head, stream.end, &input[offset..], |_| ())?;
        stream.trailer_at = opened.terminator_at;
        stream.take(&header, opened.terminator, position)?;
        Ok(stream)
    }

    /// Performs step 16, and the checks that the trailer allows by itself.
    fn take(&mut self, header: &Header, trailer: Vec<u8>, position: u64) -> Result<(), Refusal> {
        let field = |at| number(&trailer, at, 8);
        (self.total, self.distance) = (field(0), field(16));
        self.run = link_parts(&trailer[56..]);
        let named = field(8);
        self.trailer = trailer;
        self.trailer_check("SV2-FIN-005", header.link_fits(&self.trailer))?;
        let declared = [u64::MAX, self.total].contains(&self.head.plaintext_len);
        if !declared && !self.bug.is("compares-no-plaintext-total") {
            return Err(self.wrong_trailer());
        }
        self.trailer_check("SV2-FIN-006", named == position)?;
        let possible = match self.head.uniform {
            true => self.uniform_end() == Some((position, self.end.segment as u64)),
            false => self.distance <= position,
        };
        self.trailer_check("SV2-RNG-001", possible)?;
        let empty = self.end.segment != 0 || self.trailer.iter().all(|byte| *byte == 0);
        self.trailer_check("SV2-FIN-001", empty)
    }

    pub(super) fn wrong_trailer(&self) -> Refusal {
        self.end.at("auth.trailer", self.trailer_at)
    }

    pub(super) fn trailer_check(&self, requirement: &str, holds: bool) -> Result<(), Refusal> {
        self.bug.check(requirement, holds, || self.wrong_trailer())
    }

    /// Returns w of §14.1.
    pub(super) fn full_len(&self) -> u64 {
        let (segment_size, frame_size) = (self.head.segment_size, self.head.frame_size);
        segment_size + 24 * (segment_size / frame_size) + 232
    }

    /// Returns the place of the final segment that follows from the total, and its segment_index.
    fn uniform_end(&self) -> Option<(u64, u64)> {
        let (full, rest) = (self.total / self.head.segment_size, self.total % self.head.segment_size);
        let last = rest + 24 * rest.div_ceil(self.head.frame_size) + 232;
        let position = full.checked_mul(self.full_len())?;
        Some(if rest == 0 { (position, full) } else { (position.checked_add(last)?, full + 1) })
    }

    /// Returns the refusal that a walk from segment 0 finds (SV2-RNG-010).
    fn what_stands_there(&self) -> Refusal {
        let mut place = Place { offset: self.head.len, segment: 0 };
        let mut before: Option<Header> = None;
        loop {
            let header = match self.header_at(place) {
                Ok(header) => header,
                Err(refusal) => return refusal,
            };
            if header.index != place.segment as u64 {
                return place.at("order.segment_index", 4);
            }
            if before.as_ref().is_some_and(|before| header.run_start == (header.run_salt == before.run_salt))
            {
                return place.at("order.run", 12);
            }
            let end = place.offset + 96 + header.wire_len;
            if end > self.input.len() {
                return Place { offset: self.input.len(), ..place }.at("truncated", 0);
            }
            place = Place { offset: end, segment: place.segment + 1 };
            if header.is_final() {
                return place.at("trailing", 0);
            }
            before = Some(header);
        }
    }

    /// Performs steps 1 to 9.
    pub(super) fn header_at(&self, place: Place) -> Result<Header, Refusal> {
        let bytes = self.input.get(place.offset..).filter(|rest| rest.len() >= 96);
        let truncated = || Place { offset: self.input.len(), ..place }.at("truncated", 0);
        segment::header(self.bug, &self.head, place, &bytes.ok_or_else(truncated)?[..96])
    }

    /// Performs steps 11 to 16.
    pub(super) fn open_segment(&self, header: &Header, place: Place) -> Result<Opened, Refusal> {
        let bytes = self.input.get(place.offset..place.offset + 96 + header.wire_len);
        let truncated = || Place { offset: self.input.len(), ..place }.at("truncated", 0);
        let bytes = bytes.ok_or_else(truncated)?;
        let opened = header.open(self.bug, &self.head, place, bytes, |_| ())?;
        self.fits(header, place, &opened.terminator, opened.terminator_at)?;
        Ok(opened)
    }

    /// Checks SV2-DIG-006 and SV2-DIG-007.
    fn fits(&self, header: &Header, place: Place, terminator: &[u8], at: usize) -> Result<(), Refusal> {
        let refuse = || place.at("malformed.terminator", at);
        if header.proves_history() {
            return self.bug.check("SV2-DIG-007", header.link_fits(terminator), refuse);
        }
        let zero = terminator.iter().all(|byte| *byte == 0);
        if zero || self.bug.is("fills-the-terminator-as-it-likes") { Ok(()) } else { Err(refuse()) }
    }

    /// Checks SV2-RNG-009.
    pub(super) fn may_read_link(&mut self, place: Place) -> Result<(), Refusal> {
        let Some(left) = &mut self.links_left else { return Ok(()) };
        let holds = *left > 0;
        *left = left.saturating_sub(1);
        self.bug.check("SV2-RNG-009", holds, || place.at("limit.policy", 0))
    }

    /// Returns the link, and the offset of its frame in the segment (SV2-RNG-006).
    pub(super) fn link_of(&self, header: &Header, place: Place) -> Result<(Vec<u8>, usize), Refusal> {
        if self.bug.is("opens-the-whole-segment-for-a-link") {
            self.open_segment(header, place)?;
        }
        let bytes = &self.input[place.offset..];
        let (terminator, at) = header.open_terminator(self.bug, &self.head, place, bytes)?;
        if !self.bug.is("takes-any-link") {
            self.fits(header, place, &terminator, at)?;
        }
        Ok((terminator[32..].to_vec(), at))
    }
}
