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

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use std::string::String;

    #[test]
    fn equal_the_table_of_the_specification() {
        let text = include_str!("../../spec/stream-v2.md");
        let section = text.split("\n## 14. Limits").nth(1).unwrap().split("\n## 15.").next().unwrap();
        let stated: BTreeMap<&str, u64> = section
            .lines()
            .filter_map(|line| {
                let cells: std::vec::Vec<&str> = line.split('|').map(str::trim).collect();
                Some((*cells.get(1)?, cells.get(2)?.parse().ok()?))
            })
            .collect();
        let here: BTreeMap<&str, u64> = BTreeMap::from([
            ("STREAM_HEADER_LEN", STREAM_HEADER_LEN as u64),
            ("SEGMENT_HEADER_LEN", SEGMENT_HEADER_LEN as u64),
            ("FRAME_OVERHEAD", FRAME_OVERHEAD as u64),
            ("FINAL_SEGMENT_LEN", FINAL_SEGMENT_LEN as u64),
            ("FRAME_SIZE_LOG2_MIN", FRAME_SIZE_LOG2_MIN.into()),
            ("FRAME_SIZE_LOG2_MAX", FRAME_SIZE_LOG2_MAX.into()),
            ("SEGMENT_SIZE_MAX", SEGMENT_SIZE_MAX.into()),
            ("ENVELOPE_LEN_MAX", ENVELOPE_LEN_MAX.into()),
            ("SEGMENT_INDEX_MAX", SEGMENT_INDEX_MAX.into()),
            ("KEY_EPOCH_MAX", KEY_EPOCH_MAX.into()),
            ("INDEX_ENTRIES_MAX", INDEX_ENTRIES_MAX.into()),
            ("SUITE2_RUN_BYTES_MAX", SUITE2_RUN_BYTES_MAX),
            ("SUITE2_EPOCH_SEGMENTS", SUITE2_EPOCH_SEGMENTS.into()),
            ("ARGON2ID_MEMORY_KIB_MAX", ARGON2ID_MEMORY_KIB_MAX.into()),
            ("ARGON2ID_PASSES_MAX", ARGON2ID_PASSES_MAX.into()),
            ("ARGON2ID_LANES_MAX", ARGON2ID_LANES_MAX.into()),
            ("AGE_STANZAS_MAX", AGE_STANZAS_MAX.into()),
            ("JOURNAL_RECORDS_MAX", JOURNAL_RECORDS_MAX.into()),
            ("DURABLE_BYTES_MAX", DURABLE_BYTES_MAX),
        ]);
        assert_eq!(stated, here);
    }

    #[test]
    fn every_constant_is_in_the_test_above() {
        let source = include_str!("limits.rs");
        let named: std::vec::Vec<String> = source
            .lines()
            .filter_map(|line| line.strip_prefix("pub const ")?.split(':').next().map(String::from))
            .collect();
        assert!(named.iter().all(|name| source.contains(&std::format!("(\"{name}\", "))), "{named:?}");
    }
}
