//! One error for the whole pipeline: which stage, which segment, and why.

use std::any::Any;
use std::{fmt, io};

use stream_v2_format::{self as format, ErrorKind};

/// Names the part of the pipeline that failed.
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

/// Says why a stage failed.
#[derive(Debug)]
#[non_exhaustive]
pub enum Cause {
    /// The stream breaks a rule of the format, or was asked to.
    Format(format::Error),
    /// The operating system reported an error.
    Io(io::Error),
    /// A stage panicked with this message: a defect in it.
    Panic(String),
    /// The caller requested a shutdown.
    Interrupted,
}

/// Reports the one error that ended a run.
#[derive(Debug)]
pub struct Error {
    stage: Stage,
    segment: Option<u64>,
    cause: Cause,
}

impl Error {
    pub(crate) const fn format(stage: Stage, error: format::Error) -> Self {
        Self { stage, segment: error.segment(), cause: Cause::Format(error) }
    }

    /// What a worker makes of a segment.
    pub(crate) const fn worker(error: format::Error) -> Self {
        Self::format(Stage::Worker, error)
    }

    pub(crate) const fn io(stage: Stage, segment: Option<u64>, error: io::Error) -> Self {
        Self { stage, segment, cause: Cause::Io(error) }
    }

    pub(crate) const fn interrupted(segment: Option<u64>) -> Self {
        Self { stage: Stage::Source, segment, cause: Cause::Interrupted }
    }

    pub(crate) fn panic(stage: Stage, segment: Option<u64>, payload: &(dyn Any + Send)) -> Self {
        let message = payload
            .downcast_ref::<&str>()
            .map(ToString::to_string)
            .or_else(|| payload.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "no message".into());
        Self { stage, segment, cause: Cause::Panic(message) }
    }

    /// The same error of an output that is read back.
    pub(crate) fn of_output(self) -> Self {
        match self.cause {
            Cause::Format(_) | Cause::Io(_) => Self { stage: Stage::Sink, ..self },
            _ => self,
        }
    }

    /// The stage that failed.
    #[must_use]
    pub const fn stage(&self) -> Stage {
        self.stage
    }

    /// The number of segments before the one at fault, where there is one.
    #[must_use]
    pub const fn segment(&self) -> Option<u64> {
        self.segment
    }

    /// Why it failed.
    #[must_use]
    pub const fn cause(&self) -> &Cause {
        &self.cause
    }

    /// Whether the input ended too early.
    pub(crate) fn is_truncated(&self) -> bool {
        self.kind() == Some(ErrorKind::Truncated)
    }

    /// The format error, where the stream is at fault.
    #[must_use]
    pub const fn format_error(&self) -> Option<&format::Error> {
        match &self.cause {
            Cause::Format(error) => Some(error),
            _ => None,
        }
    }

    /// The kind of the format error, where the stream is at fault.
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
        match &self.cause {
            Cause::Format(error) => Some(error),
            Cause::Io(error) => Some(error),
            Cause::Panic(_) | Cause::Interrupted => None,
        }
    }
}
