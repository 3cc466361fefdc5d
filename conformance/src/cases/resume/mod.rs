//! §19.2 steps 8 to 11: resuming an interrupted encryption, from the right source and from others.

mod asked;
mod before;
mod index;
mod links;
mod mixed;
mod sources;

use crate::cases::export::{Blobs, about, fault, keys, made, store};
use crate::generator::plaintext::{Pattern, counting};
use crate::generator::plan::{Item, Plan, cut, run_salt, with_index};
use crate::generator::wire::envelope::padding;
use crate::generator::wire::journal::{Journal, ending};
use crate::generator::wire::stream::Stream;
use crate::operations::Vector;
use crate::operations::resume::{ResumeExpect, ResumeVector};

/// The run_salt of the resumed run.
const NEXT: u8 = 7;
const SOURCE: &str = "journal.source";

/// A resume vector under construction.
struct ResumeCase {
    id: &'static str,
    requirements: Vec<&'static str>,
    comment: &'static str,
    /// The stream of the interrupted run.
    plan: Plan,
    stream: Stream,
    output: Vec<u8>,
    journal: Option<Vec<u8>>,
    source: Vec<u8>,
    pipe: bool,
    /// Whether the caller asks for index segments.
    index: bool,
    /// n of §11, if the stream has index segments.
    entries_max: Option<usize>,
    expect: Expect,
}

/// The expected result.
enum Expect {
    /// Resumes after this many segments.
    After(usize),
    Nothing,
    Source(usize),
    Damaged(usize),
    Misuse,
    /// Any other error, this many bytes into a segment.
    Other(&'static str, usize, usize),
}

/// Returns a case of an output of 100, 70, 30 and 50 bytes, with 5,000 bytes more to come, without
/// UNIFORM and without a journal.
fn case(id: &'static str, requirements: &[&'static str], comment: &'static str) -> ResumeCase {
    of(id, requirements, comment, Plan::flushed(&[100, 70, 30, 50]), 5250)
}

fn of(
    id: &'static str,
    requirements: &[&'static str],
    comment: &'static str,
    plan: Plan,
    source_len: usize,
) -> ResumeCase {
    let stream = plan.clone().write();
    let committed = stream.segments.len() - 1;
    ResumeCase {
        id,
        requirements: requirements.to_vec(),
        comment,
        output: stream.bytes()[..stream.offset(committed)].to_vec(),
        plan,
        stream,
        journal: None,
        source: Pattern::counting(source_len).bytes(),
        pipe: false,
        index: false,
        entries_max: None,
        expect: Expect::After(committed),
    }
}

impl ResumeCase {
    /// Adds a journal with a commit for each of these segments.
    fn journal(self, segments: &[usize]) -> Self {
        self.journal_with(segments, |_, _| ())
    }

    fn journal_with(mut self, segments: &[usize], alter: impl FnOnce(&Stream, &mut Journal)) -> Self {
        let journal = Journal::of(&self.stream, segments).with(|journal| alter(&self.stream, journal));
        self.journal = Some(journal.bytes());
        self
    }

    /// Ends the output this many bytes into a segment.
    fn torn(mut self, segment: usize, within: usize) -> Self {
        self.output.truncate(self.stream.offset(segment) + within);
        self.expect = Expect::After(segment);
        self
    }

    /// Adds the final segment to the output.
    fn sealed(mut self) -> Self {
        self.output = self.stream.bytes();
        self.expect = Expect::After(self.stream.segments.len());
        self
    }

    fn source(mut self, len: usize) -> Self {
        self.source = Pattern::counting(len).bytes();
        self
    }

    /// Changes one bit of this byte of the source.
    fn changed(mut self, at: usize) -> Self {
        self.source[at] ^= 1;
        self
    }

    fn pipe(mut self) -> Self {
        self.pipe = true;
        self
    }

    /// Expects a refusal at the source's first byte that is known to differ.
    fn refused(mut self, at: usize) -> Self {
        self.expect = Expect::Source(at);
        self
    }

    /// Returns the sealed stream: the segments that are kept, and those of the new run.
    fn resumed(&self, kept: usize) -> Vec<u8> {
        if kept == self.stream.segments.len() {
            return self.stream.bytes();
        }
        let done = self.stream.released_len(kept);
        let header = &self.plan.header;
        let len = usize::try_from(header.plaintext_len).unwrap_or(usize::MAX).min(self.source.len());
        let mut items: Vec<Item> = self.plan.items[..kept].to_vec();
        items.extend(cut(len - done, header.segment_size(), &[]));
        if let Some(entries_max) = self.entries_max {
            items.retain(|item| *item != Item::Index);
            items = with_index(&items, entries_max);
        }
        let mut runs = self.plan.runs.clone();
        runs.retain(|(first, _)| *first < kept);
        runs.push((kept, run_salt(NEXT)));
        let plan = self.plan.clone().plaintext(Pattern::counting(len)).items(&items).runs(&runs);
        let bytes = plan.write().bytes();
        let at = self.stream.offset(kept);
        debug_assert_eq!(bytes[..at], self.stream.bytes()[..at], "what is kept is not what was there");
        bytes
    }

    fn features(&self) -> Vec<&str> {
        let needed = [("index", self.entries_max.is_some()), ("suite-2", self.plan.header.suite == 2)];
        needed.iter().filter(|(_, needed)| *needed).map(|(feature, _)| *feature).collect()
    }

    fn export(&self, blobs: &mut Blobs) -> Vector {
        let reject = |error, offset, segment| ResumeExpect::Reject(fault(error, offset, segment));
        let expect = match self.expect {
            Expect::After(kept) => ResumeExpect::Resumed { output: store(self.resumed(kept), blobs) },
            Expect::Nothing => ResumeExpect::Nothing,
            Expect::Source(at) => reject(SOURCE, Some(at), None),
            Expect::Damaged(segment) => {
                reject("malformed.damaged", Some(self.stream.offset(segment)), Some(segment))
            }
            Expect::Misuse => reject("misuse", None, None),
            Expect::Other(error, segment, within) => {
                reject(error, Some(self.stream.offset(segment) + within), Some(segment))
            }
        };
        Vector::Resume(Box::new(ResumeVector {
            about: about("resume", self.id, &self.requirements, &self.features(), self.comment),
            keys: keys(Some(&self.stream.content_key), &self.stream.context),
            output: store(self.output.clone(), blobs),
            journal: self.journal.clone().map(|journal| store(journal, blobs)),
            source: store(self.source.clone(), blobs),
            source_kind: if self.pipe { "pipe" } else { "file" }.to_owned(),
            run_salt: hex::encode(run_salt(NEXT)),
            index: self.index,
            expect,
            made: made(None, "none"),
        }))
    }
}

/// Returns all resume vectors.
pub(crate) fn export_all(blobs: &mut Blobs) -> Vec<Vector> {
    let areas = [
        goes_on(),
        links::cases(),
        parameters(),
        complete(),
        sources::cases(),
        index::cases(),
        before::cases(),
        mixed::cases(),
        asked::cases(),
    ];
    areas.iter().flatten().map(|case| case.export(blobs)).collect()
}

/// SV2-RES-009: committed segments stay, and all others are sealed under a new run_salt.
fn goes_on() -> Vec<ResumeCase> {
    let case = |id, comment| case(id, &["SV2-RES-009", "SV2-SEG-026"], comment);
    let mut nothing = case("resume-nothing", "The stream header is torn: nothing was committed.");
    nothing.output.truncate(60);
    nothing.expect = Expect::Nothing;
    vec![
        nothing,
        case("resume-without-journal", "Four segments are there, and no journal."),
        case("resume-with-journal", "Four segments are there, and a commit for each.").journal(&[0, 1, 2, 3]),
        case("resume-pipe", "Four segments are there, and the source is a pipe.")
            .journal(&[0, 1, 2, 3])
            .pipe(),
        case("resume-begun", "A stream header, and nothing after it.").torn(0, 0),
        case("resume-begun-journal", "A stream header, and a journal without a commit.")
            .torn(0, 0)
            .journal(&[]),
        case("resume-torn-header", "The output ends inside the header of segment 3.").torn(3, 40),
        case("resume-torn-wire", "The output ends inside the wire of segment 3.")
            .torn(3, 120)
            .journal(&[0, 1]),
        case("resume-behind", "The journal knows of segment 0 alone; all four are kept.").journal(&[0]),
        case("resume-lost", "The output ends before the last commit: what is lost is sealed again.")
            .torn(2, 50)
            .journal(&[0, 1, 2, 3]),
    ]
}

/// SV2-RES-005: parameters are those of the stream header.
fn parameters() -> Vec<ResumeCase> {
    let of = |id, comment, plan, len| of(id, &["SV2-RES-005", "SV2-RES-009"], comment, plan, len);
    let declared = |len| Plan::flushed(&[100, 150]).header(|header| header.plaintext_len = len);
    vec![
        of(
            "resume-uniform",
            "UNIFORM, segments of three frames.",
            Plan::filled(12_288, 24_576).uniform(),
            40_000,
        )
        .journal(&[0, 1]),
        of(
            "resume-frame-size",
            "Frames of 8,192 bytes.",
            Plan::filled(16_384, 16_384).header(|header| header.frame_size_log2 = 13),
            40_000,
        ),
        of(
            "resume-epoch",
            "The run goes on with the first segment of key epoch 2.",
            Plan::flushed(&[100, 70, 30, 50]).epochs(2),
            20_000,
        )
        .journal(&[0, 1, 2, 3]),
        of(
            "resume-within-epoch",
            "The run goes on with the second segment of key epoch 1.",
            Plan::flushed(&[100, 70, 30]).epochs(2),
            20_000,
        ),
        of(
            "resume-key-id",
            "A key_id and a context.",
            Plan::flushed(&[100]).context(b"db/2026").header(|header| header.key_id = counting(0x90)),
            5000,
        ),
        of("resume-envelope", "An envelope.", Plan::flushed(&[100]).envelope(padding(40)), 5000)
            .journal(&[0]),
        of(
            "resume-declared",
            "The plaintext_len is declared, and the source has as many.",
            declared(5000),
            5000,
        ),
        of(
            "resume-declared-less",
            "The source has more than the declared plaintext_len: that is not part of the stream.",
            declared(3000),
            5000,
        ),
        of(
            "resume-declared-reached",
            "The declared plaintext_len is committed, and the source has more.",
            declared(250),
            300,
        ),
    ]
}

/// Only the final segment is missing, or nothing.
fn complete() -> Vec<ResumeCase> {
    let case = |id, comment| case(id, &["SV2-RES-009", "SV2-RES-008"], comment).source(250);
    let short = Plan::filled(4096, 5000).uniform();
    vec![
        case("resume-final", "All of the source is committed: only the final segment is missing."),
        case("resume-ending", "The journal has an ending record.").journal_with(
            &[0, 1, 2, 3],
            |stream, journal| {
                journal.records.push(ending(stream, 4));
            },
        ),
        of(
            "resume-uniform-short",
            &["SV2-RES-008"],
            "UNIFORM, and the last data segment is not full.",
            short,
            5000,
        ),
        case("resume-sealed", "The stream is sealed: nothing is written.").sealed().journal(&[0, 1, 2, 3]),
        case("resume-sealed-pipe", "The stream is sealed, and the source is a pipe.").sealed().pipe(),
        of(
            "resume-sealed-declared",
            &["SV2-RES-008"],
            "Sealed, with a declared plaintext_len: what the source has beyond it is not part of the stream.",
            Plan::flushed(&[100, 150]).header(|header| header.plaintext_len = 250),
            300,
        )
        .sealed(),
        of("resume-empty", &["SV2-RES-009"], "An empty source.", Plan::flushed(&[]), 0),
    ]
}
