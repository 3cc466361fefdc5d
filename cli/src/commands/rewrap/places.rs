//! The streams whose envelopes are replaced: one, or all in a folder, in a database or in S3.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use stream_v2::Error;
use stream_v2::format::limits::STREAM_HEADER_LEN;
use stream_v2::format::wire::{HeaderV1, HeaderV1View, Parsed};
use stream_v2::pipeline::ReadAt;
use stream_v2::pipeline::io::read_own_header_at;
use stream_v2::rewrap::{Before, Replaced, Rewrap, envelope_digest};
use stream_v2::s3::{Bucket, Config, HeadReplaced};
use stream_v2::sqlite::Database;

use crate::failure::{CmdResult, Failure};
use crate::input::source::Input;
use crate::location::Location;

const SQLITE_MAGIC: &[u8; 16] = b"SQLite format 3\0";
/// Copies of envelopes that are being replaced.
const COPIES: [&str; 2] = [".rewrap", ".rewrap.new"];

/// A stream that is replaced in its place.
pub(super) enum Stream {
    File(PathBuf),
    Stored { database: Database, name: String, place: String },
    Object { bucket: Bucket, key: String, place: String },
}

/// A stream and its envelope as they are.
pub(super) struct Current {
    pub(super) stream_salt: [u8; 32],
    pub(super) envelope: [u8; 32],
}

impl Stream {
    /// Returns the stream that a location names.
    pub(super) fn of(path: &Path) -> Result<Self, Failure> {
        let place = path.display().to_string();
        Ok(match Location::of(path)? {
            Location::File => Self::File(path.to_owned()),
            Location::Sqlite { database, stream } => {
                let database = Database::open(&database).map_err(Failure::io)?;
                Self::Stored { database, name: stream, place }
            }
            Location::S3 { bucket, key } => Self::Object { bucket: open_bucket(&bucket)?, key, place },
        })
    }

    /// Returns its name in messages and in reports.
    pub(super) fn place(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Stored { place, .. } | Self::Object { place, .. } => place.clone(),
        }
    }

    /// Replaces its envelope.
    pub(super) fn replace(
        &self,
        rewrap: &Rewrap,
        before: Before<'_>,
    ) -> Result<(Replaced, Option<HeadReplaced>), Error> {
        match self {
            Self::File(path) => rewrap.file_after(path, before).map(|replaced| (replaced, None)),
            Self::Stored { database, name, .. } => {
                rewrap.in_database(database, name, before).map(|replaced| (replaced, None))
            }
            Self::Object { bucket, key, .. } => rewrap.in_bucket(bucket, key, before),
        }
    }

    /// Returns whether a replacement of its envelope was interrupted, and has to be completed.
    pub(super) fn is_half_done(&self) -> bool {
        match self {
            Self::File(path) => stream_v2::file::OutputFile::new(path).rewrap_copy().exists(),
            _ => false,
        }
    }

    /// Returns the stream as it is, or `None` if it is something else: another file, or a detached
    /// envelope.
    ///
    /// A damaged stream is one that can be read as far as its header.
    pub(super) fn current(&self) -> Result<Option<Current>, Failure> {
        let input = Input::open(Path::new(&self.place()))?;
        let Some(source) = input.reader.at_offsets() else { return Ok(None) };
        let failed = |error: &dyn std::fmt::Display| Failure::io(format!("{}: {error}", self.place()));
        let Some(header) = header(&*source).map_err(|error| failed(&error))? else { return Ok(None) };
        let len = source.stream_len().map_err(|error| failed(&error))?;
        if header.envelope_len() != 0 && len == header.body_offset().0 {
            return Ok(None);
        }
        let envelope = match read_own_header_at(&source) {
            Ok((_, envelope)) => envelope_digest(&envelope),
            Err(_) => [0; 32],
        };
        Ok(Some(Current { stream_salt: header.params().stream_salt, envelope }))
    }
}

/// Reads a stream header, or returns `None` if there is none.
fn header(source: &dyn ReadAt) -> std::io::Result<Option<HeaderV1>> {
    let (mut bytes, mut filled) = ([0; STREAM_HEADER_LEN], 0);
    while filled < bytes.len() {
        match source.read_at(filled as u64, &mut bytes[filled..])? {
            0 => break,
            read => filled += read,
        }
    }
    Ok(match HeaderV1View::parse(&bytes[..filled]) {
        Ok(Parsed::Complete(view, _)) => Some(view.header()),
        _ => None,
    })
}

fn open_bucket(name: &str) -> Result<Bucket, Failure> {
    let bucket = Config::from_env().and_then(|config| Bucket::new(name, &config));
    bucket.map_err(|error| Failure::s3(&error))
}

/// Visits all streams in a place, in the order of their names.
pub(super) fn each(place: &Path, visit: &mut dyn FnMut(Stream) -> CmdResult) -> CmdResult {
    let text = place.to_str().unwrap_or_default();
    if let Some(rest) = text.strip_prefix("s3://") {
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        return each_object(&open_bucket(bucket)?, prefix, visit);
    }
    let path = Location::database(place);
    let metadata = path.metadata().map_err(|error| Failure::io(format!("{}: {error}", path.display())))?;
    if metadata.is_dir() {
        return each_file(&path, visit);
    }
    if path.as_path() == place && !is_database(&path) {
        return Err(Failure::usage(format!("{}: is neither a folder nor a database", place.display()))
            .hint("leave out --all for a single stream"));
    }
    let database = Database::open(&path).map_err(Failure::io)?;
    for entry in database.entries().map_err(Failure::io)? {
        let place = format!("sqlite:{}?stream={}", path.display(), entry.name);
        visit(Stream::Stored { database: database.clone(), name: entry.name, place })?;
    }
    Ok(())
}

fn each_file(folder: &Path, visit: &mut dyn FnMut(Stream) -> CmdResult) -> CmdResult {
    let failed = |error: std::io::Error| Failure::io(format!("{}: {error}", folder.display()));
    let entries: Result<Vec<_>, _> = fs::read_dir(folder).map_err(failed)?.collect();
    let mut entries = entries.map_err(failed)?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        // Links are not followed: their targets may be elsewhere, or visited twice.
        let kind = entry.file_type().map_err(failed)?;
        let path = entry.path();
        let name = entry.file_name();
        let is_copy = COPIES.iter().any(|copy| name.as_encoded_bytes().ends_with(copy.as_bytes()));
        match () {
            () if kind.is_dir() => each_file(&path, visit)?,
            () if kind.is_file() && !is_copy => visit(Stream::File(path))?,
            () => {}
        }
    }
    Ok(())
}

fn each_object(bucket: &Bucket, prefix: &str, visit: &mut dyn FnMut(Stream) -> CmdResult) -> CmdResult {
    let mut failure = Ok(());
    let listed = bucket.each_object(prefix, &mut |keys| {
        for key in keys {
            let place = format!("s3://{}/{key}", bucket.name());
            failure = visit(Stream::Object { bucket: bucket.clone(), key, place });
            if failure.is_err() {
                return Err(std::io::ErrorKind::Other.into());
            }
        }
        Ok(())
    });
    failure?;
    listed.map_err(Failure::io)
}

fn is_database(path: &Path) -> bool {
    let mut begin = [0; SQLITE_MAGIC.len()];
    fs::File::open(path).and_then(|mut file| file.read_exact(&mut begin)).is_ok() && &begin == SQLITE_MAGIC
}
