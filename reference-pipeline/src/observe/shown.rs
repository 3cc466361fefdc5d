//! The `{:?}` output of bytes: only their number. Logs and panics must not hold plaintext.

use std::fmt;

/// A number of bytes, in place of the bytes.
pub(crate) struct Len(pub(crate) usize);

impl fmt::Debug for Len {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0)
    }
}
