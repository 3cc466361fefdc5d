//! Recovery after an interrupted run: the journal, the committed segments, and damage as opposed to
//! a torn tail (§18, §19.2, §19.3, §19.8).
//!
//! Nothing here changes an output or its journal. Resuming is in `resume`.

pub(crate) mod damage;
pub(crate) mod headers;
mod journal;
pub(crate) mod keyed;
mod keyless;
mod last_segment;
mod recovered;
pub(crate) mod source_check;
mod source_stamp;
mod walk;

pub use journal::{FileJournal, SourceStamp};
pub use keyed::recover;
pub use keyless::{KeylessRecovered, recover_keyless};
pub use last_segment::LastSegment;
pub use recovered::{JournalState, Recovered};
pub use walk::{KeylessWalk, WalkDepth, WalkedSegment};
