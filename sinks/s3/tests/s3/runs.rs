//! An upload that many runs resume: the bytes that S3 has are given up here, except headers and the
//! links of runs.

use std::io::{Cursor, ErrorKind};

use stream_v2_pipeline::{
    Cause, DecryptPipeline, FileSink, InterruptedDecryption, InterruptedEncryption, KeylessWalk,
    PartialDecryption, RangeBy, SourceStamp, WalkDepth,
};
use stream_v2_testing::crash_sim::SEGMENT;
use stream_v2_testing::crash_sim::sim::Op;
use stream_v2_testing::plaintext;
use stream_v2_testing::sources::Failing;
use stream_v2_testing::streams::{decrypt, encrypt, key, small_segments};
use stream_v2_testing::tasks::{Sips, runtimes};

use crate::machine::{Machine, OBJECT};

const STAMP: SourceStamp = SourceStamp { len: None, mtime: None };

/// Returns the bytes that were given up on the machine.
fn forgotten(machine: &Machine) -> usize {
    let forgotten = |op: &Op| match op {
        Op::Forget(_, begin, end) => end - begin,
        _ => 0,
    };
    machine.disk.log().iter().map(forgotten).sum()
}

#[test]
fn indexed_upload_is_resumed_by_many_runs() {
    for tasks in [false, true] {
        let (key, mut machine) = (key(), Machine::new());
        let whole = plaintext(35 * SEGMENT - 7);
        let mut pipeline = small_segments(&key, 1);
        pipeline.set_index(true);
        let output = || machine.upload().with_lanes(0).output();
        let fails = |source, segments| Failing::new(source, segments, ErrorKind::ConnectionReset);
        let sink = FileSink::create(&output()).unwrap();
        let source = fails(Cursor::new(&whole[..]), 4);
        pipeline.run_to_file(source, STAMP, sink, None).unwrap_err();
        for (run, segments) in [9, 9, 9, usize::MAX].into_iter().enumerate() {
            let mut source = Cursor::new(&whole[..]);
            let mut found = InterruptedEncryption::find(&pipeline, &output()).unwrap().unwrap();
            assert_eq!(found.recovered().committed.segments, 4 + 9 * run as u64);
            found.check_source(&mut source, STAMP).unwrap();
            let source = fails(source, segments);
            let result = match tasks {
                false => found.resume(&pipeline, source, None),
                true => {
                    let source = Sips::new(source, usize::MAX);
                    runtimes()[1].block_on(found.resume_async(&pipeline, source, None))
                }
            };
            assert_eq!(result.is_ok(), segments == usize::MAX);
        }
        // Of each run some segments, the first one too.
        assert!(forgotten(&machine) > 16 * SEGMENT, "{}", forgotten(&machine));
        let object = machine.front.object(OBJECT).unwrap();
        let reader = DecryptPipeline::new(&key);
        assert!(decrypt(&reader, &object).0 == whole);
        let mut walk = KeylessWalk::reading(&object[..], WalkDepth::Wires).unwrap();
        while walk.next_segment().unwrap().is_some() {}
        assert_eq!((walk.segments(), walk.runs()), (37, 5));
        let mut ranges = reader.open_ranges(&object[..]).unwrap();
        let mut range = Vec::new();
        ranges.copy_range(100..200, &mut range).unwrap();
        assert!(ranges.by() == RangeBy::Index && range == whole[100..200]);
        machine.assert_sent_once();
    }
}

/// The uploaded plaintext is not here any more, so nothing is claimed of it.
#[test]
fn uploaded_plaintext_cannot_be_compared() {
    let (key, machine) = (key(), Machine::new());
    let whole = plaintext(12 * SEGMENT - 7);
    let stream = encrypt(&small_segments(&key, 1), &whole);
    let mut reader = DecryptPipeline::new(&key);
    reader.durability.segments = 1;
    let output = || machine.upload().with_lanes(0).output();
    let mut source = &stream[..stream.len() - 2 * SEGMENT];
    let opener = reader.open_stream(&mut source).unwrap();
    let sink = FileSink::create(&output()).unwrap();
    reader.run_to_file(&opener, source, sink, None).unwrap_err();
    let left = |compares| {
        let mut source = &stream[128..];
        let left = match compares {
            true => InterruptedDecryption::find_comparing(&reader, &output(), &opener, &mut source),
            false => InterruptedDecryption::find(&reader, &output(), &opener, &mut source),
        };
        left.map(|left| (left, source))
    };
    let refused = left(true).err().unwrap();
    assert!(matches!(refused.cause(), Cause::Io(error) if error.kind() == ErrorKind::InvalidInput));
    let (PartialDecryption::Torn(found), source) = left(false).unwrap() else {
        unreachable!("a commit is there")
    };
    found.resume(&reader, source, None).unwrap();
    assert!(machine.front.object(OBJECT).unwrap() == whole);
}
