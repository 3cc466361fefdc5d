//! Resumes an encryption that was interrupted (§19.2).

use std::io::{self, Read, Seek, SeekFrom};

use stream_v2_format::ErrorKind;
use stream_v2_format::crypto::{Committed, JournalKey, ResumeKey, StreamOpener};
use stream_v2_format::wire::{HeaderV1, JournalRole};

use super::ResumeWarning;
use super::nothing_committed::nothing_committed;
use super::open::{Unopened, open_output};
use crate::error::{Cause, Error, Stage};
use crate::io::read_stream_header;
use crate::observe::{CrashManager, LogManager, Managers};
use crate::pipeline::{DecryptPipeline, EncryptPipeline, ReaderKeys, Summary, digest_alg};
use crate::recover::keyed::recover_checked;
use crate::recover::source_check::{Check, Checks};
use crate::recover::{FileJournal, JournalState, Recovered, SourceStamp};
use crate::sink::{FileSink, OutputSink, WriterSink};
use crate::storage::{OutputFile, StoredFile};

/// The progress of the interrupted run.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Segments are missing, or only the final one.
    Torn,
    /// Only the name is missing.
    Sealed,
    /// Nothing is missing, but some files must be removed.
    Published,
}

/// The output of an interrupted encryption.
///
/// Nothing is changed before [`resume`](Self::resume).
pub struct InterruptedEncryption {
    pub(super) output: OutputFile,
    pub(super) file: Box<dyn StoredFile>,
    state: State,
    pub(super) stream: StreamOpener,
    pub(super) recovered: Recovered,
    pub(super) journal: Option<FileJournal>,
    /// The checks, for an output that cannot be read back.
    pub(super) checks: Option<Checks>,
    pub(super) notice: Option<ResumeWarning>,
    /// The source in the journal, even if the journal must not be used any more.
    pub(super) then: Option<SourceStamp>,
    /// The source as it is now.
    pub(super) stamp: SourceStamp,
    /// The resume key, if it has opened the stream.
    resume_key: Option<ResumeKey>,
}

/// The parts that an engine needs to resume.
pub(crate) struct Torn {
    pub(crate) stream: StreamOpener,
    pub(crate) recovered: Recovered,
    pub(crate) sink: FileSink,
    pub(crate) journal: FileJournal,
}

impl InterruptedEncryption {
    /// Looks for a partial `output` of an interrupted run (steps 1 to 7 of §19.2).
    ///
    /// Returns `None` if no segment is committed. Then the output may be discarded, and a new
    /// stream started, unless [`EncryptPipeline::complete_without_key`] finds it complete.
    ///
    /// # Errors
    ///
    /// - `io.sink` of kind `WouldBlock` if another process is writing.
    /// - `io.sink` of kind `AlreadyExists` for a file under the name itself that may not be
    ///   replaced.
    /// - `io.sink` of kind `InvalidInput` for a link or a device under the partial name.
    /// - `malformed` for a partial file that is not a stream.
    /// - `key.header_tag` or `malformed.damaged`.
    /// - `key.envelope` if the envelope was exchanged since the resume key was kept (SV2-RES-022).
    /// - `misuse` if nothing opens the envelope, or for other recipients than those of the resume
    ///   key.
    /// - `misuse` if index segments are requested that are no longer possible.
    pub fn find(pipeline: &EncryptPipeline<'_>, output: &OutputFile) -> Result<Option<Self>, Error> {
        let storage = output.storage();
        let target = output.target();
        if let Some(file) = output.lock_partial().map_err(sink_error)? {
            return match file.is_named(target).map_err(sink_error)? {
                true => {
                    let mut found = Self::read(pipeline, output, file, State::Published)?;
                    found.as_mut().map_or(Ok(()), |found| found.verify_published(pipeline))?;
                    Ok(found)
                }
                false if !output.overwrites() && storage.try_exists(target).map_err(sink_error)? => {
                    Err(sink_error(io::ErrorKind::AlreadyExists.into()))
                }
                false => Self::read(pipeline, output, file, State::Torn),
            };
        }
        if !storage.exists(&output.journal()) || !storage.try_exists(target).map_err(sink_error)? {
            return Ok(None);
        }
        // There is a result and a journal. If they belong together, the run before was complete.
        let Ok(file) = storage.open(target) else { return Ok(None) };
        match Self::read(pipeline, output, file, State::Published) {
            Ok(Some(mut found)) if found.recovered.sealed && found.journal.is_some() => {
                match found.verify_published(pipeline) {
                    Ok(()) => Ok(Some(found)),
                    Err(error) if matches!(error.cause(), Cause::Interrupted) => Err(error),
                    // It was changed since, so it belongs to another program now.
                    Err(_) => Ok(None),
                }
            }
            _ => Ok(None),
        }
    }

    /// Verifies all of a result. It had its name, so that others may have changed it since.
    fn verify_published(&mut self, pipeline: &EncryptPipeline<'_>) -> Result<(), Error> {
        //= spec/stream-v2.md#sv2-res-026
        //# An owner MUST verify all of a sealed stream, or compare all of a plaintext with its
        //# stream, before it takes what it finds under the name of the result for complete.
        // Objects are replaced as a whole, and this one has the mark of the upload.
        if self.output.storage().discards_uploaded() {
            return Ok(());
        }
        let body = SeekFrom::Start(self.stream.header().body_offset().0);
        self.file.seek(body).map_err(sink_error)?;
        let mut reader = DecryptPipeline::with_keys(ReaderKeys::Opened);
        (reader.parallelism, reader.shutdown) = (pipeline.parallelism, pipeline.shutdown.clone());
        let (nothing, mut sink) = (Committed::NOTHING, WriterSink::new(io::sink()));
        reader.resume(&self.stream, &nothing, &mut self.file, &mut sink, Managers::none()).map(drop)
    }

    /// Reads an output and its journal: steps 3 to 7.
    fn read(
        pipeline: &EncryptPipeline<'_>,
        output: &OutputFile,
        mut file: Box<dyn StoredFile>,
        state: State,
    ) -> Result<Option<Self>, Error> {
        let (header, envelope) = match read_stream_header(&mut file) {
            Ok(found) => found,
            Err(error) => return nothing_committed(&mut *file, error).map(|()| None),
        };
        let output = &output.of_stream(&header.params().stream_salt);
        let (stream, resume_key) = match open_output(pipeline, output, &header, &envelope)? {
            Ok(opened) => opened,
            Err(Unopened(error)) => {
                let begins = state == State::Torn && !output.has_journal();
                let nothing = begins && file.size().map_err(sink_error)? == header.body_offset().0;
                // Such an object has the mark of its upload, and needs no key to be complete.
                let marked = state == State::Published && output.storage().discards_uploaded();
                return if nothing || marked { Ok(None) } else { Err(error) };
            }
        };
        let (mut journal, mut notice) = find_journal(output, JournalRole::Encrypt, (&stream).into())?;
        let then = journal.as_ref().map(FileJournal::source).copied();
        if journal.take_if(|journal| journal.is_damaged()).is_some() {
            notice = Some(ResumeWarning::JournalDamaged);
        }
        let mut checks = journal.as_ref().map_or(Ok(None), FileJournal::checks).map_err(sink_error)?;
        let vouched = FileJournal::vouched(journal.as_ref());
        let check = match vouched {
            JournalState::Committed(_) => checks.as_ref().map(|checks| checks.check),
            _ => Some(Check::NOTHING),
        };
        let mut recovered = recover_checked(&mut file, &stream, vouched, check);
        //= spec/stream-v2.md#sv2-res-007
        //# A writer that resumes with an output that ends before its last commit MUST go on as
        //# without a journal (§19.3), and say so.
        if let Err(error) = &recovered
            && error.kind() == Some(ErrorKind::Truncated)
            && journal.take().is_some()
        {
            notice = Some(ResumeWarning::LostDurable);
            checks = None;
            recovered = recover_checked(&mut file, &stream, JournalState::Missing, Some(Check::NOTHING));
        }
        let recovered = recovered?;
        let ended = recovered.sealed || journal.as_ref().is_some_and(|journal| journal.ending().is_some());
        pipeline.may_compress(&header)?;
        let goes_on = recovered.committed.resume_index(&header, pipeline.index, ended);
        goes_on.map_err(|error| Error::format(Stage::Start, error))?;
        digest_alg::resumed(pipeline.digest_alg, &recovered.committed)?;
        if state == State::Published && !recovered.sealed {
            // Another program has given two names. The run before gives a second name only to a
            // sealed stream.
            return Err(sink_error(io::ErrorKind::AlreadyExists.into()));
        }
        let state = if recovered.sealed && state == State::Torn { State::Sealed } else { state };
        let (output, stamp) = (output.clone(), SourceStamp::default());
        Ok(Some(Self {
            output,
            file,
            state,
            stream,
            recovered,
            journal,
            checks,
            notice,
            then,
            stamp,
            resume_key,
        }))
    }

    /// Returns the stream header that was found. Parameters come from it (SV2-RES-005).
    #[must_use]
    pub const fn header(&self) -> &HeaderV1 {
        self.stream.header()
    }

    /// Returns the committed part.
    #[must_use]
    pub const fn recovered(&self) -> &Recovered {
        &self.recovered
    }

    /// Returns whether the stream is complete, so that nothing is left to encrypt.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        self.recovered.sealed
    }

    /// Returns the source as recorded in the journal, if there is a journal.
    #[must_use]
    pub const fn source(&self) -> Option<&SourceStamp> {
        self.then.as_ref()
    }

    /// Returns whether the stream has its final name too.
    ///
    /// To write another stream there, start over.
    #[must_use]
    pub const fn is_published(&self) -> bool {
        matches!(self.state, State::Published)
    }

    /// Returns a warning for the user, if there is one.
    #[must_use]
    pub const fn notice(&self) -> Option<ResumeWarning> {
        self.notice
    }

    /// Resumes the encryption, seals the stream and publishes it (steps 10 and 11 of §19.2).
    ///
    /// The source must be positioned after the committed part.
    ///
    /// # Errors
    ///
    /// - the errors of [`EncryptPipeline::run`].
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

    /// Performs step 10, or every missing step for a sealed stream.
    pub(crate) fn take_up(self) -> Result<Result<Torn, Summary>, Error> {
        let Self { output, file, state, stream, recovered, journal, checks, stamp, resume_key, .. } = self;
        let mut journal = journal.unwrap_or_else(|| {
            // Without a journal the resume key may not be durable.
            FileJournal::new(&output, JournalRole::Encrypt, SourceStamp::default())
                .with_resume_key(resume_key)
        });
        journal.set_source(stamp);
        if state != State::Torn {
            let vouched = FileJournal::vouched(journal.last_commit().map(|_| &journal));
            publish(&output, file, state, &recovered, |file| {
                confirm_again(file, &stream, vouched, &recovered)
            })?;
            journal.ended().map_err(|error| Error::io(Stage::Manager, None, error))?;
            return Ok(Err(Summary {
                segments: recovered.committed.segments,
                plaintext_len: recovered.committed.plaintext_len,
                stream_len: recovered.stream_len,
            }));
        }
        let (len, unsure_from) = (recovered.stream_len, recovered.unsure_from());
        let mut sink = FileSink::take_up(&output, file, len, unsure_from).map_err(sink_error)?;
        if unsure_from < len {
            let vouched = FileJournal::vouched(journal.last_commit().map(|_| &journal));
            confirm_again(sink.file(), &stream, vouched, &recovered)?;
        }
        if output.storage().discards_uploaded() {
            let checks = recovered.check.map(|check| match checks {
                Some(checks) => checks.go_on(check),
                None => Checks::begin(&output, check),
            });
            journal.set_checks(checks.transpose().map_err(sink_error)?);
        }
        Ok(Ok(Torn { stream, recovered, sink, journal }))
    }
}

/// Gives a sealed stream its name, or removes the other name if it has its own.
fn publish(
    output: &OutputFile,
    mut file: Box<dyn StoredFile>,
    state: State,
    recovered: &Recovered,
    confirm: impl FnOnce(&mut dyn StoredFile) -> Result<(), Error>,
) -> Result<(), Error> {
    if state == State::Published {
        if output.storage().has_durable_names() {
            return output.drop_partial_name(&*file).map_err(sink_error);
        }
        //= spec/stream-v2.md#sv2-res-025
        //# An owner that finds a complete output under its name with a journal, or under two names,
        //# MUST give it that name again, in the order of SV2-RES-003, before it removes the other
        //# name or the journal.
        output.take_name_back(&mut *file).map_err(sink_error)?;
    }
    let (len, unsure_from) = (recovered.stream_len, recovered.unsure_from());
    let mut sink = FileSink::of_complete(output, file, len, unsure_from).map_err(sink_error)?;
    if unsure_from < len {
        confirm(sink.file())?;
    }
    sink.seal().map_err(sink_error)
}

/// Reads the rewritten bytes again, now that they cannot be dropped from memory, and checks that
/// they are the same.
fn confirm_again(
    file: &mut dyn StoredFile,
    stream: &StreamOpener,
    vouched: JournalState<'_>,
    recovered: &Recovered,
) -> Result<(), Error> {
    let again = recover_checked(&mut *file, stream, vouched, None)?;
    if again.committed != recovered.committed {
        return Err(changed_meanwhile());
    }
    file.seek(SeekFrom::Start(recovered.stream_len)).map(drop).map_err(sink_error)
}

/// Returns the error for an output that has changed since the last read.
pub(super) fn changed_meanwhile() -> Error {
    let changed = "what an interrupted run has left changed while it was read";
    sink_error(io::Error::new(io::ErrorKind::InvalidData, changed))
}

/// Returns the journal of an output, if it is usable, and otherwise the reason why it is not.
pub(super) fn find_journal(
    output: &OutputFile,
    role: JournalRole,
    key: JournalKey,
) -> Result<(Option<FileJournal>, Option<ResumeWarning>), Error> {
    let found = FileJournal::find(output, role, key);
    Ok(match found.map_err(|error| Error::io(Stage::Manager, None, error))? {
        None => (None, None),
        Some(Ok(journal)) => (Some(journal), None),
        Some(Err(error)) => (None, Some(ResumeWarning::JournalUnusable(error))),
    })
}

pub(super) fn sink_error(error: io::Error) -> Error {
    Error::io(Stage::Sink, None, error)
}
