//! §10 The compression that a writer was asked for.

use crate::wire::Codec;

/// The level of Zstandard that writers use unless they are told another.
pub const ZSTD_LEVEL: i32 = 3;

/// The highest level of Zstandard. The lowest is 1.
pub const ZSTD_LEVEL_MAX: i32 = 19;

/// A codec to compress with, and how much time to spend.
///
/// It is not stored, and may be another one in each run of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Compression {
    /// Zstandard at a level from 1 to [`ZSTD_LEVEL_MAX`]. Values outside are the nearest of them.
    #[cfg(feature = "zstd")]
    Zstd {
        /// The level.
        level: i32,
    },
    /// LZ4: less than Zstandard, in less time.
    #[cfg(feature = "lz4")]
    Lz4,
}

impl Compression {
    /// Returns the codec that segments name.
    #[must_use]
    pub const fn codec(self) -> Codec {
        match self {
            #[cfg(feature = "zstd")]
            Self::Zstd { .. } => Codec::Zstandard,
            #[cfg(feature = "lz4")]
            Self::Lz4 => Codec::Lz4,
        }
    }
}

/// Compresses the plaintext of segments, one after the other, in memory that it keeps.
pub struct Compressor {
    compression: Compression,
    encoder: Encoder,
}

enum Encoder {
    #[cfg(feature = "zstd")]
    Zstd(super::zstd::ZstdEncoder),
    #[cfg(feature = "lz4")]
    Lz4(super::lz4::Lz4Encoder),
}

impl Encoder {
    fn new(compression: Compression) -> Self {
        match compression {
            #[cfg(feature = "zstd")]
            Compression::Zstd { level } => {
                Self::Zstd(super::zstd::ZstdEncoder::new(level.clamp(1, ZSTD_LEVEL_MAX)))
            }
            #[cfg(feature = "lz4")]
            Compression::Lz4 => Self::Lz4(super::lz4::Lz4Encoder::new()),
        }
    }
}

impl Compressor {
    /// Creates a compressor. Several of them share the work.
    #[must_use]
    pub fn new(compression: Compression) -> Self {
        Self { compression, encoder: Encoder::new(compression) }
    }

    /// Returns the codec that segments name.
    #[must_use]
    pub const fn codec(&self) -> Codec {
        self.compression.codec()
    }

    /// Returns the bytes of the buffer that [`compress`](Self::compress) needs for `plaintext_len`
    /// bytes of plaintext. It is a little more than those.
    #[must_use]
    pub const fn space(&self, plaintext_len: usize) -> usize {
        match self.compression.codec() {
            #[cfg(feature = "lz4")]
            Codec::Lz4 => super::lz4::space(plaintext_len),
            _ => plaintext_len,
        }
    }

    /// Compresses the plaintext of one segment to the beginning of `payload`.
    ///
    /// `payload` has [`space`](Self::space) bytes. Returns the payload_len, or `None` if the
    /// segment is not shorter that way, and is sealed as it is. If the plaintext looks random, that
    /// is decided by a few bytes of it.
    pub fn compress(&mut self, plaintext: &[u8], payload: &mut [u8]) -> Option<usize> {
        if super::sample::is_flat(plaintext) {
            let middle = super::sample::middle(plaintext);
            self.encode(middle, payload).filter(|&len| len < middle.len())?;
        }
        //= spec/stream-v2.md#sv2-cod-001
        //# A writer MUST use a codec other than 0 in a segment only where payload_len is then below
        //# plaintext_len.
        self.encode(plaintext, payload).filter(|&len| len < plaintext.len())
    }

    #[cfg_attr(
        not(any(feature = "zstd", feature = "lz4")),
        expect(unused_variables, reason = "there is no codec")
    )]
    fn encode(&mut self, plaintext: &[u8], payload: &mut [u8]) -> Option<usize> {
        match self.encoder {
            #[cfg(feature = "zstd")]
            Encoder::Zstd(ref mut encoder) => encoder.encode(plaintext, payload),
            #[cfg(feature = "lz4")]
            Encoder::Lz4(ref mut encoder) => encoder.encode(plaintext, payload),
        }
    }
}
