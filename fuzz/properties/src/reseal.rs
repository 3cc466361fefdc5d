//! Any stream with anything wrong, sealed all the same: the fuzzer gets behind every CRC and every tag.

use arbitrary::{Arbitrary, Unstructured};
use stream_v2_conformance::broken::{Opinion, plain_read};
use stream_v2_conformance::forge::{Edit, Forgery};
use stream_v2_testing::piecewise;

use crate::capture::Captured;
use crate::differential::{assert_agree, opinion};
use crate::reader::{KEY, answer, key};

/// A stream, and what is wrong with it.
///
/// `format` alone is asked of each, because that is quick. The pipeline adds threads and a salvage, and is asked of one in eight.
pub fn reseal(data: &[u8]) {
    let Ok(forgery) = Forgery::arbitrary(&mut Unstructured::new(data)) else { return };
    let _told = Captured(&forgery);
    let bytes = forgery.write();
    let (released, result) = piecewise::read(&bytes, &key(), b"");
    let by_format = opinion(released, result);
    if forgery.edits.is_empty() {
        assert_eq!(by_format, Opinion { released: forgery.plaintext(), error: None });
    }
    assert_eq!(by_format, plain_read(&bytes, &KEY, b"", false));
    if data.len().is_multiple_of(8) {
        let by_pipeline = answer(&bytes[..], 1, false);
        assert_eq!(opinion(by_pipeline.released, by_pipeline.result), by_format);
        // A salvage is another thing where the end is missing, and is otherwise the affair of `read`.
        if forgery.edits.iter().any(|edit| matches!(edit, Edit::Cut(_) | Edit::Drop(_))) {
            assert_agree(&bytes, true);
        }
    }
}
