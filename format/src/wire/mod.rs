//! Bytes to typed views and back, without keys. Each structure has its own file.
//!
//! | structure | bytes | types | section |
//! |---|---|---|---|
//! | stream header | 128 | [`StreamParams`], [`HeaderV1`], [`HeaderV1View`] | §4 |
//! | segment header | 96 | [`SegmentHeader`], [`SegmentHeaderView`] | §6, §13, §14 |
//! | frame | 24 and its ciphertext | [`FrameHeader`], [`FrameView`], [`Frames`] | §7 |
//! | plaintext of a digest frame | 36 | [`DigestPlaintext`] | §8.1 |
//! | link to the run before | 20 | [`RunLink`] | §8.3 |
//! | trailer of the final segment | 76 | [`Trailer`] | §9 |
//! | payload of an index segment | 24, and 24 an entry | [`IndexView`], [`IndexEntry`] | §11 |
//! | journal header | 212 | [`JournalHeader`], [`JournalHeaderView`] | §18.1 |
//! | journal record | 136 | [`JournalRecord`], [`JournalRecordView`] | §18.2 |
//! | assigned values | 1 to 4 | [`Suite`], [`SegmentKind`], [`Codec`] and others | §20 |
//!
//! All integers are little-endian (§1.2). A view borrows its bytes from the input, and has passed
//! every check that needs no key. Nothing in it is authentic: [`crypto`](crate::crypto) decides
//! that.
//!
//! The parsers of a stream take the input from a structure's first byte on, and that byte's
//! [`Offset`](crate::Offset) for errors. They have three outcomes:
//!
//! - [`Parsed::Complete`]: a value, and the number of bytes that it took;
//! - [`Parsed::NeedMore`]: at least so many more bytes are needed;
//! - an [`Error`](crate::Error).

mod crc32c;
mod digest_frame;
mod encode;
mod frame;
mod header_v1;
mod index;
mod journal_header;
mod journal_record;
mod link;
pub(crate) mod outcome;
mod registry;
mod segment_header;
mod segment_rules;
mod stream_params;
mod trailer;

pub use crc32c::{CRC_BACKEND, Crc32c, crc32c};
pub use digest_frame::{DIGEST_PLAINTEXT_LEN, DigestPlaintext};
pub use frame::{FRAME_HEADER_LEN, FrameHeader, FrameLayout, FrameView, Frames, TAG_LEN};
pub use header_v1::{HeaderV1, HeaderV1View, STREAM_FIXED_LEN};
pub use index::{IndexEntry, IndexView, entries_max, write_index};
pub(crate) use index::{entries_in, index_payload_len, tag_prefix};
pub use journal_header::{JOURNAL_HEADER_LEN, JOURNAL_MAGIC, JournalHeader, JournalHeaderView};
pub use journal_record::{JOURNAL_RECORD_LEN, JournalRecord, JournalRecordView};
pub use link::{LINK_LEN, RunLink};
pub use outcome::Parsed;
pub use registry::{
    Codec, DigestAlg, FrameType, JournalRecordType, JournalRole, SegmentFlags, SegmentKind, StanzaType,
    StreamFlags, Suite,
};
pub(crate) use segment_header::at as segment_at;
pub use segment_header::{BOUND_PREFIX_LEN, SEGMENT_MAGIC, SegmentHeader, SegmentHeaderView};
pub use segment_rules::{check_segment, wire_len};
pub use stream_params::{STREAM_MAGIC, StreamParams};
pub use trailer::{HISTORY_LEN, TRAILER_LEN, Trailer, terminator_len};
pub(crate) use trailer::{history_bytes, link_at_end};
