//! §19.2, §19.3, §19.8: torn, damaged, sealed and other outputs, with a journal and without.

use super::{RecoverCase, base, case};
use crate::cases::export::fault;
use crate::generator::plan::{Plan, run_salt};
use crate::generator::wire::journal::Journal;
use crate::generator::wire::stream::Stream;
use crate::operations::recover::RecoverExpect;

const DAMAGED: &str = "malformed.damaged";
/// The offset of segment_index in a segment header.
const SEGMENT_INDEX_AT: usize = 4;

fn journal(segments: &[usize]) -> Vec<u8> {
    Journal::of(&base(), segments).bytes()
}

fn cut(segments: usize, more: usize) -> impl FnOnce(&Stream, &mut Vec<u8>) {
    move |stream, output| output.truncate(stream.offset(segments) + more)
}

/// Flips a bit of a segment, this many bytes from its beginning.
fn flip(segment: usize, within: usize) -> impl FnOnce(&Stream, &mut Vec<u8>) {
    move |stream, output| output[stream.offset(segment) + within] ^= 1
}

/// Replaces a lost segment by zeros.
fn lost(segment: usize) -> impl FnOnce(&Stream, &mut Vec<u8>) {
    move |stream, output| output[stream.offset(segment)..stream.offset(segment + 1)].fill(0)
}

/// Lets segment 3 begin this many bytes into the wire of segment 2, the rest of which is lost.
fn gap_in_wire(within: usize) -> impl FnOnce(&Stream, &mut Vec<u8>) {
    move |stream, output| drop(output.drain(stream.offset(2) + 96 + within..stream.offset(3)))
}

fn swapped(stream: &Stream, output: &mut Vec<u8>) {
    let swapped = stream.clone().arrange(|segments| segments.swap(1, 2)).bytes();
    *output = swapped[..stream.offset(4)].to_vec();
}

fn sealed(stream: &Stream, output: &mut Vec<u8>) {
    *output = stream.bytes();
}

fn trailing(stream: &Stream, output: &mut Vec<u8>) {
    sealed(stream, output);
    output.push(0);
}

/// Replaces segment 3 by a genuine one of another run, which was not committed.
fn of_another_run(stream: &Stream, output: &mut Vec<u8>) {
    let other = Plan::flushed(&[100, 70, 30, 50]).runs_at(&[3]).write();
    output.truncate(stream.offset(3));
    output.extend_from_slice(&other.segments[3].bytes);
}

pub(super) fn cases() -> Vec<RecoverCase> {
    [beginnings(), torn(), damaged(), ends(), walks(), inside(), foreign()].into_iter().flatten().collect()
}

/// The magic is durable before anything follows it.
fn beginnings() -> Vec<RecoverCase> {
    let of_magic = |id, comment| case(id, &["SV2-RES-040"], comment);
    vec![
        of_magic("recover-magic-torn", "The output ends inside the magic.")
            .output(|_, output| output.truncate(5))
            .finds_nothing(),
        of_magic(
            "recover-magic-zeros",
            "The magic was lost, and nothing follows it: only its length is there.",
        )
        .output(|_, output| {
            output.truncate(8);
            output.fill(0);
        })
        .finds_nothing(),
        of_magic("recover-magic-half", "The first half of the magic was lost.")
            .output(|_, output| {
                output.truncate(8);
                output[..4].fill(0);
            })
            .finds_nothing(),
        of_magic(
            "recover-header-lost",
            "The magic is there, and what follows it in the stream header was lost.",
        )
        .output(|_, output| {
            output.truncate(128);
            output[8..].fill(0);
        })
        .finds_nothing(),
        of_magic("recover-header-half", "The magic is there, and half of what follows it was lost.")
            .output(|_, output| {
                output.truncate(128);
                output[8..64].fill(0);
            })
            .finds_nothing(),
        of_magic(
            "recover-foreign-zeros",
            "A file that begins with zeros: no crash leaves it, so it is somebody else's.",
        )
        .output(|_, output| {
            output.truncate(128);
            output[..64].fill(0);
        })
        .rejects_beginning("malformed.magic"),
    ]
}

fn torn() -> Vec<RecoverCase> {
    let torn = &["SV2-RES-010", "SV2-RES-016"];
    vec![
        case("recover-whole", torn, "Only the final segment is missing."),
        case("recover-begun", torn, "A stream header, and nothing after it.")
            .output(cut(0, 0))
            .finds(0, "none"),
        case("recover-torn-header", torn, "The output ends inside a segment header.")
            .output(cut(3, 40))
            .finds(3, "none"),
        case("recover-torn-before-wire", torn, "The output ends after a segment header.")
            .output(cut(3, 96))
            .finds(3, "none"),
        case("recover-torn-wire", torn, "The output ends inside a wire.")
            .output(cut(3, 120))
            .finds(3, "none"),
        case("recover-torn-zeros", torn, "The end of the last wire is zero.")
            .output(|_, output| {
                let len = output.len();
                output[len - 20..].fill(0);
            })
            .finds(3, "none"),
        case("recover-tail-zeros", torn, "Zeros follow the last segment.")
            .output(|_, output| output.extend([0; 300])),
        case("recover-tail-magic", torn, "The magic of a segment and nothing more follows.")
            .output(|_, output| output.extend(b"SV2S")),
        case("recover-header-torn", &["SV2-RES-010"], "The stream header is torn: nothing was committed.")
            .output(|_, output| output.truncate(60))
            .finds_nothing(),
        case(
            "recover-gap-with-journal",
            &["SV2-RES-010"],
            "Segment 2 is lost, behind the last commit; segment 3 is dropped.",
        )
        .output(lost(2))
        .journal(journal(&[0, 1]))
        .finds(2, "used"),
        case("recover-gap-begun", &["SV2-RES-010"], "Segment 0 is lost, and the journal has no commit yet.")
            .output(lost(0))
            .journal(journal(&[]))
            .finds(0, "used"),
        case(
            "recover-ahead",
            &["SV2-RES-007"],
            "The output ends before the last commit: it has lost what was durable.",
        )
        .output(cut(2, 50))
        .journal(journal(&[0, 1, 2, 3]))
        .finds(2, "lost"),
    ]
}

/// Returns a case in which the segment of the last commit was changed.
fn commit(id: &'static str, comment: &'static str, alter: impl FnOnce(&Stream, &mut Vec<u8>)) -> RecoverCase {
    case(id, &["SV2-RES-006"], comment).output(alter).journal(journal(&[0, 1, 2, 3])).rejects(DAMAGED, 3, 0)
}

fn damaged() -> Vec<RecoverCase> {
    let alone = |id, comment| case(id, &["SV2-RES-010"], comment);
    vec![
        commit("recover-commit-wire", "A bit of the last commit's wire is flipped.", flip(3, 130)),
        commit("recover-commit-header", "A bit of the last commit's segment header is flipped.", flip(3, 50)),
        commit(
            "recover-commit-other-run",
            "Another run has sealed the segment at the last commit.",
            of_another_run,
        ),
        case(
            "recover-damage-before-commit",
            &["SV2-RES-006"],
            "Damage before the last commit's segment is not looked at.",
        )
        .output(flip(0, 130))
        .journal(journal(&[0, 1, 2, 3]))
        .finds(4, "used"),
        alone("recover-damage-first", "Without a journal, damage in segment 0 is reported.")
            .output(flip(0, 130))
            .rejects(DAMAGED, 0, 0),
        alone("recover-damage-header", "Without a journal, damage in the header of segment 1 is reported.")
            .output(flip(1, 30))
            .rejects(DAMAGED, 1, 0),
        alone("recover-gap-without-journal", "Without a journal, a lost segment is reported.")
            .output(lost(2))
            .rejects(DAMAGED, 2, 0),
        alone("recover-damage-last", "In the last segment it cannot be told from a torn write.")
            .output(flip(3, 130))
            .finds(3, "none"),
    ]
}

fn ends() -> Vec<RecoverCase> {
    let other_key = base().content_key.map(|byte| byte ^ 1);
    let mut wrong_key = case("recover-wrong-key", &["SV2-HDR-014"], "The content key is another one.")
        .with_key(Some(other_key));
    wrong_key.expect = RecoverExpect::Reject(fault("key.header_tag", Some(80), None));
    vec![
        case("recover-sealed", &["SV2-RES-010"], "The stream is sealed: only its name is missing.")
            .output(sealed)
            .finds(5, "none"),
        case("recover-sealed-journal", &["SV2-RES-010"], "The stream is sealed, and its journal is there.")
            .output(sealed)
            .journal(journal(&[0, 1, 2, 3]))
            .finds(5, "used"),
        case("recover-final-torn", &["SV2-RES-010"], "The final segment is torn.")
            .output(|stream, output| *output = stream.bytes()[..stream.offset(5) - 1].to_vec())
            .finds(4, "none"),
        case("recover-trailing", &["SV2-RES-016"], "A byte follows the final segment.")
            .output(trailing)
            .rejects("trailing", 5, 0),
        case("recover-swapped", &["SV2-RES-016"], "Segments 1 and 2 are swapped: no torn write.")
            .output(swapped)
            .rejects("order.segment_index", 1, SEGMENT_INDEX_AT),
        wrong_key,
    ]
}

/// SV2-RES-027: the result of the walk without a commit.
fn walks() -> Vec<RecoverCase> {
    let runs = |salts: &[(usize, u8)]| {
        let salts: Vec<_> = salts.iter().map(|(first, run)| (*first, run_salt(*run))).collect();
        Plan::flushed(&[100, 70, 30, 50]).runs(&salts).write()
    };
    let walk = |id, comment, stream: Stream, other: Stream, place: usize| {
        case(id, &["SV2-RES-027", "SV2-RES-016"], comment).stream(stream).output(move |stream, output| {
            let (begin, end) = (stream.offset(place), stream.offset(place + 1));
            output[begin..end].copy_from_slice(&other.segments[place].bytes);
        })
    };
    let link = Plan::flushed(&[100, 70, 30, 50])
        .runs_at(&[2])
        .builder(2, |builder| builder.terminator.plain[40] ^= 1)
        .write();
    let at = link.segments[2].frame_offset(2);
    vec![
        walk(
            "recover-walk-fork-inside",
            "Without a journal: segment 2 is of another run, and begins none.",
            runs(&[(0, 0)]),
            runs(&[(0, 5)]),
            2,
        )
        .rejects("order.run", 2, FLAGS_AT),
        walk(
            "recover-walk-fork",
            "Without a journal: segment 2 is of a run that was given up, and segment 3 begins another one.",
            runs(&[(0, 0), (2, 1), (3, 2)]),
            runs(&[(0, 0), (2, 5)]),
            2,
        )
        .rejects("order.transcript", 3, runs(&[(0, 0), (2, 1), (3, 2)]).segments[3].frame_offset(2)),
        case("recover-walk-link", &["SV2-RES-027", "SV2-RES-016"], "Without a journal: a link is wrong.")
            .stream(link)
            .rejects("order.transcript", 2, at),
        case("recover-walk-link-behind", &["SV2-RES-016"], "A link is wrong behind the last commit.")
            .stream(built())
            .journal(Journal::of(&built(), &[0]).bytes())
            .rejects("order.transcript", 2, at),
    ]
}

/// Returns a stream whose second run names another run before it.
fn built() -> Stream {
    let plan = Plan::flushed(&[100, 70, 30, 50]).runs_at(&[2]);
    plan.builder(2, |builder| builder.terminator.plain[40] ^= 1).write()
}

/// The offset of flags in a segment header.
const FLAGS_AT: usize = 12;

/// Puts the header of segment 0 into the wire of segment 3, which is torn.
fn header_in_wire(stream: &Stream, output: &mut Vec<u8>) {
    let wire = stream.offset(3) + 96;
    output.truncate(wire + 150);
    output[wire + 20..wire + 116].copy_from_slice(&stream.segments[0].bytes[..96]);
}

/// Puts other bytes after segment 2, among them a header of another stream.
fn foreign_header(stream: &Stream, output: &mut Vec<u8>) {
    let other = Plan::flushed(&[100]).header(|header| header.stream_salt = [0xA0; 32]).write();
    output.truncate(stream.offset(3));
    output.extend([7; 50]);
    output.extend_from_slice(&other.segments[0].bytes[..96]);
}

fn inside() -> Vec<RecoverCase> {
    vec![
        case(
            "recover-header-in-wire",
            &["SV2-RES-010"],
            "A header stands inside the wire that an authentic header claims: that is a torn wire.",
        )
        .output(header_in_wire)
        .finds(3, "none"),
        case(
            "recover-header-foreign",
            &["SV2-RES-010"],
            "A header of another stream follows: its tag does not verify.",
        )
        .output(foreign_header)
        .finds(3, "none"),
    ]
}

/// SV2-RES-014: a file that has the name of the journal but is not one.
fn foreign() -> Vec<RecoverCase> {
    let foreign = |id, comment, journal: Vec<u8>| {
        case(id, &["SV2-RES-014"], comment).journal(journal).rejects_nowhere("misuse")
    };
    let mut magic = journal(&[0, 1, 2, 3]);
    magic[7] ^= 1;
    vec![
        foreign("recover-journal-magic", "The last byte of the journal's magic is another one.", magic),
        foreign("recover-journal-empty", "The journal is an empty file.", Vec::new()),
        foreign("recover-journal-text", "A text stands under the name of the journal.", b"notes\n".to_vec()),
    ]
}

pub(super) fn without_key() -> Vec<RecoverCase> {
    let keyless = |id, comment| case(id, &["SV2-RES-015"], comment).with_key(None);
    vec![
        keyless("recover-keyless-whole", "Without the key: only the final segment is missing."),
        keyless("recover-keyless-sealed", "Without the key: the stream is complete.")
            .output(sealed)
            .finds(5, "none"),
        keyless("recover-keyless-torn", "Without the key: the output ends inside a wire.")
            .output(cut(3, 120))
            .finds(3, "none"),
        keyless("recover-keyless-crc", "Without the key: the last wire's checksum is wrong.")
            .output(flip(3, 130))
            .finds(3, "none"),
        keyless("recover-keyless-tail", "Without the key: zeros follow the last segment.")
            .output(|_, output| output.extend([0; 300])),
        keyless("recover-keyless-damage", "Without the key: damage in segment 1 is no torn tail.")
            .output(flip(1, 130))
            .rejects(DAMAGED, 1, 0),
        keyless("recover-keyless-gap", "Without the key: a lost segment is no torn tail.")
            .output(lost(2))
            .rejects(DAMAGED, 2, 0),
        keyless(
            "recover-keyless-gap-in-wire",
            "Without the key: segment 3 begins inside the wire that the torn segment 2 claims.",
        )
        .output(gap_in_wire(50))
        .rejects(DAMAGED, 2, 0),
        keyless(
            "recover-keyless-gap-after-header",
            "Without the key: segment 3 begins right after the header of segment 2, and is torn itself.",
        )
        .output(|stream, output| {
            gap_in_wire(0)(stream, output);
            output.truncate(output.len() - 20);
        })
        .rejects(DAMAGED, 2, 0),
        keyless(
            "recover-keyless-header-in-wire",
            "Without the key: a header stands inside a torn wire, whatever its segment_index is.",
        )
        .output(header_in_wire)
        .rejects(DAMAGED, 3, 0),
        keyless("recover-keyless-header-foreign", "Without the key: a header of another stream follows.")
            .output(foreign_header)
            .rejects(DAMAGED, 3, 0),
        keyless("recover-keyless-run", "Without the key: segment 3 is of another run, and begins none.")
            .output(|stream, output| {
                let other = Plan::flushed(&[100, 70, 30, 50]).runs(&[(0, run_salt(5))]).write();
                output.truncate(stream.offset(3));
                output.extend_from_slice(&other.segments[3].bytes);
            })
            .rejects("order.run", 3, FLAGS_AT),
        keyless("recover-keyless-trailing", "Without the key: a byte follows the final segment.")
            .output(trailing)
            .rejects("trailing", 5, 0),
        keyless("recover-keyless-swapped", "Without the key: segments 1 and 2 are swapped.")
            .output(swapped)
            .rejects("order.segment_index", 1, SEGMENT_INDEX_AT),
    ]
}
