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

/// Where a run writes to.
pub(crate) enum Output {
    Standard,
    /// Stands under its partial name until it is complete.
    File(OutputFile),
    /// Exists and is no regular file: a device or a named pipe.
    Device(PathBuf),
}

/// What is written: ciphertext never goes to a terminal.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Content {
    Ciphertext,
    Plaintext,
}

impl Output {
    /// Opens a sink on standard output or a device, which waits for its reader no longer than until
    /// a shutdown is requested.
    pub(crate) fn open(&self, content: Content, shutdown: &Shutdown) -> Result<Box<dyn OutputSink>, Failure> {
        let file = match self {
            Self::File(output) => return create(output).map(|sink| Box::new(sink) as _),
            Self::Standard => standard_output()?,
            Self::Device(path) => device::open(path, shutdown)?,
        };
        refuse_terminal(content, file.is_terminal())?;
        Ok(Box::new(WriterSink::with_shutdown(WaitingOutput::new(file), shutdown)))
    }

    /// Where it is.
    pub(crate) fn location(&self) -> Location {
        match self {
            Self::File(output) => Location::of(output.target()).unwrap_or(Location::File),
            _ => Location::File,
        }
    }

    /// How messages call it.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Standard => "standard output".into(),
            Self::File(output) => output.target().display().to_string(),
            Self::Device(path) => path.display().to_string(),
        }
    }

    /// Why names in the folder of the output cannot be made durable, if the run has found that out.
    pub(crate) fn names_at_risk(&self) -> Option<&str> {
        match self {
            Self::File(output) => output.names_at_risk(),
            _ => None,
        }
    }

    /// What a run that ended early has left, if anything is there.
    pub(crate) fn partial(&self) -> Option<PathBuf> {
        match self {
            Self::File(output) => Some(output.partial()).filter(|_| output.has_partial()),
            _ => None,
        }
    }
}

/// Ciphertext means nothing to people, and its bytes may mean something to a terminal.
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
