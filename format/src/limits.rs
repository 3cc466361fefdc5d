//! §14 Limits: every bound of the format, in one table.
//!
//! A test compares the table with that of the specification.

/// Bytes of a stream header without its envelope. Every version has the same.
pub const STREAM_HEADER_LEN: usize = 128;
/// Bytes of a segment header.
pub const SEGMENT_HEADER_LEN: usize = 96;
/// Bytes that a frame adds to its plaintext: a header of 8 and a tag of 16.
pub const FRAME_OVERHEAD: usize = 24;
/// Bytes of a final segment, header and wire.
pub const FINAL_SEGMENT_LEN: usize = 256;
/// Smallest frame size, as a power of two: 4 KiB.
pub const FRAME_SIZE_LOG2_MIN: u8 = 12;
/// Largest frame size, as a power of two: 16 MiB.
pub const FRAME_SIZE_LOG2_MAX: u8 = 24;
/// Maximum plaintext bytes of a segment: 64 MiB.
pub const SEGMENT_SIZE_MAX: u32 = 1 << 26;
/// Maximum bytes of an envelope, without its CRC.
pub const ENVELOPE_LEN_MAX: u32 = 65_532;
/// Last index of a data or index segment, unless epochs set a lower one.
pub const SEGMENT_INDEX_MAX: u32 = u32::MAX - 1;
/// Last key epoch.
pub const KEY_EPOCH_MAX: u32 = 65_535;
/// Maximum entries of an index segment.
pub const INDEX_ENTRIES_MAX: u32 = 65_536;
/// Maximum bytes that suite 0x0002 seals under one run key.
pub const SUITE2_RUN_BYTES_MAX: u64 = 1 << 40;
/// Default segments in a key epoch for writers with suite 0x0002.
pub const SUITE2_EPOCH_SEGMENTS: u32 = 65_536;
/// Maximum memory that an `argon2id` stanza may ask for, in KiB.
pub const ARGON2ID_MEMORY_KIB_MAX: u32 = 1 << 20;
/// Maximum passes that an `argon2id` stanza may ask for.
pub const ARGON2ID_PASSES_MAX: u32 = 16;
/// Maximum lanes that an `argon2id` stanza may ask for.
pub const ARGON2ID_LANES_MAX: u32 = 16;
/// Maximum stanzas of an age file that a reader parses.
pub const AGE_STANZAS_MAX: u32 = 256;
/// Maximum records of a journal before it is compacted.
pub const JOURNAL_RECORDS_MAX: u32 = 4096;
/// Maximum bytes of a body between two durability points.
pub const DURABLE_BYTES_MAX: u64 = 1 << 28;
