//! Streams with any fault that are sealed all the same, as a holder of the key could write them.
//!
//! A fuzzer that flips bits gets no further than the first CRC or tag. Here the edit comes first,
//! and everything after it is computed from the edited value: frames, digest, CRCs, tags.

use std::collections::BTreeSet;

use arbitrary::{Arbitrary, Result, Unstructured};

use crate::generator::plaintext::Pattern;
use crate::generator::plan::{Item, Plan, run_salt, with_index};
use crate::generator::wire::envelope::padding;
use crate::generator::wire::stream_header::PLAINTEXT_LEN_UNKNOWN;

mod edit;
mod repair;

pub use edit::{Change, Edit};
pub use repair::{repair_crcs, repair_segment};

/// The least n of §11. No forgery has as many data segments.
const ENTRIES_MAX: usize = 169;

/// A stream to be written, and its faults. Any value of any field is a stream, of some 100 KiB at
/// most.
#[derive(Clone, Debug, Default)]
pub struct Forgery {
    /// Whether the flag UNIFORM is set. Data segments except the last are then full.
    pub uniform: bool,
    /// Whether F is 8 KiB instead of 4.
    pub large_frames: bool,
    /// Whether S is two frames instead of one.
    pub two_frames: bool,
    /// Segments of a key epoch, or 0 for one epoch.
    pub epoch_segments: u8,
    /// Whether the length of the plaintext is declared.
    pub declared: bool,
    /// Whether the digest is that over the frames.
    pub digest_over_frames: bool,
    /// Whether there is an envelope, of a padding stanza.
    pub envelope: bool,
    /// Whether index segments are written, if UNIFORM allows it.
    pub indexed: bool,
    /// Draws the plaintext length of each data segment. At most six segments count, three with
    /// UNIFORM.
    pub lens: Vec<u16>,
    /// The segments at which further runs begin.
    pub runs: BTreeSet<u8>,
    /// The faults. The first one hides the others.
    pub edits: Vec<Edit>,
}

/// Most drawn forgeries have a few segments and one fault, because a stream with two faults tests
/// only one.
impl<'a> Arbitrary<'a> for Forgery {
    fn arbitrary(values: &mut Unstructured<'a>) -> Result<Self> {
        let edits = *values.choose(&[1, 1, 1, 1, 2, 2, 3, 0])?;
        let edits = (0..edits).map(|_| values.arbitrary()).collect::<Result<_>>()?;
        let lens = values.int_in_range(0..=6)?;
        let runs = *values.choose(&[0, 0, 1, 2])?;
        Ok(Self {
            edits,
            uniform: values.arbitrary()?,
            large_frames: values.ratio(1, 8)?,
            two_frames: values.ratio(1, 4)?,
            epoch_segments: values.int_in_range(0..=3)?,
            declared: values.ratio(1, 4)?,
            digest_over_frames: values.ratio(1, 4)?,
            envelope: values.ratio(1, 8)?,
            indexed: values.arbitrary()?,
            lens: (0..lens).map(|_| values.arbitrary()).collect::<Result<_>>()?,
            runs: (0..runs).map(|_| values.int_in_range(1..=7)).collect::<Result<_>>()?,
        })
    }
}

impl Forgery {
    /// Returns the bytes of the stream, under the content key 00 01 02 … 1f and the empty context.
    #[must_use]
    pub fn write(&self) -> Vec<u8> {
        let lens = self.lens();
        let edits = &self.edits;
        let plan = edits.iter().fold(self.plan(&lens), |plan, edit| edit.plan(plan));
        let stream = edits.iter().fold(plan.write(), |stream, edit| edit.stream(stream));
        edits.iter().fold(stream.bytes(), |bytes, edit| edit.bytes(bytes))
    }

    /// Returns the plaintext of the stream without faults.
    #[must_use]
    pub fn plaintext(&self) -> Vec<u8> {
        Pattern::counting(self.lens().iter().sum()).bytes()
    }

    fn frame_size_log2(&self) -> u8 {
        12 + u8::from(self.large_frames)
    }

    fn segment_size(&self) -> u32 {
        1 << (self.frame_size_log2() + u8::from(self.two_frames))
    }

    /// Returns the plaintext length of each data segment: at least one, at most S, and S if UNIFORM
    /// requires it. Most are short, because faults seldom depend on the length.
    fn lens(&self) -> Vec<usize> {
        let full = self.segment_size() as usize;
        let len = |len: usize| if len.is_multiple_of(8) { len % full + 1 } else { len % 100 + 1 };
        let most = if self.uniform { 3 } else { 6 };
        let mut lens: Vec<_> = self.lens.iter().take(most).map(|drawn| len(usize::from(*drawn))).collect();
        if self.uniform
            && let Some((_, before)) = lens.split_last_mut()
        {
            before.fill(full);
        }
        lens
    }

    fn plan(&self, lens: &[usize]) -> Plan {
        let mut items: Vec<Item> = lens.iter().copied().map(Item::Data).chain([Item::Final]).collect();
        if self.indexed && !self.uniform {
            items = with_index(&items, ENTRIES_MAX);
        }
        let len = lens.iter().sum();
        let starts = self.runs.iter().map(|start| usize::from(*start)).filter(|start| *start > 0);
        let runs: Vec<_> = [0].into_iter().chain(starts).zip((0..=10).map(run_salt)).collect();
        let plan = Plan::flushed(&[])
            .header(|header| {
                header.flags = u16::from(self.uniform);
                header.frame_size_log2 = self.frame_size_log2();
                header.segment_size = self.segment_size();
                header.epoch_segments = u32::from(self.epoch_segments);
                header.plaintext_len = if self.declared { len as u64 } else { PLAINTEXT_LEN_UNKNOWN };
            })
            .digest_alg(1 + u16::from(self.digest_over_frames))
            .plaintext(Pattern::counting(len))
            .items(&items)
            .runs(&runs);
        if self.envelope { plan.envelope(padding(8)) } else { plan }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broken::plain_read;

    const KEY: [u8; 32] = [
        0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27,
        28, 29, 30, 31,
    ];

    fn forgery() -> Forgery {
        Forgery { lens: vec![5, 4002, 70], runs: [2].into(), ..Forgery::default() }
    }

    fn refused(edits: Vec<Edit>) -> &'static str {
        let bytes = Forgery { edits, ..forgery() }.write();
        plain_read(&bytes, &KEY, b"", false).error.map_or("accepted", |(error, ..)| error)
    }

    #[test]
    fn without_an_edit_it_is_a_stream() {
        let read = plain_read(&forgery().write(), &KEY, b"", false);
        assert_eq!((read.released, read.error), (forgery().plaintext(), None));
    }

    #[test]
    fn an_edit_is_found_for_what_it_is() {
        for (edit, error) in [
            (Edit::StreamField(2, Change::To(4)), "unsupported.flags"),
            (Edit::SegmentField(1, 6, Change::Up), "malformed.key_epoch"),
            (Edit::FrameField(0, 0, 2, Change::Bit(1)), "malformed.frame_len"),
            (Edit::Digest(0, 5, 1), "auth.digest"),
            (Edit::Terminator(2, 0, 1), "order.transcript"),
            (Edit::SealingEpoch(0, 3), "auth.frame"),
            (Edit::Wire(1, 9, 1), "auth.frame"),
            (Edit::Tagged(1, 61, 1), "auth.segment_tag"),
            (Edit::Repaired(0, 200, 1), "auth.segment_tag"),
            (Edit::Flip(130, 1), "malformed.magic"),
            (Edit::Swap(0, 1), "order.segment_index"),
            (Edit::Drop(3), "truncated"),
            (Edit::Cut(100), "truncated"),
            (Edit::Tail(1), "trailing"),
            (Edit::Index(0), "malformed.payload_len"),
            (Edit::Index(1), "order.index"),
        ] {
            assert_eq!(refused(vec![edit.clone()]), error, "{edit:?}");
        }
    }

    #[test]
    fn an_index_segment_is_in_its_place_or_refused() {
        let indexed = Forgery { indexed: true, ..forgery() };
        let read = plain_read(&indexed.write(), &KEY, b"", false);
        assert_eq!((read.released, read.error), (forgery().plaintext(), None));
        let built = Forgery { edits: vec![Edit::Payload(3, 24, 1)], ..indexed };
        let error = plain_read(&built.write(), &KEY, b"", false).error.map(|(error, ..)| error);
        assert_eq!(error, Some("malformed.index"));
    }

    #[test]
    fn repaired_checksums_hold() {
        let mut bytes = Forgery { envelope: true, ..forgery() }.write();
        let before = bytes.clone();
        for place in [124, 136, 141, 300] {
            bytes[place] ^= 1;
        }
        repair_crcs(&mut bytes);
        assert_eq!(bytes[..136], before[..136]);
        let error = plain_read(&bytes, &KEY, b"", false).error.map(|(error, ..)| error);
        assert_eq!(error, Some("malformed.envelope"));
    }
}
