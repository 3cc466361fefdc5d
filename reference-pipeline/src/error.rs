//! One error for the whole pipeline: the stage, the segment and the cause.

use std::any::Any;
use std::{fmt, io};

use stream_v2_format::{self as format, ErrorKind};

/// The stage of the pipeline that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stage {
    /// Parameters, key and salts, before anything flows.
    Start,
    /// Reading the input.
    Source,
    /// Sealing or opening a segment.
    Worker,
    /// Putting segments in order, transcript and totals.
    Writer,
    /// Writing the output.
    Sink,
    /// The injected log or crash manager.
    Manager,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Start => "start",
            Self::Source => "source",
            Self::Worker => "worker",
            Self::Writer => "writer",
            Self::Sink => "sink",
            Self::Manager => "log and crash manager",
        })
    }
}

/// The cause of a failure.
#[derive(Debug)]
#[non_exhaustive]
pub enum Cause {
    /// The stream breaks a rule of the format, or the caller asked the pipeline to break one.
    ///
    /// [`format::Detail`] says which rule, and what to do.
    Format(format::Error),
    /// The source, the sink or the storage failed. Remove the cause, and resume the run.
    Io(io::Error),
    /// A stage panicked with this message: a defect of this crate, or of the caller's own code.
    Panic(String),
    /// The caller requested a shutdown. The run can be resumed.
    Interrupted,
}

/// The one error that ended a run.
#[derive(Debug)]
pub struct Error {
    stage: Stage,
    segment: Option<u64>,
    cause: Cause,
    /// Offset of the first difference of another source, for its owner only.
    source_offset: Option<Withheld>,
}

/// A number that no message shows.
struct Withheld(u64);

impl fmt::Debug for Withheld {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("withheld")
    }
}

impl Error {
    const fn new(stage: Stage, segment: Option<u64>, cause: Cause) -> Self {
        Self { stage, segment, cause, source_offset: None }
    }

    /// Returns the error of a source that differs from the encrypted one at byte `at`, or as a
    /// whole if `at` is 0.
    pub(crate) const fn other_source(at: u64) -> Self {
        let cause = Cause::Format(format::Error::other_source(0));
        Self { stage: Stage::Source, segment: None, cause, source_offset: Some(Withheld(at)) }
    }

    /// Adds the offset of a `journal.source` error, for the owner of the source only (SV2-RES-029).
    ///
    /// If a resumed encryption finds another source, it reports `journal.source` at byte 0. The
    /// pipeline also knows the offset of the first difference, but withholds it. An attacker who
    /// chooses sources and sees that offset learns the encrypted data byte by byte, with at most
    /// 256 attempts each.
    ///
    /// A service that encrypts the data of others must never call this, and must limit attempts. A
    /// program that the owner of the source runs may call it. All other errors stay as they are.
    #[must_use]
    pub fn for_source_owner(self) -> Self {
        //= spec/stream-v2.md#sv2-res-029
        //# An owner MUST tell the offset of `journal.source` to the owner of the source only.
        match &self.source_offset {
            Some(Withheld(at)) => Self { cause: Cause::Format(format::Error::other_source(*at)), ..self },
            None => self,
        }
    }

    pub(crate) const fn format(stage: Stage, error: format::Error) -> Self {
        Self::new(stage, error.segment(), Cause::Format(error))
    }

    /// Returns the error of a worker.
    pub(crate) const fn worker(error: format::Error) -> Self {
        Self::format(Stage::Worker, error)
    }

    pub(crate) const fn io(stage: Stage, segment: Option<u64>, error: io::Error) -> Self {
        Self::new(stage, segment, Cause::Io(error))
    }

    pub(crate) const fn interrupted(segment: Option<u64>) -> Self {
        Self::new(Stage::Source, segment, Cause::Interrupted)
    }

    pub(crate) fn panic(stage: Stage, segment: Option<u64>, payload: &(dyn Any + Send)) -> Self {
        let message = payload
            .downcast_ref::<&str>()
            .map(ToString::to_string)
            .or_else(|| payload.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "no message".into());
        Self::new(stage, segment, Cause::Panic(message))
    }

    /// Returns the same error for an output that is read back.
    pub(crate) fn of_output(self) -> Self {
        match self.cause {
            Cause::Format(_) | Cause::Io(_) => Self { stage: Stage::Sink, ..self },
            _ => self,
        }
    }

    /// Returns the stage that failed.
    #[must_use]
    pub const fn stage(&self) -> Stage {
        self.stage
    }

    /// Returns the number of segments before the faulty one, if there is one.
    #[must_use]
    pub const fn segment(&self) -> Option<u64> {
        self.segment
    }

    /// Returns why it failed.
    #[must_use]
    pub const fn cause(&self) -> &Cause {
        &self.cause
    }

    /// Returns whether the input ended too early.
    pub(crate) fn is_truncated(&self) -> bool {
        self.kind() == Some(ErrorKind::Truncated)
    }

    /// Returns whether the envelope is damaged, or is being replaced in place at this moment.
    ///
    /// A reader that can read it again does so ([`REREADS`](crate::io::REREADS)).
    #[must_use]
    pub fn is_torn_envelope(&self) -> bool {
        self.format_error().is_some_and(format::Error::is_torn_envelope)
    }

    /// Returns the format error, if the stream is at fault.
    #[must_use]
    pub const fn format_error(&self) -> Option<&format::Error> {
        match &self.cause {
            Cause::Format(error) => Some(error),
            _ => None,
        }
    }

    /// Returns the kind of the format error, if the stream is at fault.
    #[must_use]
    pub fn kind(&self) -> Option<ErrorKind> {
        self.format_error().map(format::Error::kind)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Cause::Format(error) = &self.cause {
            return error.fmt(f);
        }
        write!(f, "{}", self.stage)?;
        if let Some(segment) = self.segment {
            write!(f, ", segment {segment}")?;
        }
        match &self.cause {
            Cause::Format(_) => Ok(()),
            Cause::Io(error) => write!(f, ": {error}"),
            Cause::Panic(message) => write!(f, ": internal defect, please report it: {message}"),
            Cause::Interrupted => f.write_str(": interrupted"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        // The message includes that of the cause, so the source is the source of the cause.
        match &self.cause {
            Cause::Format(error) => error.source(),
            Cause::Io(error) => error.source(),
            Cause::Panic(_) | Cause::Interrupted => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use super::*;

    /// Collects the message, and those of its chain of sources.
    fn told(error: &Error) -> Vec<String> {
        let mut told = vec![error.to_string()];
        let mut next = error.source();
        while let Some(source) = next {
            told.push(source.to_string());
            next = source.source();
        }
        told
    }

    #[test]
    fn an_error_and_its_sources_say_nothing_twice() {
        let format = Error::worker(format::Error::misuse(format::Misuse::ShortSegment));
        assert_eq!(told(&format).len(), 1);
        let plain = Error::io(Stage::Sink, None, io::Error::from(io::ErrorKind::StorageFull));
        assert_eq!(told(&plain), ["sink: no storage space"]);
        let disk = io::Error::from(io::ErrorKind::StorageFull);
        let nested = Error::io(Stage::Sink, Some(2), io::Error::other(Nested(disk)));
        assert_eq!(told(&nested), ["sink, segment 2: the copy failed", "no storage space"]);
    }

    /// An error whose message leaves the cause to its source.
    #[derive(Debug)]
    struct Nested(io::Error);

    impl fmt::Display for Nested {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("the copy failed")
        }
    }

    impl std::error::Error for Nested {
        fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
            Some(&self.0)
        }
    }
}
