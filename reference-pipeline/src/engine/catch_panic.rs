//! Runs the code of callers inside a run: a panic there becomes an error of the run, like any
//! other.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;

use crate::error::{Error, Stage};

/// Runs a part of a run. A panic becomes an error of `stage` at `segment`.
pub(crate) fn catch_panic<T>(
    stage: Stage,
    segment: Option<u64>,
    part: impl FnOnce() -> Result<T, Error>,
) -> Result<T, Error> {
    catch_unwind(AssertUnwindSafe(part)).unwrap_or_else(|panic| Err(Error::panic(stage, segment, &*panic)))
}

/// Does the same as [`catch_panic`] for a future. It is not polled again after a panic.
pub(crate) async fn catch_panic_async<T>(
    stage: Stage,
    segment: Option<u64>,
    part: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    let mut part = pin!(part);
    poll_fn(|context| {
        let poll = catch_unwind(AssertUnwindSafe(|| part.as_mut().poll(context)));
        poll.unwrap_or_else(|panic| Poll::Ready(Err(Error::panic(stage, segment, &*panic))))
    })
    .await
}
