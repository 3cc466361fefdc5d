//! A storage that answers each read with some genuine segment.

use std::collections::BTreeMap;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::{Arc, Mutex, PoisonError};

use arbitrary::Arbitrary;
use stream_v2_pipeline::ReadAt;

use super::world::{Kind, Name, World, pick};

/// The changes to a history.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub(super) struct Mix {
    branch: Option<Branch>,
    /// A byte for each read of a segment's beginning. After the last byte, the first one follows
    /// again.
    noise: Option<[u8; 7]>,
}

/// The first segments are from another history: the segment that ends it, and their number.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub(super) struct Branch(u8, u8);

impl Branch {
    /// Returns this history with the other segments first.
    pub(super) fn of(self, world: &World, history: &[Name]) -> Vec<Name> {
        let other = pick(&world.parts, self.0).map_or(&[][..], |part| &part.history);
        let most = other.len().min(history.len());
        let count = usize::from(self.1) % (most + 1);
        [&other[..count], &history[count..]].concat()
    }
}

/// The source of an answer.
enum Choice {
    /// The history with the branch first.
    Mixed,
    Honest,
    /// Any segment with this segment_index.
    Any(u8),
}

impl Mix {
    pub(super) const NONE: Self = Self { branch: None, noise: None };

    /// Returns whether every answer is honest for any read.
    pub(super) const fn is_none(&self) -> bool {
        self.branch.is_none() && self.noise.is_none()
    }

    fn choice(&self, read: usize) -> Choice {
        match self.noise.map(|noise| noise[read % noise.len()]) {
            Some(byte) if byte % 4 == 3 => Choice::Any(byte / 4),
            Some(byte) if byte % 4 == 2 => Choice::Honest,
            _ => Choice::Mixed,
        }
    }
}

/// The beginning of a segment as the reader saw it: its segment_index and the last answer there.
#[derive(Clone, Copy)]
struct Begin {
    index: usize,
    answer: Option<Name>,
}

/// Bytes of a stream as the storage shows them.
pub(super) struct Answers {
    world: Arc<World>,
    /// The answers without the mix, and with the branch.
    honest: Vec<Name>,
    mixed: Vec<Name>,
    begins: BTreeMap<u64, Begin>,
    mix: Mix,
    answered: usize,
    len: u64,
    /// The final segment that was answered last.
    last: Option<Name>,
    /// Whether the end of the stream is always shown unchanged.
    keeps_last: bool,
}

impl Answers {
    pub(super) fn new(world: Arc<World>, honest: Vec<Name>, mix: &Mix) -> Self {
        let mut begins = BTreeMap::new();
        let mut end = world.header.len() as u64;
        for (index, name) in honest.iter().enumerate() {
            begins.insert(end, Begin { index, answer: None });
            end += world.parts[*name].bytes.len() as u64;
        }
        begins.insert(end, Begin { index: honest.len(), answer: None });
        let mixed = mix.branch.map_or_else(|| honest.clone(), |branch| branch.of(&world, &honest));
        Self { world, honest, mixed, begins, mix: *mix, answered: 0, len: end, last: None, keeps_last: false }
    }

    /// Answers for a stream that ends with this final segment.
    pub(super) fn of(world: &World, last: Name, mix: &Mix) -> Self {
        Self::new(Arc::new(world.clone()), world.parts[last].history.clone(), mix)
    }

    /// Returns the final segment that was answered last.
    pub(super) const fn last(&self) -> Option<Name> {
        self.last
    }

    /// From now on always shows the end of the stream unchanged.
    pub(super) const fn keep_last(&mut self) {
        self.keeps_last = true;
    }

    /// Chooses the segment at a segment's beginning for this read.
    fn choose(&mut self, index: usize) -> Option<Name> {
        if self.keeps_last && index + 1 == self.honest.len() {
            return self.honest.last().copied();
        }
        let choice = self.mix.choice(self.answered);
        self.answered += 1;
        let mixed = self.mixed.get(index).copied();
        match choice {
            Choice::Mixed => mixed,
            Choice::Honest => self.honest.get(index).copied(),
            Choice::Any(which) => pick(&self.world.at(index), which).copied().or(mixed),
        }
    }

    /// Reads up to the end of a segment.
    fn read_at(&mut self, offset: u64, buffer: &mut [u8]) -> usize {
        let header = &self.world.header;
        if let Some(mut rest) = usize::try_from(offset).ok().and_then(|begin| header.get(begin..))
            && !rest.is_empty()
        {
            return rest.read(buffer).unwrap_or(0);
        }
        let Some((&at, &begin)) = self.begins.range(..=offset).next_back() else { return 0 };
        let mut answer = begin.answer;
        if at == offset {
            answer = self.choose(begin.index);
            self.begins.insert(at, Begin { answer, ..begin });
        }
        let Some(name) = answer else { return 0 };
        let part = &self.world.parts[name];
        if part.kind == Kind::Final {
            self.last = answer;
        }
        // The next segment follows.
        let end = at + part.bytes.len() as u64;
        let index = begin.index + 1;
        let next = self.begins.entry(end).or_insert(Begin { index, answer: None });
        if next.index != index {
            *next = Begin { index, answer: None };
        }
        let inside = usize::try_from(offset - at).unwrap_or(usize::MAX).min(part.bytes.len());
        (&part.bytes[inside..]).read(buffer).unwrap_or(0)
    }
}

/// The same storage for a reader that reads at any place or moves a position.
#[derive(Clone)]
pub(super) struct Shown {
    answers: Arc<Mutex<Answers>>,
    pub(super) position: u64,
}

impl Shown {
    pub(super) fn new(answers: Answers) -> Self {
        Self { answers: Arc::new(Mutex::new(answers)), position: 0 }
    }

    pub(super) fn with<T>(&self, ask: impl FnOnce(&mut Answers) -> T) -> T {
        ask(&mut self.answers.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl ReadAt for Shown {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(self.with(|answers| answers.read_at(offset, buffer)))
    }

    fn stream_len(&self) -> io::Result<u64> {
        Ok(self.with(|answers| answers.len))
    }
}

impl Read for Shown {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = ReadAt::read_at(self, self.position, buffer)?;
        self.position += read as u64;
        Ok(read)
    }
}

impl Seek for Shown {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let from = |base: u64, by| base.checked_add_signed(by).ok_or(io::ErrorKind::InvalidInput);
        self.position = match to {
            SeekFrom::Start(to) => to,
            SeekFrom::Current(by) => from(self.position, by)?,
            SeekFrom::End(by) => from(ReadAt::stream_len(self)?, by)?,
        };
        Ok(self.position)
    }
}
