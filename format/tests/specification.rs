//! Compares tables of this crate with those of the specification, which is outside the crate.

use std::collections::BTreeMap;

use stream_v2_format::limits::*;
use stream_v2_format::{Detail, Misuse};

const SPECIFICATION: &str = include_str!("../../spec/stream-v2.md");

#[test]
fn every_detail_is_named_after_its_kind() {
    for detail in Detail::ALL {
        let kind = format!("{:?}", detail.kind()).to_lowercase();
        let name = detail.name();
        assert!(name.split('.').next() == Some(&kind), "{name} is not of kind {kind}");
        let is_specified = SPECIFICATION.contains(&format!("`{name}`")) || detail == &Detail::Misuse;
        assert!(is_specified, "{name} is not specified");
    }
}

#[test]
fn every_rule_of_misuse_is_a_requirement() {
    for requirement in Misuse::ALL.iter().filter_map(|rule| rule.requirement()) {
        assert!(SPECIFICATION.contains(&format!("\n#### {requirement}\n")), "{requirement}");
    }
}

/// Lists constants with their names.
macro_rules! limits {
    ($($name:ident),+ $(,)?) => {
        BTreeMap::from([$((stringify!($name), u64::from($name))),+])
    };
}

#[test]
fn limits_equal_the_table() {
    let section = SPECIFICATION.split("\n## 14. Limits").nth(1).unwrap().split("\n## 15.").next().unwrap();
    let stated: BTreeMap<&str, u64> = section
        .lines()
        .filter_map(|line| {
            let cells: Vec<&str> = line.split('|').map(str::trim).collect();
            Some((*cells.get(1)?, cells.get(2)?.parse().ok()?))
        })
        .collect();
    let mut here = limits![
        FRAME_SIZE_LOG2_MIN,
        FRAME_SIZE_LOG2_MAX,
        SEGMENT_SIZE_MAX,
        ENVELOPE_LEN_MAX,
        SEGMENT_INDEX_MAX,
        KEY_EPOCH_MAX,
        INDEX_ENTRIES_MAX,
        SUITE2_RUN_BYTES_MAX,
        SUITE2_EPOCH_SEGMENTS,
        ARGON2ID_MEMORY_KIB_MAX,
        ARGON2ID_PASSES_MAX,
        ARGON2ID_LANES_MAX,
        AGE_STANZAS_MAX,
        JOURNAL_RECORDS_MAX,
        DURABLE_BYTES_MAX,
    ];
    here.extend([
        ("STREAM_HEADER_LEN", STREAM_HEADER_LEN as u64),
        ("SEGMENT_HEADER_LEN", SEGMENT_HEADER_LEN as u64),
        ("FRAME_OVERHEAD", FRAME_OVERHEAD as u64),
        ("FINAL_SEGMENT_LEN", FINAL_SEGMENT_LEN as u64),
    ]);
    assert_eq!(stated, here);
}

#[test]
fn every_limit_is_in_the_table() {
    let source = include_str!("../src/limits.rs");
    let constants = source.lines().filter_map(|line| line.strip_prefix("pub const ")?.split(':').next());
    for name in constants {
        assert!(SPECIFICATION.contains(&format!("| {name} |")), "{name}");
    }
}
