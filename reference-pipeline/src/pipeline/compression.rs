//! §10 Compression, if the caller asks for it.

use stream_v2_format::codec::Compression;
use stream_v2_format::wire::HeaderV1;
use stream_v2_format::{self as format};

use super::EncryptPipeline;
use crate::error::{Error, Stage};

impl EncryptPipeline<'_> {
    /// Sets how the segments are compressed that become shorter (§10). None is by default.
    ///
    /// A stream with compression is without UNIFORM. A range reader of it needs index segments to
    /// find a place in one look, so set those as well.
    ///
    /// Each run of a stream may have another compression, or none.
    pub fn set_compression(&mut self, compression: Option<Compression>) {
        self.compression = compression;
        if compression.is_some() {
            self.set_uniform(false);
        }
    }

    /// Checks that segments of a stream with this header may be compressed, if that was asked for.
    pub(crate) fn may_compress(&self, header: &HeaderV1) -> Result<(), Error> {
        match self.compression {
            //= spec/stream-v2.md#sv2-hdr-016
            //# Where the flag UNIFORM is set, a writer MUST NOT write an index segment, a codec
            //# other than 0, or a data segment of fewer than S plaintext bytes before another data
            //# segment.
            Some(_) if header.uniform() => {
                Err(Error::format(Stage::Start, format::Error::misuse(format::Misuse::UniformWithCodec)))
            }
            _ => Ok(()),
        }
    }
}
