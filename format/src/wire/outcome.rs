//! The outcomes of parsing, and the conversion from nom's. No other file converts them.

use core::num::NonZeroUsize;

use nom::bytes::streaming::take;
use nom::error::{ErrorKind as NomKind, ParseError};
use nom::{IResult, Needed};

use crate::{Detail, Error, Offset};

/// The outcome of a parser that did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "a parser that did not fail has these two outcomes, and no other"
)]
pub enum Parsed<T> {
    /// A value, and the number of input bytes that it took.
    Complete(T, usize),
    /// The input is the beginning of a value and lacks at least this many bytes.
    NeedMore(NonZeroUsize),
}

impl<T> Parsed<T> {
    /// Returns the value and the number of bytes that it took, or `None` if more input is needed.
    pub fn complete(self) -> Option<(T, usize)> {
        match self {
            Self::Complete(value, consumed) => Some((value, consumed)),
            Self::NeedMore(_) => None,
        }
    }

    /// Applies `f` to a complete value.
    ///
    /// # Errors
    ///
    /// - The error of `f`.
    pub fn and_then<U>(self, f: impl FnOnce(T) -> Result<U, Error>) -> Result<Parsed<U>, Error> {
        match self {
            Self::Complete(value, consumed) => Ok(Parsed::Complete(f(value)?, consumed)),
            Self::NeedMore(missing) => Ok(Parsed::NeedMore(missing)),
        }
    }
}

/// The failure of a parser: the detail, and how much input was left at that point.
#[derive(Debug)]
pub(crate) struct Fault {
    detail: Detail,
    left: usize,
}

impl ParseError<&[u8]> for Fault {
    fn from_error_kind(input: &[u8], _: NomKind) -> Self {
        Self { detail: Detail::MalformedEnvelope, left: input.len() }
    }

    fn append(_: &[u8], _: NomKind, other: Self) -> Self {
        other
    }
}

/// The return type of the private parsers.
pub(crate) type Step<'a, T> = IResult<&'a [u8], T, Fault>;

/// Takes the next `N` bytes as an array.
pub(crate) fn array<const N: usize>(input: &[u8]) -> Step<'_, [u8; N]> {
    let (rest, bytes) = take(N)(input)?;
    let mut array = [0; N];
    array.copy_from_slice(bytes);
    Ok((rest, array))
}

/// Fails with `detail` at the first byte of `at`.
pub(crate) fn fail<T>(at: &[u8], detail: Detail) -> Step<'_, T> {
    Err(nom::Err::Failure(Fault { detail, left: at.len() }))
}

/// Converts the result of `step` on `input`, which is at `offset`, into the public outcome.
pub(crate) fn outcome<T>(step: Step<'_, T>, input: &[u8], offset: Offset) -> Result<Parsed<T>, Error> {
    match step {
        Ok((rest, value)) => Ok(Parsed::Complete(value, input.len() - rest.len())),
        Err(nom::Err::Incomplete(Needed::Size(missing))) => Ok(Parsed::NeedMore(missing)),
        Err(nom::Err::Incomplete(Needed::Unknown)) => Ok(Parsed::NeedMore(NonZeroUsize::MIN)),
        Err(nom::Err::Error(fault) | nom::Err::Failure(fault)) => {
            let at = input.len().saturating_sub(fault.left) as u64;
            Err(Error::new(fault.detail, offset.plus(at)))
        }
    }
}

/// Returns the value of a parser that was given all of its input.
pub(crate) fn complete<T>(
    step: Step<'_, T>,
    input: &[u8],
    offset: Offset,
    short: Detail,
) -> Result<T, Error> {
    match outcome(step, input, offset)? {
        Parsed::Complete(value, _) => Ok(value),
        Parsed::NeedMore(_) => Err(Error::new(short, offset)),
    }
}
