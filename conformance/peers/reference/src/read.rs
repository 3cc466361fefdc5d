//! Reads a stream with the pipeline (§15).

use std::io::{self, Read};

use stream_v2_format as format;
use stream_v2_format::envelope::{EnvelopeView, no_content_key};
use stream_v2_format::wire::{HeaderV1, StanzaType};
use stream_v2_pipeline::io::read_stream_header;
use stream_v2_pipeline::{DecryptPipeline, Error, Managers, Parallelism, WriterSink};
use stream_v2_testing::piecewise;

use crate::answer::Answer;
use crate::request;

/// The delivery whose inputs are read a second time, by the format crate alone.
const SECOND_READER: &str = "7";

/// Gives at most `most` bytes a call.
struct Pieces<'a> {
    input: &'a [u8],
    most: usize,
}

impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = self.most.min(buffer.len());
        self.input.read(&mut buffer[..most])
    }
}

pub(crate) fn answer(request: &request::Read) -> Answer {
    let input = hex::decode(&request.input).unwrap();
    let mut source = Pieces { input: &input, most: request.delivery.parse().unwrap_or(usize::MAX) };
    let Some(key) = request.keys.content_key() else {
        return match read_stream_header(&mut source) {
            Ok((header, envelope)) => nothing_brought(&header, &envelope).releasing(b""),
            Err(error) => refused(&error).releasing(b""),
        };
    };
    let context = request.keys.context();
    let mut pipeline = DecryptPipeline::new(&key).with_context(&context);
    pipeline.parallelism = Parallelism::with_workers(2);
    pipeline.salvage = request.mode == "salvage";
    let mut released = Vec::new();
    let result = pipeline.run(source, &mut WriterSink::new(&mut released), Managers::none());
    if request.mode == "strict" && request.delivery == SECOND_READER {
        let (again, ending) = piecewise::read(&input, &key, &context);
        let by_pipeline = result.as_ref().map(|_| ()).map_err(|error| *format_error(error));
        assert!(again == released, "the format crate alone releases other bytes than the pipeline");
        assert_eq!(ending, by_pipeline, "the format crate alone comes to another end than the pipeline");
    }
    let answer = match result {
        Ok(summary) => {
            let found = (summary.plaintext_len, summary.stream_len);
            assert_eq!(found, (released.len() as u64, input.len() as u64), "the summary is wrong");
            Answer { result: "accept", ..Answer::default() }
        }
        Err(error) => refused(&error),
    };
    answer.releasing(&released)
}

/// The answer about a stream whose header and envelope are valid, if there is no key for it.
pub(crate) fn nothing_brought(header: &HeaderV1, envelope: &[u8]) -> Answer {
    let envelope = EnvelopeView::after(header, envelope);
    Answer::of_error(&no_content_key(envelope.as_ref(), |stanza| stanza == StanzaType::Key))
}

pub(crate) fn refused(error: &Error) -> Answer {
    Answer::of_error(format_error(error))
}

pub(crate) fn format_error(error: &Error) -> &format::Error {
    error.format_error().unwrap_or_else(|| panic!("not an error of the stream: {error}"))
}
