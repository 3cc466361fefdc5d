//! Segments that are opened in order from the first one are checked as by a sequential reader.

use super::super::Refusal;
use super::super::segment::{Header, Opened, Place};
use super::sealed::Sealed;
use crate::generator::primitives::hmac;

/// T and R of the segments that were opened in order.
#[derive(Default)]
pub(super) struct InOrder {
    segments: usize,
    transcript: [u8; 32],
    run: [u8; 20],
}

impl InOrder {
    pub(super) fn follow(
        &mut self,
        stream: &Sealed<'_>,
        header: &Header,
        place: Place,
        opened: &Opened,
    ) -> Result<(), Refusal> {
        if place.segment != self.segments || stream.bug.is("is-no-sequential-reader") {
            return Ok(());
        }
        let history = [&self.transcript[..], &self.run].concat();
        let continues = !header.proves_history() || opened.terminator == history;
        let refuse = || place.at("order.transcript", opened.terminator_at);
        stream.bug.check("SV2-DIG-005", continues, refuse)?;
        let index = header.index.to_le_bytes();
        self.transcript = hmac(&stream.head.keys.chain, &[&self.transcript, &index[..4], &opened.digest]);
        self.run[..16].copy_from_slice(&header.run_salt);
        if header.run_start {
            self.run[16..].copy_from_slice(&index[..4]);
        }
        self.segments += 1;
        if self.segments == stream.end.segment {
            let last = stream.header_at(stream.end)?;
            let continues = last.run_start != (last.run_salt == header.run_salt);
            let bugs = ["lets-the-run-salt-change", "lets-a-run-begin-with-the-same-salt"];
            if !continues && !stream.bug.is(bugs[usize::from(last.run_start)]) {
                return Err(stream.end.at("order.run", 12));
            }
        }
        let ends = self.segments != stream.end.segment
            || stream.trailer[24..] == [&self.transcript[..], &self.run].concat();
        stream.trailer_check("SV2-FIN-001", ends)
    }
}
