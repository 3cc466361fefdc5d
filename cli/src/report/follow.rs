//! Shows the events of a call on standard error.

use stream_v2::file::{Event, OutputFile};
use stream_v2::pipeline::LogManager;

use crate::output::target::{Content, Output};
use crate::progress::bar::Progress;
use crate::report::resume::{note_resuming, warn};

/// Draws progress, and reports the state that a resumed run has found.
pub(crate) struct Follower<'p> {
    progress: &'p mut Progress,
    /// The progress of a comparison, which precedes the run.
    comparing: Option<Progress>,
    file: Option<&'p OutputFile>,
    content: Content,
    quiet: bool,
}

impl<'p> Follower<'p> {
    pub(crate) fn new(progress: &'p mut Progress, output: &'p Output, content: Content, quiet: bool) -> Self {
        let file = match output {
            Output::File(file) => Some(file),
            _ => None,
        };
        Self { progress, comparing: None, file, content, quiet }
    }

    pub(crate) fn follow(&mut self, event: Event<'_>) {
        match (event, self.file) {
            (Event::Warning(warning), Some(file)) => warn(file, self.content, warning),
            (Event::Comparing(len), _) => {
                self.comparing = Some(self.progress.comparing(len));
            }
            (Event::Compared(event), _) => {
                if let Some(comparing) = &mut self.comparing {
                    comparing.log(event);
                }
            }
            (Event::Resuming { header, committed }, Some(file)) => {
                self.comparing = None;
                if !self.quiet {
                    note_resuming(file, committed);
                }
                self.progress.resume_after(header, committed);
            }
            (Event::Run(event), _) => {
                self.comparing = None;
                self.progress.log(event);
            }
            _ => {}
        }
    }
}
