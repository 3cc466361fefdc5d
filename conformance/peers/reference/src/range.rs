//! Reads ranges of a stream with the pipeline (§15.5).

use stream_v2_pipeline::io::read_stream_header;
use stream_v2_pipeline::{DecryptPipeline, RangeBy, RangeReader};

use crate::answer::{Answer, Found};
use crate::read::{nothing_brought, refused};
use crate::request;

pub(crate) fn answer(request: &request::Range) -> Answer {
    let input = hex::decode(&request.input).unwrap();
    let Some(key) = request.keys.content_key() else {
        return match read_stream_header(&mut &input[..]) {
            Ok((header, envelope)) => nothing_brought(&header, &envelope),
            Err(error) => refused(&error),
        };
    };
    let context = request.keys.context();
    let mut pipeline = DecryptPipeline::new(&key).with_context(&context);
    pipeline.links_max = request.runs_max.unwrap_or(u32::MAX);
    match pipeline.open_ranges(input) {
        Err(error) => refused(&error),
        Ok(mut reader) => {
            let (by, plaintext_len) = (name(reader.by()), reader.plaintext_len());
            let ranges = request.ranges.iter().map(|span| part(&mut reader, span)).collect();
            let found = Found::Ranges { by, plaintext_len, ranges };
            Answer { result: "accept", found, ..Answer::default() }
        }
    }
}

fn name(by: RangeBy) -> &'static str {
    match by {
        RangeBy::Arithmetic => "arithmetic",
        RangeBy::Headers => "headers",
        RangeBy::Index => "index",
        by => panic!("{by:?} has no name in the protocol"),
    }
}

fn part(reader: &mut RangeReader<Vec<u8>>, span: &request::Span) -> Answer {
    let mut released = Vec::new();
    let result = reader.copy_range(span.offset..span.offset + span.len, &mut released);
    let answer = match result {
        Ok(len) => {
            assert_eq!(len, released.len() as u64, "another length was reported than was written");
            Answer { result: "accept", ..Answer::default() }
        }
        Err(error) => refused(&error),
    };
    answer.releasing(&released)
}
