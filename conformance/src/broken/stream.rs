//! §15: the sequential reader.

use super::header::{self, Head};
use super::index::Seen;
use super::segment::{self, Header, Place};
use super::{Bug, Refusal};
use crate::generator::primitives::hmac;

/// The result of reading a stream.
pub(super) struct Reading {
    pub(super) released: Vec<u8>,
    pub(super) refusal: Option<Refusal>,
}

/// Reads a whole input.
pub(super) fn read(
    bug: Bug<'_>,
    input: &[u8],
    content_key: Option<&[u8; 32]>,
    context: &[u8],
    salvage: bool,
) -> Reading {
    let mut released = Vec::new();
    let refusal = header::read(bug, input, content_key, context)
        .and_then(|head| {
            Reader { bug, input, salvage, head, state: State::default() }.segments(&mut released)
        })
        .err();
    Reading { released, refusal }
}

/// The reader's state between two segments.
#[derive(Default)]
struct State {
    segments: usize,
    total: u64,
    transcript: [u8; 32],
    /// R of the segment before (§8.3).
    run: [u8; 20],
    /// Index, run_salt and plaintext length of the segment before.
    before: Option<(u64, [u8; 16], u64)>,
    index: Seen,
}

struct Reader<'a> {
    bug: Bug<'a>,
    input: &'a [u8],
    salvage: bool,
    head: Head,
    state: State,
}

impl Reader<'_> {
    fn segments(&mut self, released: &mut Vec<u8>) -> Result<(), Refusal> {
        let mut offset = self.head.len;
        loop {
            let place = Place { offset, segment: self.state.segments };
            let rest = &self.input[offset..];
            if rest.is_empty() && self.bug.is("accepts-an-end-between-segments") {
                return Ok(());
            }
            self.whole("SV2-FIN-004", !rest.is_empty(), place)?;
            if rest.is_empty() {
                return Ok(());
            }
            self.whole("SV2-SEG-001", rest.len() >= 96, place)?;
            if self.bug.is("skips-unknown-segments") && !matches!(rest[8], 0..=2) {
                offset += 96 + usize::try_from(super::number(rest, 36, 4)).unwrap_or(0);
                continue;
            }
            let len = match self.segment(place, rest, released) {
                Err(_) if self.bug.is("goes-on-after-a-damaged-segment") => {
                    let len = 96 + usize::try_from(super::number(rest, 36, 4)).unwrap_or(0);
                    if len > rest.len() {
                        return Ok(());
                    }
                    self.state.segments += 1;
                    len
                }
                other => other?,
            };
            offset += len;
            if rest[8] == 2 {
                let end = Place { offset, segment: self.state.segments };
                return self.bug.check("SV2-FIN-003", offset == self.input.len(), || end.at("trailing", 0));
            }
        }
    }

    /// Refuses with `truncated` if the input ends too early.
    fn whole(&self, requirement: &str, holds: bool, place: Place) -> Result<(), Refusal> {
        let salvages = self.salvage || self.bug.is("salvages-unasked");
        if !holds && salvages && self.bug.is("answers-salvage-with-success") {
            return Err(Refusal { error: "", offset: None, segment: None });
        }
        let error = if salvages { "truncated.unsealed" } else { "truncated" };
        self.bug.check(requirement, holds, || Place { offset: self.input.len(), ..place }.at(error, 0))
    }

    /// Reads one segment and returns its length.
    fn segment(&mut self, place: Place, rest: &[u8], released: &mut Vec<u8>) -> Result<usize, Refusal> {
        let header = segment::header(self.bug, &self.head, place, &rest[..96])?;
        self.order(&header, place)?;
        let len = 96 + header.wire_len;
        self.whole("SV2-SEG-024", rest.len() >= len, place)?;
        let bytes = &rest[..len.min(rest.len())];
        let mut early = Vec::new();
        let opened = header.open(self.bug, &self.head, place, bytes, |frame| early.extend_from_slice(frame));
        if self.bug.is("releases-frame-by-frame") {
            released.extend(early);
        }
        let opened = opened?;
        let refuse = |error| place.at(error, opened.terminator_at);
        if header.is_final() {
            let position = (place.offset - self.head.len) as u64;
            let numbers = [self.state.total, position, self.state.index.distance(place.offset)]
                .map(u64::to_le_bytes)
                .concat();
            let trailer = [numbers.as_slice(), &self.state.transcript, &self.state.run].concat();
            let right = [u64::MAX, self.state.total].contains(&self.head.plaintext_len);
            if !right && !self.bug.is("compares-no-plaintext-total") {
                return Err(refuse("auth.trailer"));
            }
            self.bug.check("SV2-FIN-001", opened.terminator == trailer, || refuse("auth.trailer"))?;
        } else if header.proves_history() {
            let fits = header.link_fits(&opened.terminator);
            self.bug.check("SV2-DIG-007", fits, || refuse("malformed.terminator"))?;
            let history = [&self.state.transcript[..], &self.state.run].concat();
            let compared = if self.bug.is("ignores-links") { 32 } else { 52 };
            let continues = opened.terminator.get(..compared) == Some(&history[..compared]);
            self.bug.check("SV2-DIG-005", continues, || refuse("order.transcript"))?;
        } else if opened.terminator.iter().any(|byte| *byte != 0)
            && !self.bug.is("fills-the-terminator-as-it-likes")
        {
            return Err(refuse("malformed.terminator"));
        }
        let payload_at = 96 + 8;
        if !header.is_data() && !header.is_final() {
            let describes = self.state.index.describes(&opened.payload, place.offset);
            self.bug.check("SV2-IDX-004", describes, || place.at("malformed.index", payload_at))?;
        } else if !self.bug.is("releases-frame-by-frame") {
            released.extend_from_slice(&opened.payload);
        }
        if !header.is_final() {
            self.state.index.follow(&header, rest, place.offset);
            let index = header.index.to_le_bytes();
            self.state.run[..16].copy_from_slice(&header.run_salt);
            if header.run_start {
                self.state.run[16..].copy_from_slice(&index[..4]);
            }
            self.state.transcript =
                hmac(&self.head.keys.chain, &[&self.state.transcript, &index[..4], &opened.digest]);
        }
        self.state.segments += 1;
        self.state.total += header.plaintext_len;
        self.state.before = Some((header.index, header.run_salt, header.plaintext_len));
        Ok(len)
    }

    /// Checks the order (§15.2).
    fn order(&self, header: &Header, place: Place) -> Result<(), Refusal> {
        let refuse = |holds: bool, bug: &str, error, field| {
            if holds || self.bug.is(bug) { Ok(()) } else { Err(place.at(error, field)) }
        };
        let expected = self.state.before.map_or(0, |(index, ..)| index + 1);
        refuse(header.index == expected, "counts-order-of-runs-only", "order.segment_index", 4)?;
        if let Some((_, run_salt, plaintext_len)) = self.state.before {
            let same = header.run_salt == run_salt;
            refuse(same || header.run_start, "lets-the-run-salt-change", "order.run", 12)?;
            refuse(!(same && header.run_start), "lets-a-run-begin-with-the-same-salt", "order.run", 12)?;
            let full = plaintext_len == self.head.segment_size || header.is_final() || !self.head.uniform;
            refuse(full, "lets-uniform-segments-be-short", "order.uniform", 28)?;
        }
        let within = self.state.total.saturating_add(header.plaintext_len) <= self.head.plaintext_len;
        let over = || place.at("limit.stream_plaintext_len", 28);
        self.bug.check("SV2-HDR-018", within || header.is_final(), over)?;
        let follows = self.state.index.may_follow(header, self.head.segment_size);
        self.bug.check("SV2-IDX-005", follows, || place.at("order.index", 4))
    }
}
