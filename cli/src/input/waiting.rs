//! Inputs that may have to be waited for: standard input, a named pipe, a device, the output of a
//! command.

use std::collections::VecDeque;
use std::fs::{File, Metadata};
use std::io::{self, ErrorKind, Read, Seek};

use stream_v2::pipeline::SourceStamp;

use crate::input::producer::Producer;
use crate::interrupt;
use crate::waiting::poll_in;

/// An input that may have no data for a while.
///
/// A read then reports an interruption every 100 ms, so that its caller can check for a shutdown.
pub(crate) struct WaitingInput {
    pub(super) file: File,
    /// The command that writes it, if this process has started it.
    ///
    /// It is dropped after `file`, because a command that still writes ends when `file` is closed.
    producer: Option<Producer>,
    /// Bytes that were read to find out whether there are any.
    begun: VecDeque<u8>,
}

impl WaitingInput {
    pub(crate) fn new(file: File) -> Self {
        Self { file, producer: None, begun: VecDeque::new() }
    }

    /// Creates an input from the output of a command.
    pub(super) fn of_command(producer: Producer, output: File) -> Self {
        Self { producer: Some(producer), ..Self::new(output) }
    }

    pub(super) const fn is_of_command(&self) -> bool {
        self.producer.is_some()
    }

    /// Returns the length and modification time of a regular file, if it is read from its
    /// beginning.
    ///
    /// Some files of the system claim to be empty and are read like a pipe. A file is empty only if
    /// a read ends at once.
    pub(super) fn stamp(&mut self, metadata: &Metadata) -> io::Result<SourceStamp> {
        if !metadata.is_file() || self.file.stream_position()? > 0 {
            return Ok(SourceStamp::default());
        }
        if metadata.len() == 0 && !self.is_empty() {
            return Ok(SourceStamp::default());
        }
        Ok(SourceStamp::of(metadata))
    }

    /// Returns true if a read ends at once. Any bytes read are kept.
    fn is_empty(&mut self) -> bool {
        let mut begin = [0; 4096];
        if poll_in(&self.file).is_err() {
            return false;
        }
        // An error occurs again when the input is read.
        let Ok(read) = self.file.read(&mut begin) else { return false };
        self.begun.extend(&begin[..read]);
        read == 0
    }

    /// Checks at the end of the input whether it was cut off.
    fn end(&mut self) -> io::Result<()> {
        interrupt::see_pending();
        match &mut self.producer {
            // The command was asked to end, so its result does not matter.
            Some(_) if interrupt::requested() => Err(ErrorKind::Interrupted.into()),
            Some(producer) => producer.check(),
            None => Ok(()),
        }
    }
}

impl Read for WaitingInput {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if !self.begun.is_empty() {
            return self.begun.read(buffer);
        }
        poll_in(&self.file)?;
        match self.file.read(buffer) {
            Ok(0) if !buffer.is_empty() => self.end().map(|()| 0),
            // Its description does not block, and another reader was faster.
            Err(error) if error.kind() == ErrorKind::WouldBlock => Err(ErrorKind::Interrupted.into()),
            result => result,
        }
    }
}
