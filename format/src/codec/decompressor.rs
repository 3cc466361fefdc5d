//! §10 Step 17 of §15.1: the plaintext of a compressed segment.

use super::Fault;
use crate::crypto::AuthenticHeader;
use crate::wire::{Codec, HeaderV1};
use crate::{Detail, Error, Misuse};

/// Decompresses the payloads of verified segments, one after the other, in memory that it keeps.
pub struct Decompressor {
    /// S, the most bytes of a window.
    segment_size: u32,
    #[cfg(feature = "zstd-decode")]
    zstd: super::zstd::ZstdDecoder,
}

impl Decompressor {
    /// Creates a decompressor for segments of a stream.
    #[must_use]
    pub fn new(stream: &HeaderV1) -> Self {
        Self {
            segment_size: stream.segment_size(),
            #[cfg(feature = "zstd-decode")]
            zstd: super::zstd::ZstdDecoder::default(),
        }
    }

    /// Decompresses the payload of the segment `header` into `plaintext`.
    ///
    /// The segment was verified: [`SegmentOpener::open`](crate::crypto::SegmentOpener::open) has
    /// returned its payload. `plaintext` has plaintext_len bytes. Of a segment without a codec it
    /// is a copy of the payload. After an error `plaintext` is zero.
    ///
    /// In the order of checks, an error comes after those of
    /// [`Progress::opened`](crate::crypto::Progress::opened).
    ///
    /// # Errors
    ///
    /// - `limit.codec_window` if the window of a Zstandard frame is above S.
    /// - `malformed.codec_payload` if the payload is not exactly one frame or block of the codec,
    ///   or does not decompress to plaintext_len bytes.
    /// - `misuse` if a slice has another length.
    pub fn decompress(
        &mut self,
        header: &AuthenticHeader,
        payload: &[u8],
        plaintext: &mut [u8],
    ) -> Result<(), Error> {
        let segment = header.header();
        for (found, expected, rule) in [
            (payload.len(), segment.payload_len, Misuse::PayloadLen),
            (plaintext.len(), segment.plaintext_len, Misuse::PlaintextBuffer),
        ] {
            if found as u64 != u64::from(expected) {
                return Err(header.misuse(rule).exactly(found as u64, expected.into()));
            }
        }
        self.decode(segment.codec, payload, plaintext).map_err(|fault| {
            plaintext.fill(0);
            match fault {
                Fault::Window(window) => header.payload_error(Detail::LimitCodecWindow).between(
                    window,
                    0,
                    self.segment_size.into(),
                ),
                //= spec/stream-v2.md#sv2-cod-004
                //# A reader MUST reject with `malformed.codec_payload` a payload that is not
                //# exactly one frame or block of the codec, or that does not decompress to exactly
                //# plaintext_len bytes.
                Fault::Payload => header.payload_error(Detail::MalformedCodecPayload),
            }
        })
    }

    fn decode(&mut self, codec: Codec, payload: &[u8], plaintext: &mut [u8]) -> Result<(), Fault> {
        match codec {
            Codec::None => {
                plaintext.copy_from_slice(payload);
                Ok(())
            }
            //= spec/stream-v2.md#sv2-cod-003
            //# A reader MUST NOT produce more than plaintext_len bytes while it decompresses a
            //# segment.
            #[cfg(feature = "zstd-decode")]
            Codec::Zstandard => self.zstd.decode(payload, plaintext, self.segment_size),
            #[cfg(feature = "lz4")]
            Codec::Lz4 => super::lz4::decode(payload, plaintext),
            // The parser of segment headers has refused it (`unsupported.codec`).
            #[cfg(not(all(feature = "zstd-decode", feature = "lz4")))]
            _ => Err(Fault::Payload),
        }
    }
}
