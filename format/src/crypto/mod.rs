//! Keys, tags, frames, digests and the order of segments. Keys live here and nowhere else.
//!
//! A stream is written with one [`StreamSealer`] and a [`SegmentSealer`] for each worker, and read with one
//! [`StreamOpener`], a [`SegmentOpener`] for each worker, and the two halves of a sequential reader:
//! [`SegmentOrder`] as segments arrive and [`Progress`] as they are released. A range reader has [`StreamEnd`] and [`Covered`] instead.

mod cipher;
mod committed;
mod content_key;
mod digest;
mod epoch;
mod frame_opener;
mod journal;
mod key_schedule;
mod mac;
mod open;
mod opening;
mod order;
mod place;
mod progress;
mod range;
#[cfg(feature = "record-sealings")]
mod recorded;
mod run;
mod runs;
mod scrub;
mod seal;
mod sealing;
mod stream_opener;
mod stream_sealer;
mod transcript;
mod uncovered;

pub use cipher::AEAD_BACKEND;
pub use committed::Committed;
pub use content_key::ContentKey;
pub use digest::Digest;
pub use journal::{Journal, JournalKey};
pub use open::{OpenedSegment, SegmentOpener};
pub use opening::SegmentOpening;
pub use order::SegmentOrder;
pub use place::SegmentPlace;
pub use progress::Progress;
pub use range::{Covered, CoveredSegment, NamedIndex, StreamEnd};
#[cfg(feature = "record-sealings")]
pub use recorded::{Sealing, record_sealings};
pub use run::{Run, RunSalt};
pub use runs::{RunOrder, Runs};
pub use seal::{SealedSegment, SegmentSealer};
pub use sealing::SegmentSealing;
pub use stream_opener::{AuthenticHeader, StreamOpener};
pub use stream_sealer::StreamSealer;
pub use transcript::Transcript;
pub use uncovered::Uncovered;
