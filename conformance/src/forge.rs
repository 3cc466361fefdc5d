//! Streams that are wrong in any way and sealed all the same: what somebody with the key could write.
//!
//! A fuzzer that flips bits gets no further than the first CRC or tag. Here the edit comes first, and everything after it
//! is computed from the edited value: frames, digest, CRCs, tags.

use std::collections::BTreeSet;

use arbitrary::Arbitrary;

use crate::broken::number;
use crate::plaintext::Pattern;
use crate::plan::{Item, Plan, run_salt};
use crate::primitives::crc32c;
use crate::wire::draft::Draft;
use crate::wire::envelope::{padding, stanza};
use crate::wire::segment_header::repair_header_crc;
use crate::wire::stream::Stream;
use crate::wire::stream_header::{PLAINTEXT_LEN_UNKNOWN, StreamHeader};

/// A stream to be written, and what is wrong with it. Any value of any field is a stream, of some 100 KiB at most.
#[derive(Arbitrary, Clone, Debug, Default)]
pub struct Forgery {
    /// Whether the flag UNIFORM is set; data segments but the last are full then.
    pub uniform: bool,
    /// Whether F is 8 KiB, and not 4.
    pub large_frames: bool,
    /// Whether S is two frames, and not one.
    pub two_frames: bool,
    /// Segments of a key epoch, modulo 4; 0 for one epoch.
    pub epoch_segments: u8,
    /// Whether the length of the plaintext is declared.
    pub declared: bool,
    /// Whether the digest is that over the frames.
    pub digest_over_frames: bool,
    /// Whether there is an envelope, of a padding stanza.
    pub envelope: bool,
    /// Draws the plaintext bytes of each data segment; six segments at most, three with UNIFORM.
    pub lens: Vec<u16>,
    /// The segments at which further runs begin.
    pub runs: BTreeSet<u8>,
    /// What is wrong; the first three count, because the first fault hides the others.
    pub edits: Vec<Edit>,
}

/// One thing that is wrong. Segments are counted modulo their number, places modulo the length of what they are in.
#[derive(Arbitrary, Clone, Debug)]
pub enum Edit {
    /// A field of the stream header, by its place in the table of §4; tag and CRC follow.
    StreamField(u8, Change),
    /// An envelope of these stanzas, in the place of the one there is.
    Stanzas(Vec<(u16, Vec<u8>)>),
    /// A field of the segment header, by its place in the table of §6; frames, tag and CRCs follow.
    SegmentField(u8, u8, Change),
    /// A byte of the payload; data_frames and lengths stay. Digest, tag and CRCs follow.
    Payload(u8, u16, u8),
    /// Type, reserved bytes or len of a frame header; its tag and all else follow.
    FrameField(u8, u8, u8, Change),
    /// A byte of the digest frame's plaintext.
    Digest(u8, u8, u8),
    /// A byte of the terminator's plaintext.
    Terminator(u8, u8, u8),
    /// The epoch whose keys seal the frames.
    SealingEpoch(u8, u32),
    /// A byte of the sealed wire; the CRC and segment_tag follow.
    Wire(u8, u16, u8),
    /// A byte of segment_tag, or of what it covers, after it was computed; the CRC of the header follows.
    Tagged(u8, u8, u8),
    /// A byte of a segment, with both CRCs after it, as anybody can.
    Repaired(u8, u16, u8),
    /// A byte of the stream; nothing follows.
    Flip(u16, u8),
    /// Two segments change places.
    Swap(u8, u8),
    /// A segment stands twice.
    Repeat(u8),
    /// A segment is missing.
    Drop(u8),
    /// The stream ends after so many bytes.
    Cut(u16),
    /// So many bytes follow the stream.
    Tail(u8),
}

/// What becomes of a number. Most wrong numbers that matter are close to the right one.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub enum Change {
    /// One of its low 32 bits is flipped, in half of all cases one of the low four, where flags and registered values are.
    Bit(u8),
    /// One more.
    Up,
    /// One less.
    Down,
    /// Another number.
    To(u64),
}

impl Change {
    fn of(self, number: impl Into<u64>) -> u64 {
        let number = number.into();
        match self {
            Self::Bit(place @ 0..128) => number ^ (1 << (place % 4)),
            Self::Bit(place) => number ^ (1 << (place % 32)),
            Self::Up => number.wrapping_add(1),
            Self::Down => number.wrapping_sub(1),
            Self::To(other) => other,
        }
    }
}

impl Forgery {
    /// The bytes of the stream, under the content key 00 01 02 … 1f and the empty context.
    #[must_use]
    pub fn write(&self) -> Vec<u8> {
        let lens = self.lens();
        let edits = &self.edits[..self.edits.len().min(3)];
        let plan = edits.iter().fold(self.plan(&lens), |plan, edit| edit.plan(plan, lens.len() + 1));
        let stream = edits.iter().fold(plan.write(), |stream, edit| edit.stream(stream));
        edits.iter().fold(stream.bytes(), |bytes, edit| edit.bytes(bytes))
    }

    /// The plaintext of the stream before anything is wrong.
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

    /// Plaintext bytes of each data segment: at least one, at most S, and S where UNIFORM asks for it. Most are short, because what is wrong
    /// seldom depends on how much there is.
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
        let items: Vec<Item> = lens.iter().copied().map(Item::Data).chain([Item::Final]).collect();
        let len = lens.iter().sum();
        let starts = self.runs.iter().map(|start| usize::from(*start)).filter(|start| *start > 0);
        let runs: Vec<_> = [0].into_iter().chain(starts).zip((0..=10).map(run_salt)).collect();
        let plan = Plan::flushed(&[])
            .header(|header| {
                header.flags = u16::from(self.uniform);
                header.frame_size_log2 = self.frame_size_log2();
                header.segment_size = self.segment_size();
                header.epoch_segments = u32::from(self.epoch_segments % 4);
                header.plaintext_len = if self.declared { len as u64 } else { PLAINTEXT_LEN_UNKNOWN };
            })
            .digest_alg(1 + u16::from(self.digest_over_frames))
            .plaintext(Pattern::counting(len))
            .items(&items)
            .runs(&runs);
        if self.envelope { plan.envelope(padding(8)) } else { plan }
    }
}

impl Edit {
    /// What is done before the stream is sealed.
    fn plan(&self, plan: Plan, segments: usize) -> Plan {
        let place = |segment: u8| usize::from(segment) % segments;
        match *self {
            Self::Stanzas(ref stanzas) => {
                plan.envelope(stanzas.iter().flat_map(|(kind, body)| stanza(*kind, body)).collect())
            }
            Self::StreamField(field, change) => plan.header(|header| set_stream_field(header, field, change)),
            Self::SegmentField(segment, field, value) => {
                plan.draft(place(segment), move |draft| set_segment_field(draft, field, value))
            }
            Self::Payload(segment, at, value) => {
                plan.payload(place(segment), move |payload| alter(payload, at.into(), value))
            }
            Self::FrameField(segment, frame, field, value) => {
                plan.draft(place(segment), move |draft| set_frame_field(draft, frame.into(), field, value))
            }
            Self::Digest(segment, at, value) => {
                plan.digest(place(segment), move |digest| alter(digest, at.into(), value))
            }
            Self::Terminator(segment, at, value) => {
                plan.draft(place(segment), move |draft| alter(&mut draft.terminator.plain, at.into(), value))
            }
            Self::SealingEpoch(segment, epoch) => {
                plan.draft(place(segment), move |draft| draft.sealing_epoch = epoch % 64)
            }
            Self::Wire(segment, at, value) => {
                plan.wire(place(segment), move |wire| alter(wire, at.into(), value))
            }
            Self::Tagged(segment, at, value) => {
                plan.tagged(place(segment), move |header| alter(&mut header[..92], at.into(), value))
            }
            _ => plan,
        }
    }

    /// What is done with sealed segments.
    fn stream(&self, stream: Stream) -> Stream {
        let segments = stream.segments.len().max(1);
        let place = |segment: u8| usize::from(segment) % segments;
        if stream.segments.is_empty() {
            return stream;
        }
        match *self {
            Self::Repaired(segment, at, value) => {
                stream.forge(place(segment), |bytes| alter(bytes, at.into(), value))
            }
            Self::Swap(one, other) => stream.arrange(|segments| segments.swap(place(one), place(other))),
            Self::Repeat(segment) => stream.arrange(|segments| {
                segments.insert(place(segment), segments[place(segment)].clone());
            }),
            Self::Drop(segment) => stream.arrange(|segments| {
                segments.remove(place(segment));
            }),
            _ => stream,
        }
    }

    /// What is done with the whole.
    fn bytes(&self, mut bytes: Vec<u8>) -> Vec<u8> {
        match *self {
            Self::Flip(at, value) => alter(&mut bytes, at.into(), value),
            Self::Cut(len) => bytes.truncate(usize::from(len)),
            Self::Tail(len) => bytes.extend((0..len).map(|place| place ^ 0x5A)),
            _ => {}
        }
        bytes
    }
}

fn alter(bytes: &mut [u8], at: usize, value: u8) {
    if let Some(place) = at.checked_rem(bytes.len()) {
        bytes[place] ^= value;
    }
}

#[expect(clippy::cast_possible_truncation, reason = "any value of the field will do")]
fn set_stream_field(header: &mut StreamHeader, field: u8, change: Change) {
    match field % 10 {
        0 => header.version = change.of(header.version) as u16,
        1 => header.suite = change.of(header.suite) as u16,
        2 => header.flags = change.of(header.flags) as u16,
        3 => header.frame_size_log2 = change.of(header.frame_size_log2) as u8,
        4 => header.reserved_15 = change.of(header.reserved_15) as u8,
        5 => header.segment_size = change.of(header.segment_size) as u32,
        6 => header.epoch_segments = change.of(header.epoch_segments) as u32,
        7 => header.plaintext_len = change.of(header.plaintext_len),
        8 => header.envelope_len = change.of(header.envelope_len) as u32,
        _ => header.reserved_116 = change.of(0_u8).to_le_bytes(),
    }
}

#[expect(clippy::cast_possible_truncation, reason = "any value of the field will do")]
fn set_segment_field(draft: &mut Draft, field: u8, change: Change) {
    let header = &mut draft.header;
    match field % 12 {
        0 => header.segment_index = change.of(header.segment_index) as u32,
        1 => header.kind = change.of(header.kind) as u8,
        2 => header.codec = change.of(header.codec) as u8,
        3 => header.digest_alg = change.of(header.digest_alg) as u16,
        4 => header.flags = change.of(header.flags) as u16,
        5 => header.reserved = (change.of(0_u8) as u16).to_le_bytes(),
        6 => header.key_epoch = change.of(header.key_epoch) as u32,
        7 => header.data_frames = change.of(header.data_frames) as u32,
        8 => header.frame_count = change.of(header.frame_count) as u32,
        9 => header.plaintext_len = change.of(header.plaintext_len) as u32,
        10 => header.payload_len = change.of(header.payload_len) as u32,
        _ => header.wire_len = change.of(header.wire_len) as u32,
    }
}

#[expect(clippy::cast_possible_truncation, reason = "any value of the field will do")]
fn set_frame_field(draft: &mut Draft, frame: usize, field: u8, change: Change) {
    let count = draft.data.len() + 2;
    let frame = match frame % count {
        last if last == count - 1 => &mut draft.terminator,
        before if before == count - 2 => &mut draft.digest,
        data => &mut draft.data[data],
    };
    match field % 3 {
        0 => frame.frame_type = change.of(frame.frame_type) as u8,
        1 => frame.reserved[usize::from(field / 3) % 3] = change.of(0_u8) as u8,
        _ => frame.len = change.of(frame.len) as u32,
    }
}

/// Makes the CRCs of a stream header, of its envelope, and of the segments that follow by wire_len those of their bytes: what anybody can do
/// to any input.
pub fn repair_crcs(stream: &mut [u8]) {
    let Some((header, _)) = stream.split_at_mut_checked(128) else { return };
    let crc = crc32c(&header[..124]);
    header[124..].copy_from_slice(&crc.to_le_bytes());
    let mut at = 128;
    let envelope_len = length(number(header, 112, 4));
    if envelope_len != 0 {
        let Some(envelope) = stream.get_mut(at..at + envelope_len + 4) else { return };
        let (stanzas, sum) = envelope.split_at_mut(envelope_len);
        sum.copy_from_slice(&crc32c(stanzas).to_le_bytes());
        at += envelope_len + 4;
    }
    while at < stream.len() {
        at = at.saturating_add(repair_segment(&mut stream[at..])).min(stream.len());
    }
}

/// Makes the CRCs of the segment at the beginning of `bytes` those of its bytes. Returns its length, in bytes, as its header says; all that is
/// there, where that is no whole header.
pub fn repair_segment(bytes: &mut [u8]) -> usize {
    let Some((header, rest)) = bytes.split_at_mut_checked(96) else { return bytes.len() };
    let wire_len = length(number(header, 36, 4));
    if let Some(wire) = rest.get(..wire_len) {
        header[56..60].copy_from_slice(&crc32c(wire).to_le_bytes());
    }
    repair_header_crc(header);
    96 + wire_len
}

fn length(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX >> 8)
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
        ] {
            assert_eq!(refused(vec![edit.clone()]), error, "{edit:?}");
        }
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
