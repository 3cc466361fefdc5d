//! `sv2 recover`: reports how much of a truncated stream is intact, and cuts its torn tail.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;

use stream_v2::format::{Detail, Error as FormatError};
use stream_v2::recover::{KeylessRecovered, recover_keyless};
use stream_v2::{Error, Unlock, recover};

use crate::args::RecoverArgs;
use crate::failure::{CmdResult, Failure};
use crate::interrupt;
use crate::keys::KeyFile;
use crate::location::Location;
use crate::progress::bar::shown;
use crate::report::advice::advice;
use crate::stdio::print;
use crate::text::size::{bytes, count};

pub(crate) fn run(args: &RecoverArgs) -> CmdResult {
    let name = args.file.display().to_string();
    if !matches!(Location::of(&args.file)?, Location::File) {
        return Err(Failure::usage(format!("{name}: is not a file; databases and S3 have no torn tails"))
            .hint("sv2 verify checks it; run the same command again to resume an interrupted run"));
    }
    interrupt::end_at_once()?;
    let mut file = open(&args.file, args.truncate)?;
    let found = match args.key.key_file() {
        Some(_) => with_key(&mut file, args),
        None => without_key(&mut file, args),
    }?;
    let tail = found.file_len - found.stream_len;
    let (segments, plaintext) = (count(found.segments, "segment"), bytes(found.plaintext_len));
    let end = if found.sealed { "complete" } else { "no final segment" };
    let runs = count(found.runs, "run");
    print(format_args!("{name}: {segments} in {runs}, {plaintext} of plaintext; {end}"))?;
    match (tail, args.truncate) {
        (0, _) => print(format_args!("{name}: no torn tail"))?,
        (_, false) => print(format_args!(
            "{name}: a torn tail of {} after byte {}; --truncate cuts it",
            bytes(tail),
            found.stream_len
        ))?,
        //= spec/stream-v2.md#sv2-res-015
        //# nor cut anything unasked;
        (_, true) => {
            let cut = file.set_len(found.stream_len).and_then(|()| file.sync_all());
            cut.map_err(|error| Failure::io(format!("{name}: cannot be cut: {error}")))?;
            print(format_args!(
                "{name}: a torn tail of {} was cut after byte {}",
                bytes(tail),
                found.stream_len
            ))?;
        }
    }
    //= spec/stream-v2.md#sv2-nok-001
    //# A tool that checks a stream without the key MUST NOT call it authentic, verified or intact.
    if args.key.key_file().is_none() {
        print("checksums only, without a key: authenticity is unknown; -k FILE checks it")?;
    }
    if !found.sealed {
        print("sv2 encrypt resumes a .partial file by itself; sv2 decrypt --salvage recovers its plaintext")?;
    }
    Ok(())
}

/// Opens a file. With `truncate` it is opened for writing and locked against other writers.
fn open(path: &Path, truncate: bool) -> Result<File, Failure> {
    let name = path.display();
    let failed = |error| Failure::io(format!("{name}: cannot be opened: {error}"));
    if !path.metadata().map_err(failed)?.is_file() {
        return Err(Failure::usage(format!("{name}: is not a regular file")));
    }
    let file = OpenOptions::new().read(true).write(truncate).open(path).map_err(failed)?;
    if truncate {
        file.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => Failure::usage(format!("{name}: is being written by another sv2")),
            TryLockError::Error(error) => Failure::io(format!("{name}: cannot be locked: {error}")).hint(
                "another sv2 may be writing it, so it is not cut: copy it to another file system first",
            ),
        })?;
    }
    Ok(file)
}

fn without_key(file: &mut File, args: &RecoverArgs) -> Result<KeylessRecovered, Failure> {
    args.key.refuse_context_without_key()?;
    let len = file.metadata().ok().map(|metadata| metadata.len());
    recover_keyless(shown(file, len, false)).map_err(|error| refused(args, &error.into()))
}

fn with_key(file: &mut File, args: &RecoverArgs) -> Result<KeylessRecovered, Failure> {
    let key_file = KeyFile::of(&args.key, &args.file, false)?;
    let unlock = Unlock::new(&key_file.key).context(args.key.context.as_bytes());
    let found = recover(&unlock, &mut *file).map_err(|error| refused(args, &error))?;
    let file_len =
        file.metadata().map_err(|error| Failure::io(format!("{}: {error}", args.file.display())))?.len();
    Ok(KeylessRecovered {
        segments: found.committed.segments,
        runs: found.runs,
        plaintext_len: found.committed.plaintext_len,
        stream_len: found.stream_len,
        file_len,
        sealed: found.sealed,
    })
}

fn refused(args: &RecoverArgs, error: &Error) -> Failure {
    let name = args.file.display().to_string();
    match error.format_error() {
        None => Failure::io(format!("{name}: reading failed: {error}")),
        Some(format) => Failure::stream(&name, format).hints(hints(format)),
    }
}

fn hints(error: &FormatError) -> Vec<String> {
    if error.detail() != Detail::MalformedDamaged {
        return advice(error, None).into_iter().collect();
    }
    let salvage = "sv2 decrypt --salvage -o - writes the plaintext before the fault";
    vec!["this is damage, not a torn tail, so nothing is cut".into(), salvage.into()]
}
