//! Gives any bytes to two readers that share no code: the pipeline, and the plain reader of the
//! conformance suite.

use stream_v2_conformance::broken::{Opinion, plain_read};
use stream_v2_format::{Error, ErrorKind};

use crate::reader::{Answer, KEY, answer, repaired};

/// Compares both readers. The first byte chooses whether the checksums are repaired first, and
/// whether this is a salvage.
pub fn differential(data: &[u8]) {
    let Some((how, input)) = data.split_first() else { return };
    let input = repaired(*how, input);
    assert_agree(&input, how & 2 != 0);
}

/// Asserts that both release the same bytes and end in the same way, at the same offset.
pub(crate) fn assert_agree(input: &[u8], salvage: bool) {
    let Answer { released, result } = answer(input, 1, salvage);
    let (found, plain) = (opinion(released, result), plain_read(input, &KEY, b"", salvage));
    // The plain reader has no codecs.
    match plain.error {
        Some(("unsupported.codec", Some(place), _)) if matches!(input.get(place), Some(1 | 2)) => {
            assert!(found.released.starts_with(&plain.released));
        }
        _ => assert_eq!(found, plain),
    }
}

/// Returns a reader's answer in the form of the plain one.
pub(crate) fn opinion<T>(released: Vec<u8>, result: Result<T, Error>) -> Opinion {
    let error = result.err().map(|error| (error.detail().name(), place(&error), segment(&error)));
    Opinion { released, error }
}

fn place(error: &Error) -> Option<usize> {
    (error.kind() != ErrorKind::Misuse).then(|| usize::try_from(error.offset().0).unwrap())
}

fn segment(error: &Error) -> Option<usize> {
    error.segment().map(|segment| usize::try_from(segment).unwrap())
}

#[cfg(test)]
mod tests {
    use super::*;
    use stream_v2_conformance::forge::{Edit, Forgery};

    /// A finding of `reseal`. If a segment has two faults, §15.1 decides which is reported.
    #[test]
    fn every_frame_is_opened_before_the_digest_is_compared() {
        let edits = vec![Edit::Digest(0, 5, 1), Edit::Wire(0, 24 + 5 + 60 + 8, 1)];
        let bytes = Forgery { lens: vec![4], edits, ..Forgery::default() }.write();
        assert_agree(&bytes, false);
        let error = answer(&bytes[..], 1, false).result.unwrap_err();
        assert_eq!(error.detail().name(), "auth.frame");
    }
}
