//! The writer's part of every engine: it puts results in order and gives permits back.

use std::ops::ControlFlow;

use super::catch_panic::catch_panic_async;
use super::reorder::Reorder;
use super::stages::{Flow, Outcome, Sequenced, WriterStage};
use crate::error::{Error, Stage};
use crate::segment::buffers::Buffers;

/// Passes results to the writer stage in the order of their places.
pub(crate) struct OrderedWriter<'w, F: Flow, W> {
    writer: &'w mut W,
    reorder: Reorder<Outcome<F::Done>>,
    place: u64,
    base: u64,
}

impl<'w, F: Flow, W: WriterStage<F>> OrderedWriter<'w, F, W> {
    pub(crate) fn new(writer: &'w mut W, window: usize, base: u64) -> Self {
        // Every result holds a permit except one: the reader's last message.
        Self { writer, reorder: Reorder::new(window + 1), place: 0, base }
    }

    /// Accepts more results ahead of the next one.
    pub(crate) fn widen(&mut self, window: usize) {
        self.reorder.widen(window + 1);
    }

    /// Takes a result, and writes everything that is next in order. Breaks at the end of the
    /// stream.
    pub(crate) async fn take(
        &mut self,
        (arrived, outcome): Sequenced<Outcome<F::Done>>,
        mut give_back: impl FnMut(Buffers),
    ) -> Result<ControlFlow<()>, Error> {
        if self.reorder.insert(arrived, outcome).is_err() {
            return Err(self.defect("a segment is outside the window"));
        }
        //= spec/stream-v2.md#sv2-rel-002
        //# A sequential reader MUST release the plaintext of segments in ascending order of
        //# segment_index, and none after the first segment that failed.
        //= spec/stream-v2.md#sv2-wrt-001
        //# A writer MUST write segments in ascending order of segment_index without gaps.
        while let Some(outcome) = self.reorder.next_in_order() {
            let done = match outcome {
                Outcome::Done(done) => done,
                Outcome::End => return Ok(ControlFlow::Break(())),
                Outcome::Failed(error) => return Err(error),
            };
            let segment = Some(self.base + self.place);
            give_back(catch_panic_async(Stage::Writer, segment, self.writer.write(done)).await?);
            self.place += 1;
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Returns the error for a state that cannot occur, at the segment that is to be written next.
    pub(crate) fn defect(&self, what: &'static str) -> Error {
        Error::panic(Stage::Writer, Some(self.base + self.place), &what)
    }
}
