//! Writes a stream with the pipeline if it can do what is requested, and segment by segment with
//! the format crate.

use stream_v2_format::crypto::{
    ContentKey, Progress, Run, RunSalt, SealedSegment, SegmentSealer, StreamSealer,
};
use stream_v2_format::envelope::{EnvelopeView, write_envelope};
use stream_v2_format::wire::{DigestAlg, HeaderV1, SegmentKind, StreamParams, Suite, crc32c};
use stream_v2_format::{self as format, SegmentIndex};
use stream_v2_pipeline::{Cause, EncryptPipeline, Error, Managers, Salts, WriterSink};

use crate::answer::{Answer, Found};
use crate::request::{self, array};

/// A request and its decoded fields.
struct Writing<'a> {
    request: &'a request::Write,
    key: ContentKey,
    context: Vec<u8>,
    plaintext: Vec<u8>,
}

/// A stream, or the name of an error.
type Written = Result<Vec<u8>, &'static str>;

pub(crate) fn answer(request: &request::Write) -> Answer {
    let writing = Writing {
        request,
        key: request.keys.content_key().unwrap(),
        context: request.keys.context(),
        plaintext: hex::decode(&request.plaintext).unwrap(),
    };
    let written = match writing.by_pipeline() {
        None => writing.by_segments(),
        Some(written) => {
            // The pipeline measures the length of the source itself.
            if request.parameters.plaintext_len.is_none() {
                assert_eq!(
                    written,
                    writing.by_segments(),
                    "the pipeline writes other bytes than the format crate"
                );
            }
            written
        }
    };
    match written {
        Ok(stream) => Answer {
            result: "accept",
            found: Found::Written { output: hex::encode(stream) },
            ..Answer::default()
        },
        Err(name) => Answer { result: "reject", error: Some(name.to_owned()), ..Answer::default() },
    }
}

impl Writing<'_> {
    fn run_salt(&self, run: usize) -> RunSalt {
        RunSalt::new(array(&self.request.runs[run].run_salt))
    }

    /// Writes with the pipeline, which writes one run, no envelope, and full segments.
    fn by_pipeline(&self) -> Option<Written> {
        let request = self.request;
        let can =
            request.runs.len() == 1 && request.flushes.is_empty() && request.parameters.envelope.is_empty();
        can.then(|| self.pipeline().map_err(|error| name(&error)))
    }

    fn pipeline(&self) -> Result<Vec<u8>, Error> {
        let params = params(&self.request.parameters);
        let salts = Salts { stream_salt: params.stream_salt, run_salt: self.run_salt(0) };
        let mut pipeline = EncryptPipeline::new(&self.key).with_context(&self.context).with_salts(salts);
        // This order matters, because with UNIFORM as well they are misuse.
        pipeline.set_index(self.request.parameters.index);
        pipeline.params = params;
        pipeline.digest_alg = Some(digest_alg(&self.request.parameters));
        let mut stream = Vec::new();
        let summary =
            pipeline.run(&self.plaintext[..], &mut WriterSink::new(&mut stream), Managers::none())?;
        assert_eq!(summary.stream_len, stream.len() as u64, "the summary is wrong");
        Ok(stream)
    }

    fn by_segments(&self) -> Written {
        self.segments().map_err(|error| error.detail().name())
    }

    fn segments(&self) -> Result<Vec<u8>, format::Error> {
        let params = params(&self.request.parameters);
        let stream = StreamSealer::new(params, &self.key, &self.context);
        assert_eq!(params.check().err(), stream.as_ref().err().copied(), "checked apart and in place");
        let stream = stream?;
        let mut bytes = self.header_and_envelope(&stream);
        let mut progress = Progress::of_writer(&stream);
        let (mut rest, mut sealer) = (&self.plaintext[..], None);
        loop {
            let index = SegmentIndex(u32::try_from(progress.segments()).unwrap());
            if let Some(run) = self.request.runs.iter().position(|run| run.first_segment == index.0) {
                let run = Run::resuming(self.run_salt(run), index, *progress.transcript(), *progress.link());
                sealer = Some(
                    SegmentSealer::new(&stream, run).with_digest_alg(digest_alg(&self.request.parameters)),
                );
            }
            let sealer = sealer.as_mut().unwrap();
            let payload = progress.index_payload(rest.is_empty()).filter(|_| self.request.parameters.index);
            let (sealed, wire) = match payload {
                Some(payload) => {
                    sealer.seal_index(index, &payload, progress.transcript(), progress.link())?
                }
                None => {
                    let (now, later) = rest.split_at(self.next_len(rest.len()));
                    rest = later;
                    seal(sealer, index, now, &progress)?
                }
            };
            progress.sealed(&sealed)?;
            bytes.extend_from_slice(&sealed.header.to_bytes());
            bytes.extend_from_slice(&wire);
            if sealed.header.kind == SegmentKind::Final {
                return Ok(bytes);
            }
        }
    }

    /// Returns the plaintext length of the segment that begins `rest` bytes before the end.
    fn next_len(&self, rest: usize) -> usize {
        let taken = self.plaintext.len() - rest;
        let flush = self.request.flushes.iter().copied().find(|flush| *flush > taken).unwrap_or(usize::MAX);
        rest.min(self.request.parameters.segment_size as usize).min(flush - taken)
    }

    fn header_and_envelope(&self, stream: &StreamSealer) -> Vec<u8> {
        let stanzas = hex::decode(&self.request.parameters.envelope).unwrap();
        let header = stream.header();
        let len = u32::try_from(stanzas.len()).unwrap();
        let header = HeaderV1::new(*header.params(), *header.header_tag(), len).unwrap();
        let mut bytes = header.to_bytes().to_vec();
        if !stanzas.is_empty() {
            let mut envelope = stanzas;
            envelope.extend_from_slice(&crc32c(&envelope).to_le_bytes());
            let (view, _) = EnvelopeView::parse(&envelope, len).unwrap().complete().unwrap();
            let stanzas: Vec<_> = view.stanzas().map(|stanza| (stanza.stanza_type, stanza.body)).collect();
            assert_eq!(write_envelope(&stanzas).unwrap(), envelope, "written stanza by stanza");
            bytes.extend_from_slice(&envelope);
        }
        bytes
    }
}

/// Seals a data segment, or the final one if no plaintext is left.
fn seal(
    sealer: &mut SegmentSealer,
    index: SegmentIndex,
    plaintext: &[u8],
    progress: &Progress,
) -> Result<(SealedSegment, Vec<u8>), format::Error> {
    let mut wire = vec![0; SegmentSealer::final_wire_len()];
    let sealed = if plaintext.is_empty() {
        sealer.seal_final(index, &progress.trailer(), &mut wire)?
    } else {
        wire.resize(sealer.wire_len(index, u32::try_from(plaintext.len()).unwrap()), 0);
        sealer.seal_data(index, plaintext, &mut wire)?
    };
    Ok((sealed, wire))
}

fn name(error: &Error) -> &'static str {
    match error.cause() {
        Cause::Format(error) => error.detail().name(),
        Cause::Io(_) => "io.source",
        cause => panic!("not an error of a writer: {cause:?}"),
    }
}

/// Returns the fields of the stream header.
pub(crate) fn params(parameters: &request::Parameters) -> StreamParams {
    StreamParams::new(array(&parameters.stream_salt))
        .with_suite(Suite::from_value(parameters.suite).unwrap())
        .with_uniform(parameters.uniform)
        .with_frame_size_log2(parameters.frame_size_log2)
        .with_segment_size(parameters.segment_size)
        .with_epoch_segments(parameters.epoch_segments)
        .with_plaintext_len(parameters.plaintext_len)
        .with_key_id(array(&parameters.key_id))
}

pub(crate) fn digest_alg(parameters: &request::Parameters) -> DigestAlg {
    match parameters.digest_alg {
        1 => DigestAlg::HmacSha3OverTags,
        _ => DigestAlg::Sha3OverFrames,
    }
}
