//! Outputs: a file that appears when it is complete, a device, or standard output.

use std::io::IsTerminal;
use std::path::PathBuf;

use stream_v2::pipeline::{OutputFile, OutputSink, Shutdown, WriterSink};

use crate::failure::Failure;
use crate::location::Location;
use crate::output::device;
use crate::output::file::create;
use crate::stdio::standard_output;
use crate::waiting::WaitingOutput;

/// The output of a run.
pub(crate) enum Output {
    Standard,
    /// A file that has its partial name until it is complete.
    File(OutputFile),
    /// An existing device or named pipe.
    Device(PathBuf),
}

/// The content of an output. Ciphertext never goes to a terminal.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Content {
    Ciphertext,
    Plaintext,
}

impl Output {
    /// Opens a sink on standard output or a device. It waits for a reader until a shutdown is
    /// requested.
    pub(crate) fn open(&self, content: Content, shutdown: &Shutdown) -> Result<Box<dyn OutputSink>, Failure> {
        let file = match self {
            Self::File(output) => return create(output).map(|sink| Box::new(sink) as _),
            Self::Standard => standard_output()?,
            Self::Device(path) => device::open(path, shutdown)?,
        };
        refuse_terminal(content, file.is_terminal())?;
        Ok(Box::new(WriterSink::with_shutdown(WaitingOutput::new(file), shutdown)))
    }

    /// Returns the location of the output.
    pub(crate) fn location(&self) -> Location {
        match self {
            Self::File(output) => Location::of(output.target()).unwrap_or(Location::File),
            _ => Location::File,
        }
    }

    /// Returns the name in messages.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Standard => "standard output".into(),
            Self::File(output) => output.target().display().to_string(),
            Self::Device(path) => path.display().to_string(),
        }
    }

    /// Returns why names in the output's folder cannot be made durable, if the run has found that
    /// out.
    pub(crate) fn names_at_risk(&self) -> Option<&str> {
        match self {
            Self::File(output) => output.names_at_risk(),
            _ => None,
        }
    }

    /// Returns the partial output of a run that ended early, if there is one.
    pub(crate) fn partial(&self) -> Option<PathBuf> {
        match self {
            Self::File(output) => Some(output.partial()).filter(|_| output.has_partial()),
            _ => None,
        }
    }
}

/// Rejects ciphertext on a terminal. Its bytes mean nothing to people, but may be commands to a
/// terminal.
fn refuse_terminal(content: Content, terminal: bool) -> Result<(), Failure> {
    if terminal && content == Content::Ciphertext {
        return Err(Failure::usage("ciphertext is not written to a terminal")
            .hint("-o FILE writes a file; | and > pass it on"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ciphertext_is_kept_from_terminals() {
        assert!(refuse_terminal(Content::Ciphertext, true).is_err());
        assert!(refuse_terminal(Content::Ciphertext, false).is_ok());
        assert!(refuse_terminal(Content::Plaintext, true).is_ok());
    }
}
