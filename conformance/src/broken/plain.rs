//! The reader without a bug, as a second opinion.

use super::Bug;
use super::stream::read;
use super::unlock::{Asked, unlock};
use crate::brought::{Brought, Limits};
use crate::generator::wire::wrapping::key_id;

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

/// Opens a stream header (§12.6), and returns the id of the content key in hex.
///
/// # Errors
///
/// - the detail of the error.
pub fn plain_unwrap(
    input: &[u8],
    detached: Option<&[u8]>,
    context: &[u8],
    brought: &Brought,
) -> Result<String, &'static str> {
    let detached = detached.map(<[u8]>::to_vec);
    let asked = Asked::new(input.to_vec(), detached, context.to_vec(), brought, Limits::default());
    match unlock(Bug(""), &asked) {
        Ok((content_key, _)) => Ok(hex::encode(key_id(&content_key))),
        Err(refusal) => Err(refusal.error),
    }
}
