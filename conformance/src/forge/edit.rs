//! One fault of a stream, made before it is sealed, in its sealed segments, or in its bytes.

use arbitrary::Arbitrary;

use crate::generator::plan::{Item, Plan};
use crate::generator::wire::builder::Builder;
use crate::generator::wire::envelope::stanza;
use crate::generator::wire::segment_header::RUN_START;
use crate::generator::wire::stream::Stream;
use crate::generator::wire::stream_header::StreamHeader;

/// One fault. Segments are counted modulo their number, places modulo the length of the structure
/// that holds them.
#[derive(Arbitrary, Clone, Debug)]
pub enum Edit {
    /// A field of the stream header, by its place in the table of §4. Tag and CRC are computed
    /// after it.
    StreamField(u8, Change),
    /// An envelope of these stanzas, in place of the present one.
    Stanzas(Vec<(u16, Vec<u8>)>),
    /// A field of the segment header, by its place in the table of §6, or RUN_START. Frames, tag
    /// and CRCs are computed after it.
    SegmentField(u8, u8, Change),
    /// A byte of the payload. `data_frames` and the lengths stay. Digest, tag and CRCs are computed
    /// after it.
    Payload(u8, u16, u8),
    /// Type, reserved bytes or len of a frame header. Its tag and all else are computed after it.
    FrameField(u8, u8, u8, Change),
    /// A byte of the digest frame's plaintext.
    Digest(u8, u8, u8),
    /// A byte of the terminator's plaintext.
    Terminator(u8, u8, u8),
    /// The epoch whose keys seal the frames.
    SealingEpoch(u8, u32),
    /// A byte of the sealed wire. The CRC and segment_tag are computed after it.
    Wire(u8, u16, u8),
    /// A byte of segment_tag, or of the fields that it covers, after it was computed. The CRC of
    /// the header is computed after it.
    Tagged(u8, u8, u8),
    /// A byte of a segment, with both CRCs computed after it, which is possible without the key.
    Repaired(u8, u16, u8),
    /// A byte of the stream. Nothing is computed after it.
    Flip(u16, u8),
    /// Two segments change places.
    Swap(u8, u8),
    /// A segment is repeated.
    Repeat(u8),
    /// A segment is missing.
    Drop(u8),
    /// The stream ends after this many bytes.
    Cut(u16),
    /// This many bytes follow the stream.
    Tail(u8),
    /// One more index segment precedes this one.
    Index(u8),
}

/// The change of a number. Most wrong numbers that matter are close to the right one.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub enum Change {
    /// One of its low 32 bits is flipped. In most cases it is one of the low four, which hold flags
    /// and registered values.
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
            Self::Bit(place @ 0..192) => number ^ (1 << (place % 4)),
            Self::Bit(place) => number ^ (1 << (place % 32)),
            Self::Up => number.wrapping_add(1),
            Self::Down => number.wrapping_sub(1),
            Self::To(other) => other,
        }
    }
}

impl Edit {
    /// Applies the edit before the stream is sealed.
    pub(super) fn plan(&self, plan: Plan) -> Plan {
        let segments = plan.items.len();
        let place = |segment: u8| usize::from(segment) % segments;
        match *self {
            Self::Stanzas(ref stanzas) => {
                plan.envelope(stanzas.iter().flat_map(|(kind, body)| stanza(*kind, body)).collect())
            }
            Self::StreamField(field, change) => plan.header(|header| set_stream_field(header, field, change)),
            Self::SegmentField(segment, field, value) => {
                plan.builder(place(segment), move |builder| set_segment_field(builder, field, value))
            }
            Self::Payload(segment, at, value) => {
                plan.payload(place(segment), move |payload| alter(payload, at.into(), value))
            }
            Self::FrameField(segment, frame, field, value) => plan
                .builder(place(segment), move |builder| set_frame_field(builder, frame.into(), field, value)),
            Self::Digest(segment, at, value) => {
                plan.digest(place(segment), move |digest| alter(digest, at.into(), value))
            }
            Self::Terminator(segment, at, value) => plan.builder(place(segment), move |builder| {
                alter(&mut builder.terminator.plain, at.into(), value)
            }),
            Self::SealingEpoch(segment, epoch) => {
                plan.builder(place(segment), move |builder| builder.sealing_epoch = epoch % 8)
            }
            Self::Wire(segment, at, value) => {
                plan.wire(place(segment), move |wire| alter(wire, at.into(), value))
            }
            Self::Tagged(segment, at, value) => {
                plan.tagged(place(segment), move |header| alter(&mut header[..92], at.into(), value))
            }
            Self::Index(segment) => {
                let mut items = plan.items.clone();
                items.insert(place(segment), Item::Index);
                plan.items(&items)
            }
            _ => plan,
        }
    }

    /// Applies the edit to sealed segments.
    pub(super) fn stream(&self, stream: Stream) -> Stream {
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

    /// Applies the edit to all bytes.
    pub(super) fn bytes(&self, mut bytes: Vec<u8>) -> Vec<u8> {
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
fn set_segment_field(builder: &mut Builder, field: u8, change: Change) {
    let header = &mut builder.header;
    match field % 14 {
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
        11 => header.wire_len = change.of(header.wire_len) as u32,
        12 => header.run_salt[0] = change.of(header.run_salt[0]) as u8,
        _ => header.flags ^= RUN_START,
    }
}

#[expect(clippy::cast_possible_truncation, reason = "any value of the field will do")]
fn set_frame_field(builder: &mut Builder, frame: usize, field: u8, change: Change) {
    let count = builder.data.len() + 2;
    let frame = match frame % count {
        last if last == count - 1 => &mut builder.terminator,
        before if before == count - 2 => &mut builder.digest,
        data => &mut builder.data[data],
    };
    match field % 3 {
        0 => frame.frame_type = change.of(frame.frame_type) as u8,
        1 => frame.reserved[usize::from(field / 3) % 3] = change.of(0_u8) as u8,
        _ => frame.len = change.of(frame.len) as u32,
    }
}
