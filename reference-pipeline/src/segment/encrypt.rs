//! A pure worker that seals one segment: no I/O, no log, no shutdown flag (§7, §8).

use std::fmt;

use bytes::{Bytes, BytesMut};
use stream_v2_format::codec::{Compression, Compressor};
use stream_v2_format::crypto::{Digest, Run, SealedSegment, SegmentSealer, SegmentSealing, StreamSealer};
use stream_v2_format::wire::{DigestAlg, SegmentHeader};
use stream_v2_format::{Error, SegmentIndex};

use super::buffers::resize;
use crate::observe::shown::Len;

/// One data segment to be sealed.
#[derive(Clone)]
pub struct EncryptSegmentInput {
    /// The segment's place in the stream.
    pub segment_index: u32,
    /// 1 to segment_size bytes, in memory that nothing else can change (SV2-WRT-003).
    pub plaintext: Bytes,
}

impl fmt::Debug for EncryptSegmentInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EncryptSegmentInput")
            .field("segment_index", &self.segment_index)
            .field("plaintext", &Len(self.plaintext.len()))
            .finish()
    }
}

/// One sealed data segment. A stream holds `header || wire`.
#[derive(Clone)]
pub struct EncryptedSegment {
    /// The segment header. It takes 96 bytes in the stream.
    pub header: SegmentHeader,
    /// The frames: `header.wire_len` bytes.
    pub wire: Bytes,
    /// The digest (D) of the segment, for the transcript.
    pub digest: Digest,
}

impl fmt::Debug for EncryptedSegment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EncryptedSegment")
            .field("header", &self.header)
            .field("wire", &Len(self.wire.len()))
            .field("digest", &self.digest)
            .finish()
    }
}

impl EncryptedSegment {
    pub(crate) fn new(sealed: SealedSegment, wire: BytesMut) -> Self {
        Self { header: sealed.header, wire: wire.freeze(), digest: sealed.digest }
    }

    pub(crate) const fn sealed(&self) -> SealedSegment {
        SealedSegment { header: self.header, digest: self.digest }
    }
}

/// Seals the data segments of one run. Several workers of one run share the work.
pub struct EncryptSegmentWorker {
    sealer: SegmentSealer,
    packer: Option<Packer>,
}

/// The bytes of a payload that a [`Packer`] holds.
#[derive(Clone, Copy)]
pub(crate) struct Packed(usize);

/// Compresses plaintext, into memory that it keeps.
struct Packer {
    compressor: Compressor,
    payload: BytesMut,
}

impl Packer {
    /// Makes the payload that is sealed in the place of `plaintext`, if it is shorter.
    fn pack(&mut self, plaintext: &[u8]) -> Option<Packed> {
        resize(&mut self.payload, self.compressor.space(plaintext.len()));
        self.compressor.compress(plaintext, &mut self.payload).map(Packed)
    }
}

impl EncryptSegmentWorker {
    /// Returns a worker for one run of `stream`.
    #[must_use]
    pub fn new(stream: &StreamSealer, run: Run, digest_alg: DigestAlg) -> Self {
        Self { sealer: SegmentSealer::new(stream, run).with_digest_alg(digest_alg), packer: None }
    }

    /// Compresses the segments that become shorter; none is compressed by default (SV2-COD-006).
    #[must_use]
    pub fn with_compression(self, compression: Compression) -> Self {
        let packer = Packer { compressor: Compressor::new(compression), payload: BytesMut::new() };
        Self { packer: Some(packer), ..self }
    }

    /// Seals one segment into `wire`, a buffer to be used again.
    ///
    /// The segment must not be sealed again in this run (SV2-FRM-008).
    ///
    /// # Errors
    ///
    /// - `limit.segment_index` if the stream must end.
    /// - `misuse` for a plaintext that no segment can hold.
    pub fn seal(&mut self, input: &EncryptSegmentInput, wire: BytesMut) -> Result<EncryptedSegment, Error> {
        let packed = self.pack(&input.plaintext);
        self.seal_packed(input, packed, wire)
    }

    /// Compresses the plaintext of the segment that is sealed next, if that makes it shorter.
    pub(crate) fn pack(&mut self, plaintext: &[u8]) -> Option<Packed> {
        self.packer.as_mut().and_then(|packer| packer.pack(plaintext))
    }

    /// Seals the segment whose plaintext was packed.
    pub(crate) fn seal_packed(
        &mut self,
        input: &EncryptSegmentInput,
        packed: Option<Packed>,
        mut wire: BytesMut,
    ) -> Result<EncryptedSegment, Error> {
        let index = SegmentIndex(input.segment_index);
        if let (Some(packer), Some(Packed(len))) = (&self.packer, packed) {
            let (codec, payload) = (packer.compressor.codec(), &packer.payload[..len]);
            resize(&mut wire, self.sealer.wire_len(index, u32::try_from(payload.len()).unwrap_or(u32::MAX)));
            let len = input.plaintext.len();
            let sealed = self.sealer.seal_compressed(index, codec, len, payload, &mut wire)?;
            return Ok(EncryptedSegment::new(sealed, wire));
        }
        let mut sealing = self.begin(input.segment_index, input.plaintext.len(), &mut wire)?;
        sealing.push(&input.plaintext)?;
        let sealed = sealing.finish()?;
        Ok(EncryptedSegment::new(sealed, wire))
    }

    /// Begins a segment of `plaintext_len` bytes, which come piece by piece.
    pub(crate) fn begin<'s>(
        &'s mut self,
        segment_index: u32,
        plaintext_len: usize,
        wire: &'s mut BytesMut,
    ) -> Result<SegmentSealing<'s>, Error> {
        let index = SegmentIndex(segment_index);
        resize(wire, self.sealer.wire_len(index, u32::try_from(plaintext_len).unwrap_or(u32::MAX)));
        self.sealer.begin_data(index, plaintext_len, wire)
    }
}
