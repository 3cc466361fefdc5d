//! Resumes a decryption that was interrupted (§19.4).

use std::io::{self, Read, SeekFrom};

use bytes::BytesMut;
use stream_v2_format::crypto::{Committed, PendingIndex, StreamOpener};
use stream_v2_format::wire::{JournalRecord, JournalRole};
use stream_v2_format::{Detail, Offset};

use super::ResumeWarning;
use super::compare::CompareSink;
use super::compare_output::{Compared, compare_output};
use super::encrypt::{find_journal, sink_error};
use crate::engine::shutdown::Watched;
use crate::error::{Error, Stage};
use crate::io::{read_segment_header, read_wire, source_error};
use crate::observe::{CrashManager, LogManager, Managers};
use crate::pipeline::{DecryptPipeline, Summary};
use crate::recover::headers::HeadersBefore;
use crate::recover::{FileJournal, SourceStamp};
use crate::segment::{DecryptSegmentInput, DecryptSegmentWorker, DecryptedSegment};
use crate::sink::{FileSink, OutputSink};
use crate::source::blocking::fill;
use crate::storage::{OutputFile, StoredFile};

/// The state of the output of an interrupted decryption.
pub enum PartialDecryption {
    /// There is nothing to resume.
    ///
    /// Any partial output may be discarded: nothing was released to it, or it has lost the released
    /// plaintext.
    Nothing(Option<ResumeWarning>),
    /// There is a partial file that no journal vouches for. It may belong to another program.
    ///
    /// Only its owner may discard it (SV2-RES-014).
    Unknown(Option<ResumeWarning>),
    /// There is a partial output to resume.
    Torn(Box<InterruptedDecryption>),
    /// The partial output differs from the plaintext of the stream from this byte on.
    ///
    /// Only [`InterruptedDecryption::find_comparing`] reports this. Only the owner of the output
    /// may discard it.
    Changed(u64),
    /// The output is complete and has its name. Only the journal had to be removed, and was.
    Complete,
}

/// The committed part of an interrupted decryption.
///
/// Nothing is changed before [`resume`](Self::resume).
pub struct InterruptedDecryption {
    output: OutputFile,
    file: Box<dyn StoredFile>,
    journal: FileJournal,
    stream: StreamOpener,
    commit: JournalRecord,
    committed: Committed,
    notice: Option<ResumeWarning>,
}

impl InterruptedDecryption {
    /// Looks for a partial `output` of an interrupted run, and confirms its last commit.
    ///
    /// These are steps 2 and 3 of §19.4.
    ///
    /// The plaintext of the last recorded segment is compared with the stream. Everything before
    /// that segment is trusted: only the permissions of the file protect it. If others can write to
    /// the file, use [`find_comparing`](Self::find_comparing), or start over (SV2-RES-031).
    ///
    /// `source` must be positioned after the stream header of `stream` and its envelope. With
    /// [`PartialDecryption::Torn`] it is then at the next segment. With every other result it may
    /// have advanced by that segment, and must be opened again.
    ///
    /// # Errors
    ///
    /// - `io.sink` of kind `WouldBlock` if another process is writing.
    /// - `io.sink` of kind `InvalidInput` for a link or a device under the partial name.
    /// - `journal.source` if the stream does not hold the released plaintext.
    /// - any error of that segment.
    /// - `io.source` if a read fails.
    pub fn find(
        pipeline: &DecryptPipeline<'_>,
        output: &OutputFile,
        stream: &StreamOpener,
        source: &mut (impl Read + Send),
    ) -> Result<PartialDecryption, Error> {
        Self::find_in(pipeline, output, stream, source, false)
    }

    /// Does the same as [`find`](Self::find), and compares all of the committed output.
    ///
    /// The plaintext of the stream is read and verified from its first segment on (SV2-RES-031).
    ///
    /// If they differ, the output was changed, or belongs to another stream:
    /// [`PartialDecryption::Changed`].
    ///
    /// # Errors
    ///
    /// - the errors of [`find`](Self::find).
    /// - any error of the stream before the end of the last commit.
    /// - `io.sink` of kind `InvalidInput` for an upload, because a part of it cannot be read back.
    pub fn find_comparing(
        pipeline: &DecryptPipeline<'_>,
        output: &OutputFile,
        stream: &StreamOpener,
        source: &mut (impl Read + Send),
    ) -> Result<PartialDecryption, Error> {
        Self::find_in(pipeline, output, stream, source, true)
    }

    fn find_in(
        pipeline: &DecryptPipeline<'_>,
        output: &OutputFile,
        stream: &StreamOpener,
        source: &mut (impl Read + Send),
        compares: bool,
    ) -> Result<PartialDecryption, Error> {
        let partial = output.lock_partial().map_err(sink_error)?;
        let (journal, notice) = find_journal(output, JournalRole::Decrypt, stream.into())?;
        let mut source = Watched::new(source, &pipeline.shutdown);
        let cut_off = |error| pipeline.shutdown.unless_cut_off(error);
        let mut file = match partial {
            Some(file) if !file.is_named(output.target()).map_err(sink_error)? => file,
            two_names => {
                let is_twice = two_names.is_some();
                let left = Self::published(pipeline, output, stream, (journal, two_names), &mut source)
                    .map_err(cut_off)?;
                // Two names that another program may have given.
                let unknown = is_twice && matches!(left, PartialDecryption::Nothing(None));
                return match unknown && !output.overwrites() {
                    true => Err(sink_error(io::ErrorKind::AlreadyExists.into())),
                    false => Ok(left),
                };
            }
        };
        if !output.overwrites() && output.storage().try_exists(output.target()).map_err(sink_error)? {
            return Err(sink_error(io::ErrorKind::AlreadyExists.into()));
        }
        let len = file.size().map_err(sink_error)?;
        let Some(journal) = journal else {
            //= spec/stream-v2.md#sv2-res-014
            //# or that, for a reader, no journal of its stream vouches for;
            return Ok(if len == 0 {
                PartialDecryption::Nothing(None)
            } else {
                PartialDecryption::Unknown(notice)
            });
        };
        let notice = journal.is_damaged().then_some(ResumeWarning::JournalDamaged);
        let Some(&commit) = journal.last_commit() else { return Ok(PartialDecryption::Nothing(notice)) };
        let lost = Ok(PartialDecryption::Nothing(Some(ResumeWarning::LostDurable)));
        if len < commit.plaintext_len {
            return lost;
        }
        let committed = if compares {
            if output.storage().discards_uploaded() {
                let gone = "what was uploaded already cannot be read back and compared";
                return Err(sink_error(io::Error::new(io::ErrorKind::InvalidInput, gone)));
            }
            match compare_output(pipeline, stream, &commit, &mut *file, &mut source).map_err(cut_off)? {
                Compared::Same(committed) => committed,
                Compared::Differs(at) => return Ok(PartialDecryption::Changed(at)),
            }
        } else {
            let (committed, segment) = confirm(stream, &commit, &mut source).map_err(cut_off)?;
            if !ends_with(&mut *file, commit.plaintext_len, segment.plaintext()).map_err(sink_error)? {
                return lost;
            }
            committed
        };
        let (output, stream) = (output.clone(), stream.clone());
        let found = Self { output, file, journal, stream, commit, committed, notice };
        Ok(PartialDecryption::Torn(Box::new(found)))
    }

    /// Handles an output without a partial file, or one that has its final name already.
    ///
    /// The run before was complete if there is a journal of its stream, and the result is all of
    /// the plaintext.
    fn published(
        pipeline: &DecryptPipeline<'_>,
        output: &OutputFile,
        stream: &StreamOpener,
        (journal, mut two_names): (Option<FileJournal>, Option<Box<dyn StoredFile>>),
        source: &mut (impl Read + Send),
    ) -> Result<PartialDecryption, Error> {
        let nothing = Ok(PartialDecryption::Nothing(None));
        let Some(mut journal) = journal else { return nothing };
        // The partial name could be given up, but it keeps other owners out.
        let same = two_names.take_if(|_| !output.storage().discards_uploaded());
        let Ok(mut file) = same.map_or_else(|| output.storage().open(output.target()), Ok) else {
            return nothing;
        };
        let len = file.size().map_err(sink_error)?;
        // An ending record is not required: a run that resumes may have written the journal anew.
        if !holds_plaintext(pipeline, stream, (&mut *file, len), source)? {
            return Ok(PartialDecryption::Nothing(Some(ResumeWarning::ResultChanged)));
        }
        publish_again(output, file, two_names.as_deref()).map_err(sink_error)?;
        journal.ended().map_err(|error| Error::io(Stage::Manager, None, error))?;
        Ok(PartialDecryption::Complete)
    }

    /// Returns the committed part.
    #[must_use]
    pub const fn committed(&self) -> &Committed {
        &self.committed
    }

    /// Returns a finding for the user, if there is one.
    #[must_use]
    pub const fn notice(&self) -> Option<ResumeWarning> {
        self.notice
    }

    /// Resumes the decryption, and publishes the plaintext (steps 4 and 5 of §19.4).
    ///
    /// The source must be positioned after the committed part.
    ///
    /// # Errors
    ///
    /// - the errors of [`DecryptPipeline::run`].
    pub fn resume(
        self,
        pipeline: &DecryptPipeline<'_>,
        source: impl Read + Send,
        log: Option<&mut dyn LogManager>,
    ) -> Result<Summary, Error> {
        let (stream, committed, mut sink, mut journal) = self.take_up()?;
        let managers = Managers { log: log.map(|log| log as _), crash: Some(&mut journal) };
        pipeline.resume(&stream, &committed, source, &mut sink, managers)
    }

    /// Returns the parts that an engine needs to resume.
    pub(crate) fn take_up(self) -> Result<(StreamOpener, Committed, FileSink, FileJournal), Error> {
        let Self { output, file, journal, stream, commit, committed, .. } = self;
        // The commit was recorded after a durability point of all of it.
        let len = commit.plaintext_len;
        let sink = FileSink::take_up(&output, file, len, len).map_err(sink_error)?;
        Ok((stream, committed, sink, journal))
    }
}

impl DecryptPipeline<'_> {
    /// Decrypts all of a stream into a file with a journal, so that the run can be resumed.
    ///
    /// `source` must be positioned after the stream header and envelope.
    ///
    /// # Errors
    ///
    /// - the errors of [`run`](Self::run).
    pub fn run_to_file(
        &self,
        stream: &StreamOpener,
        source: impl Read + Send,
        mut sink: FileSink,
        log: Option<&mut dyn LogManager>,
    ) -> Result<Summary, Error> {
        let mut journal = FileJournal::new(sink.output(), JournalRole::Decrypt, SourceStamp::default());
        let managers = Managers { log: log.map(|log| log as _), crash: Some(&mut journal) };
        self.resume(stream, &Committed::NOTHING, source, &mut sink, managers)
    }
}

/// Returns whether a result is exactly the plaintext of a stream, which is read from its first
/// segment on.
fn holds_plaintext(
    pipeline: &DecryptPipeline<'_>,
    stream: &StreamOpener,
    (file, len): (&mut dyn StoredFile, u64),
    source: &mut (impl Read + Send),
) -> Result<bool, Error> {
    file.rewind().map_err(sink_error)?;
    let mut sink = CompareSink::new(file);
    let result = pipeline.resume(stream, &Committed::NOTHING, source, &mut sink, Managers::none());
    let is_all = sink.compared() == len;
    match (sink.fault(), result) {
        (None, Ok(_)) => Ok(is_all),
        // A salvage has released all plaintext that there is.
        (None, Err(error)) if error.format_error().is_some_and(is_unsealed) => Ok(is_all),
        (None, Err(error)) => Err(error),
        (Some(fault), _) if fault.format_error().is_some() => Ok(false),
        (Some(fault), _) => Err(fault),
    }
}

fn is_unsealed(error: &stream_v2_format::Error) -> bool {
    error.detail() == Detail::TruncatedUnsealed
}

/// Gives a result its name again, and removes the partial name.
fn publish_again(
    output: &OutputFile,
    mut file: Box<dyn StoredFile>,
    partial: Option<&dyn StoredFile>,
) -> io::Result<()> {
    if output.storage().has_durable_names() {
        return output.drop_partial_name(partial.unwrap_or(&*file));
    }
    let len = file.size()?;
    output.take_name_back(&mut *file)?;
    FileSink::of_complete(output, file, len, len)?.seal()
}

/// Returns the error for a stream other than the one that was decrypted up to `offset`.
pub(super) const fn other_stream(offset: Offset) -> Error {
    Error::format(Stage::Source, stream_v2_format::Error::other_source(offset.0))
}

/// Reads to the segment that a commit names, and opens it.
///
/// Without UNIFORM the headers before it are followed, and the links of their runs.
fn confirm(
    stream: &StreamOpener,
    commit: &JournalRecord,
    source: &mut impl Read,
) -> Result<(Committed, DecryptedSegment), Error> {
    let before = u64::from(commit.index.0);
    let offset = stream.header().body_offset().plus(commit.position);
    let mut at = stream.header().body_offset();
    let mut headers = HeadersBefore::of(stream);
    if let Some(headers) = &mut headers {
        let read = |from: Offset, before, bytes: &mut [u8]| {
            skip(source, at, from, before)?;
            let filled = fill(source, bytes).map_err(source_error(Some(before)))?;
            at = from.plus(filled as u64);
            Ok(filled)
        };
        if !headers.walk(commit, read, |error, _, _| error)? {
            return Err(other_stream(offset));
        }
    }
    skip(source, at, offset, before)?;
    let header = read_segment_header(source, stream, offset, before)?;
    let committed = Committed::with_segment(commit, header.header(), PendingIndex::EMPTY);
    let mut committed = committed.ok_or_else(|| other_stream(offset))?;
    let wire = read_wire(source, &header, before, BytesMut::new())?;
    let input = DecryptSegmentInput { header, wire };
    let segment = DecryptSegmentWorker::new(stream).open(&input, BytesMut::new()).map_err(Error::worker)?;
    if let Some(headers) = &mut headers {
        headers.admit(&input.header, &input.wire)?;
        committed.pending_index = headers.leading_to(&committed.run).ok_or_else(|| other_stream(offset))?;
    }
    Ok((committed, segment))
}

/// Skips the bytes from one offset to another.
fn skip(source: &mut impl Read, from: Offset, to: Offset, before: u64) -> Result<(), Error> {
    let len = to.0 - from.0;
    let skipped = io::copy(&mut source.take(len), &mut io::sink()).map_err(source_error(Some(before)))?;
    if skipped < len {
        let truncated = stream_v2_format::Error::truncated(from.plus(skipped), Some(before));
        return Err(Error::format(Stage::Source, truncated));
    }
    Ok(())
}

/// Returns whether the first `len` bytes of a file end with `expected`.
fn ends_with(file: &mut dyn StoredFile, len: u64, expected: &[u8]) -> io::Result<bool> {
    let Some(begin) = len.checked_sub(expected.len() as u64) else { return Ok(false) };
    file.seek(SeekFrom::Start(begin))?;
    let mut found = vec![0; expected.len()];
    let filled = fill(&mut &mut *file, &mut found)?;
    Ok(filled == expected.len() && found == expected)
}
