//! §12 Stanza `padding`: zeros that bring the envelope to the length that its writer chose.

use super::Stanza;
use crate::{Detail, Error};

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
