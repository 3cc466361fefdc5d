//! §16 and property 8 of §2: the output of a writer when all of its choices are given.

use crate::cases::export::{Blobs, about, keys, made, store, strings};
use crate::generator::plaintext::{Pattern, counting};
use crate::generator::plan::{Item, Plan, cut, run_salt, with_index};
use crate::generator::wire::envelope::padding;
use crate::generator::wire::stream_header::PLAINTEXT_LEN_UNKNOWN;
use crate::operations::Vector;
use crate::operations::write::{Parameters, Run, WriteExpect, WriteVector};

/// A write vector under construction.
struct WriteCase {
    id: &'static str,
    requirements: Vec<&'static str>,
    features: Vec<&'static str>,
    comment: &'static str,
    plan: Plan,
    flushes: Vec<usize>,
    index: bool,
    source_len: usize,
    error: Option<&'static str>,
}

/// Returns all write vectors. Large outputs go to `blobs`.
pub(crate) fn export_all(blobs: &mut Blobs) -> Vec<Vector> {
    let areas = [sizes(), fields(), divided(), runs(), lengths(), optional(), refused()];
    areas.iter().flatten().map(|case| case.export(blobs)).collect()
}

/// Returns a case with F = 4096 and full segments.
fn case(
    id: &'static str,
    requirements: &[&'static str],
    comment: &'static str,
    segment_size: u32,
    len: usize,
) -> WriteCase {
    WriteCase {
        id,
        requirements: requirements.to_vec(),
        features: Vec::new(),
        comment,
        plan: Plan::filled(segment_size, len),
        flushes: Vec::new(),
        index: false,
        source_len: len,
        error: None,
    }
}

impl WriteCase {
    fn plan(mut self, change: impl FnOnce(Plan) -> Plan) -> Self {
        self.plan = change(self.plan);
        self
    }

    fn flushes(mut self, flushes: &[usize]) -> Self {
        self.flushes = flushes.to_vec();
        self.recut()
    }

    fn index(mut self) -> Self {
        self.index = true;
        self.features.push("index");
        self.recut()
    }

    fn feature(mut self, feature: &'static str) -> Self {
        self.features.push(feature);
        self
    }

    fn source_len(mut self, len: usize) -> Self {
        self.source_len = len;
        self
    }

    fn fails(mut self, error: &'static str) -> Self {
        self.error = Some(error);
        self
    }

    /// Cuts the segments again from the plaintext, S, the flushes and the index.
    fn recut(mut self) -> Self {
        let segment_size = self.plan.header.segment_size();
        let items: Vec<Item> = cut(self.plan.plaintext.len, segment_size, &self.flushes);
        let entries_max = 65_536.min((segment_size - 24) / 24);
        self.plan = if self.index {
            self.plan.items(&with_index(&items, entries_max))
        } else {
            self.plan.items(&items)
        };
        self
    }

    fn export(&self, blobs: &mut Blobs) -> Vector {
        let expect = match self.error {
            Some(error) => WriteExpect::Reject { error: strings(&[error]) },
            None => WriteExpect::Accept { output: store(self.plan.write().bytes(), blobs) },
        };
        Vector::Write(Box::new(WriteVector {
            about: about("write", self.id, &self.requirements, &self.features, self.comment),
            keys: keys(Some(&self.plan.content_key), &self.plan.context),
            parameters: parameters(&self.plan, self.index),
            runs: self
                .plan
                .runs
                .iter()
                .map(|(first, salt)| Run { first_segment: *first, run_salt: hex::encode(salt) })
                .collect(),
            flushes: self.flushes.clone(),
            plaintext: Pattern::counting(self.source_len),
            expect,
            made: made(None, "none"),
        }))
    }
}

/// Returns the parameters of a writer of the plan.
pub(crate) fn parameters(plan: &Plan, index: bool) -> Parameters {
    let header = &plan.header;
    Parameters {
        suite: header.suite,
        uniform: header.uniform(),
        frame_size_log2: header.frame_size_log2,
        segment_size: header.segment_size,
        epoch_segments: header.epoch_segments,
        plaintext_len: Some(header.plaintext_len).filter(|len| *len != PLAINTEXT_LEN_UNKNOWN),
        stream_salt: hex::encode(header.stream_salt),
        key_id: hex::encode(header.key_id),
        envelope: hex::encode(&plan.stanzas),
        digest_alg: plan.digest_alg,
        index,
    }
}

fn sizes() -> Vec<WriteCase> {
    let requirements =
        &["SV2-WRT-001", "SV2-WRT-004", "SV2-WRT-005", "SV2-FRM-007", "SV2-DIG-001", "SV2-DIG-004"];
    let case = |id, comment, segment_size, len| case(id, requirements, comment, segment_size, len);
    vec![
        case("write-worked-example", "The stream of Appendix A.", 8192, 10_000),
        case("write-empty", "An empty plaintext.", 4096, 0),
        case("write-one-byte", "One byte.", 4096, 1),
        case("write-one-frame", "Exactly one frame.", 8192, 4096),
        case("write-one-segment", "Exactly one segment: no empty segment follows.", 8192, 8192),
        case("write-segment-and-one-byte", "One byte more than a segment.", 4096, 4097),
        case("write-two-segments", "Exactly two segments.", 4096, 8192),
    ]
}

fn fields() -> Vec<WriteCase> {
    let name = |plan: Plan| plan.header(|header| header.key_id = counting(0xB0));
    vec![
        case("write-context", &["SV2-KEY-002"], "A context.", 4096, 100)
            .plan(|plan| plan.context(b"example/context")),
        case("write-key-id", &["SV2-KEY-002"], "A key_id.", 4096, 100).plan(name),
        case("write-context-and-key-id", &["SV2-KEY-002"], "A context and a key_id.", 4096, 100)
            .plan(move |plan| name(plan).context(&[0])),
        case("write-digest-2", &["SV2-DIG-001", "SV2-DIG-008"], "digest_alg 0x0002.", 4096, 5000)
            .plan(|plan| plan.digest_alg(2)),
        case(
            "write-frame-size-13",
            &["SV2-FRM-001"],
            "Frames of 8 KiB in segments of 24 KiB.",
            24_576,
            30_000,
        )
        .plan(|plan| plan.header(|header| header.frame_size_log2 = 13)),
        case(
            "write-envelope",
            &["SV2-STR-001", "SV2-KEY-002"],
            "An envelope of padding: positions do not count it.",
            4096,
            100,
        )
        .plan(|plan| plan.envelope(padding(8))),
    ]
}

fn divided() -> Vec<WriteCase> {
    let epoch = &["SV2-EPO-001", "SV2-KEY-002"];
    let run = &["SV2-SEG-027", "SV2-DIG-004"];
    vec![
        case("write-flush", &["SV2-WRT-004"], "Flushes after 100 and after 170 bytes.", 4096, 200)
            .flushes(&[100, 170]),
        case(
            "write-flush-full",
            &["SV2-WRT-004", "SV2-SEG-018"],
            "A flush at the end of a full segment writes nothing more.",
            4096,
            5000,
        )
        .flushes(&[4096]),
        case(
            "write-flush-at-end",
            &["SV2-WRT-004", "SV2-SEG-018"],
            "A flush at the end of the plaintext writes nothing more.",
            4096,
            100,
        )
        .flushes(&[100]),
        case("write-two-runs", run, "A second run takes over at segment 1.", 4096, 5000)
            .plan(|plan| plan.runs_at(&[1])),
        case("write-three-runs", run, "A run for each segment, the final one included.", 4096, 5000)
            .plan(|plan| plan.runs_at(&[1, 2])),
        case("write-run-after-flush", run, "A second run takes over after a flush.", 4096, 200)
            .flushes(&[100])
            .plan(|plan| plan.runs(&[(0, run_salt(0)), (1, run_salt(5))])),
        case(
            "write-uniform",
            &["SV2-DIG-004", "SV2-HDR-016"],
            "UNIFORM, with a short last segment.",
            4096,
            8292,
        )
        .plan(Plan::uniform),
        case(
            "write-uniform-two-runs",
            &["SV2-DIG-004", "SV2-HDR-016"],
            "UNIFORM; a second run takes over at segment 1.",
            4096,
            8292,
        )
        .plan(|plan| plan.uniform().runs_at(&[1])),
        case("write-epochs-1", epoch, "An epoch for each segment.", 4096, 300)
            .flushes(&[100, 200])
            .plan(|plan| plan.epochs(1)),
        case("write-epochs-2", epoch, "Two segments in each epoch.", 4096, 300)
            .flushes(&[100, 200])
            .plan(|plan| plan.epochs(2)),
    ]
}

/// §8.3: each run names the one before it.
fn runs() -> Vec<WriteCase> {
    let links = &["SV2-DIG-004", "SV2-SEG-027"];
    let flushed = |id, comment, runs: &'static [usize]| {
        case(id, links, comment, 4096, 200).flushes(&[100, 170]).plan(|plan| plan.runs_at(runs))
    };
    let uniform = |id, comment, runs: &'static [usize]| {
        case(id, links, comment, 4096, 8292).plan(|plan| plan.uniform().runs_at(runs))
    };
    let indexed = |id, comment, runs: &'static [usize]| {
        let case = case(id, links, comment, 4096, 200).flushes(&[100, 170]).index();
        case.plan(|plan| plan.runs_at(runs))
    };
    vec![
        flushed("write-four-runs", "A run in each segment, the final one included.", &[1, 2, 3]),
        flushed("write-run-of-final", "The second run writes the final segment and nothing else.", &[3]),
        flushed("write-run-of-final-after-two", "The third run writes the final segment alone.", &[1, 3]),
        uniform("write-uniform-four-runs", "UNIFORM: a run in each segment.", &[1, 2, 3]),
        uniform("write-uniform-short-run", "UNIFORM: a run begins with the short segment.", &[2]),
        indexed("write-index-run", "A run begins with the index segment.", &[3]),
        indexed("write-index-in-run", "The second run writes the index segment too.", &[1]),
        indexed("write-index-alone", "The index segment is a run of its own.", &[3, 4]),
        flushed("write-zero-salt", "The run_salt of the first run is zero.", &[1]).plan(|plan| {
            let second = plan.runs[1];
            plan.runs(&[(0, [0; 16]), second])
        }),
        flushed("write-runs-epochs", "Runs in epochs 0, 1 and 3.", &[1, 3]).plan(|plan| plan.epochs(1)),
        flushed("write-runs-digest-2", "Runs with digest_alg 0x0002.", &[1, 3])
            .plan(|plan| plan.digest_alg(2)),
        flushed("write-runs-suite-2", "Runs with AES-256-GCM.", &[1, 3])
            .feature("suite-2")
            .plan(|plan| plan.epochs(65_536).header(|header| header.suite = 2)),
    ]
}

fn lengths() -> Vec<WriteCase> {
    let known = |len: u64| move |plan: Plan| plan.header(|header| header.plaintext_len = len);
    vec![
        case("write-plaintext-len", &["SV2-HDR-017"], "plaintext_len is known.", 4096, 300).plan(known(300)),
        case(
            "write-plaintext-len-source-longer",
            &["SV2-HDR-017"],
            "The source holds more than plaintext_len: the rest is not read.",
            4096,
            300,
        )
        .plan(known(300))
        .source_len(500),
        case(
            "write-plaintext-len-source-shorter",
            &["SV2-HDR-017", "SV2-WRT-005"],
            "The source ends one byte before plaintext_len.",
            4096,
            299,
        )
        .plan(known(300))
        .fails("io.source"),
    ]
}

fn optional() -> Vec<WriteCase> {
    let index = &["SV2-IDX-001", "SV2-IDX-002", "SV2-DIG-004"];
    vec![
        case(
            "write-suite-2",
            &["SV2-KEY-002", "SV2-FRM-007"],
            "AES-256-GCM, an epoch for two segments.",
            4096,
            5000,
        )
        .feature("suite-2")
        .plan(|plan| plan.epochs(2).header(|header| header.suite = 2)),
        case("write-index", index, "An index segment before the final one.", 4096, 5000).index(),
        case(
            "write-index-empty",
            index,
            "A writer of index segments writes none where there are no data segments.",
            4096,
            0,
        )
        .index(),
        case(
            "write-index-two",
            index,
            "170 data segments: a full index segment and a second one.",
            4096,
            170,
        )
        .flushes(&(1..170).collect::<Vec<_>>())
        .index(),
        case("write-index-full", index, "169 data segments: one full index segment.", 4096, 169)
            .flushes(&(1..169).collect::<Vec<_>>())
            .index(),
    ]
}

fn refused() -> Vec<WriteCase> {
    vec![
        case(
            "write-uniform-flush",
            &["SV2-HDR-016"],
            "UNIFORM and a flush in the middle of a segment.",
            4096,
            5000,
        )
        .flushes(&[100])
        .plan(Plan::uniform)
        .fails("misuse"),
    ]
}
