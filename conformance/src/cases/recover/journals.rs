//! §18.3: journals that must be used, that must not be used, and that end early.

use super::{RecoverCase, base, case};
use crate::generator::plaintext::counting;
use crate::generator::plan::Plan;
use crate::generator::wire::journal::{Journal, ending, forged};
use crate::operations::recover::RecoverExpect;

const HEADER: &[&str] = &["SV2-JRN-006"];
const RECORD: &[&str] = &["SV2-JRN-007"];
const ALL: [usize; 4] = [0, 1, 2, 3];

/// Returns a journal of the base with a commit for each segment.
fn whole() -> Journal {
    Journal::of(&base(), &ALL)
}

/// Returns a case whose journal header must not be used, with everything else in order.
fn unusable(id: &'static str, comment: &'static str, detail: &str, journal: Vec<u8>) -> RecoverCase {
    case(id, HEADER, comment).journal(journal).finds(4, detail)
}

/// Journals that record facts about a source.
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
            "recover-journal-source",
            "Length and time of modification of the source are known.",
            300,
            1_700_000_000_123_456_789,
        ),
        source("recover-journal-source-1969", "The source was modified before 1970.", 300, -1),
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
        case("recover-journal-whole", &["SV2-JRN-006"], "A commit for each segment.")
            .journal(whole().bytes())
            .finds(4, "used"),
        unusable(
            "recover-journal-header-short",
            "The header lacks its last byte.",
            "journal.header",
            whole().bytes()[..211].to_vec(),
        ),
        unusable("recover-journal-header-crc", "A bit of the header is flipped.", "journal.header", flipped),
        header("recover-journal-version", "The journal_version is 2, that of drafts.", |journal| {
            journal.header.version = 2
        }),
        header("recover-journal-version-1", "The journal_version is 1, that of early drafts.", |journal| {
            journal.header.version = 1
        }),
        header("recover-journal-version-4", "The journal_version is 4.", |journal| {
            journal.header.version = 4
        }),
        header("recover-journal-role-none", "The role is not assigned.", |journal| journal.header.role = 3),
        header("recover-journal-role-other", "The role is that of a reader.", |journal| {
            journal.header.role = 2
        }),
        header("recover-journal-reserved", "A reserved byte of the header is 1.", |journal| {
            journal.header.reserved[4] = 1
        }),
        unusable(
            "recover-journal-foreign",
            "The stream header in the journal has another stream_salt.",
            "journal.foreign",
            whole().with(|journal| journal.header.stream_header[40] ^= 1).bytes(),
        ),
        unusable(
            "recover-journal-foreign-tag",
            "The stream header in the journal differs in the last byte of header_tag.",
            "journal.foreign",
            whole().with(|journal| journal.header.stream_header[111] ^= 1).bytes(),
        ),
        unusable(
            "recover-journal-mac",
            "A bit of header_mac is flipped.",
            "journal.mac",
            forged_header(|bytes| bytes[176] ^= 1),
        ),
        unusable(
            "recover-journal-mac-source",
            "Somebody without the key has changed source_len.",
            "journal.mac",
            forged_header(|bytes| bytes[144] ^= 1),
        ),
        case(
            "recover-journal-envelope",
            HEADER,
            "The stream header differs from byte 112 on, as after an exchange of the envelope.",
        )
        .journal(whole().with(|journal| journal.header.stream_header[112] = 12).bytes())
        .finds(4, "used"),
    ]
}

/// Returns a case whose last record does not count, while the ones before it do. The output ends
/// before the segment of that record, so a reader that believes it reports a loss.
fn last(id: &'static str, comment: &'static str, alter: impl FnOnce(&mut Journal)) -> RecoverCase {
    ends_early(id, comment, whole().with(alter).bytes())
}

fn last_part(id: &'static str, comment: &'static str, alter: impl FnOnce(Vec<u8>) -> Vec<u8>) -> RecoverCase {
    let mut parts = whole().parts();
    parts[4] = alter(parts[4].clone());
    ends_early(id, comment, parts.concat())
}

fn ends_early(id: &'static str, comment: &'static str, journal: Vec<u8>) -> RecoverCase {
    case(id, RECORD, comment)
        .output(|stream, output| output.truncate(stream.offset(3)))
        .journal(journal)
        .finds(3, "used")
}

/// Returns a case whose records all count.
fn believed(id: &'static str, comment: &'static str, alter: impl FnOnce(&mut Journal)) -> RecoverCase {
    case(id, RECORD, comment).journal(whole().with(alter).bytes()).finds(4, "used")
}

pub(super) fn records() -> Vec<RecoverCase> {
    [whole_records(), torn(), altered(), far(), moved()].into_iter().flatten().collect()
}

fn whole_records() -> Vec<RecoverCase> {
    let stream = base();
    let runs = Plan::flushed(&[100, 70, 30, 50]).runs_at(&[1, 3]).write();
    let of_runs = Journal::of(&runs, &ALL).bytes();
    let commits = |id, comment, segments: &[usize]| {
        case(id, RECORD, comment).journal(Journal::of(&base(), segments).bytes()).finds(4, "used")
    };
    let empty = Plan::flushed(&[]).write();
    let empty_ending =
        Journal::of(&empty, &[]).with(|journal| journal.records.push(ending(&empty, 0))).bytes();
    vec![
        commits("recover-journal-begun", "No record: nothing was durable but the stream header.", &[]),
        commits(
            "recover-journal-behind",
            "The last commit is that of segment 0; the segments after it are kept.",
            &[0],
        ),
        believed("recover-record-ending", "An ending after the last commit.", |journal| {
            journal.records.push(ending(&stream, 4))
        }),
        case(
            "recover-journal-runs",
            RECORD,
            "Three runs: run_first grows, and the last run begins with its commit.",
        )
        .stream(runs)
        .journal(of_runs)
        .finds(4, "used"),
        case(
            "recover-record-ending-alone",
            &["SV2-JRN-002"],
            "An ending without a commit, of an empty plaintext.",
        )
        .stream(empty)
        .journal(empty_ending)
        .finds(0, "used"),
        believed(
            "recover-record-compacted",
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
        last_part("recover-record-torn", "The last record lacks its last byte.", |mut part| {
            part.truncate(135);
            part
        }),
        last_part("recover-record-crc", "A bit of the last record is flipped.", |mut part| {
            part[40] ^= 1;
            part
        }),
        last_part("recover-record-mac", "A bit of the last record_mac is flipped.", |part| {
            forged(part, |bytes| bytes[131] ^= 1)
        }),
    ]
}

/// Journals that a holder of the key has altered.
fn altered() -> Vec<RecoverCase> {
    vec![
        last("recover-record-type", "The type of the last record is not assigned.", |journal| {
            journal.records[3].record_type = 3
        }),
        last("recover-record-reserved", "A reserved byte of the last record is 1.", |journal| {
            journal.records[3].reserved[2] = 1
        }),
        last("recover-record-sequence", "The last sequence leaves one out.", |journal| {
            journal.records[3].sequence = 4
        }),
        last("recover-record-index-back", "The last segment_index is below the one before.", |journal| {
            journal.records[3].segment_index = 1
        }),
        last("recover-record-position-back", "The last position is below the one before.", |journal| {
            journal.records[3].position = 1
        }),
        last("recover-record-plaintext-back", "The last plaintext_len is below the one before.", |journal| {
            journal.records[3].plaintext_len = 1
        }),
        last(
            "recover-record-plaintext-high",
            "The last plaintext_len is above what four segments hold.",
            |journal| journal.records[3].plaintext_len = (4 << 26) + 1,
        ),
        last(
            "recover-record-position-high",
            "The last position is above where a fourth segment can be.",
            |journal| journal.records[3].position = (4 << 27) + 1,
        ),
        last(
            "recover-record-run-first-above",
            "The run of the last commit begins with a segment behind its own.",
            |journal| journal.records[3].run_first = 4,
        ),
        last("recover-record-run-first-high", "The highest byte of run_first is not zero.", |journal| {
            journal.records[3].run_first = 1 << 24
        }),
        ending_with_run_first(),
    ]
}

/// An ending that does not count, because a second record after it is more than a crash leaves.
fn ending_with_run_first() -> RecoverCase {
    let stream = base();
    let journal = whole().with(|journal| {
        journal.records.push(ending(&stream, 4));
        journal.records.push(ending(&stream, 5));
        journal.records[4].run_first = 1;
    });
    case(
        "recover-record-run-first-ending",
        RECORD,
        "The run_first of an ending is not zero: a record and one more do not count.",
    )
    .journal(journal.bytes())
    .finds(4, "damaged")
}

/// Commits that are believed because of their author, as far as a stream can have such a segment.
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
        "recover-record-plaintext-large",
        RECORD,
        "A plaintext_len that four segments can hold, and these do not: a commit stands for what is before it.",
    )
    .journal(only(0, 3, 3 << 26));
    if let RecoverExpect::Recovered { plaintext_len, journal, .. } = &mut large.expect {
        (*plaintext_len, *journal) = (3 << 26, "used".to_owned());
    }
    vec![
        large,
        case("recover-record-position-largest", RECORD, "Segment 0 at the last position that it can have.")
            .journal(only(1 << 27, 0, 100))
            .finds(4, "lost"),
        case("recover-record-position-beyond", RECORD, "Segment 0 one byte behind that: no such record.")
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
            "recover-record-of-another",
            "The last record is of another journal of the same stream.",
            |_| other[4].clone(),
        ),
        case("recover-record-repeated", RECORD, "The last record stands twice.")
            .journal(repeated)
            .finds(4, "used"),
        case("recover-record-left-out", RECORD, "The record of segment 2 is left out.")
            .journal(parts.concat())
            .finds(4, "used"),
        case(
            "recover-record-damaged",
            RECORD,
            "A bit of the first of four records is flipped: more is missing than a crash takes.",
        )
        .journal(damaged)
        .finds(4, "damaged"),
    ]
}
