//! The reader without a bug, as a second opinion.

use super::Bug;
use super::stream::read;

/// A reader's result for an input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opinion {
    /// The plaintext that was released.
    pub released: Vec<u8>,
    /// The detail of the error, its offset in bytes from the start of the stream, and its segment.
    /// There is no error for an accepted stream.
    pub error: Option<(&'static str, Option<usize>, Option<usize>)>,
}

/// Reads a whole input, strictly or as salvage (§15), without any of the optional parts of the
/// format.
#[must_use]
pub fn plain_read(input: &[u8], content_key: &[u8; 32], context: &[u8], salvage: bool) -> Opinion {
    let reading = read(Bug(""), input, Some(content_key), context, salvage);
    let error = reading.refusal.map(|refusal| (refusal.error, refusal.offset, refusal.segment));
    Opinion { released: reading.released, error }
}
