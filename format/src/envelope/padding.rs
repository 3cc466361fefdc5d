//! §12.3 Stanza `padding`: zeros that bring the envelope to the length that its writer chose.

use super::stanza::{STANZA_HEADER_LEN, Stanza};
use crate::limits::ENVELOPE_LEN_MAX;
use crate::{Detail, Error};

/// The lengths of an envelope that a writer chooses from.
pub const ENVELOPE_LENS: [u32; 7] = [1020, 2044, 4092, 8188, 16_380, 32_764, ENVELOPE_LEN_MAX];

/// Returns the length for an envelope whose other stanzas take `stanzas_len` bytes.
///
/// There is room for the stanzas once more, so that a recipient can be added in place. If no length
/// has that much, there is room for them once. Returns `None` if they do not fit at all.
pub(super) fn envelope_len(stanzas_len: usize) -> Option<u32> {
    let holding = |needed: usize| ENVELOPE_LENS.into_iter().find(|&len| needed <= len as usize);
    holding(2 * stanzas_len + STANZA_HEADER_LEN).or_else(|| holding(stanzas_len + STANZA_HEADER_LEN))
}

/// Checks the body of a `padding` stanza.
///
/// # Errors
///
/// - `malformed.envelope` if a byte is not zero.
pub(super) fn check(stanza: &Stanza<'_>) -> Result<(), Error> {
    //= spec/stream-v2.md#sv2-env-006
    //# A reader MUST reject with `malformed.envelope` a `padding` stanza whose body is not zero.
    if stanza.body.iter().any(|&byte| byte != 0) {
        return Err(Error::new(Detail::MalformedEnvelope, stanza.offset));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_hold_stanzas_twice_or_once() {
        for (stanzas_len, expected) in [
            (0, Some(1020)),
            (508, Some(1020)),
            (509, Some(2044)),
            (32_764, Some(65_532)),
            // Twice does not fit any more.
            (32_765, Some(65_532)),
            (65_528, Some(65_532)),
            (65_529, None),
        ] {
            assert_eq!(envelope_len(stanzas_len), expected, "{stanzas_len}");
        }
        assert!(ENVELOPE_LENS.iter().all(|len| len % 8 == 4));
    }
}
