//! §12 Stanza: a type, a length and a body. Stanzas fill the envelope without gaps.
//!
//! ```text
//! 0 stanza_type u16 | 2 body_len u16 | 4 body (body_len)
//! ```

use nom::bytes::streaming::take;
use nom::number::streaming::le_u16;

use crate::limits::STREAM_HEADER_LEN;
use crate::wire::outcome::Step;
use crate::{Detail, Error, Offset};

/// The offset at which every envelope begins.
pub(super) const ENVELOPE_OFFSET: Offset = Offset(STREAM_HEADER_LEN as u64);
/// Bytes of a stanza before its body.
pub(super) const STANZA_HEADER_LEN: usize = 4;

/// One stanza: its type and its body, without a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stanza<'a> {
    /// The type on the wire; unknown types are skipped (SV2-ENV-007).
    pub stanza_type: u16,
    /// The body.
    pub body: &'a [u8],
    /// The offset of the stanza, in bytes from the start of the stream.
    pub offset: Offset,
}

/// The stanzas of an envelope that are still to be parsed.
pub(super) struct Stanzas<'a> {
    pub(super) rest: &'a [u8],
    pub(super) offset: Offset,
}

impl<'a> Stanzas<'a> {
    /// Returns the next stanza, or `None` at the end.
    ///
    /// # Errors
    ///
    /// - `malformed.envelope` if the stanzas do not fill the envelope.
    pub(super) fn next_stanza(&mut self) -> Result<Option<Stanza<'a>>, Error> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        //= spec/stream-v2.md#sv2-env-003
        //# A reader MUST reject with `malformed.envelope` stanzas that do not fill envelope_len
        //# exactly.
        let Ok((rest, (stanza_type, body))) = stanza(self.rest) else {
            self.rest = &[];
            return Err(Error::new(Detail::MalformedEnvelope, self.offset));
        };
        let stanza = Stanza { stanza_type, body, offset: self.offset };
        self.offset = self.offset.plus((STANZA_HEADER_LEN + body.len()) as u64);
        self.rest = rest;
        Ok(Some(stanza))
    }
}

fn stanza(input: &[u8]) -> Step<'_, (u16, &[u8])> {
    let (rest, stanza_type) = le_u16(input)?;
    let (rest, body_len) = le_u16(rest)?;
    let (rest, body) = take(body_len)(rest)?;
    Ok((rest, (stanza_type, body)))
}
