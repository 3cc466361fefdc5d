//! Any stream with anything wrong, sealed all the same: the fuzzer gets behind every CRC and every tag.

use arbitrary::{Arbitrary, Unstructured};
use stream_v2_conformance::forge::{Edit, Forgery};

use crate::differential::assert_agree;
use crate::reader::answer;
use crate::told::Told;

/// A stream, and what is wrong with it.
pub fn reseal(data: &[u8]) {
    let Ok(forgery) = Forgery::arbitrary(&mut Unstructured::new(data)) else { return };
    let _told = Told(&forgery);
    let bytes = forgery.write();
    if forgery.edits.is_empty() {
        let read = answer(&bytes[..], 1, false);
        assert!(read.result.is_ok(), "{read:?}");
        assert!(read.released == forgery.plaintext());
    }
    assert_agree(&bytes, false);
    // A salvage is another thing where the end is missing, and is otherwise the affair of `read`.
    if forgery.edits.iter().any(|edit| matches!(edit, Edit::Cut(_) | Edit::Drop(_))) {
        assert_agree(&bytes, true);
    }
}
