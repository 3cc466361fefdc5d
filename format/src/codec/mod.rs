//! §10 Codecs: what compresses the plaintext of a data segment.
//!
//! | codec | features | encodes | decodes |
//! |---|---|---|---|
//! | 1, a Zstandard frame (RFC 8878) | `zstd` | the C library | the C library |
//! | 1, a Zstandard frame (RFC 8878) | `zstd-portable` | | Rust alone |
//! | 2, an LZ4 block | `lz4` | Rust alone | Rust alone |
//!
//! A payload is decompressed after its segment was verified, and never before. Both sides keep
//! their memory from one segment to the next.

mod compressor;
mod decompressor;
#[cfg(feature = "lz4")]
mod lz4;
mod sample;
#[cfg(feature = "zstd-decode")]
mod zstd;
#[cfg(feature = "zstd-decode")]
mod zstd_frame;
#[cfg(feature = "zstd-portable")]
mod zstd_portable;

pub use compressor::{Compression, Compressor, ZSTD_LEVEL, ZSTD_LEVEL_MAX};
pub use decompressor::Decompressor;

/// What is wrong with a payload, before it has a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(feature = "zstd-decode"), expect(dead_code, reason = "only Zstandard has a window"))]
enum Fault {
    /// The window of a Zstandard frame is above S: this many bytes.
    Window(u64),
    /// It is not one frame or block, or has another length than plaintext_len.
    Payload,
}

#[cfg(all(feature = "zstd", feature = "zstd-portable", feature = "lz4"))]
#[cfg(test)]
mod tests {
    use std::vec;
    use std::vec::Vec;

    use proptest::prelude::*;

    use super::compressor::{Compression, Compressor};
    use super::{Fault, lz4, zstd, zstd_portable};

    const COMPRESSIONS: [Compression; 4] = [
        Compression::Zstd { level: 1 },
        Compression::Zstd { level: 3 },
        Compression::Zstd { level: 19 },
        Compression::Lz4,
    ];

    /// What a reader makes of a payload: with the C library, with Rust alone, or of an LZ4 block.
    fn decoded(
        compression: Compression,
        payload: &[u8],
        len: usize,
        window_max: u32,
    ) -> Vec<Result<Vec<u8>, Fault>> {
        let into = |decode: &dyn Fn(&mut [u8]) -> Result<(), Fault>| {
            let mut plaintext = vec![0; len];
            decode(&mut plaintext).map(|()| plaintext)
        };
        if compression == Compression::Lz4 {
            return vec![into(&|plaintext| lz4::decode(payload, plaintext))];
        }
        let by_c = into(&|plaintext| zstd::ZstdDecoder::default().decode(payload, plaintext, window_max));
        let in_rust = into(&|plaintext| {
            super::zstd_frame::check(payload, plaintext.len(), window_max)?;
            zstd_portable::decode(payload, plaintext)
        });
        vec![by_c, in_rust]
    }

    fn compressed(compressor: &mut Compressor, plaintext: &[u8]) -> Option<Vec<u8>> {
        let mut payload = vec![0; compressor.space(plaintext.len())];
        let len = compressor.compress(plaintext, &mut payload)?;
        payload.truncate(len);
        Some(payload)
    }

    /// Bytes of one of several kinds, so that some of them become shorter.
    fn plaintexts() -> impl Strategy<Value = Vec<u8>> {
        let noise = proptest::collection::vec(any::<u8>(), 1..6000);
        let few = proptest::collection::vec(0_u8..4, 1..6000);
        let repeated = (proptest::collection::vec(any::<u8>(), 1..300), 1_usize..200)
            .prop_map(|(piece, times)| piece.repeat(times));
        prop_oneof![noise, few, repeated]
    }

    /// Returns bytes that look random.
    fn random(len: usize) -> Vec<u8> {
        let mut state = 0x9E37_79B9_7F4A_7C15_u64;
        let next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()[3]
        };
        core::iter::repeat_with(next).take(len).collect()
    }

    proptest! {
        #[test]
        fn what_is_compressed_is_shorter_and_comes_back(texts in proptest::collection::vec(plaintexts(), 1..4)) {
            for compression in COMPRESSIONS {
                let mut compressor = Compressor::new(compression);
                for plaintext in &texts {
                    let Some(payload) = compressed(&mut compressor, plaintext) else { continue };
                    prop_assert!(payload.len() < plaintext.len());
                    let len = u32::try_from(plaintext.len()).unwrap();
                    for decoded in decoded(compression, &payload, plaintext.len(), len) {
                        prop_assert_eq!(decoded.as_ref(), Ok(plaintext));
                    }
                    for wrong in [plaintext.len() - 1, plaintext.len() + 1] {
                        for decoded in decoded(compression, &payload, wrong, len) {
                            prop_assert_eq!(decoded, Err(Fault::Payload));
                        }
                    }
                }
            }
        }

        #[test]
        fn each_cut_and_each_addition_is_refused(plaintext in plaintexts(), cut in any::<prop::sample::Index>()) {
            for compression in COMPRESSIONS {
                let Some(payload) = compressed(&mut Compressor::new(compression), &plaintext) else { continue };
                let longer = [&payload[..], &[0]].concat();
                for wrong in [&payload[..cut.index(payload.len())], &longer] {
                    for decoded in decoded(compression, wrong, plaintext.len(), u32::MAX) {
                        prop_assert_eq!(decoded, Err(Fault::Payload));
                    }
                }
            }
        }

        /// An altered payload is refused or gives some plaintext, without a panic. The decoders of
        /// Zstandard differ about some of them: one ignores reserved bits, the other bits that
        /// follow the last literal.
        #[test]
        fn altered_payloads_are_no_harm(plaintext in plaintexts(), at in any::<prop::sample::Index>(), bit in 0..8) {
            for compression in COMPRESSIONS {
                let Some(mut payload) = compressed(&mut Compressor::new(compression), &plaintext) else { continue };
                let at = at.index(payload.len());
                payload[at] ^= 1_u8 << bit;
                let len = u32::try_from(plaintext.len()).unwrap();
                decoded(compression, &payload, plaintext.len(), len);
            }
        }

        #[test]
        fn any_bytes_are_no_harm(payload in proptest::collection::vec(any::<u8>(), 1..400), len in 1_usize..5000) {
            let framed = [&[0x28, 0xB5, 0x2F, 0xFD][..], &payload].concat();
            decoded(Compression::Zstd { level: 1 }, &framed, len, 1 << 20);
            decoded(Compression::Lz4, &payload, len, 1 << 20);
        }
    }

    #[test]
    fn random_bytes_are_left_as_they_are() {
        for compression in COMPRESSIONS {
            let mut compressor = Compressor::new(compression);
            assert_eq!(compressed(&mut compressor, &random(1 << 20)), None);
            assert_eq!(compressed(&mut compressor, &random(1)), None);
        }
    }

    #[test]
    fn flat_bytes_that_repeat_are_compressed() {
        let repeated = random(1024).repeat(64);
        for compression in COMPRESSIONS {
            let payload = compressed(&mut Compressor::new(compression), &repeated).unwrap();
            assert!(payload.len() < 4096, "{}", payload.len());
        }
    }

    #[test]
    fn windows_are_within_the_plaintext() {
        let plaintext = b"a line of a log\n".repeat(1 << 16);
        for compression in &COMPRESSIONS[..3] {
            let payload = compressed(&mut Compressor::new(*compression), &plaintext).unwrap();
            let window = u32::try_from(plaintext.len()).unwrap();
            for decoded in decoded(*compression, &payload, plaintext.len(), window) {
                assert!(decoded.unwrap() == plaintext);
            }
        }
    }

    #[test]
    fn a_bomb_ends_at_the_length_that_is_stated() {
        let zeros = vec![0; 64 << 20];
        for compression in COMPRESSIONS {
            let payload = compressed(&mut Compressor::new(compression), &zeros).unwrap();
            for decoded in decoded(compression, &payload, 1024, u32::MAX) {
                assert_eq!(decoded, Err(Fault::Payload));
            }
        }
    }
}
