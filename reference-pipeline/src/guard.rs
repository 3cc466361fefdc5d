//! Where the code of callers runs inside a run: a panic there is one error of the run, like any other.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::{Error, Stage};

/// Runs a part of a run. A panic becomes an error of `stage` at `segment`.
pub(crate) fn guarded<T>(
    stage: Stage,
    segment: Option<u64>,
    part: impl FnOnce() -> Result<T, Error>,
) -> Result<T, Error> {
    catch_unwind(AssertUnwindSafe(part)).unwrap_or_else(|panic| Err(Error::panic(stage, segment, &*panic)))
}
