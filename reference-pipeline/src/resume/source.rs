//! Checks whether a source is the one that an interrupted encryption has read (§19.2, step 8,
//! SV2-RES-008).

use std::io::{self, Read, Seek, SeekFrom};

use stream_v2_format::crypto::{Committed, JournalKey, SegmentOrder, StreamOpener};
use stream_v2_format::{ErrorKind, SegmentIndex};

use super::compare::CompareSink;
use super::encrypt::{InterruptedEncryption, changed_meanwhile, sink_error};
use crate::engine::shutdown::Watched;
use crate::error::{Error, Stage};
use crate::io::{read_segment_header, read_stream_header, source_error};
use crate::observe::{LogManager, Managers};
use crate::pipeline::{DecryptPipeline, EncryptPipeline, ReaderKeys};
use crate::recover::damage::as_damage;
use crate::recover::source_check::Check;
use crate::recover::{FileJournal, Recovered, SourceStamp};
use crate::source::blocking::fill;
use crate::storage::StoredFile;

impl InterruptedEncryption {
    /// Checks a seekable source, and leaves it after the committed part (step 8).
    ///
    /// It checks `stamp`, and compares the last segments.
    ///
    /// # Errors
    ///
    /// - `journal.source` for another source (SV2-RES-008).
    /// - `io.source` if a read fails.
    pub fn check_source(&mut self, source: &mut (impl Read + Seek), stamp: SourceStamp) -> Result<(), Error> {
        let committed = self.recovered.committed.plaintext_len;
        self.check_stamp(stamp)?;
        self.stamp = stamp;
        //= spec/stream-v2.md#sv2-res-008
        //# where the plaintext of the last commit's segment or of the last committed data segment
        //# differs from it,
        let Recovered { confirmed, last_segment, .. } = &self.recovered;
        let commit = self.journal.as_ref().and_then(FileJournal::last_commit);
        if let (Some(commit), Some(confirmed)) = (commit, confirmed)
            && last_segment.as_ref().is_some_and(|last| last.header.index != confirmed.header.index)
        {
            compare_before(source, commit.plaintext_len, &confirmed.plaintext)?;
        }
        match last_segment {
            Some(last) => compare_before(source, committed, &last.plaintext)?,
            None => source.seek(SeekFrom::Start(committed)).map(|_| ()).map_err(source_error(None))?,
        }
        self.check_end(source)
    }

    /// Checks the known properties of a source without reading it.
    ///
    /// # Errors
    ///
    /// - `journal.source` for another source (SV2-RES-008).
    pub fn check_stamp(&self, stamp: SourceStamp) -> Result<(), Error> {
        //= spec/stream-v2.md#sv2-res-008
        //# A writer that resumes MUST refuse a source with `journal.source`, and change nothing,
        //# where its length or its time of modification is known and differs from the journal's,
        match &self.then {
            Some(then) if differs(then.len, stamp.len) || differs(then.mtime, stamp.mtime) => {
                Err(Error::other_source(0))
            }
            _ => Ok(()),
        }
    }

    /// Compares a source with all committed plaintext, from its beginning, and leaves it after
    /// that.
    ///
    /// This is for pipes, and for a source that was changed on purpose.
    ///
    /// # Errors
    ///
    /// - `journal.source` if they differ.
    /// - `io.source` if a read fails.
    /// - `Interrupted` if a shutdown was requested.
    /// - `malformed.damaged` for a committed segment that is not valid any more (SV2-RES-006), with
    ///   the stage `Sink`.
    pub fn compare_source(
        &mut self,
        pipeline: &EncryptPipeline<'_>,
        source: &mut impl Read,
        stamp: SourceStamp,
        log: Option<&mut dyn LogManager>,
    ) -> Result<(), Error> {
        let mut source = Watched::new(source, &pipeline.shutdown);
        self.stamp = stamp;
        let mut published = None;
        if self.output.storage().discards_uploaded() {
            if !self.is_published() {
                self.compare_with_check(&mut source)?;
                return self.check_end(&mut source);
            }
            // The published object holds the bytes that were given up before.
            published = Some(self.output.storage().open(self.output.target()).map_err(sink_error)?);
        }
        let file = published.as_mut().unwrap_or(&mut self.file);
        file.rewind().map_err(sink_error)?;
        let stream = &self.stream;
        let (header, _) = read_stream_header(&mut *file).map_err(Error::of_output)?;
        if header != *stream.header() {
            return Err(changed_meanwhile());
        }
        let body = header.body_offset().0;
        let mut reader = DecryptPipeline::with_keys(ReaderKeys::Opened);
        (reader.parallelism, reader.salvage, reader.shutdown) =
            (pipeline.parallelism, true, pipeline.shutdown.clone());
        let mut sink = CompareSink::new(&mut source);
        let committed = Read::take(&mut *file, self.recovered.stream_len - body);
        let managers = Managers { log: log.map(|log| log as _), crash: None };
        match reader.resume(stream, &Committed::NOTHING, committed, &mut sink, managers) {
            Err(error) if error.kind() != Some(ErrorKind::Truncated) => {
                return Err(sink.fault().unwrap_or_else(|| damage(stream, &mut **file, error).of_output()));
            }
            // The source is positioned after the compared bytes, and the run resumes there.
            _ if sink.compared() != self.recovered.committed.plaintext_len => {
                return Err(changed_meanwhile());
            }
            _ => {}
        }
        self.check_end(&mut source)
    }

    /// Compares by the stored check, if the committed part cannot be read back.
    fn compare_with_check(&mut self, source: &mut impl Read) -> Result<(), Error> {
        let Some(expected) = self.recovered.check else {
            let missing = "what the input would be compared with is not there any more";
            return Err(sink_error(io::Error::new(io::ErrorKind::Unsupported, missing)));
        };
        let (key, mut check) = (JournalKey::from(&self.stream), Check::NOTHING);
        let (mut compared, mut plaintext) = (0, Vec::new());
        let mut order = SegmentOrder::new(self.stream.header());
        for index in 0..self.recovered.committed.segments {
            let len = self.plaintext_len_of(&mut order, compared)?;
            // A final or an index segment.
            if len == 0 {
                continue;
            }
            plaintext.resize(len as usize, 0);
            let filled = fill(source, &mut plaintext).map_err(source_error(None))?;
            if filled < plaintext.len() {
                return Err(Error::other_source(compared + filled as u64));
            }
            check.follow(&key, SegmentIndex(u32::try_from(index).unwrap_or(u32::MAX)), &plaintext);
            compared += u64::from(len);
        }
        if check == expected { Ok(()) } else { Err(Error::other_source(0)) }
    }

    /// Returns the plaintext bytes of the next committed segment, after `before` bytes.
    ///
    /// They follow by arithmetic, or from its header, which was not given up.
    fn plaintext_len_of(&mut self, order: &mut SegmentOrder, before: u64) -> Result<u32, Error> {
        if self.header().uniform() {
            let left = self.recovered.committed.plaintext_len - before;
            return Ok(u32::try_from(left).unwrap_or(u32::MAX).min(self.header().segment_size()));
        }
        let offset = order.offset();
        self.file.seek(SeekFrom::Start(offset.0)).map_err(sink_error)?;
        let header = read_segment_header(&mut self.file, &self.stream, offset, order.segments())?;
        order.admit(header.header(), offset).map_err(|error| Error::format(Stage::Source, error))?;
        Ok(header.header().plaintext_len)
    }

    /// Checks that the source ends here, if the stream lacks at most its final segment.
    fn check_end(&self, source: &mut impl Read) -> Result<(), Error> {
        // Bytes after a declared plaintext_len do not belong to the stream (SV2-HDR-017).
        if self.header().params().plaintext_len == Some(self.recovered.committed.plaintext_len) {
            return Ok(());
        }
        //= spec/stream-v2.md#sv2-res-030
        //# A writer that resumes MUST take from an ending record that the source has ended, and
        //# nothing else.
        let ending = self.journal.as_ref().is_some_and(|journal| journal.ending().is_some());
        // Only the final segment follows a short data segment in a stream with UNIFORM
        // (SV2-HDR-016), and a short index segment (SV2-IDX-005).
        if !ending && !self.recovered.sealed && !self.recovered.committed.ends(self.header()) {
            return Ok(());
        }
        //= spec/stream-v2.md#sv2-res-008
        //# or where bytes that belong to the stream (SV2-HDR-017) follow the committed
        //# plaintext_len although there is an ending record, a final segment, an index segment of
        //# fewer than n entries, or, with UNIFORM, a data segment that is not full.
        match fill(source, &mut [0]).map_err(source_error(None))? {
            0 => Ok(()),
            _ => Err(Error::other_source(self.recovered.committed.plaintext_len)),
        }
    }
}

/// Compares a segment with the bytes of the source that end at `end`, and leaves the source there.
fn compare_before(source: &mut (impl Read + Seek), end: u64, plaintext: &[u8]) -> Result<(), Error> {
    let len = plaintext.len() as u64;
    let begin = end - len;
    let mut again = Vec::new();
    let sought = source.seek(SeekFrom::Start(begin));
    sought.and_then(|_| source.take(len).read_to_end(&mut again)).map_err(source_error(None))?;
    //= spec/stream-v2.md#sv2-res-008
    //# where it ends before the committed plaintext_len,
    let same = again.iter().zip(plaintext).take_while(|(a, b)| a == b).count();
    if same == plaintext.len() {
        return Ok(());
    }
    let end = source.seek(SeekFrom::End(0)).map_err(source_error(None))?;
    Err(Error::other_source(end.min(begin + same as u64)))
}

/// Converts the error of a reader of committed segments into damage of the segment in which it was
/// found (SV2-RES-006).
fn damage(stream: &StreamOpener, mut file: &mut dyn StoredFile, error: Error) -> Error {
    let mut order = SegmentOrder::new(stream.header());
    let Some(before) = error.segment().filter(|_| error.kind().is_some()) else { return error };
    while order.segments() < before {
        let (offset, segments) = (order.offset(), order.segments());
        let header = file
            .seek(SeekFrom::Start(offset.0))
            .ok()
            .and_then(|_| read_segment_header(&mut file, stream, offset, segments).ok());
        if header.is_none_or(|header| order.admit(header.header(), offset).is_err()) {
            break;
        }
    }
    as_damage(error, order.offset(), order.segments())
}

fn differs<T: PartialEq>(then: Option<T>, now: Option<T>) -> bool {
    matches!((then, now), (Some(then), Some(now)) if then != now)
}
