//! Every golden vector for writers, written by the reference implementation.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use stream_v2_format::crypto::{ContentKey, Progress, Run, RunSalt, SegmentSealer, StreamSealer};
use stream_v2_format::wire::{DigestAlg, HeaderV1, StreamFlags, StreamParams, Suite, crc32c};
use stream_v2_format::{self as format, SegmentIndex};
use stream_v2_pipeline::{Cause, EncryptPipeline, Error, Managers, Salts};
use support::sinks::Recording;
use support::vectors::{Bytes, WriteVector, array, listed};

impl WriteVector {
    fn params(&self) -> StreamParams {
        let parameters = &self.parameters;
        StreamParams {
            suite: Suite::from_value(parameters.suite).unwrap(),
            flags: StreamFlags::NONE.with(StreamFlags::UNIFORM, parameters.uniform),
            frame_size_log2: parameters.frame_size_log2,
            segment_size: parameters.segment_size,
            epoch_segments: parameters.epoch_segments,
            plaintext_len: parameters.plaintext_len,
            key_id: array(&parameters.key_id),
            ..StreamParams::new(array(&parameters.stream_salt))
        }
    }

    fn digest_alg(&self) -> DigestAlg {
        match self.parameters.digest_alg {
            1 => DigestAlg::HmacSha3OverTags,
            _ => DigestAlg::Sha3OverFrames,
        }
    }

    fn run_salt(&self, run: usize) -> RunSalt {
        RunSalt::new(array(&self.runs[run].run_salt))
    }

    /// By the pipeline, which writes one run, no envelope, and full segments.
    fn by_pipeline(&self, key: &ContentKey, context: &[u8]) -> Result<Vec<u8>, Error> {
        let params = self.params();
        let salts = Salts { stream_salt: params.stream_salt, run_salt: self.run_salt(0) };
        let mut pipeline = EncryptPipeline::new(key).with_context(context).with_salts(salts);
        pipeline.params = params;
        pipeline.digest_alg = self.digest_alg();
        let mut sink = Recording::default();
        pipeline.run(&self.plaintext.bytes()[..], &mut sink, Managers::none()).map(|_| sink.bytes)
    }

    /// By the format crate, segment after segment.
    fn by_segments(&self, key: &ContentKey, context: &[u8]) -> Result<Vec<u8>, format::Error> {
        let stream = StreamSealer::new(self.params(), key, context)?;
        let mut bytes = self.header_and_envelope(&stream);
        let mut progress = Progress::of_writer(&stream);
        let plaintext = self.plaintext.bytes();
        let (mut rest, mut sealer) = (&plaintext[..], None);
        loop {
            let place = u32::try_from(progress.segments()).unwrap();
            let index = SegmentIndex(place);
            if let Some(run) = self.runs.iter().position(|run| run.first_segment == place) {
                let run = Run::resuming(self.run_salt(run), index, *progress.transcript());
                sealer = Some(SegmentSealer::new(&stream, run).with_digest_alg(self.digest_alg()));
            }
            let sealer = sealer.as_mut().unwrap();
            let taken = plaintext.len() - rest.len();
            let flush = self.flushes.iter().copied().find(|flush| *flush > taken).unwrap_or(usize::MAX);
            let len = rest.len().min(self.parameters.segment_size as usize).min(flush - taken);
            let (now, later) = rest.split_at(len);
            let mut wire = vec![0; SegmentSealer::final_wire_len()];
            let sealed = if now.is_empty() {
                sealer.seal_final(index, &progress.trailer(), &mut wire)?
            } else {
                wire.resize(sealer.wire_len(index, u32::try_from(len).unwrap()), 0);
                sealer.seal_data(index, now, &mut wire)?
            };
            progress.sealed(&sealed)?;
            bytes.extend_from_slice(&sealed.header.to_bytes());
            bytes.extend_from_slice(&wire);
            if now.is_empty() {
                return Ok(bytes);
            }
            rest = later;
        }
    }

    fn header_and_envelope(&self, stream: &StreamSealer) -> Vec<u8> {
        let stanzas = hex::decode(&self.parameters.envelope).unwrap();
        let header = stream.header();
        let len = u32::try_from(stanzas.len()).unwrap();
        let mut bytes =
            HeaderV1::new(*header.params(), *header.header_tag(), len).unwrap().to_bytes().to_vec();
        if !stanzas.is_empty() {
            bytes.extend_from_slice(&stanzas);
            bytes.extend_from_slice(&crc32c(&stanzas).to_le_bytes());
        }
        bytes
    }
}

#[test]
fn every_write_vector() {
    let (mut by_pipeline, mut by_segments, mut beyond) = (0, 0, Vec::new());
    for (listed, text) in listed("write") {
        let vector: WriteVector = serde_json::from_slice(&text).unwrap();
        let key = vector.keys.content_key().unwrap();
        let context = vector.keys.context();
        if !listed.features.is_empty() {
            beyond.push(listed.id);
            continue;
        }
        let expected = vector.expect.output.as_ref().map(Bytes::load);
        let plain =
            vector.runs.len() == 1 && vector.flushes.is_empty() && vector.parameters.envelope.is_empty();
        if plain {
            by_pipeline += 1;
            let written = vector.by_pipeline(&key, &context);
            match (&expected, written) {
                (Some(expected), Ok(written)) => assert!(&written == expected, "{}", listed.id),
                (None, Err(error)) => {
                    assert_eq!(vector.expect.error, ["io.source"], "{}", listed.id);
                    assert!(matches!(error.cause(), Cause::Io(_)), "{}: {error}", listed.id);
                }
                (_, written) => unreachable!("{}: {:?}", listed.id, written.map(|bytes| bytes.len())),
            }
        }
        // The length of the source is the pipeline's affair.
        if vector.parameters.plaintext_len.is_none() {
            by_segments += 1;
            let written = vector.by_segments(&key, &context);
            match (&expected, written) {
                (Some(expected), Ok(written)) => assert!(&written == expected, "{}", listed.id),
                (None, Err(error)) => assert!(
                    vector.expect.error.iter().any(|name| name == error.detail().name()),
                    "{}: {error}",
                    listed.id
                ),
                (_, written) => unreachable!("{}: {:?}", listed.id, written.map(|bytes| bytes.len())),
            }
        }
    }
    assert_eq!(
        beyond.join(" "),
        "write-index write-index-empty write-index-full write-index-two write-suite-2"
    );
    assert!(by_pipeline >= 14 && by_segments >= 20, "{by_pipeline} {by_segments}");
}
