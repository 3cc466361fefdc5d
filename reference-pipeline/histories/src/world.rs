//! The segments that honest writers have sealed in several runs, and their histories.

/// The name of a segment: its segment_tag. No two segments share one (SV2-FRM-008).
pub(crate) type Name = u8;

/// R (§8.3): a run, by its run_salt and the segment_index of its first segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    /// The number of the run. The first run has the salt that is all zero.
    pub(crate) salt: u8,
    pub(crate) first: u8,
}

impl Run {
    /// R before segment 0. A run with a zero salt has the same R.
    pub(crate) const NONE: Self = Self { salt: 0, first: 0 };
}

/// T, as a hash without collisions: the names of all segments so far (§8.2).
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Transcript(u64);

impl Transcript {
    const BITS: u32 = 5;
    pub(crate) const NONE: Self = Self(0);
    /// Most segments of a history.
    pub(crate) const LEN_MAX: u8 = 12;
    /// Most segments of a world.
    pub(crate) const NAMES_MAX: usize = 31;

    pub(crate) const fn then(self, name: Name) -> Self {
        Self(self.0 << Self::BITS | (name as u64 + 1))
    }

    pub(crate) fn last(self) -> Option<Name> {
        u8::try_from(self.0 & 31).ok()?.checked_sub(1)
    }

    /// Returns the names, from segment 0 on.
    pub(crate) fn names(self) -> impl Iterator<Item = Name> {
        (0..u32::from(Self::LEN_MAX)).rev().filter_map(move |place| {
            let shifted = Self(self.0 >> (place * Self::BITS));
            shifted.last()
        })
    }
}

/// Plaintext of a full segment, and of a short one.
pub(crate) const FULL: u8 = 2;
pub(crate) const SHORT: u8 = 1;

/// The most entries of an index segment: n of §11.
pub(crate) const ENTRIES_MAX: usize = 2;

/// Data segments since the last index segment, or those that one covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entries {
    names: [Name; ENTRIES_MAX],
    /// n + 1 if there are more: then no index segment covers them.
    len: u8,
}

impl Entries {
    pub(crate) const NONE: Self = Self { names: [0; ENTRIES_MAX], len: 0 };

    pub(crate) fn and(mut self, name: Name) -> Self {
        if let Some(place) = self.names.get_mut(usize::from(self.len)) {
            *place = name;
        }
        self.len += u8::from(!self.are_too_many());
        self
    }

    pub(crate) fn as_slice(&self) -> &[Name] {
        &self.names[..usize::from(self.len).min(ENTRIES_MAX)]
    }

    /// Returns whether there are n.
    pub(crate) const fn are_all(&self) -> bool {
        self.len as usize == ENTRIES_MAX
    }

    pub(crate) const fn are_too_many(&self) -> bool {
        self.len as usize > ENTRIES_MAX
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.len == 0
    }
}

/// The purpose of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It holds this much plaintext.
    Data(u8),
    /// It holds the name of the index segment before it, and entries.
    Index(Option<Name>, Entries),
}

impl Kind {
    pub(crate) const fn plaintext(self) -> u8 {
        match self {
            Self::Data(len) => len,
            Self::Index(..) => 0,
        }
    }

    pub(crate) const fn is_data(self) -> bool {
        matches!(self, Self::Data(_))
    }
}

/// A data or index segment.
///
/// Its parts cannot be mixed with those of others: header, frames and terminator are bound to salt
/// and index.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Segment {
    pub(crate) name: Name,
    pub(crate) salt: u8,
    pub(crate) index: u8,
    /// RUN_START.
    pub(crate) starts: bool,
    pub(crate) kind: Kind,
    /// T of the segments before it.
    ///
    /// Its terminator contains it if the segment has RUN_START or is an index segment. Records of
    /// the segment always do.
    pub(crate) before: Transcript,
    /// The link in its terminator, under the same condition.
    pub(crate) link: Run,
    /// run_first and plaintext_len of a commit record for it.
    pub(crate) run_first: u8,
    pub(crate) total: u8,
}

impl Segment {
    pub(crate) const fn transcript(&self) -> Transcript {
        self.before.then(self.name)
    }
}

impl core::fmt::Debug for Transcript {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_list().entries(self.names()).finish()
    }
}

/// A final segment of a run that seals nothing else.
///
/// One of the run before differs only in its header, which a sequential reader accepts from fewer
/// places.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Final {
    pub(crate) index: u8,
    pub(crate) transcript: Transcript,
    pub(crate) link: Run,
    pub(crate) total: u8,
    /// Whether its distance leads to an index segment.
    pub(crate) indexed: bool,
}

/// The layout of the streams of a world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// UNIFORM: only the last data segment may be short.
    Uniform,
    /// Any data segment may be short, and no index segments.
    Free,
    /// Any data segment may be short, and runs write index segments of at most two entries, or
    /// none.
    Indexed,
}

/// Everything that was ever sealed under one stream header.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) layout: Layout,
    segments: Vec<Segment>,
    /// The names of the segments with each segment_index.
    at: [Vec<Name>; Transcript::LEN_MAX as usize + 1],
}

impl World {
    pub(crate) fn new(layout: Layout) -> Self {
        Self { layout, segments: Vec::new(), at: Default::default() }
    }

    pub(crate) fn len(&self) -> usize {
        self.segments.len()
    }

    pub(crate) fn is_full(&self) -> bool {
        self.len() >= Transcript::NAMES_MAX
    }

    pub(crate) fn segment(&self, name: Name) -> &Segment {
        &self.segments[usize::from(name)]
    }

    /// Returns every segment, which are the possible answers to a read.
    pub(crate) fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// Returns every segment with this segment_index.
    ///
    /// A reader that knows the index rejects other segments before it looks at anything else
    /// (SV2-ORD-001, SV2-RNG-001).
    pub(crate) fn at(&self, index: u8) -> impl Iterator<Item = &Segment> {
        self.at[usize::from(index)].iter().map(|name| self.segment(*name))
    }

    pub(crate) fn add(&mut self, segment: Segment) {
        self.at[usize::from(segment.index)].push(segment.name);
        self.segments.push(segment);
    }

    /// Removes the last segment.
    pub(crate) fn remove(&mut self) {
        if let Some(segment) = self.segments.pop() {
            self.at[usize::from(segment.index)].pop();
        }
    }

    /// Returns where a segment begins in the plaintext of a history, if it belongs to it.
    pub(crate) fn place_in(&self, history: Transcript, name: Name) -> Option<u8> {
        let mut place = 0;
        for known in history.names() {
            if known == name {
                return Some(place);
            }
            place += self.segment(known).kind.plaintext();
        }
        None
    }
}

/// Shows each run after its parent: its segments, full (`#`), short (`.`) or of the index (`i`).
impl core::fmt::Display for World {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        for segment in &self.segments {
            if segment.starts {
                write!(f, "\nrun {} at {} after {:?}: ", segment.salt, segment.index, segment.before)?;
            }
            let sign = match segment.kind {
                Kind::Data(FULL) => "#",
                Kind::Data(_) => ".",
                Kind::Index(..) => "i",
            };
            write!(f, "{}{sign} ", segment.name)?;
        }
        Ok(())
    }
}
