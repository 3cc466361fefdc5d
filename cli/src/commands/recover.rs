//! `sv2 recover`: reports how much of a truncated stream is intact, and cuts its torn tail.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;

use serde::Serialize;
use stream_v2::format::{Detail, Error as FormatError, ErrorKind};
use stream_v2::recover::{KeylessRecovered, recover_keyless};
use stream_v2::{Error, Unlock, recover};

use crate::args::RecoverArgs;
use crate::failure::{CmdResult, Failure};
use crate::input::envelope::opening;
use crate::interrupt;
use crate::keys::Keys;
use crate::location::Location;
use crate::passphrase::not_asked;
use crate::progress::meter::{Meter, Metered};
use crate::progress::request::Requests;
use crate::report::advice::{READ_AGAIN, advice};
use crate::report::json::{finish, place};
use crate::stdio::{print, refuse_closed_output};
use crate::text::size::{bytes, count};

pub(crate) fn run(args: &RecoverArgs) -> CmdResult {
    let (input, input_hex) = place(&args.file);
    let mut result = Recovery { input, input_hex, ..Recovery::default() };
    let done = find(args, &mut result);
    if let Err(failure) = &done {
        result.sealed = result.sealed.or(failure.shows_sealed());
    }
    finish(args.json, "recover", &result, done)
}

fn find(args: &RecoverArgs, result: &mut Recovery) -> CmdResult {
    let name = args.file.display().to_string();
    if !matches!(Location::of(&args.file)?, Location::File) {
        return Err(Failure::usage(format!("{name}: is not a file; databases and S3 have no torn tails"))
            .hint("sv2 verify checks it; run the same command again to resume an interrupted run"));
    }
    if args.json {
        refuse_closed_output()?;
    }
    interrupt::end_at_once()?;
    let mut file = open(&args.file, args.truncate)?;
    let len = file.metadata().ok().map(|metadata| metadata.len());
    let meter = Meter::new("reading", len, args.progress);
    let _requests = Requests::watch(None);
    result.with_key = args.key.has_any();
    let found =
        if result.with_key { with_key(&mut file, args, meter) } else { without_key(&mut file, args, meter) }?;
    let tail = found.file_len - found.stream_len;
    result.found(&found);
    if !args.json {
        print_found(&name, &found)?;
    }
    if args.truncate && tail > 0 {
        //= spec/stream-v2.md#sv2-res-015
        //# nor cut anything unasked;
        let cut = file.set_len(found.stream_len).and_then(|()| file.sync_all());
        cut.map_err(|error| not_cut(&name, &error))?;
        result.cut = true;
    }
    if args.json { Ok(()) } else { print_advice(&name, &found, result) }
}

fn not_cut(name: &str, error: &io::Error) -> Failure {
    Failure::io(format!("{name}: cannot be cut: {error}"))
        .hint("its segments are as they were; check file and disk, and run the same command again")
}

fn print_found(name: &str, found: &KeylessRecovered) -> CmdResult {
    let (segments, plaintext) = (count(found.segments, "segment"), bytes(found.plaintext_len));
    let end = if found.sealed { "complete" } else { "no final segment" };
    let runs = count(found.runs, "run");
    print(format_args!("{name}: {segments} in {runs}, {plaintext} of plaintext; {end}"))
}

fn print_advice(name: &str, found: &KeylessRecovered, result: &Recovery) -> CmdResult {
    let (tail, end) = (found.file_len - found.stream_len, found.stream_len);
    match (tail, result.cut) {
        (0, _) => print(format_args!("{name}: no torn tail"))?,
        (_, false) => print(format_args!(
            "{name}: a torn tail of {} after byte {end}; --truncate cuts it",
            bytes(tail)
        ))?,
        (_, true) => {
            print(format_args!("{name}: a torn tail of {} was cut after byte {end}", bytes(tail)))?;
        }
    }
    //= spec/stream-v2.md#sv2-nok-001
    //# A tool that checks a stream without the key MUST NOT call it authentic, verified or intact.
    if !result.with_key {
        print("checksums only, without a key: authenticity is unknown; -k FILE checks it")?;
    }
    if !found.sealed {
        print("sv2 encrypt resumes a .partial file by itself; sv2 decrypt --salvage recovers its plaintext")?;
    }
    Ok(())
}

/// The result as JSON. Lengths are in bytes.
#[derive(Default, Serialize)]
struct Recovery {
    input: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    input_hex: Option<String>,
    with_key: bool,
    sealed: Option<bool>,
    segments: Option<u64>,
    runs: Option<u64>,
    plaintext_len: Option<u64>,
    stream_len: Option<u64>,
    file_len: Option<u64>,
    torn_tail_len: Option<u64>,
    /// The torn tail was cut, so the file has `stream_len` bytes now.
    cut: bool,
}

impl Recovery {
    const fn found(&mut self, found: &KeylessRecovered) {
        self.sealed = Some(found.sealed);
        self.segments = Some(found.segments);
        self.runs = Some(found.runs);
        self.plaintext_len = Some(found.plaintext_len);
        self.stream_len = Some(found.stream_len);
        self.file_len = Some(found.file_len);
        self.torn_tail_len = Some(found.file_len - found.stream_len);
    }
}

/// Opens a file. With `truncate` it is opened for writing and locked against other writers.
fn open(path: &Path, truncate: bool) -> Result<File, Failure> {
    let name = path.display();
    let failed = |error| Failure::io(format!("{name}: cannot be opened: {error}"));
    if !path.metadata().map_err(failed)?.is_file() {
        return Err(Failure::usage(format!("{name}: is not a regular file"))
            .hint("name the file of a stream; sv2 verify reads other inputs, too"));
    }
    let file = OpenOptions::new().read(true).write(truncate).open(path).map_err(failed)?;
    if truncate {
        file.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => Failure::usage(format!("{name}: is being written by another sv2"))
                .hint("wait until it is done, and run the same command again"),
            TryLockError::Error(error) => Failure::io(format!("{name}: cannot be locked: {error}")).hint(
                "another sv2 may be writing it, so it is not cut: copy it to another file system first",
            ),
        })?;
    }
    Ok(file)
}

fn without_key(file: &mut File, args: &RecoverArgs, meter: Meter) -> Result<KeylessRecovered, Failure> {
    args.key.refuse_context_without_key()?;
    recover_keyless(Metered::new(file, meter)).map_err(|error| refused(args, &error.into()))
}

fn with_key(file: &mut File, args: &RecoverArgs, meter: Meter) -> Result<KeylessRecovered, Failure> {
    let keys = Keys::of(&args.key, &args.file, false)?;
    let unlock = Unlock::with(keys.credentials()).context(args.key.context.as_bytes());
    let unlock = opening(unlock, &args.open)?;
    let found = recover(&unlock, Metered::new(&mut *file, meter)).map_err(|error| refused(args, &error))?;
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
    if let Some(format) = error.format_error() {
        return Failure::stream(&name, format).hints(hints(&name, format));
    }
    match error.io_error() {
        Some(error) => not_asked(error)
            .unwrap_or_else(|| Failure::io(format!("{name}: reading failed: {error}")).hint(READ_AGAIN)),
        None => Failure::io(format!("{name}: {error}")),
    }
}

fn hints(name: &str, error: &FormatError) -> Vec<String> {
    if error.kind() == ErrorKind::Key {
        return vec![
            "check the key file or passphrase, and --context; sv2 inspect shows what the stream is for"
                .into(),
        ];
    }
    if error.detail() != Detail::MalformedDamaged {
        return advice(name, error, None).into_iter().collect();
    }
    let salvage = "sv2 decrypt --salvage -o - writes the plaintext before the fault";
    vec!["this is damage, not a torn tail, so nothing is cut".into(), salvage.into()]
}
