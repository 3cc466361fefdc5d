//! Compares a source with all plaintext that is committed (§19.2, SV2-RES-008).

use std::io::{self, Read};

use crate::error::Error;
use crate::io::source_error;
use crate::sink::{OutputSink, SinkUnit};
use crate::source::blocking::fill;

/// A sink that writes nothing: it reads the same number of bytes from a source, and compares.
pub(super) struct CompareSink<R> {
    source: R,
    compared: u64,
    buffer: Vec<u8>,
    /// The reason why the comparison ended early.
    fault: Option<Fault>,
}

enum Fault {
    /// The offset at which the source differs, or ends.
    Differs(u64),
    Source(Error),
}

impl<R: Read> CompareSink<R> {
    pub(super) const fn new(source: R) -> Self {
        Self { source, compared: 0, buffer: Vec::new(), fault: None }
    }

    /// Returns the number of equal bytes.
    pub(super) const fn compared(&self) -> u64 {
        self.compared
    }

    /// Returns the error that ended the comparison early, if there was one.
    pub(super) fn fault(self) -> Option<Error> {
        self.fault.map(|fault| match fault {
            Fault::Differs(at) => Error::other_source(at),
            Fault::Source(error) => error,
        })
    }

    fn compare(&mut self, committed: &[u8]) -> Result<(), Fault> {
        self.buffer.resize(committed.len(), 0);
        let filled =
            fill(&mut self.source, &mut self.buffer).map_err(source_error(None)).map_err(Fault::Source)?;
        match committed.iter().zip(&self.buffer[..filled]).position(|(a, b)| a != b) {
            Some(place) => Err(Fault::Differs(self.compared + place as u64)),
            None if filled < committed.len() => Err(Fault::Differs(self.compared + filled as u64)),
            None => Ok(()),
        }
    }
}

impl<R: Read> OutputSink for CompareSink<R> {
    fn append(&mut self, unit: &SinkUnit<'_>) -> io::Result<()> {
        if let Err(fault) = self.compare(unit.body) {
            self.fault = Some(fault);
            return Err(io::Error::other("the comparison ended"));
        }
        self.compared += unit.len();
        Ok(())
    }

    fn make_durable(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn seal(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn suspend(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn abort(&mut self) -> io::Result<()> {
        Ok(())
    }
}
