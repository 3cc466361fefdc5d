//! §18, §19: a writer is stopped after so many bytes of its output; what it leaves, with a journal of its own, is gone on with.

use crate::export::{Blobs, keys, made, store, strings};
use crate::plan::{Plan, counting, cut, run_salt};
use crate::vector::{About, CrashExpect, CrashVector, RecoverExpect, Vector};
use crate::wire::segment_header::SEGMENT_HEADER_LEN;
use crate::write_cases::parameters;

/// The run_salt of the run that goes on.
const NEXT: u8 = 8;

/// A crash vector in the making.
struct CrashCase {
    id: &'static str,
    requirements: &'static [&'static str],
    comment: &'static str,
    plan: Plan,
    /// A segment, and bytes of it that reach the sink.
    stop: (usize, usize),
}

impl CrashCase {
    fn export(&self, blobs: &mut Blobs) -> Vector {
        let stream = self.plan.clone().write();
        let (kept, within) = self.stop;
        let stop_after = stream.offset(kept) + within;
        let done = stream.released_len(kept);
        let mut items = self.plan.items[..kept].to_vec();
        items.extend(cut(stream.plaintext.len - done, self.plan.header.segment_size(), &[]));
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
        Vector::Crash(Box::new(CrashVector {
            about: About {
                id: self.id.to_owned(),
                operation: "crash".to_owned(),
                level: "MUST".to_owned(),
                requirements: strings(self.requirements),
                features: Vec::new(),
                comment: self.comment.to_owned(),
            },
            keys: keys(Some(&self.plan.content_key), &self.plan.context),
            parameters: parameters(&self.plan, false),
            run_salt: hex::encode(self.plan.runs[0].1),
            plaintext: self.plan.plaintext.clone(),
            stop_after,
            resume_salt: hex::encode(run_salt(NEXT)),
            expect: CrashExpect {
                left: store(stream.bytes()[..stop_after].to_vec(), blobs),
                recovered,
                resumed: store(resumed.bytes(), blobs),
            },
            made: made(None, "none"),
        }))
    }
}

/// All crash vectors.
pub(crate) fn export_all(blobs: &mut Blobs) -> Vec<Vector> {
    cases().iter().map(|case| case.export(blobs)).collect()
}

fn cases() -> Vec<CrashCase> {
    let three = || Plan::filled(4096, 10_000);
    let case =
        |id, comment, stop| CrashCase { id, requirements: &["SV2-RES-009"], comment, plan: three(), stop };
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
