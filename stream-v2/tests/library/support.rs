//! A folder with a source, and the settings that the tests of files share.

use std::fs;
use std::path::PathBuf;

use stream_v2::error::ErrorKind;
use stream_v2::file::{Outcome, Report};
use stream_v2::{ContentKey, Error, Options, Shutdown, decrypt, encrypt_file};
use tempfile::TempDir;

pub(crate) const SEGMENT: usize = 65_536;
pub(crate) const SEGMENTS: usize = 12;

pub(crate) struct Files(pub(crate) TempDir);

impl Files {
    pub(crate) fn new() -> Self {
        let files = Self(tempfile::tempdir().unwrap());
        fs::write(files.source(), plaintext()).unwrap();
        files
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn source(&self) -> PathBuf {
        self.path("source")
    }

    pub(crate) fn target(&self) -> PathBuf {
        self.path("target")
    }

    pub(crate) fn encrypt(&self, options: &Options) -> Result<Report, Error> {
        encrypt_file(options, self.source(), self.target())
    }

    /// Stops after five segments, which are durable.
    pub(crate) fn interrupt(&self) {
        let error = self.encrypt(&stopping(options())).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Interrupted);
        assert!(self.path("target.partial").exists() && self.path("target.journal").exists());
        assert!(!self.target().exists());
    }

    pub(crate) fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(self.0.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    pub(crate) fn assert_complete(&self) {
        assert!(decrypt(&key(), fs::read(self.target()).unwrap()).unwrap() == plaintext());
        assert_eq!(self.names(), ["source", "target"]);
    }
}

pub(crate) fn key() -> ContentKey {
    ContentKey::new([7; 32])
}

pub(crate) fn plaintext() -> Vec<u8> {
    (0..SEGMENTS * SEGMENT + 100).map(|at| u8::try_from(at * 31 % 251).unwrap()).collect()
}

pub(crate) fn options() -> Options {
    Options::new(&key()).segment_size(65_536).workers(2)
}

/// Raises its own shutdown after five segments.
pub(crate) fn stopping(options: Options) -> Options {
    let shutdown = Shutdown::new();
    let handle = shutdown.clone();
    let options = options.shutdown(&shutdown);
    options.on_progress(move |progress| {
        if progress.done() >= 5 * SEGMENT as u64 {
            handle.request();
        }
    })
}

pub(crate) fn resumed(report: &Report) -> u64 {
    match report.outcome() {
        Outcome::Resumed { after } => after,
        other => panic!("{other:?}"),
    }
}
