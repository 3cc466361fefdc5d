//! The steps of a run, which separate its times and spans.

/// A step of a run that takes time.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    Reading,
    Working,
    Compressing,
    Writing,
    MakingDurable,
    Recording,
}
