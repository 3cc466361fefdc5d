//! Two runs at one output, file systems with missing features, and permissions: on the disk, with
//! changes in between.

use std::fs::{self, Permissions};
use std::io::{self, ErrorKind, Read, Seek, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use stream_v2_format::wire::JOURNAL_MAGIC;
use stream_v2_pipeline::{
    Cause, Disk, FileSink, InterruptedEncryption, OutputFile, OutputSink, SourceStamp, Storage, StoredFile,
};
use stream_v2_testing::sources::Failing;
use stream_v2_testing::streams::{key, small_segments};
use stream_v2_testing::{forward, plaintext};

/// A difference from a disk.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Oddity {
    /// None, but a name may be removed only from a locked file.
    Locked,
    /// When the partial name is removed, another run begins, and has a journal.
    AnotherRun,
    /// There are no locks.
    NoLocks,
    /// Once bytes are written, a name leads to a file with another number.
    Renumbered,
}

struct Odd(Oddity);

struct OddFile {
    file: Box<dyn StoredFile>,
    oddity: Oddity,
    written: bool,
}

impl Odd {
    fn odd(&self, file: io::Result<Box<dyn StoredFile>>) -> io::Result<Box<dyn StoredFile>> {
        Ok(Box::new(OddFile { file: file?, oddity: self.0, written: false }))
    }
}

impl Storage for Odd {
    fn create(&self, path: &Path) -> io::Result<Box<dyn StoredFile>> {
        self.odd(Disk::default().create(path))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn StoredFile>> {
        self.odd(Disk::default().open(path))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let is_partial = path.extension().is_some_and(|extension| extension == "partial");
        if self.0 == Oddity::Locked && is_partial {
            let another = Disk::default().open(path)?.lock();
            assert_eq!(another.unwrap_err().kind(), ErrorKind::WouldBlock, "removed without a lock");
        }
        Disk::default().remove(path)?;
        if self.0 == Oddity::AnotherRun && is_partial {
            let other = path.with_extension("other");
            fs::write(&other, [&JOURNAL_MAGIC[..], b"of another run"].concat())?;
            fs::rename(&other, path.with_extension("journal"))?;
        }
        Ok(())
    }

    forward!(self => Disk::default(); exists rename link sync_folder);
}

impl Read for OddFile {
    forward!(self => self.file; read);
}

impl Write for OddFile {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.written = true;
        self.file.write(buffer)
    }

    forward!(self => self.file; flush);
}

impl Seek for OddFile {
    forward!(self => self.file; seek);
}

impl StoredFile for OddFile {
    fn lock(&mut self) -> io::Result<()> {
        if self.oddity == Oddity::NoLocks { Err(ErrorKind::Unsupported.into()) } else { self.file.lock() }
    }

    fn is_named(&self, path: &Path) -> io::Result<bool> {
        Ok(!(self.oddity == Oddity::Renumbered && self.written) && self.file.is_named(path)?)
    }

    forward!(self => self.file; size set_len sync restrict permit);
}

struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn output(&self, oddity: Oddity) -> OutputFile {
        OutputFile::stored(Arc::new(Odd(oddity)), self.0.path().join("out"))
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.0.path()).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn mode(&self, name: &str) -> u32 {
        self.0.path().join(name).metadata().unwrap().permissions().mode() & 0o777
    }
}

const LEN: usize = 9000;
const STAMP: SourceStamp = SourceStamp { len: Some(LEN as u64), mtime: Some(7) };

fn encrypt(output: &OutputFile, source: impl Read + Send) -> Result<(), stream_v2_pipeline::Error> {
    let key = key();
    let sink = FileSink::create(output).unwrap();
    small_segments(&key, 2).run_to_file(source, STAMP, sink, None).map(drop)
}

#[test]
fn a_partial_file_is_removed_under_its_lock() {
    let place = Place::new();
    let output = place.output(Oddity::Locked);
    let source = plaintext(LEN);
    encrypt(&output, Failing::new(&source[..], 1, ErrorKind::ConnectionReset)).unwrap_err();
    assert_eq!(place.names(), ["out.journal", "out.partial"]);
    output.discard().unwrap();
    assert!(place.names().is_empty());
    FileSink::create(&output).unwrap().abort().unwrap();
    encrypt(&output, &source[..]).unwrap();
    assert_eq!(place.names(), ["out"]);
}

#[test]
fn the_journal_of_another_run_is_not_removed() {
    let source = plaintext(LEN);
    for discards in [false, true] {
        let place = Place::new();
        let output = place.output(Oddity::AnotherRun);
        if discards {
            encrypt(&output, Failing::new(&source[..], 1, ErrorKind::ConnectionReset)).unwrap_err();
            output.discard().unwrap();
        } else {
            encrypt(&output, &source[..]).unwrap();
        }
        assert!(fs::read(output.journal()).unwrap().ends_with(b"of another run"), "{discards}");
    }
}

#[test]
fn without_locks_nothing_is_begun_or_removed() {
    let place = Place::new();
    let output = place.output(Oddity::NoLocks);
    assert_eq!(FileSink::create(&output).err().unwrap().kind(), ErrorKind::Unsupported);
    assert!(place.names().is_empty());
    fs::write(output.partial(), b"").unwrap();
    assert_eq!(output.discard().unwrap_err().kind(), ErrorKind::Unsupported);
    let key = key();
    let error = InterruptedEncryption::find(&small_segments(&key, 1), &output).err().unwrap();
    assert!(matches!(error.cause(), Cause::Io(error) if error.kind() == ErrorKind::Unsupported));
    assert_eq!(place.names(), ["out.partial"]);
}

#[test]
fn numbers_of_files_that_change_are_named() {
    let place = Place::new();
    let output = place.output(Oddity::Renumbered);
    let error = encrypt(&output, &plaintext(LEN)[..]).unwrap_err();
    let Cause::Io(error) = error.cause() else { panic!("{error}") };
    assert!(error.to_string().contains("the numbers of files change on this file system"), "{error}");
    // Nothing is lost: the next run finds it complete.
    assert!(place.names().contains(&"out.partial".to_owned()));
    let (key, output) = (key(), OutputFile::new(output.target()));
    let found = InterruptedEncryption::find(&small_segments(&key, 1), &output).unwrap().unwrap();
    assert!(found.is_complete());
    found.resume(&small_segments(&key, 1), &b""[..], None).unwrap();
    assert_eq!(place.names(), ["out"]);
}

//= spec/stream-v2.md#sv2-res-041
//= type=test
//# An owner MUST keep other users from opening an output that is not complete, and the files beside
//# it, if the system can do that.
#[test]
fn only_the_owner_opens_what_is_not_complete() {
    let place = Place::new();
    let output = OutputFile::new(place.0.path().join("out"));
    let source = plaintext(LEN);
    encrypt(&output, Failing::new(&source[..], 1, ErrorKind::ConnectionReset)).unwrap_err();
    assert_eq!((place.mode("out.partial"), place.mode("out.journal")), (0o600, 0o600));
    // An older version left it open.
    fs::set_permissions(output.partial(), Permissions::from_mode(0o644)).unwrap();
    let key = key();
    let pipeline = small_segments(&key, 1);
    let mut found = InterruptedEncryption::find(&pipeline, &output).unwrap().unwrap();
    let mut again = io::Cursor::new(&source);
    found.check_source(&mut again, STAMP).unwrap();
    found.resume(&pipeline, Failing::new(again, 0, ErrorKind::ConnectionReset), None).unwrap_err();
    assert_eq!(place.mode("out.partial"), 0o600);
}

//= spec/stream-v2.md#sv2-res-042
//= type=test
//# A complete output MUST NOT be more open than the file that it replaces.
#[test]
fn an_output_is_as_open_as_what_it_replaces() {
    let place = Place::new();
    fs::File::create(place.0.path().join("usual")).unwrap();
    let output = OutputFile::new(place.0.path().join("out")).overwriting(true);
    encrypt(&output, &plaintext(LEN)[..]).unwrap();
    assert_eq!(place.mode("out"), place.mode("usual"));
    for mode in [0o600, 0o640, 0o444] {
        fs::set_permissions(output.target(), Permissions::from_mode(mode)).unwrap();
        encrypt(&output, &plaintext(LEN)[..]).unwrap();
        assert_eq!(place.mode("out"), mode);
    }
}
