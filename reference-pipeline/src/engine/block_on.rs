//! Futures on threads: all that the writer and the framing wait for blocks, so that they are ready at the first poll. Nothing there knows a
//! runtime.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

/// The value of a future whose sources, sinks and managers block, so that it is ready when it is polled.
pub(crate) fn ready<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return value;
        }
    }
}

/// The result of a run whose caller waits for it.
pub(crate) fn wait<T>(run: impl Future<Output = T>) -> T {
    #[cfg(not(feature = "tokio-engine"))]
    return ready(run);
    #[cfg(feature = "tokio-engine")]
    super::instead::wait(run)
}

/// What is not awaited anywhere else is suspended here, where tests want to see that.
pub(crate) async fn suspend() {
    #[cfg(feature = "tokio-engine")]
    super::instead::suspend_once().await;
}
