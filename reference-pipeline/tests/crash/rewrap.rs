//! The crash table of an envelope that is replaced in place (§12.4).
//!
//! In every state one of the old keys opens the stream: by its own envelope, or by the copy beside
//! it. The same command ends with the new envelope and without a copy, and no other byte has
//! changed.

use std::error::Error;

use stream_v2_format::envelope::DetachedEnvelope;
use stream_v2_pipeline::io::{read_own_header, read_stream_header};
use stream_v2_pipeline::{
    Credentials, EncryptPipeline, KeyFile, Managers, Recipients, Replaced, Rewrap, WriterSink,
};
use stream_v2_testing::crash_sim::failing::{CODES, Command};
use stream_v2_testing::crash_sim::sim::{Contents, Op, Sim, Trouble};
use stream_v2_testing::crash_sim::states::{killed, kills, lost_power};
use stream_v2_testing::crash_sim::{SEGMENT, at_night, output};
use stream_v2_testing::plaintext;

const OLD: u8 = 1;
const NEW: u8 = 2;
const BODY: usize = 128 + 1024;

fn key_file(key: u8) -> KeyFile {
    KeyFile::parse(KeyFile::text(&[key; 32]).as_bytes()).unwrap()
}

fn credentials(keys: &[u8]) -> Credentials {
    keys.iter().map(|key| key_file(*key)).fold(Credentials::new(), Credentials::with_key_file)
}

fn recipients(keys: &[u8]) -> Recipients {
    keys.iter().map(|key| key_file(*key)).fold(Recipients::new(), Recipients::with_key_file)
}

/// A disk with a stream for the old key.
fn start() -> Contents {
    let mut stream = Vec::new();
    let recipients = recipients(&[OLD]);
    let mut pipeline = EncryptPipeline::for_recipients(&recipients);
    (pipeline.params.segment_size, pipeline.params.frame_size_log2) = (4096, 12);
    let source = plaintext(2 * SEGMENT - 7);
    pipeline.run(&source[..], &mut WriterSink::new(&mut stream), Managers::none()).unwrap();
    let mut start = Contents::default();
    start.put("out", stream);
    start
}

fn rewrap(sim: &Sim, old: &[u8], new: &[u8]) -> Result<Replaced, Box<dyn Error>> {
    let (credentials, recipients) = (credentials(old), recipients(new));
    Ok(Rewrap::new(&credentials, &recipients).in_place(&output(sim), None)?)
}

fn run(sim: &Sim) -> Result<(), Box<dyn Error>> {
    rewrap(sim, &[OLD], &[NEW]).map(drop)
}

/// Returns the operations of the command on this disk, which must succeed.
fn log(start: &Contents) -> Vec<Op> {
    let sim = Sim::new(start.clone());
    run(&sim).unwrap();
    sim.log()
}

/// Returns whether one of these keys opens the stream by its own envelope.
fn opens(stream: &[u8], keys: &[u8]) -> bool {
    let read = read_stream_header(&mut &stream[..]);
    read.is_ok_and(|(header, envelope)| credentials(keys).open(&header, &envelope, b"").is_ok())
}

/// Returns whether one of these keys opens the stream by the copy beside it.
fn opens_by_copy(contents: &Contents, keys: &[u8]) -> bool {
    let Some(copy) = contents.file("out.rewrap") else { return false };
    let (header, envelope) = read_own_header(&mut &contents.file("out").unwrap()[..]).unwrap();
    let copy = DetachedEnvelope::parse(copy);
    copy.is_ok_and(|copy| {
        credentials(keys).with_detached_envelope(copy).open(&header, &envelope, b"").is_ok()
    })
}

/// Asserts that the stream is not lost, and that nothing but its envelope has changed.
fn assert_rescued(start: &Contents, contents: &Contents, state: &str) {
    let (before, stream) = (start.file("out").unwrap(), contents.file("out").unwrap());
    assert!(stream[..128] == before[..128] && stream[BODY..] == before[BODY..], "{state}");
    assert!(opens(stream, &[OLD, NEW]) || opens_by_copy(contents, &[OLD]), "{state}");
}

fn assert_done(contents: &Contents) {
    let stream = contents.file("out").unwrap();
    assert!(opens(stream, &[NEW]) && !opens(stream, &[OLD]));
}

fn assert_clear(contents: &Contents) {
    assert_eq!(contents.names(), ["out"]);
}

/// Runs the same command on a state that a crash has left.
fn again(start: &Contents, contents: &Contents, state: &str) -> Vec<Op> {
    assert_rescued(start, contents, state);
    let sim = Sim::new(contents.clone());
    let done = run(&sim);
    assert!(done.is_ok(), "{state}: {done:?}, with {:?}", contents.names());
    let contents = sim.contents();
    assert_done(&contents);
    assert_clear(&contents);
    assert_rescued(start, &contents, state);
    sim.log()
}

//= spec/stream-v2.md#sv2-env-016
//= type=test
//# A tool that replaces an envelope in place MUST first make a copy of the old one durable
//# elsewhere.
//= spec/stream-v2.md#sv2-env-031
//= type=test
//# The copy of the old envelope (SV2-ENV-016) MUST be a detached envelope.
//= spec/stream-v2.md#sv2-env-032
//= type=test
//# A tool that replaces an envelope in place MUST remove the copy of the old one when the new one
//# is durable, unless its caller asks to keep it.
#[test]
fn a_kill_at_each_byte_loses_nothing() {
    let start = start();
    let first = log(&start);
    let mut torn = 0;
    for (calls, cut) in kills(&first, usize::MAX) {
        let contents = killed(&start, &first, calls, cut);
        let stream = contents.file("out").unwrap();
        torn += usize::from(!opens(stream, &[OLD]) && !opens(stream, &[NEW]));
        again(&start, &contents, &format!("killed after {calls} calls and {cut} bytes"));
    }
    // Every byte of the overwriting but the last one leaves a torn envelope, or almost every one:
    // the padding is the same.
    assert!(torn > 130, "{torn}");
}

#[test]
fn a_second_kill_loses_nothing() {
    let start = start();
    let first = log(&start);
    for (calls, cut) in kills(&first, at_night(2, 16)) {
        let contents = killed(&start, &first, calls, cut);
        let second = again(&start, &contents, "first");
        for (more, cut) in kills(&second, at_night(3, 64)) {
            let contents = killed(&contents, &second, more, cut);
            again(
                &start,
                &contents,
                &format!("killed after {calls} calls, and after {more} and {cut} bytes"),
            );
        }
    }
}

#[test]
fn a_loss_of_power_loses_nothing() {
    let start = start();
    let first = log(&start);
    let mut states = 0;
    lost_power(&start, &first, 0, |calls, contents| {
        states += 1;
        let second = again(&start, contents, &format!("power lost after {calls} calls"));
        if calls == first.len() {
            assert_done(contents);
        }
        if states % at_night(5, 1) == 0 {
            lost_power(contents, &second, 0, |more, contents| {
                again(&start, contents, &format!("power lost after {calls} calls, and after {more}"));
            });
        }
    });
    assert!(states > 20, "{states}");
}

/// A disk may write the sectors of an overwriting in any order.
#[test]
fn any_mix_of_both_envelopes_is_rescued() {
    let start = start();
    let first = log(&start);
    let is_overwriting = |op: &Op| matches!(op, Op::Write(_, 128, bytes) if bytes.len() == 1024);
    let at = first.iter().position(is_overwriting).unwrap();
    let Some(Op::Write(inode, _, new)) = first.get(at).cloned() else { unreachable!() };
    for cut in 0..=new.len() {
        for (begin, end) in [(0, cut), (cut, new.len()), (cut, (cut + 64).min(new.len()))] {
            let mut contents = killed(&start, &first, at, 0);
            contents.write(inode, 128 + begin, &new[begin..end]);
            again(&start, &contents, &format!("bytes {begin}..{end} are new"));
        }
    }
}

fn failing(does: impl FnOnce(&Command<'_>)) {
    does(&Command {
        run: &run,
        nth: at_night(7, 1),
        folders: true,
        assert_result: &assert_done,
        assert_clear: &assert_clear,
    });
}

#[test]
fn each_failed_sync_is_survived() {
    let start = start();
    for code in CODES {
        failing(|command| command.every_sync_fails(&start, code));
    }
    failing(|command| command.every_write_fails(&start, CODES[1]));
}

#[test]
fn a_failed_call_is_reported_and_repeated() {
    let start = start();
    for at in 0..log(&start).len() {
        for trouble in [Trouble::Fails(std::io::ErrorKind::StorageFull), Trouble::Short] {
            let sim = Sim::troubled_with(start.clone(), at, trouble);
            let done = run(&sim);
            assert!(done.is_err() || matches!(trouble, Trouble::Short), "{at}");
            again(&start, &sim.contents(), &format!("call {at} failed"));
        }
    }
}

/// A copy that comes back after a loss of power is not the envelope that the next command
/// overwrites.
#[test]
fn a_copy_that_came_back_is_replaced_first() {
    let start = start();
    let first = log(&start);
    let removed = first.iter().rposition(|op| matches!(op, Op::Remove(_))).unwrap();
    let came_back = killed(&start, &first, removed, 0);
    let sim = Sim::new(came_back.clone());
    rewrap(&sim, &[NEW], &[3]).unwrap();
    let second = sim.log();
    for (calls, cut) in kills(&second, at_night(64, usize::MAX)) {
        let contents = killed(&came_back, &second, calls, cut);
        let stream = contents.file("out").unwrap();
        let rescued = opens(stream, &[NEW, 3]) || opens_by_copy(&contents, &[NEW]);
        assert!(rescued, "killed after {calls} calls and {cut} bytes");
        let sim = Sim::new(contents);
        rewrap(&sim, &[NEW], &[3]).unwrap();
        assert!(opens(sim.contents().file("out").unwrap(), &[3]));
        assert_clear(&sim.contents());
    }
}
