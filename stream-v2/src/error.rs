//! The one error of this crate.

use std::error::Error as StdError;
use std::sync::Arc;
use std::{fmt, io};

use stream_v2_format::wire::Suite;
use stream_v2_format::{self as format, Detail, Misuse};
use stream_v2_pipeline::{self as pipeline, Cause, KeyFileError, SourceStamp};

use crate::report::Warning;

/// The reason why a call failed.
///
/// Programs decide by [`kind`](Self::kind), and [`problem`](Self::problem) has the details.
/// `Display` is one line for people. Clones share the details: a reader or a writer that has failed
/// gives the same error again.
///
/// # Examples
///
/// ```
/// use stream_v2::{ContentKey, decrypt, encrypt, error::ErrorKind};
///
/// let stream = encrypt(&ContentKey::new([7; 32]), "hello")?;
/// let error = decrypt(&ContentKey::new([8; 32]), stream).unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::Key);
/// # Ok::<(), stream_v2::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Error(Arc<Problem>);

/// The kind of an [`Error`], by which programs decide what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A setting that no stream can have, or a source that is not as long as declared.
    ///
    /// Change the [`Options`](crate::Options).
    Option,
    /// Another key, another context, or an altered stream header; or a file that is not a key file.
    ///
    /// Try another key. [`Decryptor::key_id`](crate::Decryptor::key_id) names the right one.
    Key,
    /// The stream ends before its final segment: it was cut off, or its writer interrupted.
    ///
    /// Fetch it again, or recover its beginning with [`Unlock::salvage`](crate::Unlock::salvage).
    Truncated,
    /// The bytes are not a stream, or were altered or damaged, or need a newer reader.
    ///
    /// Fetch the stream again. [`Error::format_error`] has the failed check and its place.
    Stream,
    /// A file exists under the name of the output, and may not be replaced.
    ///
    /// Choose another name, or set `overwrite` in the settings.
    Exists,
    /// Another process is writing the output. Wait until it has ended.
    Busy,
    /// A file under the partial name is not that of an earlier run, or has no journal to show it.
    ///
    /// Move it away, or set `restart` in the settings, which discards it.
    NotOurs,
    /// The source is not the one that the earlier run read, or cannot be read again.
    ///
    /// Restore the source, or set `restart` in the settings.
    SourceChanged,
    /// The stream to be resumed was begun with another value of a parameter, or for other
    /// recipients.
    ///
    /// Leave the parameter at its default, name the same recipients, or set
    /// [`Options::restart`](crate::Options::restart).
    OtherParameters,
    /// The partial output is not the beginning of the plaintext: someone changed it.
    ///
    /// Set [`Unlock::restart`](crate::Unlock::restart), which discards it.
    OutputChanged,
    /// A shutdown was requested. Call again to resume the run.
    Interrupted,
    /// The operating system reported an error, which [`Error::io_error`] has.
    ///
    /// Remove the cause, and call again to resume the run.
    Io,
    /// A defect in this crate or in a closure of the caller. Report it.
    Internal,
}

/// A parameter that a resumed stream was begun with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Parameter {
    /// Plaintext bytes of a full segment.
    SegmentSize(u32),
    /// Plaintext bytes of a full frame.
    FrameSize(u32),
    /// The cipher suite.
    Suite(Suite),
    /// The declared length of the plaintext.
    PlaintextLen(Option<u64>),
}

/// The details of an [`Error`], by the step of the call that failed.
///
/// [`ErrorKind`] says what to do about each.
#[derive(Debug)]
#[non_exhaustive]
pub enum Problem {
    /// A setting that no stream can have.
    Option(String),
    /// The key file cannot be used.
    KeyFile(KeyFileError),
    /// A file exists under the name of the output.
    Exists,
    /// The partial output of an earlier run cannot be discarded.
    Discard(io::Error),
    /// The partial output cannot be created.
    Create(io::Error),
    /// An earlier run's partial output cannot be resumed.
    Resume(pipeline::Error),
    /// A parameter was set to another value than this one, which the stream was begun with.
    OtherParameters(Parameter),
    /// The source was checked before resuming, and refused.
    Source {
        /// Why it was refused.
        error: pipeline::Error,
        /// The source as the earlier run knew it, if it was not compared as a whole.
        then: Option<SourceStamp>,
    },
    /// The source cannot be read again from its beginning.
    NotRewindable,
    /// The partial plaintext differs from the stream from this byte on.
    OutputChanged(u64),
    /// No journal vouches for the partial plaintext; a warning says why, if there is one.
    Unknown(Option<Warning>),
    /// The run failed.
    Run(pipeline::Error),
    /// The envelope cannot be replaced.
    Rewrap(pipeline::Error),
    /// The bytes are not a detached envelope.
    Detached(format::Error),
    /// Input or output failed outside a run.
    Io(io::Error),
    /// The thread behind a reader or a writer panicked.
    Panic(String),
}

impl Error {
    /// Returns the kind of the error.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match &*self.0 {
            Problem::Option(_) => ErrorKind::Option,
            Problem::KeyFile(_) => ErrorKind::Key,
            Problem::Exists => ErrorKind::Exists,
            Problem::Discard(error) | Problem::Create(error) => kind_of_output(error),
            Problem::Resume(error) => match error.cause() {
                Cause::Io(error) => kind_of_output(error),
                Cause::Format(error) if error.detail() == Detail::MalformedMagic => ErrorKind::NotOurs,
                Cause::Format(error) if error.rule() == Some(Misuse::NothingForEnvelope) => ErrorKind::Key,
                Cause::Format(error) if error.kind() == format::ErrorKind::Misuse => {
                    ErrorKind::OtherParameters
                }
                _ => kind_of_run(error),
            },
            Problem::Rewrap(error) => match error.cause() {
                Cause::Io(error) => kind_of_output(error),
                _ => kind_of_run(error),
            },
            Problem::Detached(error) => kind_of_stream(error),
            Problem::OtherParameters(_) => ErrorKind::OtherParameters,
            Problem::Source { error, .. } | Problem::Run(error) => kind_of_run(error),
            Problem::NotRewindable => ErrorKind::SourceChanged,
            Problem::OutputChanged(_) => ErrorKind::OutputChanged,
            Problem::Unknown(_) => ErrorKind::NotOurs,
            Problem::Io(_) => ErrorKind::Io,
            Problem::Panic(_) => ErrorKind::Internal,
        }
    }

    /// Returns the details of the error.
    #[must_use]
    pub fn problem(&self) -> &Problem {
        &self.0
    }

    /// Returns the error of the format, if the stream is at fault.
    ///
    /// It has the failed check, its offset in bytes, and the number of segments before it.
    #[must_use]
    pub fn format_error(&self) -> Option<&format::Error> {
        match &*self.0 {
            Problem::Resume(error)
            | Problem::Source { error, .. }
            | Problem::Rewrap(error)
            | Problem::Run(error) => error.format_error(),
            Problem::Detached(error) => Some(error),
            _ => None,
        }
    }

    /// Returns the error of the operating system, if there is one.
    #[must_use]
    pub fn io_error(&self) -> Option<&io::Error> {
        match &*self.0 {
            Problem::Discard(error) | Problem::Create(error) | Problem::Io(error) => Some(error),
            Problem::Resume(error)
            | Problem::Source { error, .. }
            | Problem::Rewrap(error)
            | Problem::Run(error) => match error.cause() {
                Cause::Io(error) => Some(error),
                _ => None,
            },
            _ => None,
        }
    }

    /// Adds the first differing byte of a changed source, for its owner only (SV2-RES-029).
    ///
    /// A service that encrypts what others bring must not call this, as
    /// [`for_source_owner`](pipeline::Error::for_source_owner) of the pipeline says. An error that
    /// is shared stays as it is.
    #[must_use]
    pub fn for_source_owner(self) -> Self {
        match Arc::try_unwrap(self.0) {
            Ok(Problem::Source { error, then }) => {
                Problem::Source { error: error.for_source_owner(), then }.into()
            }
            Ok(problem) => problem.into(),
            Err(shared) => Self(shared),
        }
    }
}

const fn kind_of_stream(error: &format::Error) -> ErrorKind {
    match error.kind() {
        format::ErrorKind::Key => ErrorKind::Key,
        format::ErrorKind::Truncated => ErrorKind::Truncated,
        format::ErrorKind::Journal => ErrorKind::SourceChanged,
        format::ErrorKind::Misuse => ErrorKind::Option,
        _ => ErrorKind::Stream,
    }
}

fn kind_of_run(error: &pipeline::Error) -> ErrorKind {
    match error.cause() {
        Cause::Format(error) => kind_of_stream(error),
        Cause::Io(error) if error.kind() == io::ErrorKind::AlreadyExists => ErrorKind::Exists,
        Cause::Io(_) => ErrorKind::Io,
        Cause::Interrupted => ErrorKind::Interrupted,
        _ => ErrorKind::Internal,
    }
}

/// What the errors of an output's names say.
fn kind_of_output(error: &io::Error) -> ErrorKind {
    match error.kind() {
        io::ErrorKind::WouldBlock => ErrorKind::Busy,
        io::ErrorKind::AlreadyExists => ErrorKind::Exists,
        io::ErrorKind::InvalidData => ErrorKind::NotOurs,
        _ => ErrorKind::Io,
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Option(message) => f.write_str(message),
            Self::KeyFile(error) => write!(f, "cannot use the key file: {error}"),
            Self::Exists => f.write_str("the output exists already"),
            Self::Discard(error) => write!(f, "cannot discard the partial output: {error}"),
            Self::Create(error) => write!(f, "cannot create the partial output: {error}"),
            Self::Resume(error) => write!(f, "cannot resume the partial output: {error}"),
            Self::OtherParameters(parameter) => {
                write!(f, "cannot resume the partial output: it was begun with {parameter}")
            }
            Self::Source { error, .. } => write!(f, "cannot resume with this source: {error}"),
            Self::NotRewindable => f.write_str("cannot start over: the source cannot be read again"),
            Self::OutputChanged(at) => {
                write!(f, "cannot resume the partial output: it differs from the stream at byte {at}")
            }
            Self::Unknown(None) => f.write_str("cannot resume the partial output: it has no journal"),
            Self::Unknown(Some(warning)) => write!(f, "cannot resume the partial output: {warning}"),
            Self::Rewrap(error) => write!(f, "cannot replace the envelope: {error}"),
            Self::Detached(error) => write!(f, "not a detached envelope: {error}"),
            Self::Run(error) => error.fmt(f),
            Self::Io(error) => error.fmt(f),
            Self::Panic(message) => write!(f, "internal defect, please report it: {message}"),
        }
    }
}

impl fmt::Display for Parameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SegmentSize(bytes) => write!(f, "segment_size {bytes}"),
            Self::FrameSize(bytes) => write!(f, "frame_size {bytes}"),
            Self::Suite(suite) => write!(f, "suite {}", suite.name()),
            Self::PlaintextLen(Some(bytes)) => write!(f, "plaintext_len {bytes}"),
            Self::PlaintextLen(None) => f.write_str("an undeclared plaintext_len"),
        }
    }
}

/// The message has the whole sentence; the source is what is behind it.
impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.io_error().and_then(StdError::source)
    }
}

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        Self(Arc::new(problem))
    }
}

/// The error of a reader or a writer of this crate, or any other error of input and output.
impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        match error.get_ref().and_then(|inner| inner.downcast_ref::<Self>()) {
            Some(own) => own.clone(),
            None => Problem::Io(error).into(),
        }
    }
}

/// The error of a reader of ranges.
impl From<pipeline::Error> for Error {
    fn from(error: pipeline::Error) -> Self {
        Problem::Run(error).into()
    }
}

/// What a reader or a writer reports. It is never `Interrupted`, which callers would try again.
impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        let kind = match (error.kind(), error.io_error()) {
            (_, Some(io)) if io.kind() != io::ErrorKind::Interrupted => io.kind(),
            (ErrorKind::Truncated, _) => io::ErrorKind::UnexpectedEof,
            (ErrorKind::Key | ErrorKind::Stream, _) => io::ErrorKind::InvalidData,
            (ErrorKind::Option, _) => io::ErrorKind::InvalidInput,
            _ => io::ErrorKind::Other,
        };
        Self::new(kind, error)
    }
}
