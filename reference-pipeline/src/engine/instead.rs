//! With the feature `tokio-engine`, for tests: tasks in the place of threads, suspended before every call of source, sink and managers.

use std::future::poll_fn;
use std::task::Poll;

use ::tokio::runtime::Builder;

/// Runs a future on a runtime of its own. When this returns, its threads have ended.
pub(crate) fn wait<T>(run: impl Future<Output = T>) -> T {
    let runtime = Builder::new_current_thread().thread_name("sv2-blocking").build();
    #[expect(clippy::expect_used, reason = "this is a test")]
    runtime.expect("a runtime").block_on(run)
}

/// Is pending once.
pub(crate) async fn suspend_once() {
    let mut suspended = false;
    poll_fn(|context| match std::mem::replace(&mut suspended, true) {
        true => Poll::Ready(()),
        false => {
            context.waker().wake_by_ref();
            Poll::Pending
        }
    })
    .await;
}
