//! §19.3 Telling a torn tail from damage: a whole segment behind the first fault is not there because of a crash (SV2-RES-010).

use std::io::{Read, Seek, SeekFrom};

use stream_v2_format::limits::SEGMENT_HEADER_LEN;
use stream_v2_format::wire::SEGMENT_MAGIC;
use stream_v2_format::{self as format, Offset};

use crate::io::{fill, source_error};
use crate::{Error, Stage};

/// Bytes that are searched at once for the beginning of a segment.
const SEARCH_LEN: usize = 1 << 20;

/// Looks for a segment after `end`, where `segments` committed ones end. `len_at` gives the length of the segment with such a header, if the
/// header is genuine.
///
/// The segment at `end` itself does not count: it is the one that was being written.
pub(super) fn refuse(
    output: &mut (impl Read + Seek),
    end: Offset,
    segments: u64,
    len_at: impl Fn(&[u8; SEGMENT_HEADER_LEN], Offset) -> Option<u64>,
) -> Result<(), Error> {
    let mut search = Search { output, segments, len_at };
    let mut from = end.plus(search.len_at(end)?.unwrap_or(1));
    while let Some(found) = search.find_magic(from)? {
        if search.len_at(found)?.is_some() {
            return Err(Error::format(Stage::Source, format::Error::damaged(end, segments)));
        }
        from = found.plus(1);
    }
    Ok(())
}

struct Search<'a, R, F> {
    output: &'a mut R,
    segments: u64,
    len_at: F,
}

impl<R: Read + Seek, F: Fn(&[u8; SEGMENT_HEADER_LEN], Offset) -> Option<u64>> Search<'_, R, F> {
    /// The length of the segment whose genuine header stands at `offset`.
    fn len_at(&mut self, offset: Offset) -> Result<Option<u64>, Error> {
        let mut bytes = [0; SEGMENT_HEADER_LEN];
        let filled = self.read(offset, &mut bytes)?;
        Ok(Some(()).filter(|()| filled == SEGMENT_HEADER_LEN).and_then(|()| (self.len_at)(&bytes, offset)))
    }

    /// Where the next segment magic stands, from `offset` on.
    fn find_magic(&mut self, mut offset: Offset) -> Result<Option<Offset>, Error> {
        let mut bytes = vec![0; SEARCH_LEN];
        loop {
            let filled = self.read(offset, &mut bytes)?;
            let magic = bytes[..filled].windows(SEGMENT_MAGIC.len()).position(|four| four == SEGMENT_MAGIC);
            if let Some(place) = magic {
                return Ok(Some(offset.plus(place as u64)));
            }
            if filled < SEARCH_LEN {
                return Ok(None);
            }
            offset = offset.plus((filled - SEGMENT_MAGIC.len() + 1) as u64);
        }
    }

    fn read(&mut self, offset: Offset, buffer: &mut [u8]) -> Result<usize, Error> {
        let sought = self.output.seek(SeekFrom::Start(offset.0));
        sought.and_then(|_| fill(self.output, buffer)).map_err(source_error(Some(self.segments)))
    }
}
