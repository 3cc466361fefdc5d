//! Reading the header of a stream for given settings: with a detached envelope, or while its own
//! one is being replaced (§12.4).

use std::io::{Read, Seek};

use stream_v2_format::wire::HeaderV1;
use stream_v2_pipeline::io::{
    REREADS, read_own_header, read_own_header_at, read_own_header_until, read_stream_header,
    read_stream_header_until,
};
use stream_v2_pipeline::{self as pipeline, ReadAt};

use crate::decryptor::Decryptor;
use crate::error::{Error, Problem};
use crate::source::Source;
use crate::unlock::Unlock;

impl<'a> Decryptor<Source<'a>> {
    /// Reads the stream header and the envelope of `source` until the shutdown of `unlock`.
    ///
    /// If `unlock` has a detached envelope, that of the stream is not checked. Otherwise a source
    /// that can seek is read again, up to three times, as long as its envelope is torn: it may be
    /// being replaced in place.
    ///
    /// # Errors
    ///
    /// - the errors of [`with_shutdown`](Self::with_shutdown).
    pub fn for_unlock(mut source: Source<'a>, unlock: &Unlock) -> Result<Self, Error> {
        let shutdown = &unlock.settings.shutdown;
        if unlock.is_detached() {
            let read = read_own_header_until(&mut source, shutdown).map_err(Problem::Run)?;
            return Ok(Self::of_parts(source, read));
        }
        let again = if source.is_seekable() { REREADS } else { 0 };
        untorn(source, again, |source| read_stream_header_until(source, shutdown), Source::rewind)
    }
}

impl<S: ReadAt> Decryptor<S> {
    /// Does the same as [`over`](Self::over), for a stream that `unlock` opens.
    ///
    /// If it has a detached envelope, that of the stream is not checked.
    ///
    /// # Errors
    ///
    /// - the errors of [`new`](Self::new).
    pub fn over_for_unlock(source: S, unlock: &Unlock) -> Result<Self, Error> {
        if !unlock.is_detached() {
            return Self::over(source);
        }
        let read = read_own_header_at(&source).map_err(Problem::Run)?;
        Ok(Self::of_parts(source, read))
    }
}

impl<R: Read + Seek> Decryptor<R> {
    /// Reads the stream header and the envelope from the beginning of `source`, for a stream that
    /// `unlock` opens.
    pub(crate) fn rewound(mut source: R, unlock: &Unlock) -> Result<Self, Error> {
        let rewind = |source: &mut R| Ok(source.rewind().map_err(Problem::Io)?);
        rewind(&mut source)?;
        match unlock.is_detached() {
            true => untorn(source, 0, read_own_header, rewind),
            false => untorn(source, REREADS, read_stream_header, rewind),
        }
    }
}

/// Reads with `read`, and up to `again` times more after `rewind`, as long as the envelope is torn.
fn untorn<R: Read>(
    mut source: R,
    mut again: usize,
    read: impl Fn(&mut R) -> Result<(HeaderV1, Vec<u8>), pipeline::Error>,
    rewind: impl Fn(&mut R) -> Result<(), Error>,
) -> Result<Decryptor<R>, Error> {
    loop {
        match read(&mut source) {
            Err(error) if again > 0 && error.is_torn_envelope() => {
                again -= 1;
                rewind(&mut source)?;
            }
            read => return Ok(Decryptor::of_parts(source, read.map_err(Problem::Run)?)),
        }
    }
}
