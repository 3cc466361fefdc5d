//! Futures on threads: all that the writer and the framing wait for blocks, so that they are ready at the first poll. Nothing there knows a
//! runtime.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

/// The value of a future whose sources, sinks and managers block, so that it is ready when it is polled.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return value;
        }
    }
}
