//! The steps of a run, by which its times and spans are told apart.

/// Where a run spends its time.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    Reading,
    Working,
    Writing,
    MakingDurable,
    Recording,
}
