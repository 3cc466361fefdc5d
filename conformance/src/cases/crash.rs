//! §18, §19: a writer is stopped after some bytes of its output, and its output and journal are
//! resumed.

use crate::cases::export::{Blobs, about, keys, made, store};
use crate::cases::write::parameters;
use crate::generator::plaintext::counting;
use crate::generator::plan::{Item, Plan, cut, run_salt, with_index};
use crate::generator::wire::segment_header::SEGMENT_HEADER_LEN;
use crate::generator::wire::stream::Stream;
use crate::operations::Vector;
use crate::operations::crash::{CrashExpect, CrashVector};
use crate::operations::recover::RecoverExpect;

/// The run_salt of the resumed run.
const NEXT: u8 = 8;
/// n of §11 for S = 4096.
const N: usize = 169;

/// A crash vector under construction.
struct CrashCase {
    id: &'static str,
    requirements: &'static [&'static str],
    comment: &'static str,
    plan: Plan,
    stop: Stop,
}

/// The place at which the output stops.
#[derive(Clone, Copy)]
enum Stop {
    /// After this many bytes of the stream header, which is not complete.
    Begun(usize),
    /// In this segment, after this many of its bytes.
    Segment(usize, usize),
}

impl CrashCase {
    /// Returns the recovered part, and the stream that results from resuming after `kept` segments.
    fn goes_on(&self, stream: &Stream, kept: usize) -> (RecoverExpect, Vec<u8>) {
        let done = stream.released_len(kept);
        let mut items = self.plan.items[..kept].to_vec();
        items.extend(cut(stream.plaintext.len - done, self.plan.header.segment_size(), &[]));
        if self.indexed() {
            items.retain(|item| *item != Item::Index);
            items = with_index(&items, N);
        }
        let mut runs = self.plan.runs.clone();
        runs.retain(|(first, _)| *first < kept);
        runs.push((kept, run_salt(NEXT)));
        let resumed = self.plan.clone().items(&items).runs(&runs).write();
        let recovered = RecoverExpect::Recovered {
            segments: kept,
            plaintext_len: done,
            stream_len: stream.offset(kept),
            sealed: false,
            journal: "used".to_owned(),
        };
        (recovered, resumed.bytes())
    }

    fn indexed(&self) -> bool {
        self.plan.items.contains(&Item::Index)
    }

    fn export(&self, blobs: &mut Blobs) -> Vector {
        let features: &[&str] = if self.indexed() { &["index"] } else { &[] };
        let stream = self.plan.clone().write();
        let (stop_after, recovered, resumed) = match self.stop {
            Stop::Begun(within) => (within, RecoverExpect::Nothing, None),
            Stop::Segment(kept, within) => {
                let (recovered, resumed) = self.goes_on(&stream, kept);
                (stream.offset(kept) + within, recovered, Some(resumed))
            }
        };
        Vector::Crash(Box::new(CrashVector {
            about: about("crash", self.id, self.requirements, features, self.comment),
            keys: keys(Some(&self.plan.content_key), &self.plan.context),
            parameters: parameters(&self.plan, self.indexed()),
            run_salt: hex::encode(self.plan.runs[0].1),
            plaintext: self.plan.plaintext.clone(),
            stop_after,
            resume_salt: hex::encode(run_salt(NEXT)),
            expect: CrashExpect {
                left: store(stream.bytes()[..stop_after].to_vec(), blobs),
                recovered,
                resumed: resumed.map(|resumed| store(resumed, blobs)),
            },
            made: made(None, "none"),
        }))
    }
}

/// Returns all crash vectors.
pub(crate) fn export_all(blobs: &mut Blobs) -> Vec<Vector> {
    let all = [cases(), headers(), indexed()];
    all.iter().flatten().map(|case| case.export(blobs)).collect()
}

fn cases() -> Vec<CrashCase> {
    let three = || Plan::filled(4096, 10_000);
    let case = |id, comment, (segment, within)| {
        let stop = Stop::Segment(segment, within);
        CrashCase { id, requirements: &["SV2-RES-009"], comment, plan: three(), stop }
    };
    vec![
        case("crash-begun", "The stream header, and nothing of segment 0.", (0, 0)),
        case("crash-in-header-0", "Inside the header of segment 0.", (0, 50)),
        case("crash-in-wire-0", "Inside the wire of segment 0.", (0, SEGMENT_HEADER_LEN + 1000)),
        case("crash-between", "Between two segments.", (1, 0)),
        case("crash-in-header", "Inside the header of segment 2.", (2, 1)),
        case("crash-in-wire", "Inside the last frames of segment 2.", (2, SEGMENT_HEADER_LEN + 1840)),
        CrashCase {
            requirements: &["SV2-RES-009", "SV2-JRN-002"],
            ..case("crash-before-final", "Before the final segment.", (3, 0))
        },
        CrashCase {
            requirements: &["SV2-RES-009", "SV2-JRN-002"],
            ..case("crash-in-final", "Inside the final segment.", (3, 200))
        },
        CrashCase {
            plan: three().uniform().context(b"db").header(|header| header.key_id = counting(0x90)),
            ..case("crash-uniform", "With UNIFORM, a context and a key_id.", (2, 30))
        },
        CrashCase {
            plan: Plan::filled(4096, 30_000).epochs(2),
            ..case("crash-epochs", "With epochs of two segments, in the third of them.", (5, 500))
        },
        CrashCase {
            plan: Plan::filled(4096, 0),
            ..case("crash-empty", "An empty plaintext: the final segment alone was to come.", (0, 100))
        },
    ]
}

/// SV2-RES-040: before the stream header is whole there is nothing to resume.
fn headers() -> Vec<CrashCase> {
    let begun = |id, comment, within| CrashCase {
        id,
        requirements: &["SV2-RES-040"],
        comment,
        plan: Plan::filled(4096, 10_000),
        stop: Stop::Begun(within),
    };
    vec![
        begun("crash-in-magic", "Inside the magic.", 5),
        begun("crash-after-magic", "After the magic, and before anything else.", 8),
        begun("crash-in-stream-header", "Inside the stream header.", 60),
        begun("crash-stream-header-less-1", "The stream header lacks its last byte.", 127),
    ]
}

/// Cases of a writer of index segments: three data segments, an index segment, and the final one.
fn indexed() -> Vec<CrashCase> {
    let plan = Plan::filled(4096, 10_000);
    let items = with_index(&plan.items, N);
    let case = |id, comment, segment, within| CrashCase {
        id,
        requirements: &["SV2-RES-009", "SV2-IDX-010", "SV2-IDX-001"],
        comment,
        plan: plan.clone().items(&items),
        stop: Stop::Segment(segment, within),
    };
    let ending: &[&str] = &["SV2-RES-009", "SV2-IDX-010", "SV2-JRN-002"];
    let ended = |case| CrashCase { requirements: ending, ..case };
    vec![
        case("crash-index-data", "A writer of index segments, inside segment 1.", 1, 300),
        case("crash-index-before", "Before the index segment.", 3, 0),
        case("crash-index-inside", "Inside the index segment.", 3, 150),
        ended(case("crash-index-before-final", "After the index segment, before the final one.", 4, 0)),
        ended(case("crash-index-in-final", "After the index segment, inside the final one.", 4, 100)),
    ]
}
