//! Calls a blocking value on a blocking thread of the runtime.

use std::io;
use std::panic::resume_unwind;
use std::sync::{Arc, Mutex, PoisonError};

use ::tokio::task::spawn_blocking;

/// Calls a blocking sink or crash manager on a blocking thread of the runtime, one call at a time.
///
/// A call that has begun continues even if the run is dropped. So an append to a file is whole
/// then, too.
pub struct Offloaded<T: ?Sized>(Arc<Mutex<T>>);

impl<T: Send + 'static> Offloaded<T> {
    /// Calls `inner` on blocking threads.
    #[must_use]
    pub fn new(inner: T) -> Self {
        Self(Arc::new(Mutex::new(inner)))
    }

    /// Returns the value, once no call to it is running.
    #[must_use]
    pub fn into_inner(self) -> Option<T> {
        Arc::into_inner(self.0).map(|inner| inner.into_inner().unwrap_or_else(PoisonError::into_inner))
    }

    /// Calls it on this thread, for calls that never block.
    pub(crate) fn call_here<R>(&self, call: impl FnOnce(&mut T) -> R) -> R {
        call(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) async fn call(
        &mut self,
        call: impl FnOnce(&mut T) -> io::Result<()> + Send + 'static,
    ) -> io::Result<()> {
        let inner = Arc::clone(&self.0);
        let called =
            spawn_blocking(move || call(&mut inner.lock().unwrap_or_else(PoisonError::into_inner))).await;
        called.unwrap_or_else(|error| match error.try_into_panic() {
            // The run converts it into an error, like every panic.
            Ok(panic) => resume_unwind(panic),
            Err(error) => Err(io::Error::other(error)),
        })
    }
}
