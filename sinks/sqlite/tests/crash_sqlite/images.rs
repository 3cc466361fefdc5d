//! A database, and the states of its files after a crash at any moment.

use std::fs;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use stream_v2_format::SegmentIndex;
use stream_v2_pipeline::{OutputFile, Storage, StoredFile};
use stream_v2_sqlite::Database;
use stream_v2_testing::crash_sim::sim::Sim;

/// The file of a database and its write-ahead log.
///
/// The index of the log, in shared memory, is made anew from the log.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Image {
    pub(crate) database: Vec<u8>,
    pub(crate) log: Vec<u8>,
    /// Bytes of the log that are durable.
    pub(crate) durable: usize,
    /// Operations so far in the file system with the resume key.
    pub(crate) beside: usize,
}

impl Image {
    fn of(path: &Path, durable: usize, beside: usize) -> Self {
        let log = fs::read(log_of(path)).unwrap_or_default();
        let database = fs::read(path).unwrap_or_default();
        Self { database, durable: durable.min(log.len()), log, beside }
    }

    /// Writes the files into a folder, where the database can be opened.
    pub(crate) fn restore(&self, folder: &Path) -> PathBuf {
        let path = folder.join("streams.db");
        fs::write(&path, &self.database).unwrap();
        fs::write(log_of(&path), &self.log).unwrap();
        path
    }

    /// Returns an image with the log cut after `len` bytes, and with a rest that a disk may have
    /// written.
    pub(crate) fn cut(&self, len: usize, rest: Option<u8>) -> Self {
        let mut log = self.log.clone();
        match rest {
            None => log.truncate(len),
            Some(byte) => log[len..].fill(byte),
        }
        Self { log, ..self.clone() }
    }
}

fn log_of(path: &Path) -> PathBuf {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    log.into()
}

/// A database that keeps an image of itself after every call that changes it.
#[derive(Clone)]
pub(crate) struct Imaging {
    database: Database,
    images: Arc<Mutex<Vec<Image>>>,
    beside: Sim,
}

impl Imaging {
    pub(crate) fn new(database: &Database) -> Self {
        Self::beside(database, &Sim::default())
    }

    /// Also notes how far a file system beside the database is.
    pub(crate) fn beside(database: &Database, beside: &Sim) -> Self {
        Self { database: database.clone(), images: Arc::default(), beside: beside.clone() }
    }

    pub(crate) fn output(&self, name: &str) -> OutputFile {
        OutputFile::stored(Arc::new(self.clone()), name)
    }

    pub(crate) fn images(&self) -> Vec<Image> {
        self.images.lock().unwrap().clone()
    }

    /// Notes the state of the disk after a call, and whether all of it is durable.
    fn note<T>(&self, result: io::Result<T>, durable: bool) -> io::Result<T> {
        let mut images = self.images.lock().unwrap();
        let before = images.last().map_or(0, |image| image.durable);
        let durable = if durable { usize::MAX } else { before };
        images.push(Image::of(self.database.path(), durable, self.beside.log().len()));
        result
    }

    fn file(&self, file: Box<dyn StoredFile>) -> Box<dyn StoredFile> {
        Box::new(ImagingFile { file, imaging: self.clone() })
    }
}

impl Storage for Imaging {
    fn create(&self, path: &Path) -> io::Result<Box<dyn StoredFile>> {
        self.note(self.database.create(path), true).map(|file| self.file(file))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn StoredFile>> {
        Storage::open(&self.database, path).map(|file| self.file(file))
    }

    fn exists(&self, path: &Path) -> bool {
        self.database.exists(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.note(self.database.rename(from, to), true)
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.note(self.database.link(from, to), true)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.note(self.database.remove(path), true)
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        self.database.sync_folder(path)
    }

    fn has_durable_names(&self) -> bool {
        self.database.has_durable_names()
    }
}

struct ImagingFile {
    file: Box<dyn StoredFile>,
    imaging: Imaging,
}

impl Read for ImagingFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.file.read(buffer)
    }
}

impl Seek for ImagingFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

impl Write for ImagingFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes);
        self.imaging.note(written, false)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl StoredFile for ImagingFile {
    fn append(&mut self, index: Option<SegmentIndex>, head: &[u8], body: &[u8]) -> io::Result<()> {
        let appended = self.file.append(index, head, body);
        self.imaging.note(appended, false)
    }

    fn size(&self) -> io::Result<u64> {
        self.file.size()
    }

    fn set_len(&mut self, len: u64) -> io::Result<()> {
        let cut = self.file.set_len(len);
        self.imaging.note(cut, false)
    }

    fn sync(&mut self) -> io::Result<()> {
        let synced = self.file.sync();
        self.imaging.note(synced, true)
    }

    fn rewrite(&mut self, from: u64) -> io::Result<()> {
        self.file.rewrite(from)
    }

    fn lock(&mut self) -> io::Result<()> {
        self.file.lock()
    }

    fn is_named(&self, path: &Path) -> io::Result<bool> {
        self.file.is_named(path)
    }
}
