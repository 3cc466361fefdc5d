//! §4 and §12: stream header and envelope.

use super::{Bug, Refusal, number};
use crate::generator::keys::Keys;
use crate::generator::primitives::{crc32c, hmac};

/// The fields of the stream header that the segments need.
pub(super) struct Head {
    pub(super) keys: Keys,
    pub(super) suite: u64,
    pub(super) uniform: bool,
    pub(super) frame_size: u64,
    pub(super) segment_size: u64,
    pub(super) epoch_segments: u64,
    pub(super) plaintext_len: u64,
    /// The offset of segment 0.
    pub(super) len: usize,
}

pub(super) fn at(error: &'static str, offset: usize) -> Refusal {
    Refusal { error, offset: Some(offset), segment: None }
}

/// The fields that are checked before the envelope.
pub(super) struct Fields {
    suite: u64,
    frame_size: u64,
    segment_size: u64,
    epoch_segments: u64,
    pub(super) envelope_len: u64,
}

/// Performs steps 1 to 8 of §15.1.
pub(super) fn fields(bug: Bug<'_>, input: &[u8]) -> Result<Fields, Refusal> {
    let check = |requirement, holds, error, offset| bug.check(requirement, holds, || at(error, offset));
    check("SV2-HDR-001", input.len() >= 128, "truncated", input.len())?;
    let number = |at, len| number(input, at, len);
    check("SV2-HDR-002", input[..8] == *b"\x89SV2\r\n\x1a\n", "malformed.magic", 0)?;
    check("SV2-HDR-003", number(124, 4) == u64::from(crc32c(&input[..124])), "malformed.header_crc", 124)?;
    check("SV2-HDR-004", number(8, 2) == 1, "unsupported.version", 8)?;
    let reserved = [15].into_iter().chain(116..124).find(|place| input[*place] != 0);
    check("SV2-HDR-005", reserved.is_none(), "malformed.reserved", reserved.unwrap_or(0))?;
    let suite = number(10, 2);
    check("SV2-HDR-006", matches!(suite, 1 | 2), "unsupported.suite", 10)?;
    check("SV2-HDR-007", number(12, 2) <= 1, "unsupported.flags", 12)?;
    let log2 = number(14, 1);
    check("SV2-HDR-008", (12..=24).contains(&log2), "limit.frame_size", 14)?;
    let (frame_size, segment_size) = (1_u64 << log2.min(40), number(16, 4));
    check("SV2-HDR-009", (frame_size..=1 << 26).contains(&segment_size), "limit.segment_size", 16)?;
    let epoch_segments = number(20, 4);
    let wears_out = suite == 2 && (epoch_segments == 0 || epoch_segments * segment_size > 1 << 40);
    check("SV2-HDR-011", !wears_out, "limit.epoch_segments", 20)?;
    let envelope_len = number(112, 4);
    check("SV2-HDR-012", envelope_len <= 65_532, "limit.envelope_len", 112)?;
    check("SV2-HDR-010", segment_size.is_multiple_of(frame_size), "malformed.segment_size", 16)?;
    check("SV2-HDR-013", envelope_len == 0 || envelope_len % 8 == 4, "malformed.envelope_len", 112)?;
    Ok(Fields { suite, frame_size, segment_size, epoch_segments, envelope_len })
}

/// Performs step 9 of §15.1 without unwrapping, and returns the offset of segment 0. If a detached
/// envelope takes the place of this one, only its length is checked.
pub(super) fn envelope(
    bug: Bug<'_>,
    input: &[u8],
    envelope_len: u64,
    is_replaced: bool,
) -> Result<usize, Refusal> {
    let check = |requirement, holds, error, offset| bug.check(requirement, holds, || at(error, offset));
    if envelope_len == 0 {
        return Ok(128);
    }
    let end = 128 + usize::try_from(envelope_len).unwrap_or(usize::MAX / 2);
    check("SV2-ENV-001", input.len() >= end + 4, "truncated", input.len())?;
    if !is_replaced {
        let crc = number(input, end, 4) == u64::from(crc32c(&input[128..end]));
        check("SV2-ENV-002", crc, "malformed.envelope_crc", end)?;
        stanzas(bug, &input[128..end])?;
    }
    Ok(end + 4)
}

/// Returns whether header_tag verifies (step 10).
pub(super) fn is_opened(input: &[u8], content_key: &[u8; 32], context: &[u8]) -> bool {
    let keys = Keys::derive(content_key, context, &input[..80]);
    hmac(&keys.header, &[&input[..80]]) == input[80..112]
}

pub(super) fn wrong_key() -> Refusal {
    at("key.header_tag", 80)
}

pub(super) fn read(
    bug: Bug<'_>,
    input: &[u8],
    content_key: Option<&[u8; 32]>,
    context: &[u8],
) -> Result<Head, Refusal> {
    let Fields { suite, frame_size, segment_size, epoch_segments, envelope_len } = fields(bug, input)?;
    let len = envelope(bug, input, envelope_len, false)?;
    let Some(content_key) = content_key else {
        let misuse = Refusal { error: "misuse", offset: None, segment: None };
        return Err(if envelope_len == 0 { misuse } else { at("unsupported.envelope", 128) });
    };
    let context = if bug.is("derives-without-context") { b"" } else { context };
    bug.check("SV2-HDR-014", is_opened(input, content_key, context), wrong_key)?;
    let keys = Keys::derive(content_key, context, &input[..80]);
    Ok(Head {
        keys,
        suite,
        uniform: number(input, 12, 2) & 1 == 1,
        frame_size,
        segment_size,
        epoch_segments,
        plaintext_len: number(input, 24, 8),
        len,
    })
}

pub(super) const ARGON2ID: u64 = 1;
pub(super) const AGE: u64 = 2;
pub(super) const KEY: u64 = 3;
const PADDING: u64 = 0xFFFF;

fn stanzas(bug: Bug<'_>, envelope: &[u8]) -> Result<(), Refusal> {
    let mut place = 0;
    let mut before: Vec<u64> = Vec::new();
    while place < envelope.len() {
        let rest = &envelope[place..];
        let check = |requirement, holds, error| bug.check(requirement, holds, || at(error, 128 + place));
        let fits = rest.len() >= 4 && rest.len() as u64 - 4 >= number(rest, 2, 2);
        check("SV2-ENV-003", fits, "malformed.envelope")?;
        if !fits {
            return Ok(());
        }
        let (kind, len) = (number(rest, 0, 2), usize::try_from(number(rest, 2, 2)).unwrap_or(0));
        let body = &rest[4..4 + len];
        let repeats = [ARGON2ID, AGE, PADDING].contains(&kind) && before.contains(&kind);
        let sorted = before.last().is_none_or(|last| *last <= kind);
        check("SV2-ENV-004", sorted && kind != 0 && !repeats, "malformed.envelope")?;
        let beside = kind != PADDING && before.contains(&ARGON2ID);
        check("SV2-ENV-005", !beside, "malformed.envelope")?;
        match kind {
            ARGON2ID => {
                check("SV2-ENV-011", len == 128 && body[44..48] == [0; 4], "malformed.envelope")?;
                let [memory, passes, lanes] =
                    [32, 36, 40].map(|at| if len < 44 { 0 } else { number(body, at, 4) });
                let allowed = (8 * lanes..=1 << 20).contains(&memory)
                    && (1..=16).contains(&passes)
                    && (1..=16).contains(&lanes);
                check("SV2-ENV-012", allowed, "limit.argon2id")?;
            }
            PADDING => check("SV2-ENV-006", body.iter().all(|byte| *byte == 0), "malformed.envelope")?,
            2 => {}
            _ if bug.is("refuses-unknown-stanzas") => return Err(at("malformed.envelope", 128 + place)),
            _ => {}
        }
        before.push(kind);
        place += 4 + len;
    }
    Ok(())
}
