//! §19.2 Going on with an encryption that was interrupted.

use std::io::{self, Read, Seek, SeekFrom};

use stream_v2_format::crypto::{JournalKey, StreamOpener};
use stream_v2_format::limits::STREAM_HEADER_LEN;
use stream_v2_format::wire::{HeaderV1, JournalRole, STREAM_MAGIC};
use stream_v2_format::{self as format, ErrorKind};

use super::Notice;
use super::compare::CompareSink;
use crate::io::{fill, read_stream_header, source_error};
use crate::output_file::begins_like;
use crate::shutdown::Watched;
use crate::{
    CrashManager, DecryptPipeline, EncryptPipeline, Error, FileJournal, FileSink, LastSegment, LogManager,
    Managers, OutputFile, OutputSink, Recovered, SourceStamp, Stage, StoredFile, Summary, Vouched, recover,
};

/// How far the interrupted run came.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Segments are missing, or the final one alone.
    Torn,
    /// Only the name is missing.
    Sealed,
    /// Nothing is missing, and there is something to be cleared away.
    Published,
}

/// What an interrupted encryption has left of an output. Nothing is changed before [`resume`](Self::resume).
pub struct InterruptedEncryption {
    output: OutputFile,
    file: Box<dyn StoredFile>,
    state: State,
    stream: StreamOpener,
    recovered: Recovered,
    journal: Option<FileJournal>,
    notice: Option<Notice>,
    /// The source as the journal knew it, even where the journal is not to be used any more.
    then: Option<SourceStamp>,
    /// The source as it is now.
    stamp: SourceStamp,
}

/// What an engine goes on with.
pub(crate) struct Torn {
    pub(crate) stream: StreamOpener,
    pub(crate) recovered: Recovered,
    pub(crate) sink: FileSink,
    pub(crate) journal: FileJournal,
}

impl InterruptedEncryption {
    /// Looks for what an interrupted run has left of `output`: steps 1 to 8. `None` is nothing that a segment was committed to: it may be
    /// discarded, and a new stream be started.
    ///
    /// # Errors
    /// `io.sink` of kind `WouldBlock` where another process is writing, `AlreadyExists` for a file under the name itself that may not be
    /// replaced, `InvalidInput` for a link or a device under the partial name; `malformed` for one that is no stream; `key.header_tag`;
    /// `malformed.damaged`.
    pub fn find(pipeline: &EncryptPipeline<'_>, output: &OutputFile) -> Result<Option<Self>, Error> {
        let storage = output.storage();
        let target = output.target();
        if let Some(file) = output.lock_partial().map_err(sink_error)? {
            return match file.is_named(target).map_err(sink_error)? {
                true => Self::read(pipeline, output, file, State::Published),
                false if storage.exists(target) && !output.overwrites() => {
                    Err(sink_error(io::ErrorKind::AlreadyExists.into()))
                }
                false => Self::read(pipeline, output, file, State::Torn),
            };
        }
        if !storage.exists(target) || !storage.exists(&output.journal()) {
            return Ok(None);
        }
        // The result and a journal: the run before was complete, if the one belongs to the other.
        let Ok(file) = storage.open(target) else { return Ok(None) };
        match Self::read(pipeline, output, file, State::Published) {
            Ok(Some(found)) if found.recovered.sealed && found.journal.is_some() => Ok(Some(found)),
            _ => Ok(None),
        }
    }

    /// Reads an output and its journal: steps 3 to 8.
    fn read(
        pipeline: &EncryptPipeline<'_>,
        output: &OutputFile,
        mut file: Box<dyn StoredFile>,
        state: State,
    ) -> Result<Option<Self>, Error> {
        let header = match read_stream_header(&mut file) {
            Ok((header, _)) => header,
            Err(error) => return nothing_committed(&mut *file, error).map(|()| None),
        };
        let stream = StreamOpener::new(&header, pipeline.key, pipeline.context)
            .map_err(|error| Error::format(Stage::Start, error))?;
        let (mut journal, mut notice) = find_journal(output, JournalRole::Encrypt, (&stream).into())?;
        let then = journal.as_ref().map(FileJournal::source).copied();
        if journal.take_if(|journal| journal.is_damaged()).is_some() {
            notice = Some(Notice::JournalDamaged);
        }
        let mut recovered = recover(&mut file, &stream, FileJournal::vouched(journal.as_ref()));
        //= spec/stream-v2.md#sv2-res-007
        //# A writer that resumes with an output that ends before its last commit MUST go on as without a
        //# journal (§19.3), and say so.
        if let Err(error) = &recovered
            && error.kind() == Some(ErrorKind::Truncated)
            && journal.take().is_some()
        {
            notice = Some(Notice::LostDurable);
            recovered = recover(&mut file, &stream, Vouched::Unknown);
        }
        let recovered = recovered?;
        if !recovered.sealed {
            let without_index = recovered.committed.without_index(&header);
            without_index.map_err(|error| Error::format(Stage::Start, error))?;
        }
        if state == State::Published && !recovered.sealed {
            // Two names that somebody has given: the run before gives the second one to what is sealed.
            return Err(sink_error(io::ErrorKind::AlreadyExists.into()));
        }
        let state = if recovered.sealed && state == State::Torn { State::Sealed } else { state };
        let (output, stamp) = (output.clone(), SourceStamp::default());
        Ok(Some(Self { output, file, state, stream, recovered, journal, notice, then, stamp }))
    }

    /// The stream header that was found: parameters come from it (SV2-RES-005).
    #[must_use]
    pub const fn header(&self) -> &HeaderV1 {
        self.stream.header()
    }

    /// What is committed.
    #[must_use]
    pub const fn recovered(&self) -> &Recovered {
        &self.recovered
    }

    /// Whether the stream is complete, and there is nothing left to encrypt.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        self.recovered.sealed
    }

    /// What the journal says of the source, where there is a journal.
    #[must_use]
    pub const fn source(&self) -> Option<&SourceStamp> {
        self.then.as_ref()
    }

    /// Whether it has its name too: whoever wants to write something else there starts over.
    #[must_use]
    pub const fn is_published(&self) -> bool {
        matches!(self.state, State::Published)
    }

    /// What the user may want to know.
    #[must_use]
    pub const fn notice(&self) -> Option<Notice> {
        self.notice
    }

    /// Checks a source that can be positioned, and leaves it after what is committed: what `stamp` says of it, and the last segments (step 9).
    ///
    /// # Errors
    /// `journal.source` for another source (SV2-RES-008); `io.source`.
    pub fn check_source(&mut self, source: &mut (impl Read + Seek), stamp: SourceStamp) -> Result<(), Error> {
        let committed = self.recovered.committed.plaintext_len;
        self.stamp = stamp;
        //= spec/stream-v2.md#sv2-res-008
        //# A writer that resumes MUST refuse a source with `journal.source`, and change nothing, where its
        //# length or its time of modification is known and differs from the journal's,
        if let Some(then) = &self.then
            && (differs(then.len, stamp.len) || differs(then.mtime, stamp.mtime))
        {
            return Err(other_source(0));
        }
        let len = self.recovered.confirmed_len;
        if let Some(commit) = self.journal.as_ref().and_then(FileJournal::last_commit).filter(|_| len > 0) {
            let begin = commit.plaintext_len - len;
            let plaintext = read_range(source, begin, len)?;
            //= spec/stream-v2.md#sv2-res-008
            //# where the plaintext of the last commit's segment does not have its fingerprint,
            if !JournalKey::from(&self.stream).is_source_of(commit, &plaintext) {
                return Err(other_source(begin));
            }
        }
        if let Some(LastSegment { plaintext: last, .. }) = &self.recovered.last_segment {
            let begin = committed - last.len() as u64;
            let again = read_range(source, begin, last.len() as u64)?;
            //= spec/stream-v2.md#sv2-res-008
            //# where the plaintext of the last committed segment differs from it,
            if let Some(place) = again.iter().zip(last).position(|(a, b)| a != b) {
                return Err(other_source(begin + place as u64));
            }
        } else {
            source.seek(SeekFrom::Start(committed)).map_err(source_error(None))?;
        }
        self.check_end(source)
    }

    /// Reads a source from its beginning, compares it with all that is committed, and leaves it after that: for pipes, and for a source that
    /// was changed on purpose.
    ///
    /// # Errors
    /// `journal.source` where they differ; `io.source`; `Interrupted`.
    pub fn compare_source(
        &mut self,
        pipeline: &EncryptPipeline<'_>,
        source: &mut impl Read,
        stamp: SourceStamp,
        log: Option<&mut dyn LogManager>,
    ) -> Result<(), Error> {
        let mut source = Watched::new(source, &pipeline.shutdown);
        self.stamp = stamp;
        self.file.rewind().map_err(sink_error)?;
        let mut reader = DecryptPipeline::new(pipeline.key).with_context(pipeline.context);
        (reader.lanes, reader.salvage, reader.shutdown) = (pipeline.lanes, true, pipeline.shutdown.clone());
        let mut sink = CompareSink::new(&mut source);
        let committed = (&mut self.file).take(self.recovered.stream_len);
        match reader.run(committed, &mut sink, Managers { log: log.map(|log| log as _), crash: None }) {
            Err(error) if error.kind() != Some(ErrorKind::Truncated) => {
                return Err(sink.fault().unwrap_or(error));
            }
            _ => {}
        }
        self.check_end(&mut source)
    }

    /// Nothing of the stream may follow in the source where the stream lacks its final segment at most.
    fn check_end(&self, source: &mut impl Read) -> Result<(), Error> {
        // What follows a declared plaintext_len does not belong to the stream (SV2-HDR-017).
        if self.header().params().plaintext_len == Some(self.recovered.committed.plaintext_len) {
            return Ok(());
        }
        let ending = self.journal.as_ref().is_some_and(|journal| journal.ending().is_some());
        // In a stream with UNIFORM nothing but the final segment follows a short one (SV2-HDR-016).
        let short = self.header().uniform() && self.recovered.committed.has_short_segment(self.header());
        if !ending && !self.recovered.sealed && !short {
            return Ok(());
        }
        //= spec/stream-v2.md#sv2-res-008
        //# or where bytes that belong to the stream (SV2-HDR-017) follow the committed plaintext_len although
        //# there is an ending record, a final segment, or, with UNIFORM, a data segment that is not full.
        match fill(source, &mut [0]).map_err(source_error(None))? {
            0 => Ok(()),
            _ => Err(other_source(self.recovered.committed.plaintext_len)),
        }
    }

    /// Goes on with the source, which stands after what is committed, and seals and publishes the stream: steps 10 and 11.
    ///
    /// # Errors
    /// As [`EncryptPipeline::run`].
    pub fn resume(
        self,
        pipeline: &EncryptPipeline<'_>,
        source: impl Read + Send,
        log: Option<&mut dyn LogManager>,
    ) -> Result<Summary, Error> {
        let Torn { stream, recovered, mut sink, mut journal } = match self.take_up()? {
            Ok(torn) => torn,
            Err(complete) => return Ok(complete),
        };
        let managers = Managers { log: log.map(|log| log as _), crash: Some(&mut journal) };
        pipeline.resume(&stream, &recovered, source, &mut sink, managers)
    }

    /// Step 10, or everything that is missing of a sealed stream.
    pub(crate) fn take_up(self) -> Result<Result<Torn, Summary>, Error> {
        let Self { output, file, state, stream, recovered, journal, stamp, .. } = self;
        let mut journal = journal
            .unwrap_or_else(|| FileJournal::new(&output, JournalRole::Encrypt, SourceStamp::default()));
        journal.set_source(stamp);
        if state != State::Torn {
            publish(&output, file, state, &recovered).map_err(sink_error)?;
            journal.ended().map_err(|error| Error::io(Stage::Manager, None, error))?;
            return Ok(Err(Summary {
                segments: recovered.committed.segments,
                plaintext_len: recovered.committed.plaintext_len,
                stream_len: recovered.stream_len,
            }));
        }
        let sink = FileSink::take_up(&output, file, recovered.stream_len).map_err(sink_error)?;
        Ok(Ok(Torn { stream, recovered, sink, journal }))
    }
}

impl EncryptPipeline<'_> {
    /// Encrypts all of `source` into a file that an interrupted run can be gone on with: with a journal beside it.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn run_to_file(
        &self,
        source: impl Read + Send,
        stamp: SourceStamp,
        mut sink: FileSink,
        log: Option<&mut dyn LogManager>,
    ) -> Result<Summary, Error> {
        let mut journal = FileJournal::new(sink.output(), JournalRole::Encrypt, stamp);
        self.run(source, &mut sink, Managers { log: log.map(|log| log as _), crash: Some(&mut journal) })
    }
}

/// Whether a file that is no stream is one whose stream header was being written: it is durable before anything follows it (SV2-RES-001).
/// Otherwise `error` says what is wrong with it.
fn nothing_committed(file: &mut dyn StoredFile, error: Error) -> Result<(), Error> {
    let mut magic = [0; STREAM_MAGIC.len()];
    let filled = file.rewind().and_then(|()| fill(&mut &mut *file, &mut magic)).map_err(sink_error)?;
    let begins = begins_like(&magic[..filled], &STREAM_MAGIC);
    let short = file.size().map_err(sink_error)? <= STREAM_HEADER_LEN as u64;
    match error.kind() {
        //= spec/stream-v2.md#sv2-res-014
        //# An owner MUST NOT drop or replace, unless its caller has asked for exactly that, an output that is
        //# not empty and that does not begin as its own kind does,
        Some(ErrorKind::Truncated) if begins => Ok(()),
        Some(ErrorKind::Malformed) if begins && short => Ok(()),
        // A short file of somebody else.
        Some(ErrorKind::Truncated) => Err(sink_error(io::ErrorKind::InvalidInput.into())),
        _ => Err(error),
    }
}

/// Gives a sealed stream its name, or takes the other name away from one that has its own.
fn publish(
    output: &OutputFile,
    file: Box<dyn StoredFile>,
    state: State,
    recovered: &Recovered,
) -> io::Result<()> {
    if state == State::Sealed {
        return FileSink::take_up(output, file, recovered.stream_len)?.seal();
    }
    output.drop_partial_name()
}

/// The journal of an output, where there is one to be used, and otherwise why there is not.
pub(super) fn find_journal(
    output: &OutputFile,
    role: JournalRole,
    key: JournalKey,
) -> Result<(Option<FileJournal>, Option<Notice>), Error> {
    let found = FileJournal::find(output, role, key);
    Ok(match found.map_err(|error| Error::io(Stage::Manager, None, error))? {
        None => (None, None),
        Some(Ok(journal)) => (Some(journal), None),
        Some(Err(error)) => (None, Some(Notice::JournalUnusable(error))),
    })
}

/// Exactly `len` bytes from `begin` on.
fn read_range(source: &mut (impl Read + Seek), begin: u64, len: u64) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    let sought = source.seek(SeekFrom::Start(begin));
    let read = sought.and_then(|_| source.take(len).read_to_end(&mut bytes)).map_err(source_error(None))?;
    //= spec/stream-v2.md#sv2-res-008
    //# where it ends before the committed plaintext_len,
    if read as u64 == len { Ok(bytes) } else { Err(other_source(begin + read as u64)) }
}

fn differs<T: PartialEq>(then: Option<T>, now: Option<T>) -> bool {
    matches!((then, now), (Some(then), Some(now)) if then != now)
}

/// The source differs from what is committed at byte `at`, or is another one as a whole.
pub(super) fn other_source(at: u64) -> Error {
    Error::format(Stage::Source, format::Error::other_source(at))
}

pub(super) fn sink_error(error: io::Error) -> Error {
    Error::io(Stage::Sink, None, error)
}
