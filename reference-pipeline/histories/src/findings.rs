//! The extent of a search, and the violations that it found.

use crate::world::World;

/// Counts the cases of a search.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Trees of runs.
    pub worlds: u64,
    /// Answers of the storage to a read at an index.
    pub answers: u64,
    /// Answers that were accepted.
    pub states: u64,
}

/// A violated claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// A reader has released a segment that is not at this place in the sealed history.
    Released,
    /// A reader without a final segment has released a segment that begins no history at this
    /// place.
    Unsealed,
    /// A resumed writer has signed a segment into an index that is not in its history.
    Signed,
    /// A resumed writer has a wrong run, total or history.
    Strayed,
    /// A stream of honest writers is refused, although the storage answers with all of it.
    Refused,
}

const CLAIMS: usize = 5;

/// The first world that violates each claim.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    worlds: [Option<String>; CLAIMS],
}

impl Findings {
    /// Returns a world that violates the claim, as text.
    #[must_use]
    pub fn get(&self, claim: Claim) -> Option<&str> {
        self.worlds[claim as usize].as_deref()
    }

    /// Returns whether every claim holds.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.worlds.iter().all(Option::is_none)
    }

    #[cold]
    pub(crate) fn note(&mut self, claim: Claim, world: &World) {
        self.worlds[claim as usize].get_or_insert_with(|| world.to_string());
    }
}
