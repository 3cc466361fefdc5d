//! Readers that are slow, short, interrupted, or broken at a chosen call.

use std::io::{self, ErrorKind, Read};

/// Returns at most `most` bytes a call, and reports an interruption before every
/// `interrupt_every`-th call.
pub struct Short<R> {
    pub source: R,
    pub most: usize,
    pub interrupt_every: usize,
    calls: usize,
}

impl<R> Short<R> {
    pub fn new(source: R, most: usize, interrupt_every: usize) -> Self {
        Self { source, most, interrupt_every, calls: 0 }
    }
}

impl<R: Read> Read for Short<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.calls += 1;
        if self.interrupt_every != 0 && self.calls.is_multiple_of(self.interrupt_every) {
            return Err(ErrorKind::Interrupted.into());
        }
        let most = self.most.min(buffer.len());
        self.source.read(&mut buffer[..most])
    }
}

/// Works until call number `fail_at` (from 0), and fails there.
pub struct Failing<R> {
    pub source: R,
    pub fail_at: usize,
    pub kind: ErrorKind,
    pub calls: usize,
}

impl<R> Failing<R> {
    pub fn new(source: R, fail_at: usize, kind: ErrorKind) -> Self {
        Self { source, fail_at, kind, calls: 0 }
    }
}

impl<R: Read> Read for Failing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.calls += 1;
        if self.calls > self.fail_at { Err(self.kind.into()) } else { self.source.read(buffer) }
    }
}

/// Panics when it is read.
pub struct Panicking;

impl Read for Panicking {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        std::panic::resume_unwind(Box::new("planted in the source"));
    }
}
