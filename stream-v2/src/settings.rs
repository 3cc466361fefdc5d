//! The settings of a run, whichever way the bytes go: what `Options` and `Unlock` have in common.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use stream_v2_pipeline::{Durability, Parallelism, Shutdown, Telemetry};

use crate::report::Progress;

/// How a run is made.
#[derive(Clone, Default)]
pub(crate) struct Settings {
    pub(crate) context: Vec<u8>,
    pub(crate) parallelism: Parallelism,
    pub(crate) durability: Durability,
    pub(crate) shutdown: Shutdown,
    pub(crate) telemetry: Telemetry,
    pub(crate) overwrite: bool,
    pub(crate) restart: bool,
    /// Whether all of a source or of a partial output is compared before a run resumes.
    pub(crate) compare: bool,
    pub(crate) progress: Option<Hook>,
}

/// Shows no context: callers may take it for a secret.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("parallelism", &self.parallelism)
            .field("durability", &self.durability)
            .field("overwrite", &self.overwrite)
            .field("restart", &self.restart)
            .field("compare", &self.compare)
            .finish_non_exhaustive()
    }
}

/// The caller's closure. Clones of the settings share it.
#[derive(Clone)]
pub(crate) struct Hook(Arc<Mutex<dyn FnMut(Progress) + Send>>);

impl Hook {
    pub(crate) fn new(hook: impl FnMut(Progress) + Send + 'static) -> Self {
        Self(Arc::new(Mutex::new(hook)))
    }

    pub(crate) fn call(&self, progress: Progress) {
        // A closure that has panicked has ended its run, and is the caller's to judge.
        let mut hook = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        hook(progress);
    }
}

/// The methods of a builder that holds `settings`.
macro_rules! settings_methods {
    () => {
        /// Binds the stream to `context`: readers must bring the same bytes.
        ///
        /// The default is no context.
        #[must_use]
        pub fn context(mut self, context: impl Into<Vec<u8>>) -> Self {
            self.settings.context = context.into();
            self
        }

        /// Sets the number of worker threads.
        ///
        /// The default, 0, is one for each core, up to 16.
        #[must_use]
        pub const fn workers(mut self, workers: usize) -> Self {
            self.settings.parallelism.workers = workers;
            self
        }

        /// Sets the largest number of segments in memory.
        ///
        /// Each takes two buffers of about the segment size. The default, 0, is as many as keep the
        /// workers busy.
        #[must_use]
        pub const fn window(mut self, segments: usize) -> Self {
            self.settings.parallelism.window = segments;
            self
        }

        /// Sets how often an output is made durable.
        ///
        /// This limits the loss in a crash of the machine.
        #[must_use]
        pub const fn durability(mut self, durability: stream_v2_pipeline::Durability) -> Self {
            self.settings.durability = durability;
            self
        }

        /// Sets the handle that ends a run early, from another thread or from a signal handler.
        ///
        /// The run ends with [`ErrorKind::Interrupted`](crate::error::ErrorKind::Interrupted), and
        /// can be resumed.
        #[must_use]
        pub fn shutdown(mut self, shutdown: &stream_v2_pipeline::Shutdown) -> Self {
            self.settings.shutdown = shutdown.clone();
            self
        }

        /// Sets the counters that runs with these settings add to.
        #[must_use]
        pub fn telemetry(mut self, telemetry: &stream_v2_pipeline::Telemetry) -> Self {
            self.settings.telemetry = telemetry.clone();
            self
        }

        /// Lets the calls for files replace a file.
        ///
        /// These are [`encrypt_file`](crate::encrypt_file) and
        /// [`decrypt_file`](crate::decrypt_file).
        ///
        /// By default nothing is replaced. An [`OutputFile`](crate::file::OutputFile) says so
        /// itself.
        #[must_use]
        pub const fn overwrite(mut self, overwrite: bool) -> Self {
            self.settings.overwrite = overwrite;
            self
        }

        /// Discards the partial output of an earlier run and starts over.
        ///
        /// By default the run resumes it. This is for outputs that resume: files, and those of a
        /// database or S3.
        #[must_use]
        pub const fn restart(mut self, restart: bool) -> Self {
            self.settings.restart = restart;
            self
        }

        /// Calls `hook` after each segment that the output has taken, on the thread of the caller.
        ///
        /// The run waits until `hook` returns. Readers and writers of this crate do not call it,
        /// because their caller handles each byte.
        #[must_use]
        pub fn on_progress(mut self, hook: impl FnMut(crate::report::Progress) + Send + 'static) -> Self {
            self.settings.progress = Some(crate::settings::Hook::new(hook));
            self
        }
    };
}

pub(crate) use settings_methods;
