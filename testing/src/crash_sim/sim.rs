//! A file system in memory that records every operation on it.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use stream_v2_pipeline::{Storage, StoredFile};

use super::remote::{Remote, RemoteOp};

/// A file, independent of its names.
pub type Inode = usize;

/// One change, as it is requested from the operating system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    Create(PathBuf, Inode),
    Write(Inode, usize, Vec<u8>),
    SetLen(Inode, usize),
    Sync(Inode),
    Rename(PathBuf, PathBuf),
    Link(PathBuf, PathBuf),
    Remove(PathBuf),
    /// The names in this folder become durable.
    SyncFolder(PathBuf),
    /// A failed sync. Data written since the last sync stays visible, and no later sync makes it
    /// durable.
    SyncFailed(Inode),
    /// A failed sync of the names in this folder.
    SyncFolderFailed(PathBuf),
    /// The space of these bytes is released.
    Forget(Inode, usize, usize),
    /// A request to S3 that has succeeded.
    Remote(RemoteOp),
}

/// The content of a disk and of a bucket.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contents {
    pub files: Vec<Vec<u8>>,
    pub names: BTreeMap<PathBuf, Inode>,
    pub remote: Remote,
}

impl Contents {
    pub fn file(&self, name: &str) -> Option<&Vec<u8>> {
        self.names.get(Path::new(name)).map(|&inode| &self.files[inode])
    }

    pub fn put(&mut self, name: &str, bytes: Vec<u8>) {
        self.files.push(bytes);
        self.names.insert(name.into(), self.files.len() - 1);
    }

    pub fn names(&self) -> Vec<&str> {
        self.names.keys().filter_map(|name| name.to_str()).collect()
    }

    /// Applies an operation. A missing file is created, as happens when its name becomes durable
    /// late.
    pub fn apply(&mut self, op: &Op) {
        match op {
            Op::Create(path, inode) => {
                self.make_room(*inode);
                self.names.insert(path.clone(), *inode);
            }
            Op::Write(inode, at, bytes) => self.write(*inode, *at, bytes),
            Op::SetLen(inode, len) => {
                self.make_room(*inode);
                self.files[*inode].resize(*len, 0);
            }
            Op::Rename(from, to) => {
                if let Some(inode) = self.names.remove(from) {
                    self.names.insert(to.clone(), inode);
                }
            }
            Op::Link(from, to) => {
                if let Some(&inode) = self.names.get(from) {
                    self.names.insert(to.clone(), inode);
                }
            }
            Op::Remove(path) => {
                self.names.remove(path);
            }
            Op::Sync(_) | Op::SyncFolder(_) | Op::SyncFailed(_) | Op::SyncFolderFailed(_) => {}
            Op::Forget(inode, begin, end) => {
                self.make_room(*inode);
                let len = self.files[*inode].len();
                self.files[*inode][(*begin).min(len)..(*end).min(len)].fill(0);
            }
            Op::Remote(op) => self.remote.apply(op),
        }
    }

    pub fn write(&mut self, inode: Inode, at: usize, bytes: &[u8]) {
        self.make_room(inode);
        let file = &mut self.files[inode];
        let end = at + bytes.len();
        if file.len() < end {
            file.resize(end, 0);
        }
        file[at..end].copy_from_slice(bytes);
    }

    /// Creates an empty file. Its name became durable before its bytes.
    pub fn make_room(&mut self, inode: Inode) {
        if self.files.len() <= inode {
            self.files.resize(inode + 1, Vec::new());
        }
    }
}

/// A failure that happens once.
#[derive(Clone, Copy, Debug)]
pub enum Trouble {
    /// The call fails and does nothing. A sync that fails loses the data written since the last
    /// one.
    Fails(ErrorKind),
    /// The call fails in the same way, with an error of the operating system.
    FailsWith(i32),
    /// A write takes one byte. Any other call succeeds.
    Short,
}

/// Returns the folder of a name.
pub fn folder_of(path: &Path) -> PathBuf {
    path.parent().map_or_else(PathBuf::new, Into::into)
}

#[derive(Default)]
struct World {
    contents: Contents,
    log: Vec<Op>,
    locked: BTreeSet<Inode>,
    calls: usize,
    /// The failure and the number of its call.
    trouble: Option<(usize, Trouble)>,
}

impl World {
    fn act(&mut self, mut op: Op) -> io::Result<()> {
        self.calls += 1;
        match (self.trouble.filter(|(at, _)| at + 1 == self.calls), &mut op) {
            (Some((_, Trouble::Fails(kind))), _) => return self.fail(&op, kind.into()),
            (Some((_, Trouble::FailsWith(code))), op) => {
                // As on NFS, a write reports the loss of earlier ones.
                if let Op::Write(inode, ..) = op {
                    self.log.push(Op::SyncFailed(*inode));
                }
                return self.fail(op, io::Error::from_raw_os_error(code));
            }
            (Some((_, Trouble::Short)), Op::Write(_, _, bytes)) => bytes.truncate(1),
            _ => {}
        }
        self.contents.apply(&op);
        self.log.push(op);
        Ok(())
    }
}

impl World {
    fn fail(&mut self, op: &Op, error: io::Error) -> io::Result<()> {
        let failed = match op {
            Op::Sync(inode) => Some(Op::SyncFailed(*inode)),
            Op::SyncFolder(folder) => Some(Op::SyncFolderFailed(folder.clone())),
            _ => None,
        };
        self.log.extend(failed);
        Err(error)
    }
}

/// The file system. Clones share it.
#[derive(Clone, Default)]
pub struct Sim(Arc<Mutex<World>>);

impl Sim {
    /// Returns a machine that has just started with this disk.
    pub fn new(contents: Contents) -> Self {
        Self(Arc::new(Mutex::new(World { contents, ..World::default() })))
    }

    /// Returns a machine with an empty disk, on which call `at` (from 0) fails. Only calls that
    /// change something count.
    pub fn troubled(at: usize, trouble: Trouble) -> Self {
        Self::troubled_with(Contents::default(), at, trouble)
    }

    /// Returns such a machine with this disk.
    pub fn troubled_with(contents: Contents, at: usize, trouble: Trouble) -> Self {
        Self(Arc::new(Mutex::new(World { contents, trouble: Some((at, trouble)), ..World::default() })))
    }

    /// Returns the number of calls that change something.
    pub fn calls(&self) -> usize {
        self.world().calls
    }

    /// Requests a change of the bucket from S3.
    pub fn act_remotely(&self, op: RemoteOp) -> io::Result<()> {
        self.world().act(Op::Remote(op))
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap()
    }

    pub fn contents(&self) -> Contents {
        self.world().contents.clone()
    }

    /// Returns all operations.
    pub fn log(&self) -> Vec<Op> {
        self.world().log.clone()
    }

    fn handle(&self, inode: Inode) -> Box<dyn StoredFile> {
        Box::new(Handle { sim: self.clone(), inode, position: 0, locks: false })
    }
}

impl Storage for Sim {
    fn create(&self, path: &Path) -> io::Result<Box<dyn StoredFile>> {
        let mut world = self.world();
        if world.contents.names.contains_key(path) {
            return Err(ErrorKind::AlreadyExists.into());
        }
        let inode = world.contents.files.len();
        world.act(Op::Create(path.into(), inode))?;
        drop(world);
        Ok(self.handle(inode))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn StoredFile>> {
        let inode = self.world().contents.names.get(path).copied();
        inode.map(|inode| self.handle(inode)).ok_or_else(|| ErrorKind::NotFound.into())
    }

    fn exists(&self, path: &Path) -> bool {
        self.world().contents.names.contains_key(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.world().act(Op::Rename(from.into(), to.into()))
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        if self.exists(to) {
            return Err(ErrorKind::AlreadyExists.into());
        }
        self.world().act(Op::Link(from.into(), to.into()))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        if !self.exists(path) {
            return Err(ErrorKind::NotFound.into());
        }
        self.world().act(Op::Remove(path.into()))
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        self.world().act(Op::SyncFolder(folder_of(path)))
    }
}

struct Handle {
    sim: Sim,
    inode: Inode,
    position: usize,
    locks: bool,
}

impl Read for Handle {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let world = self.sim.world();
        let read = world.contents.files[self.inode].get(self.position..).unwrap_or_default().read(buffer)?;
        self.position += read;
        Ok(read)
    }
}

impl Write for Handle {
    /// Each piece is a separate call, so that a crash can come between a segment's header and its
    /// wire.
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let mut world = self.sim.world();
        world.act(Op::Write(self.inode, self.position, buffer.into()))?;
        let Some(Op::Write(_, _, written)) = world.log.last() else { return Ok(0) };
        self.position += written.len();
        Ok(written.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for Handle {
    fn seek(&mut self, place: SeekFrom) -> io::Result<u64> {
        let len = self.size()?;
        let target = match place {
            SeekFrom::Start(target) => Some(target),
            SeekFrom::End(distance) => len.checked_add_signed(distance),
            SeekFrom::Current(distance) => (self.position as u64).checked_add_signed(distance),
        };
        let target = target.ok_or(ErrorKind::InvalidInput)?;
        self.position = usize::try_from(target).unwrap();
        Ok(target)
    }
}

impl StoredFile for Handle {
    fn size(&self) -> io::Result<u64> {
        Ok(self.sim.world().contents.files[self.inode].len() as u64)
    }

    fn set_len(&mut self, len: u64) -> io::Result<()> {
        self.sim.world().act(Op::SetLen(self.inode, usize::try_from(len).unwrap()))
    }

    fn punch_hole(&mut self, begin: u64, end: u64) -> io::Result<()> {
        let [begin, end] = [begin, end].map(|place| usize::try_from(place).unwrap());
        self.sim.world().act(Op::Forget(self.inode, begin, end))
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sim.world().act(Op::Sync(self.inode))
    }

    fn lock(&mut self) -> io::Result<()> {
        self.locks = self.locks || self.sim.world().locked.insert(self.inode);
        if self.locks { Ok(()) } else { Err(ErrorKind::WouldBlock.into()) }
    }

    fn is_named(&self, path: &Path) -> io::Result<bool> {
        Ok(self.sim.world().contents.names.get(path) == Some(&self.inode))
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        if self.locks {
            self.sim.world().locked.remove(&self.inode);
        }
    }
}
