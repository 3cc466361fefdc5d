//! The golden vectors: what a sequential reader accepts, a range reader gives too.

use stream_v2_conformance::vector::Vector;
use stream_v2_pipeline::{DecryptPipeline, RangeBy};

use super::read;
use crate::support::decrypt;
use crate::support::vectors::{all, keys, load};

/// Also what it refuses is read to its end without harm, by every way.
#[test]
fn whatever_a_sequential_reader_accepts_is_read_by_ranges() {
    let mut read_by = Vec::new();
    for vector in all() {
        let Vector::Read(vector) = vector else { continue };
        let (Some(key), context) = keys(&vector.keys) else { continue };
        let stream = load(&vector.input);
        let pipeline = DecryptPipeline::new(&key).with_context(&context);
        let (released, result) = decrypt(&pipeline, &stream);
        let opened = pipeline.open_ranges(&stream[..]);
        let (by, ranges) = match opened {
            Ok(mut ranges) => (Some(ranges.by()), read(&mut ranges, 0..usize::MAX)),
            Err(error) => (None, Err(error)),
        };
        if result.is_ok() {
            assert_eq!(ranges.unwrap(), released, "{}", vector.about.id);
            read_by.push(by.unwrap());
        }
    }
    for by in [RangeBy::Arithmetic, RangeBy::Index, RangeBy::Headers] {
        assert!(read_by.contains(&by), "{by:?}");
    }
}
