//! What was looked at, and what was found to be wrong.

use crate::world::World;

/// How much was looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Trees of runs.
    pub worlds: u64,
    /// Answers of the storage with an index that was asked for.
    pub answers: u64,
    /// Answers that were accepted.
    pub states: u64,
}

/// What can be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// A reader has released something that is not at this place in the sealed history.
    Released,
    /// A reader without a final segment has released something that no one history begins with.
    Unsealed,
    /// A resumed writer has signed something into an index that is not in its history.
    Signed,
    /// A resumed writer believes of its run, total or history what is not so.
    Strayed,
    /// A stream of honest writers is refused, although the storage answers with all of it.
    Refused,
}

const CLAIMS: usize = 5;

/// The first world in which each claim does not hold.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    worlds: [Option<String>; CLAIMS],
}

impl Findings {
    /// A world in which this does not hold, as text.
    #[must_use]
    pub fn get(&self, claim: Claim) -> Option<&str> {
        self.worlds[claim as usize].as_deref()
    }

    /// Whether everything holds.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.worlds.iter().all(Option::is_none)
    }

    #[cold]
    pub(crate) fn note(&mut self, claim: Claim, world: &World) {
        self.worlds[claim as usize].get_or_insert_with(|| world.to_string());
    }
}
