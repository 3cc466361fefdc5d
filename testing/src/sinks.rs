//! A sink that remembers everything, and fails at a chosen call.

use std::io::{self, ErrorKind};

use stream_v2_pipeline::{OutputSink, SinkUnit};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    Append,
    MakeDurable,
    Seal,
    Suspend,
    Abort,
}

/// Accepts everything until call number `fail_at` (from 0).
#[derive(Default)]
pub struct Recording {
    pub bytes: Vec<u8>,
    pub calls: Vec<Call>,
    pub fail_at: Option<usize>,
    /// Panics instead of failing.
    pub panics: bool,
    pub durable_len: usize,
}

impl Recording {
    pub fn failing_at(call: usize) -> Self {
        Self { fail_at: Some(call), ..Self::default() }
    }

    /// Returns the bytes that a `make_durable` has covered.
    pub fn durable(&self) -> &[u8] {
        &self.bytes[..self.durable_len]
    }

    fn call(&mut self, call: Call) -> io::Result<()> {
        self.calls.push(call);
        if self.fail_at != Some(self.calls.len() - 1) {
            return Ok(());
        }
        if self.panics {
            std::panic::resume_unwind(Box::new("planted in the sink"));
        }
        Err(ErrorKind::StorageFull.into())
    }
}

impl OutputSink for Recording {
    fn append(&mut self, unit: &SinkUnit<'_>) -> io::Result<()> {
        self.call(Call::Append)?;
        assert_eq!(unit.position, self.bytes.len() as u64);
        self.bytes.extend_from_slice(unit.head);
        self.bytes.extend_from_slice(unit.body);
        Ok(())
    }

    fn make_durable(&mut self) -> io::Result<()> {
        self.call(Call::MakeDurable)?;
        self.durable_len = self.bytes.len();
        Ok(())
    }

    fn seal(&mut self) -> io::Result<()> {
        self.call(Call::Seal)
    }

    fn suspend(&mut self) -> io::Result<()> {
        self.call(Call::Suspend)
    }

    fn abort(&mut self) -> io::Result<()> {
        self.call(Call::Abort)
    }
}
