//! Encrypts into a file from the beginning, with a journal, so that the run can be resumed.

use std::io::Read;

use stream_v2_format::wire::JournalRole;

use crate::engine::block_on::block_on;
use crate::engine::threads::Threads;
use crate::error::Error;
use crate::observe::{LogManager, Managers};
use crate::pipeline::output::BlockingOutput;
use crate::pipeline::{EncryptPipeline, NewStream, Summary};
use crate::recover::{FileJournal, SourceStamp};
use crate::sink::FileSink;

impl EncryptPipeline<'_> {
    /// Encrypts all of `source` into a file with a journal, so that the run can be resumed.
    ///
    /// If nothing that the caller has opens the envelope, and the output has a folder for them, it
    /// also keeps a resume key until the stream is complete (§19.9).
    ///
    /// # Errors
    ///
    /// - the errors of [`run`](Self::run).
    pub fn run_to_file(
        &self,
        mut source: impl Read + Send,
        stamp: SourceStamp,
        mut sink: FileSink,
        log: Option<&mut dyn LogManager>,
    ) -> Result<Summary, Error> {
        let new = block_on(self.new_stream(&Threads));
        let (new, mut journal) = self.begin_file(new, &mut sink, stamp);
        let managers = Managers { log: log.map(|log| log as _), crash: Some(&mut journal) };
        self.run_new(new, &mut source, BlockingOutput { sink: &mut sink, managers })
    }

    /// Prepares the sink and the journal of a new stream.
    pub(crate) fn begin_file(
        &self,
        mut new: Result<NewStream, Error>,
        sink: &mut FileSink,
        stamp: SourceStamp,
    ) -> (Result<NewStream, Error>, FileJournal) {
        let resume_key = new.as_mut().ok().and_then(|new| self.resume_key(new, sink.output()));
        if let Some(resume_key) = &resume_key {
            sink.set_output(sink.output().of_stream(resume_key.stream_salt()));
        }
        let journal = FileJournal::new(sink.output(), JournalRole::Encrypt, stamp);
        (new, journal.with_resume_key(resume_key))
    }
}
