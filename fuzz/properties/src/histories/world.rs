//! The segments that honest runs of one stream have sealed.

use std::path::Path;
use std::sync::Arc;

use stream_v2_format::crypto::RunSalt;
use stream_v2_format::wire::StreamFlags;
use stream_v2_pipeline::{ContentKey, EncryptPipeline, FileSink, Salts, SourceStamp};
use stream_v2_testing::crash_sim::encryption::ends_from;
use stream_v2_testing::crash_sim::sim::{Contents, Op, Sim};
use stream_v2_testing::crash_sim::{BODY, output};
use stream_v2_testing::streams::small_segments;

use super::Layout;
use super::answers::Mix;
use super::range;
use crate::reader::key;

pub(super) use stream_v2_testing::crash_sim::SEGMENT;

/// A segment: its place among all segments of a world.
pub(super) type Name = usize;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Data,
    Index,
    Final,
}

/// A segment and the history that it is sealed into.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) bytes: Vec<u8>,
    pub(super) index: usize,
    pub(super) kind: Kind,
    /// Its part of the plaintext.
    pub(super) plaintext: Vec<u8>,
    /// The segments up to and including this one.
    pub(super) history: Vec<Name>,
    /// The journal of its run.
    pub(super) journal: Option<usize>,
}

impl Part {
    pub(super) fn tag(&self) -> &[u8] {
        &self.bytes[60..92]
    }
}

/// Everything that was ever written of one stream.
#[derive(Clone)]
pub(crate) struct World {
    pub(super) layout: Layout,
    pub(super) key: Arc<ContentKey>,
    pub(super) header: Vec<u8>,
    pub(super) parts: Vec<Part>,
    /// Journals as they were before they were removed.
    pub(super) journals: Vec<Vec<u8>>,
}

impl World {
    /// Makes the first run, on an empty disk.
    pub(super) fn begin(layout: Layout, len: usize) -> Self {
        let (parts, journals) = Default::default();
        let mut world = Self { layout, key: Arc::new(key()), header: Vec::new(), parts, journals };
        let (sim, source) = (Sim::default(), plaintext_of_run(0, len));
        let sink = FileSink::create(&output(&sim)).unwrap();
        world.pipeline(0).run_to_file(&source[..], SourceStamp::default(), sink, None).unwrap();
        world.header = sim.contents().file("out").unwrap()[..BODY].to_vec();
        world.remember(&Contents::default(), &sim, BODY, &[], &source);
        world
    }

    /// Returns the pipeline of a run. The first one has the salt that is all zero.
    pub(super) fn pipeline(&self, run: u8) -> EncryptPipeline<'_> {
        let mut pipeline = small_segments(&self.key, 1);
        pipeline.params.flags = StreamFlags::NONE.with(StreamFlags::UNIFORM, self.layout == Layout::Uniform);
        pipeline.set_index(self.layout == Layout::Indexed);
        pipeline.with_salts(Salts { stream_salt: [7; 32], run_salt: RunSalt::new([run; 16]) })
    }

    /// Keeps the segments that a complete run has written from byte `begin` of the result on, after
    /// a history. `added` is their plaintext.
    ///
    /// Then reads the result. No reader may refuse a result that honest runs have completed.
    pub(super) fn remember(
        &mut self,
        start: &Contents,
        sim: &Sim,
        begin: usize,
        after: &[Name],
        added: &[u8],
    ) {
        let contents = sim.contents();
        let result = contents.file("out").unwrap();
        let (mut history, mut rest) = (after.to_vec(), added);
        let journal = last_journal(start, &sim.log());
        let number = journal.as_ref().map(|_| self.journals.len());
        self.journals.extend(journal);
        for bounds in ends_from(result, begin).windows(2) {
            let bytes = &result[bounds[0]..bounds[1]];
            let kind = match bytes[8] {
                0 => Kind::Data,
                1 => Kind::Index,
                _ => Kind::Final,
            };
            let len = bytes[28..32].iter().rev().fold(0, |len, byte| len << 8 | usize::from(*byte));
            let (own, left) = rest.split_at_checked(len).unwrap();
            let index = history.len();
            history.push(self.parts.len());
            let (bytes, plaintext, history) = (bytes.to_vec(), own.to_vec(), history.clone());
            self.parts.push(Part { bytes, index, kind, plaintext, history, journal: number });
            rest = left;
        }
        assert!(rest.is_empty(), "all of the source is in the stream");
        let last = self.parts.len() - 1;
        assert_eq!(self.parts[last].kind, Kind::Final);
        super::decryption::sequential(self, last, &Mix::NONE, false);
        range::read_backwards(self, last);
        range::by(self, last);
    }

    /// Returns the plaintext of consecutive segments.
    pub(super) fn plaintext(&self, history: &[Name]) -> Vec<u8> {
        history.iter().flat_map(|name| &self.parts[*name].plaintext).copied().collect()
    }

    /// Returns the segments with this segment_index.
    pub(super) fn at(&self, index: usize) -> Vec<Name> {
        (0..self.parts.len()).filter(|name| self.parts[*name].index == index).collect()
    }

    pub(super) fn pick_final(&self, which: u8) -> Option<Name> {
        let finals = (0..self.parts.len()).filter(|name| self.parts[*name].kind == Kind::Final);
        pick(&finals.collect::<Vec<_>>(), which).copied()
    }

    /// Returns whether some history begins with these bytes.
    pub(super) fn is_beginning(&self, released: &[u8]) -> bool {
        self.parts.iter().any(|part| self.plaintext(&part.history).starts_with(released))
    }
}

/// Picks one of the elements, if there are any.
pub(super) fn pick<T>(from: &[T], which: u8) -> Option<&T> {
    usize::from(which).checked_rem(from.len()).map(|place| &from[place])
}

/// Returns the plaintext that a run adds. It differs from the plaintext of any other run.
pub(super) fn plaintext_of_run(run: u8, len: usize) -> Vec<u8> {
    (0..251).cycle().map(|byte: u8| byte ^ run.wrapping_mul(0x35)).take(len).collect()
}

/// Returns the journal as it was before it was removed.
fn last_journal(start: &Contents, log: &[Op]) -> Option<Vec<u8>> {
    let (mut contents, mut journal) = (start.clone(), None);
    for op in log {
        if *op == Op::Remove(Path::new("out.journal").into()) {
            journal = contents.file("out.journal").cloned();
        }
        contents.apply(op);
    }
    journal
}
