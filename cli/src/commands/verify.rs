//! `sv2 verify`: verifies everything with the key, or checksums without it.

use serde::Serialize;
use stream_v2::file::Event;
use stream_v2::pipeline::{Error, KeylessWalk, LogManager, Telemetry, WalkDepth};
use stream_v2::{Decryptor, Shutdown, Unlock};

use crate::args::VerifyArgs;
use crate::failure::{CmdResult, Failure};
use crate::input::envelope::{opening, read_envelope};
use crate::input::source::Input;
use crate::interrupt;
use crate::keys::Keys;
use crate::output::target::Content;
use crate::progress::bar::{Progress, Unit};
use crate::progress::meter::{Meter, Metered};
use crate::progress::request::Requests;
use crate::progress::stats::Stats;
use crate::report::advice::walk_failed;
use crate::report::failed_call::failed_call;
use crate::report::failed_run::FailedRun;
use crate::report::json::{finish, key_id, place};
use crate::stdio::remark;
use crate::text::size::{bytes, count};

pub(crate) fn run(args: &VerifyArgs) -> CmdResult {
    let (input, input_hex) = place(&args.input);
    let with_key = args.key.has_any();
    let mut result = Check { input, input_hex, with_key, ..Check::default() };
    let done = if with_key { check_all(args, &mut result) } else { check_sums(args, &mut result) };
    result.sealed = match &done {
        Ok(()) => Some(true),
        Err(failure) => failure.shows_sealed(),
    };
    finish(args.json, "verify", &result, done)
}

/// The result as JSON. Lengths are in bytes.
#[derive(Default, Serialize)]
struct Check {
    input: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    input_hex: Option<String>,
    with_key: bool,
    /// All of the stream was checked with the key. Nothing else may be called that (SV2-NOK-001).
    authentic: Option<bool>,
    sealed: Option<bool>,
    segments: Option<u64>,
    plaintext_len: Option<u64>,
    stream_len: Option<u64>,
    key_id: Option<String>,
    /// What opened the stream.
    #[serde(skip_serializing_if = "Option::is_none")]
    opened_by: Option<&'static str>,
}

fn check_all(args: &VerifyArgs, result: &mut Check) -> CmdResult {
    let keys = Keys::of(&args.key, &args.input, args.run.quiet)?;
    let mut input = Input::open(&args.input)?;
    let (shutdown, telemetry) = (Shutdown::new(), Telemetry::new());
    let unlock = Unlock::with(keys.credentials())
        .context(args.key.context.as_bytes())
        .workers(args.run.parallelism().workers)
        .shutdown(&shutdown)
        .telemetry(&telemetry);
    let unlock = opening(unlock, &args.open)?;
    interrupt::watch(&shutdown)?;
    let mut stats = Stats::begin(args.run.stats, &telemetry, args.run.parallelism());
    let mut progress = Progress::new("checking", input.len, Unit::Stream, args.run.progress());
    let _requests = Requests::watch(input.len);
    let decryptor = Decryptor::for_unlock(input.source(), &unlock);
    let stream_key_id = decryptor.as_ref().ok().map(Decryptor::key_id);
    result.key_id = stream_key_id.and_then(key_id);
    let mut opener = None;
    let verified = decryptor.and_then(|mut decryptor| {
        stats.within(args.open.memory_limit, decryptor.segment_size());
        let by = keys.opener(decryptor.open(&unlock)?);
        result.opened_by = Some(by.kind);
        result.key_id = by.key_id.and_then(key_id);
        opener = decryptor.stanzas().next().map(|_| by);
        decryptor.verify(&unlock, &mut |event| {
            if let Event::Run(event) = event {
                progress.log(event);
            }
        })
    });
    let committed = progress.committed();
    (result.segments, result.plaintext_len) = (Some(committed.segments), Some(committed.plaintext_len));
    let summary = verified.map_err(|error| {
        let failed = FailedRun {
            input: &input.name,
            output: None,
            content: Content::Plaintext,
            keys: &keys,
            stream_key_id,
            committed,
        };
        failed_call(error, &input, &failed)
    })?;
    (result.authentic, result.stream_len) = (Some(true), Some(summary.stream_len));
    (result.segments, result.plaintext_len) = (Some(summary.segments), Some(summary.plaintext_len));
    if args.run.quiet || args.json {
        return Ok(());
    }
    let (segments, plaintext) = (count(summary.segments, "segment"), bytes(summary.plaintext_len));
    let name = &input.name;
    remark(format_args!("{name}: authentic and complete: {segments}, {plaintext} of plaintext"))?;
    match opener {
        None => Ok(()),
        Some(opener) if opener.shows_origin() => remark(format_args!("{name}: opened with {}", opener.shown)),
        // Recipients are public (§21.1).
        Some(opener) => remark(format_args!(
            "{name}: opened with {}; anyone who knows its recipient can have written the stream",
            opener.shown
        )),
    }
}

/// Compares checksums, and claims nothing more (SV2-NOK-001).
fn check_sums(args: &VerifyArgs, result: &mut Check) -> CmdResult {
    args.key.refuse_context_without_key()?;
    if args.run.stats.is_some() {
        return Err(Failure::usage("--stats means nothing without a key")
            .hint("name a key file with -k FILE, or with SV2_KEY_FILE"));
    }
    let input = Input::open(&args.input)?;
    interrupt::end_at_once()?;
    let detached = args.open.envelope.as_deref().map(read_envelope).transpose()?;
    let name = &input.name;
    let failed = |error: Error| walk_failed(name, &error);
    let source = Metered::new(input.reader, Meter::new("checking", input.len, args.run.progress()));
    let _requests = Requests::watch(input.len);
    let mut walk = KeylessWalk::reading_with(source, WalkDepth::Wires, detached.as_ref())
        .map_err(failed)
        .map_err(|failure| failure.hint(NO_KEY))?;
    result.key_id = key_id(walk.header().params().key_id);
    let (mut plaintext_len, mut stream_len) = (0, walk.header().body_offset().0);
    loop {
        let segment = walk.next_segment().map_err(failed).map_err(|failure| failure.hint(NO_KEY));
        (result.segments, result.plaintext_len) = (Some(walk.segments()), Some(plaintext_len));
        let Some(segment) = segment? else { break };
        plaintext_len += u64::from(segment.header.plaintext_len);
        stream_len = segment.offset.plus(segment.header.segment_len()).0;
    }
    result.stream_len = Some(stream_len);
    if args.run.quiet || args.json {
        return Ok(());
    }
    let (segments, plaintext) = (count(walk.segments(), "segment"), bytes(plaintext_len));
    remark(format_args!(
        "{name}: checksums match and the stream is complete: {segments}, {plaintext} of plaintext"
    ))?;
    //= spec/stream-v2.md#sv2-nok-001
    //# A tool that checks a stream without the key MUST NOT call it authentic, verified or intact.
    remark(NO_KEY)
}

const NO_KEY: &str =
    "checksums only, without a key: they find damage, but authenticity is unknown; -k FILE checks it";
