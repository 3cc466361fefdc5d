//! The places of index segments (§11).

/// The places of index segments (§11). They follow only from the number of data segments.
pub(super) struct Covering {
    /// Data segments that no index segment covers yet.
    pub(super) uncovered: usize,
    /// Most entries of an index segment.
    pub(super) max: usize,
}

impl Covering {
    /// Returns whether an index segment is next. `ends` means that no data segment follows.
    pub(super) const fn is_due(&self, ends: bool) -> bool {
        self.uncovered >= self.max || ends && self.uncovered > 0
    }
}
