//! The checks on which the claims rest. Each can be left out.

/// A check of the specification. Leaving one out is a planted fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// A sequential reader compares T in terminators and in the trailer (SV2-DIG-005, SV2-FIN-001).
    SequentialTranscripts,
    /// A sequential reader compares links there (SV2-DIG-005, SV2-FIN-001).
    SequentialLinks,
    /// By arithmetic, a segment has the salt of the run that holds its place (SV2-RNG-005).
    ArithmeticRuns,
    /// The first segment of a run is compared with the link that names it, before its own link is
    /// believed (SV2-RNG-005).
    FirstCompared,
    /// The first segment of a run has RUN_START (SV2-RNG-005).
    StartDemanded,
    /// Runs belong to the final segment by which they were found (SV2-RNG-008).
    RunsOfOwnFinal,
    /// A walk compares the link of each RUN_START (SV2-RNG-007).
    WalkLinks,
    /// A walk applies SV2-ORD-002 (SV2-RNG-007).
    WalkSameRun,
    /// A walk compares with the run that the trailer names (§15.5, step 4).
    WalkToTrailer,
    /// A wanted segment is compared again with the header that was walked over (§15.5, step 6).
    ComparedAgain,
    /// By index, a segment has the name in its entry (SV2-IDX-006).
    NamesCompared,
    /// By index, the last index segment is that of the trailer's T (SV2-IDX-007).
    LastIndexBound,
    /// A resumed writer takes run_first from the commit that it confirmed (SV2-JRN-011).
    FirstOfCommit,
    /// A resumed writer takes run_salt from the header that has the tag of the commit
    /// (SV2-JRN-011).
    SaltOfCommit,
    /// A writer without a commit checks order and links on its walk (SV2-RES-027).
    ResumeWalk,
    /// A writer takes entries of an index segment from headers that links vouch for (SV2-IDX-011).
    EntriesVouched,
    /// A writer takes nothing from an ending record (SV2-RES-030).
    EndingWithoutValues,
}

impl Rule {
    const fn bit(self) -> u32 {
        1 << self as u32
    }

    /// The rules of writers. If one of them is left out, a run may begin with a wrong state.
    const OF_WRITERS: u32 = Self::FirstOfCommit.bit()
        | Self::SaltOfCommit.bit()
        | Self::ResumeWalk.bit()
        | Self::EntriesVouched.bit()
        | Self::EndingWithoutValues.bit();
}

/// The rules that are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules(u32);

impl Rules {
    /// Returns all rules of the specification.
    #[must_use]
    pub const fn all() -> Self {
        Self(u32::MAX)
    }

    /// Returns all of these rules but one.
    #[must_use]
    pub const fn without(self, rule: Rule) -> Self {
        Self(self.0 & !rule.bit())
    }

    pub(crate) const fn keep(self, rule: Rule) -> bool {
        self.0 & rule.bit() != 0
    }

    /// Returns whether every run begins with a correct state.
    pub(crate) const fn writers_keep_all(self) -> bool {
        self.0 & Rule::OF_WRITERS == Rule::OF_WRITERS
    }
}
