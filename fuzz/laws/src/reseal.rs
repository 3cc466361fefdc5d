//! Any stream with anything wrong, sealed all the same: the fuzzer gets behind every CRC and every tag.

use arbitrary::{Arbitrary, Unstructured};
use stream_v2_conformance::forge::Forgery;

use crate::differential::assert_agree;
use crate::reader::answer;
use crate::told::Told;

/// A stream, and what is wrong with it.
pub fn reseal(data: &[u8]) {
    let Ok(forgery) = Forgery::arbitrary(&mut Unstructured::new(data)) else { return };
    let _told = Told(&forgery);
    let bytes = forgery.write();
    if forgery.edits.is_empty() && forgery.stanzas.is_empty() {
        let read = answer(&bytes[..], 1, false);
        assert!(read.result.is_ok(), "{read:?}");
        assert!(read.released == forgery.plaintext());
    }
    assert_agree(&bytes, false);
    assert_agree(&bytes, true);
}
