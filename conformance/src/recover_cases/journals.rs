//! §18.3: journals that are to be used, that are not, and that end early.

use super::{RecoverCase, base, case};
use crate::plan::{Plan, counting};
use crate::vector::RecoverExpect;
use crate::wire::journal::{Journal, ending, forged};

const HEADER: &[&str] = &["SV2-JRN-006"];
const RECORD: &[&str] = &["SV2-JRN-007"];
const ALL: [usize; 4] = [0, 1, 2, 3];

/// A journal of the base with a commit for each segment.
fn whole() -> Journal {
    Journal::of(&base(), &ALL)
}

/// A journal whose header is not to be used, with everything else in order.
fn unusable(id: &'static str, comment: &'static str, detail: &str, journal: Vec<u8>) -> RecoverCase {
    case(id, HEADER, comment).journal(journal).finds(4, detail)
}

/// Journals that say what is known of a source.
fn sources() -> [RecoverCase; 2] {
    let source = |id, comment, len, mtime| {
        let journal = whole().with(|journal| {
            journal.header.source_len = len;
            journal.header.source_mtime = mtime;
        });
        case(id, HEADER, comment).journal(journal.bytes()).finds(4, "used")
    };
    [
        source(
            "recover-journal-source-j2",
            "Length and time of modification of the source are known.",
            300,
            1_700_000_000_123_456_789,
        ),
        source("recover-journal-source-1969-j2", "The source was modified before 1970.", 300, -1),
    ]
}

pub(super) fn headers() -> Vec<RecoverCase> {
    header_cases().into_iter().chain(sources()).collect()
}

fn header_cases() -> Vec<RecoverCase> {
    let header = |id, comment, alter: fn(&mut Journal)| {
        unusable(id, comment, "journal.header", whole().with(alter).bytes())
    };
    let forged_header = |alter: fn(&mut Vec<u8>)| {
        let mut parts = whole().parts();
        parts[0] = forged(parts[0].clone(), alter);
        parts.concat()
    };
    let mut flipped = whole().bytes();
    flipped[150] ^= 1;
    vec![
        case("recover-journal-whole-j2", &["SV2-JRN-006"], "A commit for each segment.")
            .journal(whole().bytes())
            .finds(4, "used"),
        unusable(
            "recover-journal-header-short-j2",
            "The header lacks its last byte.",
            "journal.header",
            whole().bytes()[..211].to_vec(),
        ),
        unusable(
            "recover-journal-header-crc-j2",
            "A bit of the header is flipped.",
            "journal.header",
            flipped,
        ),
        header("recover-journal-version-j2", "The journal_version is 1.", |journal| {
            journal.header.version = 1
        }),
        header("recover-journal-role-none-j2", "The role is not assigned.", |journal| {
            journal.header.role = 3
        }),
        header("recover-journal-role-other-j2", "The role is that of a reader.", |journal| {
            journal.header.role = 2
        }),
        header("recover-journal-reserved-j2", "A reserved byte of the header is 1.", |journal| {
            journal.header.reserved[4] = 1
        }),
        unusable(
            "recover-journal-foreign-j2",
            "The stream header in the journal has another stream_salt.",
            "journal.foreign",
            whole().with(|journal| journal.header.stream_header[40] ^= 1).bytes(),
        ),
        unusable(
            "recover-journal-foreign-tag-j2",
            "The stream header in the journal differs in the last byte of header_tag.",
            "journal.foreign",
            whole().with(|journal| journal.header.stream_header[111] ^= 1).bytes(),
        ),
        unusable(
            "recover-journal-mac-j2",
            "A bit of header_mac is flipped.",
            "journal.mac",
            forged_header(|bytes| bytes[176] ^= 1),
        ),
        unusable(
            "recover-journal-mac-source-j2",
            "Somebody without the key has changed source_len.",
            "journal.mac",
            forged_header(|bytes| bytes[144] ^= 1),
        ),
        case(
            "recover-journal-envelope-j2",
            HEADER,
            "The stream header differs from byte 112 on, as after an exchange of the envelope.",
        )
        .journal(whole().with(|journal| journal.header.stream_header[112] = 12).bytes())
        .finds(4, "used"),
    ]
}

/// A journal whose last record does not count: the ones before it do.
fn last(id: &'static str, comment: &'static str, alter: impl FnOnce(&mut Journal)) -> RecoverCase {
    case(id, RECORD, comment).journal(whole().with(alter).bytes()).finds(4, "used")
}

fn last_part(id: &'static str, comment: &'static str, alter: impl FnOnce(Vec<u8>) -> Vec<u8>) -> RecoverCase {
    let mut parts = whole().parts();
    parts[4] = alter(parts[4].clone());
    case(id, RECORD, comment).journal(parts.concat()).finds(4, "used")
}

pub(super) fn records() -> Vec<RecoverCase> {
    [whole_records(), torn(), altered(), far(), moved()].into_iter().flatten().collect()
}

fn whole_records() -> Vec<RecoverCase> {
    let stream = base();
    let commits = |id, comment, segments: &[usize]| {
        case(id, RECORD, comment).journal(Journal::of(&base(), segments).bytes()).finds(4, "used")
    };
    let empty = Plan::flushed(&[]).write();
    let empty_ending =
        Journal::of(&empty, &[]).with(|journal| journal.records.push(ending(&empty, 0))).bytes();
    vec![
        commits("recover-journal-begun-j2", "No record: nothing was durable but the stream header.", &[]),
        commits(
            "recover-journal-behind-j2",
            "The last commit is that of segment 0; the segments after it are kept.",
            &[0],
        ),
        last("recover-record-ending-j2", "An ending after the last commit.", |journal| {
            journal.records.push(ending(&stream, 4))
        }),
        case(
            "recover-record-ending-alone-j2",
            &["SV2-JRN-002"],
            "An ending without a commit, of an empty plaintext.",
        )
        .stream(empty)
        .journal(empty_ending)
        .finds(0, "used"),
        last(
            "recover-record-compacted-j2",
            "The first sequence of a compacted journal is free.",
            |journal| {
                journal.records.drain(..3);
                journal.records[0].sequence = 4095;
            },
        ),
    ]
}

fn torn() -> Vec<RecoverCase> {
    vec![
        last_part("recover-record-torn-j2", "The last record lacks its last byte.", |mut part| {
            part.truncate(163);
            part
        }),
        last_part("recover-record-crc-j2", "A bit of the last record is flipped.", |mut part| {
            part[40] ^= 1;
            part
        }),
        last_part("recover-record-mac-j2", "A bit of the last record_mac is flipped.", |part| {
            forged(part, |bytes| bytes[128] ^= 1)
        }),
    ]
}

/// By somebody who has the key.
fn altered() -> Vec<RecoverCase> {
    vec![
        last("recover-record-type-j2", "The type of the last record is not assigned.", |journal| {
            journal.records[3].record_type = 3
        }),
        last("recover-record-reserved-j2", "A reserved byte of the last record is 1.", |journal| {
            journal.records[3].reserved[2] = 1
        }),
        last("recover-record-sequence-j2", "The last sequence leaves one out.", |journal| {
            journal.records[3].sequence = 4
        }),
        last("recover-record-index-back-j2", "The last segment_index is below the one before.", |journal| {
            journal.records[3].segment_index = 1
        }),
        last("recover-record-position-back-j2", "The last position is below the one before.", |journal| {
            journal.records[3].position = 1
        }),
        last(
            "recover-record-plaintext-back-j2",
            "The last plaintext_len is below the one before.",
            |journal| journal.records[3].plaintext_len = 1,
        ),
        last(
            "recover-record-plaintext-high-j2",
            "The last plaintext_len is above what four segments hold.",
            |journal| journal.records[3].plaintext_len = (4 << 26) + 1,
        ),
        last(
            "recover-record-position-high-j2",
            "The last position is above where a fourth segment can be.",
            |journal| journal.records[3].position = (4 << 27) + 1,
        ),
    ]
}

/// Commits that are believed because of who made them, as far as a stream can have such a segment.
fn far() -> Vec<RecoverCase> {
    let only = |position, index, plaintext_len| {
        Journal::of(&base(), &[index])
            .with(|journal| {
                journal.records[0].plaintext_len = plaintext_len;
                journal.records[0].position += position;
            })
            .bytes()
    };
    let mut large = case(
        "recover-record-plaintext-large-j2",
        RECORD,
        "A plaintext_len that four segments can hold, and these do not: a commit stands for what is before it.",
    )
    .journal(only(0, 3, 3 << 26));
    if let RecoverExpect::Recovered { plaintext_len, journal, .. } = &mut large.expect {
        (*plaintext_len, *journal) = (3 << 26, "used".to_owned());
    }
    vec![
        large,
        case(
            "recover-record-position-largest-j2",
            RECORD,
            "Segment 0 at the last position that it can have.",
        )
        .journal(only(1 << 27, 0, 100))
        .finds(4, "lost"),
        case("recover-record-position-beyond-j2", RECORD, "Segment 0 one byte behind that: no such record.")
            .journal(only((1 << 27) + 1, 0, 100))
            .finds(4, "used"),
    ]
}

fn moved() -> Vec<RecoverCase> {
    let other = whole().with(|journal| journal.header.journal_salt = counting(0x90)).parts();
    let mut damaged = whole().bytes();
    damaged[212 + 40] ^= 1;
    let mut parts = whole().parts();
    let repeated = [parts.concat(), parts[4].clone()].concat();
    parts.remove(3);
    vec![
        last_part(
            "recover-record-of-another-j2",
            "The last record is of another journal of the same stream.",
            |_| other[4].clone(),
        ),
        case("recover-record-repeated-j2", RECORD, "The last record stands twice.")
            .journal(repeated)
            .finds(4, "used"),
        case("recover-record-left-out-j2", RECORD, "The record of segment 2 is left out.")
            .journal(parts.concat())
            .finds(4, "used"),
        case(
            "recover-record-damaged-j2",
            RECORD,
            "A bit of the first of four records is flipped: more is missing than a crash takes.",
        )
        .journal(damaged)
        .finds(4, "damaged"),
    ]
}
