//! Keys, tags, frames, digests and the order of segments. Only this module holds keys.
//!
//! A stream is written with one [`StreamSealer`] and a [`SegmentSealer`] for each worker. It is
//! read with one [`StreamOpener`] and a [`SegmentOpener`] for each worker.
//!
//! A sequential reader also has [`SegmentOrder`] for segments that arrive and [`Progress`] for
//! segments that are released. A range reader has [`StreamEnd`] and [`VerifiedIndex`] instead.

mod authentic_header;
mod cipher;
mod committed;
mod content_key;
mod digest;
mod epoch;
mod frame_opener;
mod journal;
mod key_schedule;
mod mac;
mod opened_segment;
mod pending_index;
mod progress;
#[cfg(feature = "record-sealings")]
mod recorded;
mod run;
mod run_keys;
mod run_map;
mod run_order;
mod scrub;
mod sealed_segment;
mod segment_opener;
mod segment_opening;
mod segment_order;
mod segment_place;
mod segment_sealer;
mod segment_sealing;
mod stream_end;
mod stream_opener;
mod stream_sealer;
mod transcript;
mod verified_index;
mod wrapping;

pub use authentic_header::AuthenticHeader;
pub use cipher::AEAD_BACKEND;
pub use committed::Committed;
pub use content_key::ContentKey;
pub use digest::Digest;
pub use journal::{Journal, JournalKey};
pub use opened_segment::OpenedSegment;
pub use pending_index::PendingIndex;
pub use progress::Progress;
#[cfg(feature = "record-sealings")]
pub use recorded::{Sealing, record_sealings};
pub use run::{Run, RunSalt};
pub use run_map::RunMap;
pub use run_order::RunOrder;
pub use sealed_segment::SealedSegment;
pub use segment_opener::SegmentOpener;
pub use segment_opening::SegmentOpening;
pub use segment_order::SegmentOrder;
pub use segment_place::SegmentPlace;
pub use segment_sealer::SegmentSealer;
pub use segment_sealing::SegmentSealing;
pub use stream_end::StreamEnd;
pub use stream_opener::StreamOpener;
pub use stream_sealer::StreamSealer;
pub use transcript::Transcript;
pub use verified_index::{IndexRef, IndexedSegment, VerifiedIndex};
pub(crate) use wrapping::{WRAPPED_BODY_LEN, WrapLabels, WrapRoot};
