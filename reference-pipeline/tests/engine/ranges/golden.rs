//! The golden vectors: a sequential reader and a range reader of the whole stream accept and reject
//! the same ones.

use stream_v2_conformance::operations::Vector;
use stream_v2_format::Detail;
use stream_v2_pipeline::{DecryptPipeline, Error, RangeBy};
use stream_v2_testing::streams::decrypt;
use stream_v2_testing::vectors::{all, keys, load};

use super::read;

/// Returns whether a range reader may see another fault of the stream, or another one first.
fn may_differ(by: Option<RangeBy>, sequential: Detail, found: Detail) -> bool {
    // It knows a link before it reaches the segments that the link names.
    let by_link = matches!(sequential, Detail::OrderRun | Detail::OrderTranscript | Detail::AuthTrailer);
    match by {
        Some(RangeBy::Arithmetic | RangeBy::Headers) if by_link && found == Detail::OrderRun => true,
        // It checks the end first.
        None => true,
        // It goes backwards, and only to the segments that it needs.
        Some(RangeBy::Index) => matches!(
            sequential,
            Detail::OrderIndex | Detail::MalformedIndex | Detail::OrderTranscript | Detail::AuthTrailer
        ),
        // It finds the fault at the short segment, and others find it at the next one.
        Some(RangeBy::Arithmetic) => sequential == Detail::OrderUniform,
        Some(_) => false,
    }
}

#[test]
fn whole_stream_reads_as_sequentially() {
    let mut accepted_by = Vec::new();
    for vector in all() {
        let Vector::Read(vector) = vector else { continue };
        let (Some(key), context) = keys(&vector.keys) else { continue };
        let (id, stream) = (&vector.about.id, load(&vector.input));
        let pipeline = DecryptPipeline::new(&key).with_context(&context);
        let (released, sequential) = decrypt(&pipeline, &stream);
        let mut by = None;
        let ranges = pipeline.open_ranges(&stream[..]).and_then(|mut ranges| {
            by = Some(ranges.by());
            read(&mut ranges, 0..usize::MAX)
        });
        let detail = |error: &Error| error.format_error().unwrap().detail();
        match (sequential, ranges) {
            (Ok(_), ranges) => {
                assert_eq!(ranges.unwrap(), released, "{id}");
                accepted_by.push(by.unwrap());
            }
            (Err(sequential), Err(error)) => {
                let place = |error: &Error| {
                    let error = error.format_error().unwrap();
                    // A sequential reader counts segments. A range reader reports the number in the
                    // final one.
                    let of_final = error.offset().0 + 256 >= stream.len() as u64;
                    (error.detail(), error.offset(), error.segment().filter(|_| !of_final))
                };
                let same = place(&sequential) == place(&error);
                assert!(
                    same || may_differ(by, detail(&sequential), detail(&error)),
                    "{id}: {sequential}; {error}"
                );
            }
            // Two faults cannot be seen from the end: SV2-IDX-005, and by index the link of an
            // index segment.
            (Err(sequential), Ok(_)) => {
                let unseen = matches!(detail(&sequential), Detail::OrderIndex | Detail::OrderTranscript);
                assert!(unseen && by == Some(RangeBy::Index), "{id}: {sequential}");
            }
        }
    }
    for by in [RangeBy::Arithmetic, RangeBy::Index, RangeBy::Headers] {
        assert!(accepted_by.contains(&by), "{by:?}");
    }
}
