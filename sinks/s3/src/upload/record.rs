//! The record of an upload on this machine, next to the bytes not yet uploaded: a text file with a
//! line for each step.
//!
//! Each line begins with its CRC-32C, eight digits in hexadecimal, so that a torn end is found.
//! Every request that may be in progress has a line that is durable already. Answers of S3 may be
//! lost, and are asked for again.
//!
//! Lines of an earlier run may never have become durable. So a run that resumes writes the record
//! anew, next to the old one, before it relies on one of them or adds another.

use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use stream_v2_pipeline::{Storage, StoredFile};

use super::facts::{FORM, Facts, Part, Sent, checked, escaped, part_line, read, sent_line, upload_line};

/// Longest record. 10,000 parts take about 2 MiB.
const LEN_MAX: u64 = 64 << 20;

/// The reliability of the lines in the file.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lines {
    Durable,
    /// Some are not durable yet.
    Written,
    /// They are of an earlier run.
    Found,
    /// Writing or syncing has failed. No more lines are written.
    Lost,
}

/// The file.
pub(super) struct Record {
    storage: Arc<dyn Storage>,
    path: PathBuf,
    name: String,
    file: Box<dyn StoredFile>,
    pub(super) facts: Facts,
    lines: Lines,
}

impl Record {
    /// Creates a record, and locks it.
    ///
    /// # Errors
    ///
    /// - `AlreadyExists` if there is one.
    /// - any other error of the file system.
    pub(super) fn create(
        storage: &Arc<dyn Storage>,
        path: &Path,
        name: &str,
        mark: &str,
    ) -> io::Result<Self> {
        let mut file = storage.create(path)?;
        file.lock()?;
        let facts = Facts { mark: mark.into(), ..Facts::default() };
        let (storage, path, name) = (Arc::clone(storage), path.into(), name.into());
        let mut record = Self { storage, path, name, file, facts, lines: Lines::Written };
        record.add(&record.first_line())?;
        record.sync()?;
        record.storage.sync_folder(&record.path)?;
        Ok(record)
    }

    /// Opens the record of an interrupted run, and locks it.
    ///
    /// # Errors
    ///
    /// - `NotFound` if there is none.
    /// - `WouldBlock` if its owner is using it.
    /// - `InvalidData` if it is not a record of this object.
    /// - any other error of the file system.
    pub(super) fn open(storage: &Arc<dyn Storage>, path: &Path, name: &str) -> io::Result<Self> {
        let mut file = storage.open(path)?;
        file.lock()?;
        // Between opening and locking, its owner may have replaced it.
        if !file.is_named(path)? {
            return Err(ErrorKind::WouldBlock.into());
        }
        let mut bytes = Vec::new();
        (&mut file).take(LEN_MAX).read_to_end(&mut bytes)?;
        let (facts, _) = read(&bytes, name).ok_or_else(|| {
            let what = format!("{}: is no record of an upload to {name}", path.display());
            io::Error::new(ErrorKind::InvalidData, what)
        })?;
        let (storage, path, name) = (Arc::clone(storage), path.into(), name.into());
        Ok(Self { storage, path, name, file, facts, lines: Lines::Found })
    }

    /// Removes a record, and the rest of a new one after a crash.
    ///
    /// # Errors
    ///
    /// - `NotFound` if there is no record.
    /// - any other error of the file system.
    pub(super) fn remove(storage: &dyn Storage, path: &Path) -> io::Result<()> {
        remove_new(storage, path)?;
        storage.remove(path)
    }

    fn first_line(&self) -> String {
        format!("{FORM} {} {}", self.facts.mark, escaped(&self.name))
    }

    /// Writes the content into a new file, which replaces the one that was found.
    fn renew(&mut self) -> io::Result<()> {
        let new = new_path(&self.path);
        remove_new(&*self.storage, &self.path)?;
        let mut file = self.storage.create(&new)?;
        file.lock()?;
        let lines: Vec<String> = [self.first_line()].into_iter().chain(self.facts.lines()).collect();
        let bytes: String = lines.iter().map(|line| checked(line)).collect();
        file.write_all(bytes.as_bytes())?;
        file.sync()?;
        self.storage.rename(&new, &self.path)?;
        self.storage.sync_folder(&self.path)?;
        self.file = file;
        Ok(())
    }

    /// Notes that an upload is about to be begun, without any earlier parts.
    pub(super) fn begins(&mut self) -> io::Result<()> {
        self.add("begins")?;
        (self.facts.id, self.facts.completing) = (None, None);
        self.facts.parts.clear();
        self.sync()
    }

    /// Notes that S3 has begun it.
    pub(super) fn begun(&mut self, id: String) -> io::Result<()> {
        self.add(&upload_line(&id))?;
        self.facts.id = Some(id);
        self.sync()
    }

    /// Notes that the next part has these bytes.
    pub(super) fn planned(&mut self, begin: u64, end: u64) -> io::Result<()> {
        self.add(&part_line(self.facts.parts.len() + 1, begin, end))?;
        self.facts.parts.push(Part { begin, end, sent: None });
        Ok(())
    }

    /// Notes that S3 has a part.
    pub(super) fn sent(&mut self, number: u16, sent: Sent) -> io::Result<()> {
        self.add(&sent_line(number.into(), &sent))?;
        if let Some(part) = self.facts.part_mut(number) {
            part.sent = Some(sent);
        }
        Ok(())
    }

    /// Notes that the bytes before `upto` on this machine are about to be given up.
    pub(super) fn forgets(&mut self, upto: u64) -> io::Result<()> {
        self.add(&format!("forgets {upto}"))?;
        self.facts.forgotten = upto;
        self.sync()
    }

    /// Notes that the object is about to be requested.
    pub(super) fn completes(&mut self, len: u64) -> io::Result<()> {
        if self.facts.completing != Some(len) {
            self.add(&format!("completes {len}"))?;
            self.facts.completing = Some(len);
        }
        self.sync()
    }

    fn add(&mut self, line: &str) -> io::Result<()> {
        if self.lines == Lines::Found {
            self.sync()?;
        }
        self.step(Lines::Written, |record| {
            refuse_lost(record.lines)?;
            record.file.write_all(checked(line).as_bytes())
        })
    }

    /// Makes all lines durable.
    pub(super) fn sync(&mut self) -> io::Result<()> {
        self.step(Lines::Durable, |record| match record.lines {
            Lines::Durable => Ok(()),
            Lines::Written => record.file.sync(),
            Lines::Found => record.renew(),
            Lines::Lost => refuse_lost(record.lines),
        })
    }

    /// Performs a step and sets the state of the lines to `after`. If the step fails, the lines are
    /// lost.
    fn step(&mut self, after: Lines, does: impl FnOnce(&mut Self) -> io::Result<()>) -> io::Result<()> {
        let done = does(self);
        self.lines = if done.is_ok() { after } else { Lines::Lost };
        done
    }
}

fn refuse_lost(lines: Lines) -> io::Result<()> {
    if lines == Lines::Lost {
        return Err(io::Error::other("the record of the upload could not be made durable before"));
    }
    Ok(())
}

fn new_path(path: &Path) -> PathBuf {
    let mut new = path.as_os_str().to_owned();
    new.push(".new");
    new.into()
}

fn remove_new(storage: &dyn Storage, path: &Path) -> io::Result<()> {
    match storage.remove(&new_path(path)) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use stream_v2_pipeline::Disk;

    fn disk() -> Arc<dyn Storage> {
        Arc::new(Disk::default())
    }

    const NAME: &str = "s3://bucket/a key%\n";

    fn written(path: &Path) -> Facts {
        let mut record = Record::create(&disk(), path, NAME, "mark").unwrap();
        record.begins().unwrap();
        record.begun("id of/it+=".into()).unwrap();
        record.planned(0, 100).unwrap();
        record.planned(100, 250).unwrap();
        record.sent(2, Sent { md5: [7; 16], etag: "\"e tag\"".into() }).unwrap();
        record.forgets(0).unwrap();
        record.completes(250).unwrap();
        record.facts
    }

    #[test]
    fn what_is_written_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("record");
        let facts = written(&path);
        assert_eq!(
            Record::create(&disk(), &path, NAME, "mark").err().unwrap().kind(),
            ErrorKind::AlreadyExists
        );
        let mut record = Record::open(&disk(), &path, NAME).unwrap();
        assert_eq!(record.facts, facts);
        assert_eq!((facts.sent_end(), facts.sent_len(), facts.planned_end()), (0, 150, 250));
        assert_eq!(Record::open(&disk(), &path, NAME).err().unwrap().kind(), ErrorKind::WouldBlock);
        record.sent(1, Sent { md5: [1; 16], etag: String::new() }).unwrap();
        assert_eq!(record.facts.sent_end(), 250);
        record.begins().unwrap();
        drop(record);
        let record = Record::open(&disk(), &path, NAME).unwrap();
        assert_eq!((record.facts.parts.len(), record.facts.id, record.facts.mark), (0, None, "mark".into()));
    }

    #[test]
    fn a_torn_end_is_cut() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("record");
        written(&path);
        let whole = fs::read(&path).unwrap();
        let first = whole.iter().position(|byte| *byte == b'\n').unwrap() + 1;
        for cut in 0..whole.len() {
            for rest in [&b""[..], b"\0\0\0\0\n", b"9 5\n"] {
                fs::write(&path, [&whole[..cut], rest].concat()).unwrap();
                match Record::open(&disk(), &path, NAME) {
                    Ok(record) => {
                        assert!(cut >= first);
                        assert!(record.facts.parts.iter().all(|part| part.begin <= part.end));
                    }
                    Err(error) => {
                        assert!(cut < first, "{cut}");
                        assert_eq!(error.kind(), ErrorKind::InvalidData);
                        continue;
                    }
                }
                // Looking changes nothing. The next line is in a record without the torn end.
                assert_eq!(fs::read(&path).unwrap(), [&whole[..cut], rest].concat());
                let mut record = Record::open(&disk(), &path, NAME).unwrap();
                record.completes(7).unwrap();
                let facts = record.facts;
                let again = Record::open(&disk(), &path, NAME).err().unwrap();
                assert_eq!(again.kind(), ErrorKind::WouldBlock);
                drop(record.file);
                assert_eq!(Record::open(&disk(), &path, NAME).unwrap().facts, facts);
            }
        }
    }

    #[test]
    fn the_record_of_another_object_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("record");
        written(&path);
        let error = Record::open(&disk(), &path, "s3://bucket/another").err().unwrap();
        assert_eq!(error.kind(), ErrorKind::InvalidData);
    }
}
