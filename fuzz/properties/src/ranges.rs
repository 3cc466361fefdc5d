//! A tree of histories of one stream, storage that answers with any of their segments, and the data
//! that readers of ranges release from it.

use std::cell::{Cell, RefCell};
use std::io;

use arbitrary::{Result, Unstructured};
use stream_v2_format::crypto::{Progress, Run, RunSalt, SealedSegment, SegmentSealer, StreamSealer};
use stream_v2_format::wire::StreamParams;
use stream_v2_format::{Detail, SegmentIndex};
use stream_v2_pipeline::{DecryptPipeline, ReadAt};
use stream_v2_testing::piecewise;

use crate::capture::Captured;
use crate::reader::key;

/// A segment that was sealed after the segments of its parent. The first node precedes all of them.
struct Node {
    parent: usize,
    bytes: Vec<u8>,
    plaintext: Vec<u8>,
    progress: Progress,
}

/// A final segment, after a node.
struct Closing {
    node: usize,
    bytes: Vec<u8>,
}

/// The way in which segments can be found in a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Uniform,
    Plain,
    Indexed,
}

/// Everything that the writers of one stream have ever sealed.
struct Tree {
    stream: StreamSealer,
    form: Form,
    nodes: Vec<Node>,
    closings: Vec<Closing>,
}

impl Tree {
    fn grow(values: &mut Unstructured<'_>) -> Result<Self> {
        let form = *values.choose(&[Form::Uniform, Form::Plain, Form::Indexed])?;
        let params = StreamParams::new([9; 32])
            .with_uniform(form == Form::Uniform)
            .with_frame_size_log2(12)
            .with_segment_size(4096)
            .with_epoch_segments(values.int_in_range(0..=2)?);
        let stream = StreamSealer::new(params, &key(), b"").unwrap();
        let (bytes, plaintext, progress) = (Vec::new(), Vec::new(), Progress::of_writer(&stream));
        let nodes = vec![Node { parent: 0, bytes, plaintext, progress }];
        let mut tree = Self { stream, form, nodes, closings: Vec::new() };
        for run in 1..=values.int_in_range(1..=6)? {
            tree.run(run, values)?;
        }
        Ok(tree)
    }

    /// Runs a writer that resumes after any node, and perhaps ends the stream there.
    fn run(&mut self, run: u8, values: &mut Unstructured<'_>) -> Result<()> {
        // Most runs resume the last one, or begin anew.
        let mut node = match values.int_in_range(0..=4)? {
            0 => 0,
            1..=3 => self.nodes.len() - 1,
            _ => values.choose_index(self.nodes.len())?,
        };
        let progress = &self.nodes[node].progress;
        let salt = RunSalt::new([run; 16]);
        let first = SegmentIndex(u32::try_from(progress.segments()).unwrap());
        let begun = Run::resuming(salt, first, *progress.transcript(), *progress.link());
        let mut sealer = SegmentSealer::new(&self.stream, begun);
        for _ in 0..values.int_in_range(0..=3)? {
            let Some(next) = self.data(run, node, &mut sealer, values)? else { break };
            node = next;
        }
        if values.ratio(2, 3)? {
            node = self.index(node, &mut sealer);
            self.close(node, &mut sealer);
        }
        Ok(())
    }

    /// Adds one more data segment, if the writer may have one. Segments of different runs can have
    /// the same length.
    fn data(
        &mut self,
        run: u8,
        parent: usize,
        sealer: &mut SegmentSealer,
        values: &mut Unstructured<'_>,
    ) -> Result<Option<usize>> {
        let mut progress = self.nodes[parent].progress.clone();
        if progress.committed().ends(self.stream.header()) {
            return Ok(None);
        }
        let index = index_of(&progress);
        let len = match self.form {
            Form::Uniform if values.ratio(1, 6)? => values.int_in_range(1..=4095_usize)?,
            Form::Uniform => 4096,
            _ => *values.choose(&[8, 60, 112])?,
        };
        let plaintext = vec![run << 4 | u8::try_from(index.0).unwrap(); len];
        let mut wire = vec![0; sealer.wire_len(index, u32::try_from(len).unwrap())];
        let sealed = sealer.seal_data(index, &plaintext, &mut wire).unwrap();
        progress.sealed(&sealed).unwrap();
        Ok(Some(self.push(Node { parent, bytes: bytes_of(&sealed, &wire), plaintext, progress })))
    }

    /// Adds the index segment that is due before the final one.
    fn index(&mut self, parent: usize, sealer: &mut SegmentSealer) -> usize {
        let mut progress = self.nodes[parent].progress.clone();
        let payload = progress.index_payload(true).filter(|_| self.form == Form::Indexed);
        let Some(payload) = payload else { return parent };
        let (transcript, link) = (progress.transcript(), progress.link());
        let (sealed, wire) = sealer.seal_index(index_of(&progress), &payload, transcript, link).unwrap();
        progress.sealed(&sealed).unwrap();
        self.push(Node { parent, bytes: bytes_of(&sealed, &wire), plaintext: Vec::new(), progress })
    }

    fn close(&mut self, node: usize, sealer: &mut SegmentSealer) {
        let progress = &self.nodes[node].progress;
        let mut wire = vec![0; SegmentSealer::final_wire_len()];
        let sealed = sealer.seal_final(index_of(progress), &progress.trailer(), &mut wire).unwrap();
        self.closings.push(Closing { node, bytes: bytes_of(&sealed, &wire) });
    }

    fn push(&mut self, node: Node) -> usize {
        self.nodes.push(node);
        self.nodes.len() - 1
    }

    /// Returns the nodes up to and including this one.
    fn path(&self, node: usize) -> Vec<usize> {
        let mut path: Vec<usize> = std::iter::successors(Some(node), |&node| Some(self.nodes[node].parent))
            .take_while(|&node| node != 0)
            .collect();
        path.reverse();
        path
    }

    fn plaintext(&self, node: usize) -> Vec<u8> {
        self.path(node).into_iter().flat_map(|node| self.nodes[node].plaintext.clone()).collect()
    }

    /// Returns a possible answer of storage: the history of a final segment, with some segments
    /// exchanged, left out or repeated.
    fn answer(&self, closing: usize, values: &mut Unstructured<'_>) -> Result<(bool, Vec<u8>)> {
        let closing = &self.closings[closing];
        let mut path = self.path(closing.node);
        let edits = values.int_in_range(0..=3)?;
        for _ in 0..edits {
            let place = values.choose_index(path.len() + 1)?;
            let other = values.choose_index(self.nodes.len())?;
            match values.int_in_range(0..=7)? {
                0 if place < path.len() => _ = path.remove(place),
                1 if other != 0 => path.insert(place, other),
                // All of a branch up to this place.
                2..=4 if other != 0 => {
                    let before = self.path(other);
                    let end = before.len().min(path.len());
                    path[..end].copy_from_slice(&before[..end]);
                }
                // Most often a segment with the same number.
                _ if place < path.len() => {
                    let depth = |node| self.path(node).len();
                    let mut same = (1..self.nodes.len()).filter(|&node| depth(node) == depth(path[place]));
                    let number = values.choose_index(same.clone().count())?;
                    path[place] = same.nth(number).unwrap();
                }
                _ => {}
            }
        }
        let mut bytes = self.stream.header_bytes().to_vec();
        path.iter().for_each(|&node| bytes.extend_from_slice(&self.nodes[node].bytes));
        bytes.extend_from_slice(&closing.bytes);
        Ok((edits == 0, bytes))
    }
}

fn index_of(progress: &Progress) -> SegmentIndex {
    SegmentIndex(u32::try_from(progress.segments()).unwrap())
}

fn bytes_of(sealed: &SealedSegment, wire: &[u8]) -> Vec<u8> {
    [&sealed.header.to_bytes(), wire].concat()
}

/// Answers with one of several versions, and remembers its answers for the end.
struct Storage<'a> {
    versions: &'a [Vec<u8>],
    /// The version that answers each read.
    turns: &'a [u8],
    reads: Cell<usize>,
    ends: RefCell<Vec<Vec<u8>>>,
}

impl Storage<'_> {
    fn now(&self) -> &[u8] {
        let turn = self.turns.get(self.reads.get()).or(self.turns.last()).copied().unwrap_or(0);
        &self.versions[usize::from(turn) % self.versions.len()]
    }
}

impl ReadAt for Storage<'_> {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.now().read_at(offset, buffer)?;
        if buffer.len() == 256 {
            self.ends.borrow_mut().push(buffer.to_vec());
        }
        self.reads.set(self.reads.get() + 1);
        Ok(read)
    }

    fn stream_len(&self) -> io::Result<u64> {
        self.now().stream_len()
    }
}

/// Checks that all released data is at its place in the history of the verified final segment,
/// whatever storage answers at any time. An unchanged history is released whole.
pub fn ranges(data: &[u8]) {
    let mut values = Unstructured::new(data);
    let _ = told(&mut values);
}

fn told(values: &mut Unstructured<'_>) -> Result<()> {
    let tree = Tree::grow(values)?;
    if tree.closings.is_empty() {
        return Ok(());
    }
    let closing = values.choose_index(tree.closings.len())?;
    let (mut versions, mut unchanged) = (Vec::new(), Vec::new());
    for _ in 0..values.int_in_range(1..=3)? {
        let closing = if values.ratio(1, 4)? { values.choose_index(tree.closings.len())? } else { closing };
        let (same, bytes) = tree.answer(closing, values)?;
        versions.push(bytes);
        unchanged.push(same);
    }
    let turns: Vec<u8> =
        (0..values.int_in_range(0..=24)?).map(|_| values.arbitrary()).collect::<Result<_>>()?;
    let mut wanted = Vec::new();
    for _ in 0..values.int_in_range(1..=5)? {
        let begin = values.int_in_range(0..=3 * 4096_u64)?;
        let begin = if tree.form == Form::Uniform { begin } else { begin % 400 };
        wanted.push((begin, values.int_in_range(0..=5000_u64)?, values.ratio(1, 3)?));
    }
    let picture: Vec<(usize, usize)> =
        tree.nodes.iter().map(|node| (node.parent, node.plaintext.len())).collect();
    let asked = (tree.form, picture, closing, &unchanged, &turns, &wanted);
    let _told = Captured(&asked);
    read_ranges(&tree, &versions, &turns, &wanted, versions.len() == 1 && unchanged[0]);
    versions.iter().for_each(|version| read_in_order(&tree, version));
    Ok(())
}

fn read_ranges(
    tree: &Tree,
    versions: &[Vec<u8>],
    turns: &[u8],
    wanted: &[(u64, u64, bool)],
    all_is_there: bool,
) {
    let key = key();
    let storage = Storage { versions, turns, reads: Cell::new(0), ends: RefCell::default() };
    let mut opened = None;
    for &(begin, len, anew) in wanted {
        if anew || opened.is_none() {
            let ranges = DecryptPipeline::new(&key).open_ranges(&storage).ok();
            assert!(ranges.is_some() || !all_is_there);
            // The final segment is read last.
            let end = storage.ends.borrow().last().cloned();
            let is_end = |closing: &&Closing| Some(&closing.bytes) == end.as_ref();
            opened = ranges.map(|ranges| (ranges, tree.closings.iter().find(is_end).unwrap()));
        }
        let Some((ranges, closing)) = &mut opened else { continue };
        let history = tree.plaintext(closing.node);
        assert_eq!(ranges.plaintext_len(), history.len() as u64);
        let mut released = Vec::new();
        let result = ranges.copy_range(begin..begin + len, &mut released);
        let expected = history.get(usize::try_from(begin).unwrap()..).unwrap_or_default();
        let expected = &expected[..expected.len().min(usize::try_from(len).unwrap())];
        assert!(expected.starts_with(&released), "what was released is not at its place in the history");
        assert!(result.is_err() || released == expected);
        assert!(result.is_ok() || !all_is_there);
    }
}

/// Asserts that a sequential reader releases a prefix of one history, and the whole history if it
/// succeeds.
fn read_in_order(tree: &Tree, version: &[u8]) {
    let (released, result) = piecewise::read(version, &key(), b"");
    match result {
        Ok(_) => {
            let of_this = |closing: &&Closing| version.ends_with(&closing.bytes);
            let closing = tree.closings.iter().find(of_this).unwrap();
            assert!(released == tree.plaintext(closing.node));
        }
        Err(error) => {
            assert_ne!(error.detail(), Detail::Misuse);
            assert!((0..tree.nodes.len()).any(|node| tree.plaintext(node).starts_with(&released)));
        }
    }
}
