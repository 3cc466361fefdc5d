//! Runs futures on plain threads.
//!
//! Everything that the writer and the framing await blocks instead, so their futures are ready at
//! the first poll. No code there knows a runtime.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

/// Returns the value of a future whose sources, sinks and managers block.
///
/// Such a future is ready at its first poll.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return value;
        }
    }
}
