//! SIGUSR1, and SIGINFO on systems that have it, ask for a line of progress.

#[cfg(unix)]
pub(crate) use unix::{Requests, hold, let_through};

#[cfg(unix)]
mod unix {
    use std::io::{self, ErrorKind, Read};
    use std::os::unix::net::UnixStream;
    use std::sync::Arc;
    use std::thread::{self, JoinHandle};

    use nix::sys::signal::{SigSet, SigmaskHow, Signal};
    use signal_hook::SigId;
    use signal_hook::low_level::{pipe, unregister};

    use crate::interrupt;
    use crate::progress::meter::answer;

    const SIGNALS: &[Signal] = &[
        Signal::SIGUSR1,
        #[cfg(any(
            target_os = "freebsd",
            target_os = "dragonfly",
            target_os = "netbsd",
            target_os = "openbsd",
            target_os = "macos"
        ))]
        Signal::SIGINFO,
    ];

    /// The length of a short input in bytes.
    const SHORT: u64 = 1 << 20;

    fn set() -> SigSet {
        let mut set = SigSet::empty();
        SIGNALS.iter().for_each(|signal| set.add(*signal));
        set
    }

    /// Returns the signals that were not ignored when this process began.
    fn wanted() -> impl Iterator<Item = i32> {
        SIGNALS.iter().map(|signal| *signal as i32).filter(|signal| !interrupt::was_ignored(*signal))
    }

    /// Keeps requests from ending the process, and from interrupting the calls of this thread and
    /// of those that it starts.
    ///
    /// This is called before there are other threads. If it fails, requests are as before.
    pub(crate) fn hold() {
        for signal in wanted() {
            // A handler, and not SIG_IGN, which a command of `--from-command` would inherit.
            let _ = signal_hook::flag::register(signal, Arc::default());
        }
        let _ = set().thread_block();
    }

    /// Starts another process by `call`. It does not inherit that this thread holds requests.
    pub(crate) fn let_through<T>(call: impl FnOnce() -> T) -> T {
        let before = set().thread_swap_mask(SigmaskHow::SIG_UNBLOCK);
        let done = call();
        let _ = before.and_then(|before| before.thread_set_mask());
        done
    }

    /// A thread that answers requests. Dropping this ends it.
    pub(crate) struct Requests {
        registered: Vec<SigId>,
        thread: Option<JoinHandle<()>>,
    }

    impl Requests {
        /// Answers requests from now on. If that is not possible, there is no answer to them.
        ///
        /// `len` is the length of the input in bytes, if it is known. A short input is done before
        /// a request can come, and a thread would take a twentieth of its time.
        pub(crate) fn watch(len: Option<u64>) -> Self {
            let none = Self { registered: Vec::new(), thread: None };
            if len.is_some_and(|len| len <= SHORT) { none } else { Self::start().unwrap_or(none) }
        }

        fn start() -> io::Result<Self> {
            let mut requests = Self { registered: Vec::new(), thread: None };
            let (input, output) = UnixStream::pair()?;
            for signal in wanted() {
                requests.registered.push(pipe::register(signal, output.try_clone()?)?);
            }
            // The handlers have the other ends now, and the thread ends when they are gone.
            drop(output);
            requests.thread = Some(thread::Builder::new().name("progress".into()).spawn(|| each(input))?);
            Ok(requests)
        }
    }

    /// Answers a request for each signal, until no handler writes into the pipe any more.
    fn each(mut input: UnixStream) {
        let _ = set().thread_unblock();
        loop {
            match input.read(&mut [0; 64]) {
                Ok(0) => return,
                Ok(_) => answer(),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return,
            }
        }
    }

    impl Drop for Requests {
        fn drop(&mut self) {
            for id in self.registered.drain(..) {
                unregister(id);
            }
            // The thread does not panic, and its result is nothing.
            let _ = self.thread.take().map(JoinHandle::join);
        }
    }
}

/// This system has no such signals.
#[cfg(not(unix))]
pub(crate) struct Requests;

#[cfg(not(unix))]
impl Requests {
    pub(crate) const fn watch(_len: Option<u64>) -> Self {
        Self
    }
}

#[cfg(not(unix))]
pub(crate) const fn hold() {}

#[cfg(not(unix))]
pub(crate) fn let_through<T>(call: impl FnOnce() -> T) -> T {
    call()
}
