//! §12 Stanza `padding`: zeros, which make the envelope as long as its writer wants it.

use super::Stanza;
use crate::{Detail, Error};

/// Checks the body of a `padding` stanza.
///
/// # Errors
/// `malformed.envelope` for a byte that is not zero.
pub(super) fn check(stanza: &Stanza<'_>) -> Result<(), Error> {
    //= spec/stream-v2.md#sv2-env-006
    //# A reader MUST reject with `malformed.envelope` a `padding` stanza whose body is not zero.
    if stanza.body.iter().any(|&byte| byte != 0) {
        return Err(Error::new(Detail::MalformedEnvelope, stanza.offset));
    }
    Ok(())
}
