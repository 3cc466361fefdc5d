//! The write-ahead log, and its repair after a write-back of it may have failed.
//!
//! A system reports a failed write-back once. The pages of the file count as written afterwards,
//! and the next sync succeeds without them. In a recovery SQLite cuts the log at the first frame
//! that is not whole. So everything after such a hole is lost as well, however often it was synced.
//!
//! A writer cannot see whether an earlier one has met such a failure. So it writes the frames of
//! the log again, byte for byte, before it adds anything behind them. Then they are written back
//! again.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use rusqlite::wal::CheckpointMode;
use rusqlite::{Connection, MAIN_DB, Transaction, TransactionBehavior};

use crate::errors::{Named, damaged};
use crate::place::Place;
use crate::plain;

const HEADER_LEN: usize = 32;
const FRAME_HEADER_LEN: usize = 24;
/// The first word of a log. Its last bit gives the byte order of the checksum.
const MAGIC: u32 = 0x377F_0682;
/// Most times that another process may restart the log while this one reads it.
const ATTEMPTS: u32 = 8;

/// Returns `DATABASE-wal`.
pub(super) fn path(database: &Path) -> PathBuf {
    let mut path = database.as_os_str().to_owned();
    path.push("-wal");
    path.into()
}

/// Returns whether the log of a database has content, or cannot be read.
pub(super) fn is_filled(database: &Path) -> bool {
    match path(database).symlink_metadata() {
        Ok(metadata) => metadata.len() > 0,
        Err(error) => error.kind() != ErrorKind::NotFound,
    }
}

/// Writes every frame of the log again, and makes the log durable.
///
/// # Errors
///
/// - `InvalidData` if frames that other processes still read are not in the file any more.
pub(super) fn rewrite(connection: &Connection, at: &Place) -> io::Result<()> {
    for _ in 0..ATTEMPTS {
        let expected = frames(connection, at)?;
        if expected == 0 {
            return Ok(());
        }
        // Until this transaction ends, no other process adds frames, or restarts the log.
        let _writer =
            Transaction::new_unchecked(connection, TransactionBehavior::Immediate).named(&at.shown)?;
        if rewrite_file(&path(&at.path)).map_err(|error| of_log(at, &error))? >= expected {
            return Ok(());
        }
    }
    Err(damaged(&at.shown, "its write-ahead log has lost a part; close it in every process and try again"))
}

/// Returns the number of frames in the log, for processes that have the database open.
fn frames(connection: &Connection, at: &Place) -> io::Result<u64> {
    let counted = connection.wal_checkpoint_v2(Some(MAIN_DB), CheckpointMode::NOOP);
    counted.map(|(frames, _)| u64::try_from(frames).unwrap_or(0)).named(&at.shown)
}

/// Writes the valid frames again, and returns their number.
fn rewrite_file(path: &Path) -> io::Result<u64> {
    let mut file = plain::open(path)?;
    let mut header = [0; HEADER_LEN];
    let mut frames = 0;
    if read_whole(&mut file, &mut header)?
        && let Some(mut chain) = Chain::new(&header)
    {
        write_again(&mut file, &header)?;
        let mut frame = vec![0; FRAME_HEADER_LEN + chain.page_size];
        while read_whole(&mut file, &mut frame)? && chain.continues_with(&frame) {
            write_again(&mut file, &frame)?;
            frames += 1;
        }
    }
    file.sync_data()?;
    Ok(frames)
}

fn read_whole(file: &mut File, bytes: &mut [u8]) -> io::Result<bool> {
    match file.read_exact(bytes) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

/// Writes the bytes that were read last over themselves.
fn write_again(file: &mut File, bytes: &[u8]) -> io::Result<()> {
    let back = i64::try_from(bytes.len()).map_err(io::Error::other)?;
    file.seek(SeekFrom::Current(-back))?;
    file.write_all(bytes)
}

/// The running checksum over header and frames of a log.
struct Chain {
    big_endian: bool,
    salts: [u8; 8],
    page_size: usize,
    sums: (u32, u32),
}

impl Chain {
    /// Begins with the header. Returns `None` if it is not one.
    fn new(header: &[u8; HEADER_LEN]) -> Option<Self> {
        let (magic, page_size) = (word(header, 0), word(header, 8));
        if magic & !1 != MAGIC || !page_size.is_power_of_two() || !(512..=65_536).contains(&page_size) {
            return None;
        }
        let (page_size, salts) = (usize::try_from(page_size).ok()?, header[16..24].try_into().ok()?);
        let mut chain = Self { big_endian: magic & 1 == 1, salts, page_size, sums: (0, 0) };
        chain.add(&header[..24]);
        (chain.sums == (word(header, 24), word(header, 28))).then_some(chain)
    }

    /// Returns whether a frame was written whole, after those before it.
    fn continues_with(&mut self, frame: &[u8]) -> bool {
        let (header, page) = frame.split_at(FRAME_HEADER_LEN);
        self.add(&header[..8]);
        self.add(page);
        header[8..16] == self.salts && self.sums == (word(header, 16), word(header, 20))
    }

    fn add(&mut self, bytes: &[u8]) {
        let number = if self.big_endian { u32::from_be_bytes } else { u32::from_le_bytes };
        let (mut first, mut second) = self.sums;
        for pair in bytes.as_chunks::<8>().0 {
            let [a, b, c, d, e, f, g, h] = *pair;
            first = first.wrapping_add(number([a, b, c, d])).wrapping_add(second);
            second = second.wrapping_add(number([e, f, g, h])).wrapping_add(first);
        }
        self.sums = (first, second);
    }
}

fn word(bytes: &[u8], at: usize) -> u32 {
    bytes[at..].first_chunk().map_or(0, |word| u32::from_be_bytes(*word))
}

fn of_log(at: &Place, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path(&at.shown).display()))
}
