//! Plaintext survives encryption and decryption, with every engine and width.

use proptest::prelude::*;
use stream_v2_format::wire::{DigestAlg, StreamFlags};
use stream_v2_format::{Detail, ErrorKind};
use stream_v2_pipeline::{DecryptPipeline, EncryptPipeline, Managers, Parallelism, Telemetry, WriterSink};
use stream_v2_testing::engine::Engine;
use stream_v2_testing::plaintext;
use stream_v2_testing::sources::Short;
use stream_v2_testing::streams::{decrypt, encrypt, encrypting, key};

#[test]
fn every_boundary_of_frames_and_segments() {
    let key = key();
    for len in [0, 1, 4095, 4096, 4097, 8191, 8192, 8193, 16_384, 3 * 8192 + 5] {
        for digest_alg in [DigestAlg::HmacSha3OverTags, DigestAlg::Sha3OverFrames] {
            for (uniform, epoch_segments) in [(true, 0), (false, 0), (true, 1), (false, 2)] {
                let mut pipeline = encrypting(&key, 2);
                pipeline.digest_alg = Some(digest_alg);
                pipeline.set_uniform(uniform);
                pipeline.params.epoch_segments = epoch_segments;
                let expected = encrypt(&pipeline, &plaintext(len));
                for &engine in Engine::ALL {
                    let stream = engine.encrypt(&pipeline, &plaintext(len));
                    assert!(stream == expected, "{engine:?}");
                    let (released, result) = engine.decrypt(&DecryptPipeline::new(&key), &stream);
                    let summary = result.unwrap();
                    assert_eq!(released, plaintext(len));
                    let counted = (summary.segments, summary.plaintext_len, summary.stream_len);
                    assert_eq!(counted, (len.div_ceil(8192) as u64 + 1, len as u64, stream.len() as u64));
                }
            }
        }
    }
}

#[test]
fn output_does_not_depend_on_workers_or_reads() {
    let key = key();
    let input = plaintext(40 * 8192 + 777);
    let expected = encrypt(&encrypting(&key, 1), &input);
    for (&engine, jobs) in Engine::ALL.iter().flat_map(|engine| [1, 2, 8].map(|jobs| (engine, jobs))) {
        for most in [1, 7, 4096, 1 << 20] {
            let mut stream = Vec::new();
            let source = Short::new(&input[..], most, 3);
            engine.run(&encrypting(&key, jobs), source, &mut WriterSink::new(&mut stream)).unwrap();
            assert!(stream == expected, "{jobs} workers, reads of {most}");

            let mut released = Vec::new();
            let mut reader = DecryptPipeline::new(&key);
            reader.parallelism = Parallelism::with_workers(jobs);
            let source = Short::new(&stream[..], most, 3);
            engine.run(&reader, source, &mut WriterSink::new(&mut released)).unwrap();
            assert!(released == input, "{jobs} workers, reads of {most}");
        }
    }
}

#[test]
fn segments_are_full_however_the_source_delivers() {
    let key = key();
    let stream = encrypt(&encrypting(&key, 2), &plaintext(3 * 8192));
    // UNIFORM (§4): the final segment is where arithmetic puts it.
    let full = 96 + 8192 + 24 * 4 + 36 + 52;
    assert_eq!(stream.len(), 128 + 3 * full + 256);
}

//= spec/stream-v2.md#sv2-hdr-015
//= type=test
//# A writer MUST draw stream_salt from the operating system's cryptographic random generator for
//# each stream that it starts.
//= spec/stream-v2.md#sv2-seg-026
//= type=test
//# A writer MUST draw run_salt from the operating system's cryptographic random generator at the
//# beginning of each run, and use it in every segment of that run.
#[test]
fn salts_are_fresh_in_every_stream() {
    let key = key();
    let pipeline = EncryptPipeline::new(&key);
    let (one, two) = (encrypt(&pipeline, b"same"), encrypt(&pipeline, b"same"));
    assert_ne!(one[32..64], two[32..64], "stream_salt");
    assert_ne!(one[128 + 40..128 + 56], two[128 + 40..128 + 56], "run_salt");
    assert_eq!(decrypt(&DecryptPipeline::new(&key), &two).0, b"same");
}

#[test]
fn declared_length_is_kept_by_both_sides() {
    let key = key();
    let mut pipeline = encrypting(&key, 2);
    for len in [0, 1, 8192, 8193] {
        pipeline.params.plaintext_len = Some(len as u64);
        // The source has more: exactly the declared bytes are sealed (SV2-HDR-017).
        let stream = encrypt(&pipeline, &plaintext(20_000));
        assert_eq!(decrypt(&DecryptPipeline::new(&key), &stream).0, plaintext(len));
    }
    pipeline.params.plaintext_len = Some(20_001);
    let mut sink = stream_v2_testing::sinks::Recording::default();
    let error = pipeline.run(&plaintext(20_000)[..], &mut sink, Managers::none()).unwrap_err();
    insta::assert_snapshot!(error, @"source, segment 2: the source ended 1 bytes before the declared length");
    let (_, result) = decrypt(&DecryptPipeline::new(&key), &sink.bytes);
    assert_eq!(result.unwrap_err().kind(), Some(ErrorKind::Truncated));
}

/// Two streams with one salt and one key would share their keys (SV2-WRT-006).
#[test]
fn a_stream_salt_of_the_caller_is_refused() {
    let key = key();
    let mut pipeline = EncryptPipeline::new(&key);
    pipeline.params.stream_salt = [1; 32];
    let mut sink = stream_v2_testing::sinks::Recording::default();
    let error = pipeline.run(&b"data"[..], &mut sink, Managers::none()).unwrap_err();
    assert_eq!(error.format_error().unwrap().rule(), Some(stream_v2_format::Misuse::SaltChosen));
    assert!(sink.bytes.is_empty());
}

#[test]
fn a_context_must_match() {
    let key = key();
    let stream = encrypt(&encrypting(&key, 1).with_context(b"tenant 7"), b"data");
    assert_eq!(decrypt(&DecryptPipeline::new(&key).with_context(b"tenant 7"), &stream).0, b"data");
    for context in [&b""[..], b"tenant 8"] {
        let (released, result) = decrypt(&DecryptPipeline::new(&key).with_context(context), &stream);
        assert_eq!((released.len(), result.unwrap_err().kind()), (0, Some(ErrorKind::Key)));
    }
}

//= spec/stream-v2.md#sv2-lim-002
//= type=test
//# A reader MAY refuse with `limit.policy`, after header_tag was verified, a stream whose
//# segment_size is above a limit that its caller has set.
#[test]
fn stream_above_callers_limit_is_refused_at_once() {
    let key = key();
    let stream = encrypt(&encrypting(&key, 1), b"data");
    let mut reader = DecryptPipeline::new(&key);
    reader.segment_size_max = 4096;
    let error = decrypt(&reader, &stream).1.unwrap_err();
    assert_eq!(error.format_error().unwrap().detail(), Detail::LimitPolicy);
}

//= spec/stream-v2.md#sv2-epo-002
//= type=test
//# A writer MUST end a stream, with a final segment or an error, when the next data or index
//# segment would pass the last segment_index that §14 allows.
#[test]
fn full_stream_is_an_error_without_wrapped_index() {
    let key = key();
    let mut pipeline = encrypting(&key, 2);
    pipeline.params.segment_size = 4096;
    pipeline.params.epoch_segments = 1;
    let input = std::io::Read::take(std::io::repeat(0), 65_536 * 4096);
    let error = pipeline.run(input, &mut WriterSink::new(std::io::sink()), Managers::none()).unwrap_err();
    insta::assert_snapshot!(error, @"source, segment 65535: the stream is full (limit.segment_index); larger segments hold more");
}

#[test]
fn telemetry_that_nobody_reads_changes_nothing() {
    let key = key();
    let input = plaintext(50 * 8192);
    let mut pipeline = encrypting(&key, 2);
    let expected = encrypt(&pipeline, &input);
    let (full, receiver) = Telemetry::with_events(1);
    let (dead, _) = Telemetry::with_events(1);
    for telemetry in [full, dead] {
        pipeline.telemetry = telemetry.clone();
        assert_eq!(encrypt(&pipeline, &input), expected);
        let counted = telemetry.snapshot();
        assert_eq!(
            (counted.segments_read, counted.segments_written, counted.bytes_read),
            (50, 51, 50 * 8192)
        );
        assert!(counted.events_lost >= 100);
    }
    drop(receiver);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_plaintext_and_any_parameters(
        input in prop::collection::vec(any::<u8>(), 0..40_000),
        frame_size_log2 in 12u8..=14,
        frames in 1u32..=3,
        epoch_segments in 0u32..4,
        uniform: bool,
        jobs in 1usize..4,
        most in 1usize..10_000,
    ) {
        let key = key();
        let mut pipeline = encrypting(&key, jobs);
        pipeline.params.flags = StreamFlags::NONE.with(StreamFlags::UNIFORM, uniform);
        pipeline.params.frame_size_log2 = frame_size_log2;
        pipeline.params.segment_size = frames << frame_size_log2;
        pipeline.params.epoch_segments = epoch_segments;
        let mut stream = Vec::new();
        pipeline.run(Short::new(&input[..], most, 5), &mut WriterSink::new(&mut stream), Managers::none()).unwrap();
        let (released, result) = decrypt(&DecryptPipeline::new(&key), &stream);
        prop_assert!(result.is_ok());
        prop_assert_eq!(released, input);
    }
}
