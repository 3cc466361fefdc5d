//! The last segment that a sink has taken, until it is recorded: a writer's journal asks what it holds.

use std::io;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use stream_v2_format::Error;
use stream_v2_format::crypto::StreamOpener;

use crate::managers::Commit;
use crate::{DecryptSegmentInput, DecryptSegmentWorker, EncryptedSegment};

/// What a segment holds, or what that can be had from: few segments are recorded, and opening those costs less than keeping the plaintext of all.
pub(crate) enum Held {
    /// Its plaintext: of a reader and of an index segment nothing.
    Plaintext(Bytes),
    /// The segment, and the stream that it is sealed in.
    Sealed(Arc<StreamOpener>, EncryptedSegment),
}

impl Held {
    pub(crate) const NOTHING: Self = Self::Plaintext(Bytes::new());

    /// The plaintext of the segment of `commit`. What is sealed is verified as a reader does it.
    pub(crate) fn plaintext(&self, commit: &Commit) -> io::Result<Bytes> {
        match self {
            Self::Plaintext(plaintext) => Ok(plaintext.clone()),
            Self::Sealed(stream, segment) => open(stream, segment, commit).map_err(io::Error::other),
        }
    }

    /// The memory of the wire, which can be used again once nobody else holds it.
    pub(crate) fn wire(&self) -> Bytes {
        match self {
            Self::Plaintext(_) => Bytes::new(),
            Self::Sealed(_, segment) => segment.wire.clone(),
        }
    }
}

fn open(stream: &StreamOpener, segment: &EncryptedSegment, commit: &Commit) -> Result<Bytes, Error> {
    let offset = stream.header().body_offset().plus(commit.position - commit.segment_len);
    let parsed = stream.authenticate(&segment.header.to_bytes(), offset, commit.index.0.into())?;
    let (header, _) = parsed.complete().ok_or(Error::misuse())?;
    let input = DecryptSegmentInput { header, wire: segment.wire.clone() };
    Ok(DecryptSegmentWorker::new(stream).open(&input, BytesMut::new())?.payload)
}

#[cfg(test)]
mod tests {
    use stream_v2_format::crypto::{Committed, ContentKey, Progress, Run, RunSalt, StreamSealer};
    use stream_v2_format::wire::{DigestAlg, StreamParams};

    use super::*;
    use crate::{EncryptSegmentInput, EncryptSegmentWorker};

    #[test]
    fn what_is_sealed_is_opened_again_and_what_changed_in_memory_is_not_recorded() {
        let params = StreamParams::new([7; 32]);
        let stream = StreamSealer::new(params, &ContentKey::new([1; 32]), b"").unwrap();
        let run = Run::first(RunSalt::new([2; 16]));
        let mut worker = EncryptSegmentWorker::new(&stream, run, DigestAlg::HmacSha3OverTags);
        let input = EncryptSegmentInput { segment_index: 0, plaintext: Bytes::from(vec![0x5A; 5000]) };
        let segment = worker.seal(&input, BytesMut::new()).unwrap();
        let mut progress = Progress::of_writer_after(&stream, &Committed::NOTHING);
        progress.sealed(&segment.sealed()).unwrap();
        let commit = Commit::of(&segment.header, &progress);

        let opener = Arc::new(StreamOpener::from(&stream));
        let held = Held::Sealed(opener.clone(), segment.clone());
        assert_eq!(held.plaintext(&commit).unwrap(), input.plaintext);
        assert_eq!(held.wire(), segment.wire);

        let mut wire = segment.wire.to_vec();
        wire[2000] ^= 1;
        let damaged = EncryptedSegment { wire: wire.into(), ..segment };
        let error = Held::Sealed(opener, damaged).plaintext(&commit).unwrap_err();
        insta::assert_snapshot!(error, @"malformed.wire_crc at byte 184, segment 0: the wire's checksum does not match");
    }
}
