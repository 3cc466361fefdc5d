//! Any faulty stream, with valid seals. The fuzzer thus gets behind every CRC and every tag.

use arbitrary::{Arbitrary, Unstructured};
use stream_v2_conformance::broken::{Opinion, plain_read};
use stream_v2_conformance::forge::{Edit, Forgery};
use stream_v2_testing::piecewise;

use crate::capture::Captured;
use crate::differential::{assert_agree, opinion};
use crate::reader::{KEY, answer, key};

/// Reads a stream with faults.
///
/// `format` alone reads each stream, because that is quick. The pipeline adds threads and a
/// salvage, and reads one in eight.
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
        // A salvage differs if the end is missing. The property `read` covers the other cases.
        if forgery.edits.iter().any(|edit| matches!(edit, Edit::Cut(_) | Edit::Drop(_))) {
            assert_agree(&bytes, true);
        }
    }
}
