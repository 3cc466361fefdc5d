//! Keys, tags, frames, digests and the order of segments. Only this module holds keys.
//!
//! | role | types, in the order of use | sections |
//! |---|---|---|
//! | writer | [`StreamSealer`], [`SegmentSealer`], [`Progress`] | §4 to §9, §16 |
//! | every reader | [`StreamOpener`] | §4, §5 |
//! | sequential reader | then [`SegmentOrder`], [`SegmentOpener`], [`Progress`] | §15.1 to §15.3 |
//! | range reader | then [`StreamEnd`], [`VerifiedIndex`], [`RunMap`], [`SegmentOpener`] | §15.5 |
//! | resuming program | [`Journal`], [`Committed`], [`Run::resuming`], [`ResumeKey`] | §18, §19 |
//!
//! Each worker has a sealer or an opener of segments of its own.
//!
//! Bytes on the wire become authentic in two steps. [`StreamOpener::authenticate`] verifies a
//! segment header, which bounds all that is allocated. [`SegmentOpener::open`] verifies the
//! segment, and until then its plaintext must not be used. [`Progress`] verifies the place of the
//! segment, and until then its plaintext must not be released (§15.3).
//!
//! The documentation uses three letters of the specification, as in D_i for segment i:
//!
//! - D, the [`Digest`]: 32 bytes that represent the content of one segment (§8.1).
//! - T, the [`Transcript`]: 32 bytes that represent all segments so far, in order (§8.2).
//! - R, a [`RunLink`](crate::wire::RunLink): the run that sealed a segment (§8.3).
//!
//! Keys have no readable `Debug`, and are overwritten when they are dropped.

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
mod resume_key;
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
pub use resume_key::ResumeKey;
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
pub(crate) use wrapping::{
    AGE_CHUNK_LEN, WRAPPED_BODY_LEN, WrapLabels, WrapRoot, unwrap_from_age, wrap_in_age,
};
