//! §8.2, §9 How far a stream has come: transcript, totals and position, and what the final segment must say of them.

use alloc::sync::Arc;

use super::key_schedule::StreamKeys;
use super::mac::equal;
use super::open::terminator_at;
use super::{AuthenticHeader, Digest, OpenedSegment, SealedSegment, StreamOpener, StreamSealer, Transcript};
use crate::wire::{HeaderV1, SegmentHeader, SegmentKind, Trailer};
use crate::{Detail, Error, Offset};

/// Follows the segments of a stream in order, for its writer or for a sequential reader.
#[derive(Clone)]
pub struct Progress {
    keys: Arc<StreamKeys>,
    header: HeaderV1,
    transcript: Transcript,
    segments: u64,
    plaintext_len: u64,
    position: u64,
    /// Whether a data segment that is not full was followed.
    short: bool,
}

impl Progress {
    /// Begins before segment 0 of a stream that is being written.
    #[must_use]
    pub fn of_writer(stream: &StreamSealer) -> Self {
        Self::new(stream.keys.clone(), *stream.header())
    }

    /// Begins before segment 0 of a stream that is being read.
    #[must_use]
    pub fn of_reader(stream: &StreamOpener) -> Self {
        Self::new(stream.keys.clone(), *stream.header())
    }

    const fn new(keys: Arc<StreamKeys>, header: HeaderV1) -> Self {
        Self {
            keys,
            header,
            transcript: Transcript::EMPTY,
            segments: 0,
            plaintext_len: 0,
            position: 0,
            short: false,
        }
    }

    /// T of the segments so far.
    #[must_use]
    pub const fn transcript(&self) -> &Transcript {
        &self.transcript
    }

    /// How many segments have been followed.
    #[must_use]
    pub const fn segments(&self) -> u64 {
        self.segments
    }

    /// Plaintext bytes in the segments so far.
    #[must_use]
    pub const fn plaintext_len(&self) -> u64 {
        self.plaintext_len
    }

    /// Bytes of the body so far.
    #[must_use]
    pub const fn position(&self) -> u64 {
        self.position
    }

    /// What the final segment must say if it comes next.
    #[must_use]
    pub const fn trailer(&self) -> Trailer {
        Trailer {
            plaintext_len: self.plaintext_len,
            position: self.position,
            index_distance: 0,
            transcript: *self.transcript.bytes(),
        }
    }

    /// Takes in the next segment that was sealed; it may be written afterwards.
    ///
    /// # Errors
    /// `misuse` for a data segment after one that is not full, where the stream promises full ones (SV2-HDR-016).
    pub fn sealed(&mut self, sealed: &SealedSegment) -> Result<(), Error> {
        let header = &sealed.header;
        if self.header.uniform() && self.short && header.kind == SegmentKind::Data {
            return Err(Error::new(Detail::Misuse, Offset(0)).in_segment(self.segments));
        }
        self.advance(header, &sealed.digest);
        Ok(())
    }

    /// Takes in the next segment that was opened; its plaintext may be released afterwards. Step 16 of §15.1.
    ///
    /// # Errors
    /// `order.transcript` where a run continues another history, `auth.trailer` where the final segment does not match the
    /// stream before it.
    pub fn opened(&mut self, authentic: &AuthenticHeader, opened: &OpenedSegment) -> Result<(), Error> {
        let header = authentic.header();
        let at = terminator_at(authentic, opened);
        if header.kind == SegmentKind::Final {
            if !equal(opened.terminator(), &self.trailer().to_bytes()) || !self.is_declared_len() {
                return Err(authentic.error(Detail::AuthTrailer, at));
            }
        } else if header.flags.run_start() && !equal(opened.terminator(), self.transcript.bytes()) {
            return Err(authentic.error(Detail::OrderTranscript, at));
        }
        self.advance(header, &opened.digest);
        Ok(())
    }

    fn is_declared_len(&self) -> bool {
        self.header.params().plaintext_len.is_none_or(|declared| declared == self.plaintext_len)
    }

    fn advance(&mut self, header: &SegmentHeader, digest: &Digest) {
        if header.kind != SegmentKind::Final {
            self.transcript = self.transcript.then(&self.keys.chain, header.index, digest);
        }
        self.short |= header.kind == SegmentKind::Data && header.plaintext_len < self.header.segment_size();
        self.segments += 1;
        self.plaintext_len += u64::from(header.plaintext_len);
        self.position += header.segment_len();
    }
}
