//! One digest_alg in all segments of a stream, in every run that writes it (§8.1, §19.2).

use stream_v2_format::crypto::Committed;
use stream_v2_format::wire::DigestAlg;

use crate::error::{Error, Stage};

/// Returns the digest_alg of a resumed stream. `asked` is the caller's choice, if there is one.
pub(crate) fn resumed(asked: Option<DigestAlg>, committed: &Committed) -> Result<DigestAlg, Error> {
    //= spec/stream-v2.md#sv2-res-005
    //# A writer that resumes MUST take suite, flags, sizes, epoch_segments, plaintext_len and
    //# key_id from the stream header, and digest_alg from the last committed segment, and answer
    //# `misuse` to a caller who asks for others.
    match (asked, committed.digest_alg) {
        (Some(asked), Some(found)) if asked != found => Err(Error::format(
            Stage::Start,
            stream_v2_format::Error::misuse(stream_v2_format::Misuse::ResumedDigestAlg),
        )),
        (asked, found) => Ok(found.or(asked).unwrap_or(DigestAlg::HmacSha3OverTags)),
    }
}
