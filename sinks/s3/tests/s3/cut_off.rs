//! A run that is asked to stop when its source ends: the source may have been cut off.
//!
//! Nothing that would end the stream is kept, here or at S3, and a longer source resumes it.

use stream_v2_format::Detail;
use stream_v2_pipeline::{
    Cause, ContentKey, DecryptPipeline, EncryptPipeline, Error, FileSink, InterruptedEncryption, SourceStamp,
};
use stream_v2_testing::crash_sim::SEGMENT;
use stream_v2_testing::managers::RaisesAt;
use stream_v2_testing::plaintext;
use stream_v2_testing::streams::{decrypt, key, small_segments};

use crate::machine::{Machine, OBJECT};

/// The result of a run that is asked to stop at an event.
#[derive(Debug, PartialEq, Eq)]
enum Ends {
    /// The longer source is there.
    Resumed,
    /// After the last check: the journal records the end of the source, and the same one is there.
    Ended,
    /// There was no such event before everything was done.
    Done,
}

fn pipeline(key: &ContentKey, index: bool) -> EncryptPipeline<'_> {
    let mut pipeline = small_segments(key, 1);
    pipeline.set_index(index);
    pipeline
}

/// Uploads `cut` of `whole`, asks to stop at an event, and then uploads `whole`.
fn ends(cut: usize, whole: &[u8], index: bool, event: usize) -> Ends {
    let (key, mut machine) = (key(), Machine::new());
    let interrupted = pipeline(&key, index);
    let output = machine.upload().with_lanes(0).with_shutdown(&interrupted.shutdown).output();
    let sink = FileSink::create(&output).unwrap();
    let mut log = RaisesAt { left: event, shutdown: interrupted.shutdown.clone() };
    let run = interrupted.run_to_file(&whole[..cut], SourceStamp::default(), sink, Some(&mut log));
    drop(output);
    let Err(error) = run else { return Ends::Done };
    assert!(matches!(error.cause(), Cause::Interrupted), "{cut} {index} {event}: {error}");
    assert!(machine.front.object(OBJECT).is_none(), "{cut} {index} {event}");

    let (ends, source) = match resumed(&machine, &key, index, whole) {
        Ok(()) => (Ends::Resumed, whole),
        Err(error) => {
            assert_eq!(error.format_error().unwrap().detail(), Detail::JournalSource);
            resumed(&machine, &key, index, &whole[..cut]).unwrap();
            (Ends::Ended, &whole[..cut])
        }
    };
    let object = machine.front.object(OBJECT).unwrap();
    assert!(decrypt(&DecryptPipeline::new(&key), &object).0 == source, "{cut} {index} {event}");
    machine.assert_sent_once();
    ends
}

/// Runs the command again with a source.
fn resumed(machine: &Machine, key: &ContentKey, index: bool, mut source: &[u8]) -> Result<(), Error> {
    let (pipeline, output) = (pipeline(key, index), machine.upload().with_lanes(0).output());
    let Some(mut found) = InterruptedEncryption::find(&pipeline, &output)? else {
        output.discard().unwrap();
        let sink = FileSink::create(&output).unwrap();
        return pipeline.run_to_file(source, SourceStamp::default(), sink, None).map(drop);
    };
    found.compare_source(&pipeline, &mut source, SourceStamp::default(), None)?;
    found.resume(&pipeline, source, None).map(drop)
}

#[test]
fn a_longer_source_resumes_an_upload() {
    for index in [false, true] {
        for cut in [100, 4 * SEGMENT, 4 * SEGMENT + 100] {
            let whole = plaintext(cut + 3 * SEGMENT + 7);
            let all: Vec<_> = (0..)
                .map(|event| ends(cut, &whole, index, event))
                .take_while(|ends| *ends != Ends::Done)
                .collect();
            // The last commit is recorded and the final segment written after the last check.
            let last = all.len() - 2;
            assert!(all[..last].iter().all(|ends| *ends == Ends::Resumed), "{cut} {index}: {all:?}");
        }
    }
}
