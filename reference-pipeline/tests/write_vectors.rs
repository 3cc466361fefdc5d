//! Every golden vector for writers, written by the reference implementation.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use stream_v2_conformance::vector::{Parameters, Vector, WriteExpect, WriteVector};
use stream_v2_format::crypto::{ContentKey, Progress, Run, RunSalt, SegmentSealer, StreamSealer};
use stream_v2_format::wire::{DigestAlg, HeaderV1, StreamFlags, StreamParams, Suite, crc32c};
use stream_v2_format::{self as format, SegmentIndex};
use stream_v2_pipeline::{Cause, EncryptPipeline, Error, Managers, Salts};
use support::sinks::Recording;
use support::vectors::{self, array};

/// A vector with the key and the context that its caller brings.
struct Writing {
    vector: Box<WriteVector>,
    key: ContentKey,
    context: Vec<u8>,
}

impl Writing {
    fn new(vector: Box<WriteVector>) -> Self {
        let (key, context) = vectors::keys(&vector.keys);
        Self { vector, key: key.unwrap(), context }
    }

    fn params(&self) -> StreamParams {
        let parameters = &self.vector.parameters;
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
        match self.vector.parameters.digest_alg {
            1 => DigestAlg::HmacSha3OverTags,
            _ => DigestAlg::Sha3OverFrames,
        }
    }

    fn run_salt(&self, run: usize) -> RunSalt {
        RunSalt::new(array(&self.vector.runs[run].run_salt))
    }

    /// By the pipeline, which writes one run, no envelope, and full segments.
    fn by_pipeline(&self) -> Result<Vec<u8>, Error> {
        let params = self.params();
        let salts = Salts { stream_salt: params.stream_salt, run_salt: self.run_salt(0) };
        let mut pipeline = EncryptPipeline::new(&self.key).with_context(&self.context).with_salts(salts);
        pipeline.params = params;
        pipeline.digest_alg = self.digest_alg();
        let mut sink = Recording::default();
        pipeline.run(&self.vector.plaintext.bytes()[..], &mut sink, Managers::none()).map(|_| sink.bytes)
    }

    /// By the format crate, segment after segment.
    fn by_segments(&self) -> Result<Vec<u8>, format::Error> {
        let stream = StreamSealer::new(self.params(), &self.key, &self.context)?;
        let mut bytes = self.header_and_envelope(&stream);
        let mut progress = Progress::of_writer(&stream);
        let plaintext = self.vector.plaintext.bytes();
        let (mut rest, mut sealer) = (&plaintext[..], None);
        loop {
            let place = u32::try_from(progress.segments()).unwrap();
            let index = SegmentIndex(place);
            if let Some(run) = self.vector.runs.iter().position(|run| run.first_segment == place as usize) {
                let run = Run::resuming(self.run_salt(run), index, *progress.transcript());
                sealer = Some(SegmentSealer::new(&stream, run).with_digest_alg(self.digest_alg()));
            }
            let sealer = sealer.as_mut().unwrap();
            let taken = plaintext.len() - rest.len();
            let flush =
                self.vector.flushes.iter().copied().find(|flush| *flush > taken).unwrap_or(usize::MAX);
            let len = rest.len().min(self.vector.parameters.segment_size as usize).min(flush - taken);
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
        let stanzas = hex::decode(&self.vector.parameters.envelope).unwrap();
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
    for vector in vectors::all() {
        let Vector::Write(vector) = vector else { continue };
        let id = vector.about.id.clone();
        if !vector.about.features.is_empty() {
            beyond.push(id);
            continue;
        }
        let expect = vector.expect.clone();
        let writing = Writing::new(vector);
        let Parameters { envelope, plaintext_len, .. } = &writing.vector.parameters;
        if writing.vector.runs.len() == 1 && writing.vector.flushes.is_empty() && envelope.is_empty() {
            by_pipeline += 1;
            compare(
                &id,
                &expect,
                writing.by_pipeline().map_err(|error| match error.cause() {
                    Cause::Format(error) => error.detail().name(),
                    Cause::Io(_) => "io.source",
                    cause => unreachable!("{id}: {cause:?}"),
                }),
            );
        }
        // How long the source is, is the pipeline's affair.
        if plaintext_len.is_none() {
            by_segments += 1;
            compare(&id, &expect, writing.by_segments().map_err(|error| error.detail().name()));
        }
    }
    assert_eq!(
        beyond.join(" "),
        "write-index write-index-empty write-index-full write-index-two write-suite-2"
    );
    assert!(by_pipeline >= 14 && by_segments >= 20, "{by_pipeline} {by_segments}");
}

fn compare(id: &str, expect: &WriteExpect, written: Result<Vec<u8>, &str>) {
    match (expect, written) {
        (WriteExpect::Accept { output }, Ok(written)) => assert!(written == vectors::load(output), "{id}"),
        (WriteExpect::Reject { error }, Err(name)) => {
            assert!(error.iter().any(|allowed| allowed == name), "{id}: {name}");
        }
        (expect, written) => unreachable!("{id}: {expect:?} {:?}", written.map(|bytes| bytes.len())),
    }
}
