//! Passes the events of a run on, and gathers its report.

use stream_v2_format::crypto::Committed;
use stream_v2_format::wire::HeaderV1;
use stream_v2_pipeline::{Commit, LogEvent, LogManager, OutputFile, Summary};

use crate::report::{Event, Outcome, Progress, Report, Warning};
use crate::settings::{Hook, Settings};

/// What the source of a run is, and so what its progress counts.
#[derive(Clone, Copy)]
enum Counts {
    Plaintext,
    Stream,
}

/// Passes the events of a run on to the caller, and gathers what the report needs.
pub(crate) struct Follower<'o> {
    observer: &'o mut dyn FnMut(Event<'_>),
    hook: Option<Hook>,
    counts: Counts,
    total: Option<u64>,
    header_len: u64,
    warnings: Vec<Warning>,
}

impl<'o> Follower<'o> {
    /// Of a run whose source is plaintext of so many bytes.
    pub(crate) fn of_plaintext(
        settings: &Settings,
        total: Option<u64>,
        observer: &'o mut dyn FnMut(Event<'_>),
    ) -> Self {
        let (hook, warnings) = (settings.progress.clone(), Vec::new());
        Self { observer, hook, counts: Counts::Plaintext, total, header_len: 0, warnings }
    }

    /// Of a run whose source is a stream of so many bytes.
    pub(crate) fn of_stream(
        settings: &Settings,
        total: Option<u64>,
        observer: &'o mut dyn FnMut(Event<'_>),
    ) -> Self {
        Self { counts: Counts::Stream, ..Self::of_plaintext(settings, total, observer) }
    }

    pub(crate) fn warn(&mut self, warning: Warning) {
        (self.observer)(Event::Warning(&warning));
        self.warnings.push(warning);
    }

    pub(crate) fn resumes(&mut self, header: &HeaderV1, committed: &Committed) {
        self.header_len = header.body_offset().0;
        (self.observer)(Event::Resuming { header, committed });
    }

    /// Follows a comparison of so many bytes, which comes before the run.
    pub(crate) fn comparing(&mut self, plaintext_len: u64) -> Comparing<'_> {
        (self.observer)(Event::Comparing(plaintext_len));
        Comparing(self.observer)
    }

    fn reaches(&self, commit: &Commit) {
        if let Some(hook) = &self.hook {
            let done = match self.counts {
                Counts::Plaintext => commit.plaintext_len,
                Counts::Stream => self.header_len + commit.position,
            };
            hook.call(Progress::new(done, self.total));
        }
    }

    pub(crate) fn report(
        mut self,
        outcome: Outcome,
        summary: Option<Summary>,
        output: &OutputFile,
    ) -> Report {
        if let Some(folder) = output.names_at_risk() {
            self.warn(Warning::NamesAtRisk(folder.into()));
        }
        Report::new(outcome, summary, self.warnings)
    }
}

impl LogManager for Follower<'_> {
    fn log(&mut self, event: LogEvent<'_>) {
        match event {
            LogEvent::Started(header) => self.header_len = header.body_offset().0,
            LogEvent::Committed(commit) => self.reaches(commit),
            _ => {}
        }
        (self.observer)(Event::Run(event));
    }
}

/// Follows a comparison.
pub(crate) struct Comparing<'o>(&'o mut dyn FnMut(Event<'_>));

impl LogManager for Comparing<'_> {
    fn log(&mut self, event: LogEvent<'_>) {
        (self.0)(Event::Compared(event));
    }
}
