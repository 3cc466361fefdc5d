//! The plan of a stream: parameters, segments, runs, and the places at which a vector makes it
//! wrong.

use std::rc::Rc;

use crate::generator::plaintext::{Pattern, counting};
use crate::generator::wire::builder::Builder;
use crate::generator::wire::envelope::envelope_len;
use crate::generator::wire::stream_header::{PLAINTEXT_LEN_UNKNOWN, StreamHeader, UNIFORM};

/// One segment to be written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Item {
    /// A data segment of this many plaintext bytes.
    Data(usize),
    Index,
    Final,
}

/// Alters bytes in place.
pub(crate) type Alter = Rc<dyn Fn(&mut Vec<u8>)>;

/// A place at which a vector alters the work of an honest writer. Later values are computed from
/// the altered value.
#[derive(Clone)]
pub(crate) enum Tweak {
    /// The payload, before it is cut into frames.
    Payload(usize, Alter),
    /// Header fields and frames, before sealing.
    Segment(usize, Rc<dyn Fn(&mut Builder)>),
    /// The plaintext of the digest frame.
    Digest(usize, Alter),
    /// The sealed wire, before its CRC.
    Wire(usize, Alter),
    /// The header after segment_tag, before its own CRC.
    Tagged(usize, Alter),
}

/// A stream to be written.
#[derive(Clone)]
pub(crate) struct Plan {
    pub(crate) content_key: [u8; 32],
    pub(crate) context: Vec<u8>,
    pub(crate) header: StreamHeader,
    pub(crate) stanzas: Vec<u8>,
    pub(crate) digest_alg: u16,
    pub(crate) plaintext: Pattern,
    pub(crate) items: Vec<Item>,
    /// The segment_index that each run begins with, and its run_salt.
    pub(crate) runs: Vec<(usize, [u8; 16])>,
    pub(crate) tweaks: Vec<Tweak>,
}

/// Returns the run_salt of run 0, 1, 2 and so on.
pub(crate) fn run_salt(run: u8) -> [u8; 16] {
    counting(0x40 + 0x10 * run)
}

impl Plan {
    /// Returns data segments of the given lengths and a final segment, with F = S = 4096 and one
    /// run.
    pub(crate) fn flushed(lens: &[usize]) -> Self {
        let items = lens.iter().copied().map(Item::Data).chain([Item::Final]).collect();
        Self::new(4096, Pattern::counting(lens.iter().sum()), items)
    }

    /// Returns data segments of S bytes each, except for the last, and a final segment, with F =
    /// 4096.
    pub(crate) fn filled(segment_size: u32, len: usize) -> Self {
        Self::new(segment_size, Pattern::counting(len), cut(len, segment_size as usize, &[]))
    }

    fn new(segment_size: u32, plaintext: Pattern, items: Vec<Item>) -> Self {
        Self {
            content_key: counting(0),
            context: Vec::new(),
            header: StreamHeader {
                version: 1,
                suite: 1,
                flags: 0,
                frame_size_log2: 12,
                reserved_15: 0,
                segment_size,
                epoch_segments: 0,
                plaintext_len: PLAINTEXT_LEN_UNKNOWN,
                stream_salt: counting(0x20),
                key_id: [0; 16],
                envelope_len: 0,
                reserved_116: [0; 8],
            },
            stanzas: Vec::new(),
            digest_alg: 1,
            plaintext,
            items,
            runs: vec![(0, run_salt(0))],
            tweaks: Vec::new(),
        }
    }

    /// Sets fields of the stream header. All else is computed from them.
    pub(crate) fn header(mut self, set: impl FnOnce(&mut StreamHeader)) -> Self {
        set(&mut self.header);
        self
    }

    pub(crate) fn uniform(self) -> Self {
        self.header(|header| header.flags |= UNIFORM)
    }

    pub(crate) fn epochs(self, segments: u32) -> Self {
        self.header(|header| header.epoch_segments = segments)
    }

    pub(crate) fn context(mut self, context: &[u8]) -> Self {
        self.context = context.to_vec();
        self
    }

    pub(crate) fn envelope(mut self, stanzas: Vec<u8>) -> Self {
        self.header.envelope_len = envelope_len(&stanzas);
        self.stanzas = stanzas;
        self
    }

    pub(crate) fn digest_alg(mut self, digest_alg: u16) -> Self {
        self.digest_alg = digest_alg;
        self
    }

    /// Begins run 0 at segment 0 and the others at the given segments.
    pub(crate) fn runs_at(mut self, segments: &[usize]) -> Self {
        let firsts = [0].iter().chain(segments).copied();
        self.runs = firsts.zip(0_u8..).map(|(first, run)| (first, run_salt(run))).collect();
        self
    }

    /// Names the runs one by one.
    pub(crate) fn runs(mut self, runs: &[(usize, [u8; 16])]) -> Self {
        self.runs = runs.to_vec();
        self
    }

    pub(crate) fn items(mut self, items: &[Item]) -> Self {
        self.items = items.to_vec();
        self
    }

    pub(crate) fn plaintext(mut self, plaintext: Pattern) -> Self {
        self.plaintext = plaintext;
        self
    }

    pub(crate) fn payload(self, segment: usize, alter: impl Fn(&mut Vec<u8>) + 'static) -> Self {
        self.tweak(Tweak::Payload(segment, Rc::new(alter)))
    }

    pub(crate) fn builder(self, segment: usize, alter: impl Fn(&mut Builder) + 'static) -> Self {
        self.tweak(Tweak::Segment(segment, Rc::new(alter)))
    }

    pub(crate) fn digest(self, segment: usize, alter: impl Fn(&mut Vec<u8>) + 'static) -> Self {
        self.tweak(Tweak::Digest(segment, Rc::new(alter)))
    }

    pub(crate) fn wire(self, segment: usize, alter: impl Fn(&mut Vec<u8>) + 'static) -> Self {
        self.tweak(Tweak::Wire(segment, Rc::new(alter)))
    }

    pub(crate) fn tagged(self, segment: usize, alter: impl Fn(&mut Vec<u8>) + 'static) -> Self {
        self.tweak(Tweak::Tagged(segment, Rc::new(alter)))
    }

    fn tweak(mut self, tweak: Tweak) -> Self {
        self.tweaks.push(tweak);
        self
    }
}

/// Returns full segments, except at flushes (offsets in the plaintext) and the end (SV2-WRT-004).
pub(crate) fn cut(len: usize, segment_size: usize, flushes: &[usize]) -> Vec<Item> {
    let mut items = Vec::new();
    let mut taken = 0;
    while taken < len {
        let flush = flushes.iter().copied().find(|flush| *flush > taken).unwrap_or(len);
        let end = len.min(taken + segment_size).min(flush);
        items.push(Item::Data(end - taken));
        taken = end;
    }
    items.push(Item::Final);
    items
}

/// Adds index segments at the places required of a writer of index segments (SV2-IDX-001).
pub(crate) fn with_index(items: &[Item], entries_max: usize) -> Vec<Item> {
    let mut indexed = Vec::new();
    let mut uncovered = 0;
    for item in items {
        if uncovered == entries_max || (uncovered > 0 && *item == Item::Final) {
            indexed.push(Item::Index);
            uncovered = 0;
        }
        uncovered += usize::from(matches!(item, Item::Data(_)));
        indexed.push(*item);
    }
    indexed
}
