//! Compares all of a partial plaintext with its stream before it is resumed (§19.4, SV2-RES-031).

use std::io::{self, Read, SeekFrom};

use bytes::BytesMut;
use stream_v2_format::crypto::{Committed, Progress, SegmentOrder, StreamOpener};
use stream_v2_format::wire::{JournalRecord, SegmentHeader};

use super::decrypt::other_stream;
use super::encrypt::sink_error;
use crate::error::Error;
use crate::io::read_segment;
use crate::pipeline::DecryptPipeline;
use crate::segment::DecryptSegmentWorker;
use crate::source::blocking::fill;
use crate::storage::StoredFile;

/// The result of comparing an output.
pub(super) enum Compared {
    /// Everything up to the end of the commit is the plaintext of the stream.
    Same(Committed),
    /// The first byte that differs.
    Differs(u64),
}

/// Compares the output with the plaintext of `stream`, up to the end of the segment that `commit`
/// names.
///
/// It reads the stream from its first segment, as any sequential reader does, and leaves `source`
/// after the segment of the commit.
pub(super) fn compare_output(
    pipeline: &DecryptPipeline<'_>,
    stream: &StreamOpener,
    commit: &JournalRecord,
    file: &mut dyn StoredFile,
    source: &mut impl Read,
) -> Result<Compared, Error> {
    //= spec/stream-v2.md#sv2-res-031
    //# A reader that resumes MUST, where its caller asks for it, compare all of its output before
    //# the end of the last commit with the plaintext of the stream before it goes on, and otherwise
    //# MUST NOT claim that it has verified that part.
    let other = || other_stream(stream.header().body_offset().plus(commit.position));
    file.seek(SeekFrom::Start(0)).map_err(sink_error)?;
    let (mut order, mut progress) = (SegmentOrder::new(stream.header()), Progress::of_reader(stream));
    let (mut worker, mut found) = (DecryptSegmentWorker::new(stream), Vec::new());
    loop {
        pipeline.shutdown.look(progress.segments())?;
        let segment = read_segment(source, stream, &mut order, BytesMut::new())?;
        let Some(segment) = segment else { return Err(other()) };
        let opened = worker.open(&segment, BytesMut::new()).map_err(Error::worker)?;
        let compared = progress.plaintext_len();
        opened.follow(&mut progress).map_err(Error::worker)?;
        if let Some(place) = first_difference(file, opened.plaintext(), &mut found).map_err(sink_error)? {
            return Ok(Compared::Differs(compared + place));
        }
        let header = opened.header.header();
        if header.index >= commit.index {
            return named(commit, header, &progress).map(Compared::Same).ok_or_else(other);
        }
    }
}

/// Returns the committed part, if it agrees with `commit`.
fn named(commit: &JournalRecord, header: &SegmentHeader, progress: &Progress) -> Option<Committed> {
    let read = progress.committed();
    Committed::with_segment(commit, header, read.pending_index.clone()).filter(|committed| committed == read)
}

/// Returns the first offset at which the next bytes of a file differ from `plaintext`.
fn first_difference(
    file: &mut dyn StoredFile,
    plaintext: &[u8],
    found: &mut Vec<u8>,
) -> io::Result<Option<u64>> {
    found.resize(plaintext.len(), 0);
    let filled = fill(&mut &mut *file, found)?;
    let same = found[..filled].iter().zip(plaintext).take_while(|(a, b)| a == b).count();
    Ok((same < plaintext.len()).then_some(same as u64))
}
