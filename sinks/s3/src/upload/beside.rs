//! A file next to the partial file.
//!
//! It answers to the names of the output, and not to its own name on this machine.

use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::Arc;

use stream_v2_pipeline::StoredFile;

use super::state::Shared;

/// A journal, or a file next to one.
pub(super) struct Beside {
    file: Box<dyn StoredFile>,
    shared: Arc<Shared>,
}

impl Beside {
    pub(super) fn boxed(file: Box<dyn StoredFile>, shared: &Arc<Shared>) -> Box<dyn StoredFile> {
        Box::new(Self { file, shared: Arc::clone(shared) })
    }
}

impl StoredFile for Beside {
    fn size(&self) -> io::Result<u64> {
        self.file.size()
    }

    fn set_len(&mut self, len: u64) -> io::Result<()> {
        self.file.set_len(len)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.file.sync()
    }

    fn lock(&mut self) -> io::Result<()> {
        self.file.lock()
    }

    fn is_named(&self, path: &Path) -> io::Result<bool> {
        self.file.is_named(&self.shared.names.local(path))
    }
}

impl Read for Beside {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.file.read(buffer)
    }
}

impl Write for Beside {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.file.write(buffer)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Seek for Beside {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}
