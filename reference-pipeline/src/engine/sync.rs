//! Threads and their shared state.
//!
//! They are those of std. In tests with the feature `shuttle` they are those of a scheduler that
//! chooses which thread runs next.

#[cfg(not(feature = "shuttle"))]
pub(crate) use std::{
    sync::{
        Arc, Condvar, Mutex, MutexGuard,
        atomic::AtomicBool,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread::{Scope, ScopedJoinHandle, scope},
};

#[cfg(feature = "shuttle")]
pub(crate) use shuttle::{
    sync::{
        Arc, Condvar, Mutex, MutexGuard,
        atomic::AtomicBool,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread::{Scope, ScopedJoinHandle, scope},
};

/// Starts a thread that ends before `scope` does.
pub(crate) fn spawn<'scope, 'env>(
    scope: &'scope Scope<'scope, 'env>,
    name: String,
    thread: impl FnOnce() + Send + 'scope,
) -> std::io::Result<ScopedJoinHandle<'scope, ()>> {
    #[cfg(not(feature = "shuttle"))]
    return std::thread::Builder::new().name(name).spawn_scoped(scope, thread);
    #[cfg(feature = "shuttle")]
    {
        drop(name);
        Ok(scope.spawn(thread))
    }
}
