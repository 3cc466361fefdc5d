//! Chooses the output of a run, and rejects bad ones, before anything is opened.

use std::ffi::OsStr;
use std::fs::Metadata;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use stream_v2::pipeline::{Disk, OutputFile, Storage, is_planted};
use stream_v2::sqlite::Database;

use crate::args::KeyArgs;
use crate::failure::Failure;
use crate::location::Location;
use crate::output::device;
use crate::output::file::refuse_existing;
use crate::output::same_file::{Identity, identity, input_identity, output_identity};
use crate::output::target::Output;
use crate::output::upload::{self, UploadSettings};
use crate::stdio::{is_standard_input, is_standard_output, refuse_closed_output};

/// The chosen output of a run.
pub(crate) enum Destination {
    Output(Output),
    /// A database, which may not exist yet.
    Stored {
        database: PathBuf,
        stream: String,
        force: bool,
    },
    /// An object in S3.
    Uploaded {
        bucket: String,
        key: String,
        force: bool,
    },
}

impl Destination {
    /// Chooses the output, and rejects one that would lose data.
    ///
    /// Nothing is opened for this, and no database is created.
    pub(crate) fn of(path: &Path, input: &Path, key: &KeyArgs, force: bool) -> Result<Self, Failure> {
        match Location::of(path)? {
            Location::File => choose(path, input, key, force).map(Self::Output),
            Location::Sqlite { database, stream } => Ok(Self::Stored { database, stream, force }),
            Location::S3 { bucket, key } => Ok(Self::Uploaded { bucket, key, force }),
        }
    }

    /// Returns the default number of bytes after which the output is made durable.
    ///
    /// Data is not sent to S3 earlier.
    pub(crate) const fn sync_every(&self) -> u64 {
        match self {
            Self::Uploaded { .. } => 16 << 20,
            _ => 64 << 20,
        }
    }

    /// Opens or creates the database, or asks S3 for the object. This is the last step before a
    /// run.
    pub(crate) fn output(self, mut settings: UploadSettings<'_>) -> Result<Output, Failure> {
        if let (Self::Output(Output::File(_)) | Self::Stored { .. }, Some(progress)) =
            (&self, settings.progress.as_deref_mut())
        {
            progress.count_durable();
        }
        match self {
            Self::Output(output) => Ok(output),
            Self::Uploaded { bucket, key, force } => {
                of_file(upload::output(&bucket, &key, force, settings)?.overwriting(force))
            }
            Self::Stored { database, stream, force } => {
                let database = Database::create(&database).map_err(|error| Failure::io(error.to_string()))?;
                of_file(database.output(&stream).overwriting(force))
            }
        }
    }
}

fn choose(path: &Path, input: &Path, key: &KeyArgs, force: bool) -> Result<Output, Failure> {
    let path = if is_standard_output(path) { Path::new("-") } else { path };
    refuse_same(path, input_identity(input), "the input")?;
    refuse_same(path, key.key_file().and_then(identity), "the key file")?;
    refuse_same(path, key.passphrase_file.as_deref().and_then(identity), "the passphrase file")?;
    for file in &key.identity {
        refuse_same(path, identity(file), "the identity file")?;
    }
    if is_standard_output(path) {
        refuse_closed_output()?;
        return Ok(Output::Standard);
    }
    refuse_folder(path, input)?;
    let target = followed(path)?;
    match path.metadata() {
        Ok(metadata) if !metadata.is_file() => {
            refuse_device(path, &target, &metadata, force)?;
            return Ok(Output::Device(path.to_owned()));
        }
        Err(_) if path.is_symlink() => {
            return Err(Failure::usage(format!("{}: is a link that leads nowhere", path.display()))
                .hint("choose another output with -o"));
        }
        _ => {}
    }
    refuse_long_name(&target)?;
    of_file(OutputFile::new(target).overwriting(force))
}

fn of_file(file: OutputFile) -> Result<Output, Failure> {
    // With a journal it may be the result that an interrupted run has just completed.
    if !file.has_journal() {
        refuse_existing(&file)?;
    }
    Ok(Output::File(file))
}

/// Resolves the links of a name, as their target is replaced, not the link.
///
/// Links in the folders before it are left to the system. A link that another user may have planted
/// is not followed, because it would decide which file is replaced.
fn followed(path: &Path) -> Result<PathBuf, Failure> {
    // More than any system follows. The last one is then reported as a dangling link.
    const LINKS_MAX: usize = 40;
    let mut target = path.to_owned();
    for _ in 0..LINKS_MAX {
        let Ok(next) = target.read_link() else { break };
        if is_planted(&target) {
            return Err(Failure::usage(format!(
                "{}: is a link of another user, in a folder that everybody may write to",
                target.display()
            ))
            .hint("it is not followed: remove it, or choose another output with -o"));
        }
        // An absolute path replaces all of it.
        target = target.parent().unwrap_or(Path::new("")).join(next);
    }
    Ok(target)
}

/// Rejects a disk unless it is to be overwritten, and a pipe that another user may have created to
/// read the output.
#[cfg(unix)]
fn refuse_device(path: &Path, target: &Path, found: &Metadata, force: bool) -> Result<(), Failure> {
    use std::os::unix::fs::FileTypeExt;
    let (kind, name) = (found.file_type(), path.display());
    if kind.is_socket() {
        return Err(Failure::usage(format!("{name}: is a socket")).hint("choose another output with -o"));
    }
    if kind.is_block_device() && !force {
        return Err(Failure::usage(format!("{name}: is a disk, or a part of one"))
            .hint("--force overwrites it; -o chooses another output"));
    }
    if kind.is_fifo() && !force && is_planted(target) {
        let what = "is a pipe of another user, in a folder that everybody may write to";
        return Err(Failure::usage(format!("{name}: {what}"))
            .hint("--force writes to it all the same; -o chooses another output"));
    }
    Ok(())
}

#[cfg(not(unix))]
fn refuse_device(_: &Path, _: &Path, _: &Metadata, _: bool) -> Result<(), Failure> {
    Ok(())
}

/// Rejects a name that no file can have, which would otherwise be found only when everything is
/// written.
fn refuse_long_name(target: &Path) -> Result<(), Failure> {
    let len = target.file_name().map_or(0, OsStr::len);
    let most = Disk::default().name_len_max(target).unwrap_or(usize::MAX);
    if len <= most {
        return Ok(());
    }
    Err(Failure::usage(format!(
        "{}: the name has {len} bytes, and at most {most} are possible",
        target.display()
    ))
    .hint("choose a shorter name with -o"))
}

/// Rejects an output that is the same file as `other`, which is read.
fn refuse_same(path: &Path, other: Option<Identity>, what: &str) -> Result<(), Failure> {
    let Some(read) = other else { return Ok(()) };
    let partial = OutputFile::new(path).partial();
    let same = if output_identity(path).as_ref() == Some(&read) {
        path.to_owned()
    } else if !is_standard_output(path) && identity(&partial).as_ref() == Some(&read) {
        partial
    } else {
        return Ok(());
    };
    let name = if is_standard_output(&same) { "standard output".into() } else { same.display().to_string() };
    Err(Failure::usage(format!("{name}: is {what}, and would be written to"))
        .hint("choose another output with -o"))
}

/// Rejects a folder, and a name that only a folder can have.
fn refuse_folder(path: &Path, input: &Path) -> Result<(), Failure> {
    let metadata = path.metadata();
    let is_folder = metadata.as_ref().is_ok_and(Metadata::is_dir);
    if !is_folder && !path.as_os_str().as_encoded_bytes().ends_with(b"/") {
        return Ok(());
    }
    let shown = path.display();
    let file = if is_standard_input(input) { None } else { input.file_name() };
    let file = path.join(file.unwrap_or("FILE".as_ref()));
    let file = file.display();
    let (what, hint) = match metadata {
        Ok(_) if is_folder => {
            ("is a folder, and not a file", format!("name a file in it, such as -o {file}"))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => (
            "names a folder that does not exist",
            format!("create it, and name a file in it, such as -o {file}"),
        ),
        _ => ("ends as the name of a folder does, and is not one", "leave out the / at the end".into()),
    };
    Err(Failure::usage(format!("{shown}: {what}")).hint(hint))
}

/// Rejects a missing output name if the input is a device, in a database or in S3.
pub(crate) fn refuse_unnamed(input: &Path) -> Result<(), Failure> {
    let whence = match Location::of(input)? {
        Location::File if device::is_in_system(input) => "a device or a pipe of the system",
        Location::File => return Ok(()),
        Location::Sqlite { .. } => "in a database",
        Location::S3 { .. } => "in S3",
    };
    Err(Failure::usage(format!("{}: is {whence}, and no output was named", input.display()))
        .hint("name the output with -o FILE, or -o - for standard output"))
}
