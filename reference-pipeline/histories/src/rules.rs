//! The checks on which the claim rests, each of which can be left out.

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
    /// Who walks compares the link of each RUN_START (SV2-RNG-007).
    WalkLinks,
    /// Who walks applies SV2-ORD-002 (SV2-RNG-007).
    WalkSameRun,
    /// Who walks compares with the run that the trailer names (§15.5, step 4).
    WalkToTrailer,
    /// A segment that is wanted is compared again with the header that was walked over (§15.5,
    /// step 6).
    ComparedAgain,
    /// By index, a segment has the name that its entry says (SV2-IDX-006).
    NamesCompared,
    /// By index, the last index segment is that of the trailer's T (SV2-IDX-007).
    LastIndexBound,
    /// Who resumes takes run_first from the commit that it confirmed (SV2-JRN-011).
    FirstOfCommit,
    /// Who resumes takes run_salt from the header that has the tag of the commit (SV2-JRN-011).
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

    /// What writers keep: with one of these left out, a run may begin with something wrong.
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
    /// The specification.
    #[must_use]
    pub const fn all() -> Self {
        Self(u32::MAX)
    }

    /// All of these but one.
    #[must_use]
    pub const fn without(self, rule: Rule) -> Self {
        Self(self.0 & !rule.bit())
    }

    pub(crate) const fn keep(self, rule: Rule) -> bool {
        self.0 & rule.bit() != 0
    }

    /// Whether every run begins with what is true.
    pub(crate) const fn writers_keep_all(self) -> bool {
        self.0 & Rule::OF_WRITERS == Rule::OF_WRITERS
    }
}
