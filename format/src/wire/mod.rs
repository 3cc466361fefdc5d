//! Bytes to typed views and back: one structure, one file. No keys in here.
//!
//! Every parser takes a prefix of the input and the [`Offset`](crate::Offset) at which it stands, and has three outcomes:
//! complete (a value and how many bytes it took), need at least N more bytes, or an [`Error`](crate::Error).

mod crc32c;
mod digest_frame;
mod encode;
mod envelope;
mod frame;
mod header_v1;
mod index;
mod journal;
mod link;
mod outcome;
mod registry;
mod segment_header;
mod segment_rules;
mod stream_params;
mod trailer;

pub use crc32c::{CRC_BACKEND, Crc32c, crc32c};
pub use digest_frame::{DIGEST_PLAINTEXT_LEN, DigestPlaintext};
pub use envelope::{Argon2idView, EnvelopeView, Stanza, no_content_key, write_envelope};
pub use frame::{FRAME_HEADER_LEN, FrameHeader, FrameLayout, FrameView, Frames, TAG_LEN};
pub use header_v1::{HeaderV1, HeaderV1View, STREAM_MAGIC};
pub use index::{IndexEntry, IndexView, entries_max, write_index};
pub(crate) use index::{entries_in, index_payload_len, tag_prefix};
pub use journal::{
    JOURNAL_HEADER_LEN, JOURNAL_MAGIC, JOURNAL_RECORD_LEN, JournalHeader, JournalHeaderView, JournalRecord,
    JournalRecordView,
};
pub use link::{LINK_LEN, RunLink};
pub use outcome::Parsed;
pub use registry::{
    Codec, DigestAlg, FrameType, JournalRecordType, JournalRole, SegmentFlags, SegmentKind, StanzaType,
    StreamFlags, Suite,
};
pub use segment_header::{BOUND_PREFIX_LEN, SEGMENT_MAGIC, SegmentHeader, SegmentHeaderView};
pub use segment_rules::{check_segment, wire_len};
pub use stream_params::StreamParams;
pub use trailer::{HISTORY_LEN, TRAILER_LEN, Trailer, terminator_len};
pub(crate) use trailer::{history_bytes, link_at_end};
