//! This process has keys, so it leaves no core file.

#[cfg(unix)]
pub(crate) use unix::{as_before, forbid};

#[cfg(unix)]
mod unix {
    use std::sync::OnceLock;

    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    /// The limit that this process began with.
    static BEFORE: OnceLock<Rlimit> = OnceLock::new();

    /// Forbids core files of this process.
    ///
    /// The hard limit stays, so that [`as_before`] can undo it. If this fails, the limit is as
    /// before.
    pub(crate) fn forbid() {
        let before = BEFORE.get_or_init(|| getrlimit(Resource::Core));
        let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), ..*before });
    }

    /// Starts another process by `call`. It gets the limit that this one began with.
    pub(crate) fn as_before<T>(call: impl FnOnce() -> T) -> T {
        let Some(before) = BEFORE.get() else { return call() };
        let _ = setrlimit(Resource::Core, *before);
        let done = call();
        forbid();
        done
    }
}

/// This system has no such limit.
#[cfg(not(unix))]
pub(crate) const fn forbid() {}

#[cfg(not(unix))]
pub(crate) fn as_before<T>(call: impl FnOnce() -> T) -> T {
    call()
}
