//! A run that is asked to stop when its source ends: the source may have been cut off. Nothing of
//! what would end the stream is kept, here or at S3, and a longer source resumes it.

use stream_v2_pipeline::{
    Cause, DecryptPipeline, FileSink, InterruptedEncryption, LogEvent, LogManager, Shutdown, SourceStamp,
};

use crate::lab::SEGMENT;
use crate::machine::{Machine, OBJECT};
use crate::support::{decrypt, key, plaintext, small_segments};

/// Raises a flag at an event.
struct RaisesAt {
    left: usize,
    shutdown: Shutdown,
}

impl LogManager for RaisesAt {
    fn log(&mut self, _: LogEvent<'_>) {
        if self.left == 0 {
            self.shutdown.request();
        }
        self.left = self.left.wrapping_sub(1);
    }
}

/// Uploads `cut` of `whole` and is interrupted at an event, and then uploads `whole`. Whether there
/// was such an event.
fn is_resumed(cut: usize, whole: &[u8], index: bool, event: usize) -> bool {
    let (key, mut machine) = (key(), Machine::new());
    let mut pipeline = small_segments(&key, 1);
    pipeline.set_index(index);
    let output = machine.upload().with_lanes(0).with_shutdown(&pipeline.shutdown).output();
    let sink = FileSink::create(&output).unwrap();
    let mut log = RaisesAt { left: event, shutdown: pipeline.shutdown.clone() };
    let run = pipeline.run_to_file(&whole[..cut], SourceStamp::default(), sink, Some(&mut log));
    drop(output);
    let Err(error) = run else { return false };
    assert!(matches!(error.cause(), Cause::Interrupted), "{cut} {index} {event}: {error}");
    assert!(machine.front.object(OBJECT).is_none(), "{cut} {index} {event}");

    let mut pipeline = small_segments(&key, 1);
    pipeline.set_index(index);
    let output = machine.upload().with_lanes(0).output();
    let mut source = whole;
    match InterruptedEncryption::find(&pipeline, &output).unwrap() {
        Some(mut found) => {
            found.compare_source(&pipeline, &mut source, SourceStamp::default(), None).unwrap();
            found.resume(&pipeline, source, None).unwrap();
        }
        None => {
            output.discard().unwrap();
            let sink = FileSink::create(&output).unwrap();
            pipeline.run_to_file(source, SourceStamp::default(), sink, None).unwrap();
        }
    }
    drop(output);
    let object = machine.front.object(OBJECT).unwrap();
    assert!(decrypt(&DecryptPipeline::new(&key), &object).0 == whole, "{cut} {index} {event}");
    machine.assert_sent_once();
    true
}

#[test]
fn a_longer_source_resumes_an_upload() {
    for index in [false, true] {
        for cut in [100, 4 * SEGMENT, 4 * SEGMENT + 100] {
            let whole = plaintext(cut + 3 * SEGMENT + 7);
            let events = (0..).take_while(|event| is_resumed(cut, &whole, index, *event)).count();
            assert!(events > 3, "{cut} {index}");
        }
    }
}
