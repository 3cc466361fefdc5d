//! Gives any bytes to each parser. It returns a value, a request for more bytes, or an error, and
//! the following bytes do not change that.

use core::fmt::Debug;

use stream_v2_conformance::forge::{repair_crcs, repair_segment};
use stream_v2_format::crypto::{Journal, JournalKey, StreamOpener, StreamSealer};
use stream_v2_format::envelope::{
    AgeView, Argon2idView, EnvelopeView, KeyView, Stanza, WrappedKey, write_envelope,
};
use stream_v2_format::wire::{
    FrameLayout, Frames, HeaderV1, HeaderV1View, IndexView, JournalHeaderView, JournalRecordView,
    JournalRole, Parsed, SegmentHeaderView, StreamParams, check_segment, write_index,
};
use stream_v2_format::{Detail, Error, Offset};

use crate::reader::key;

/// Parses the input. The first byte chooses the parser, and from 8 on the checksums are repaired
/// first.
pub fn parse(data: &[u8]) {
    let Some((which, input)) = data.split_first() else { return };
    let mut input = input.to_vec();
    match which % 8 {
        0 if which & 8 != 0 => repair_crcs(&mut input),
        1 if which & 8 != 0 && input.len() > 2 => _ = repair_segment(&mut input[2..]),
        _ => {}
    }
    let input = &input[..];
    match which % 8 {
        0 => stream_header(input),
        1 => segment(input),
        2 => envelope(input),
        3 => argon2id(input),
        4 => journal(input),
        5 => index(input),
        _ => keyed_journal(input),
    }
}

/// Asserts that every prefix of an input is answered with a request for more bytes, or with the
/// answer to the whole input. Returns the value and its length.
fn every_prefix<'a, T: PartialEq + Debug>(
    input: &'a [u8],
    parse: impl Fn(&'a [u8]) -> Result<Parsed<T>, Error>,
) -> Option<(T, usize)> {
    let whole = parse(input);
    for len in 0..input.len().min(300) {
        match (parse(&input[..len]), &whole) {
            (Ok(Parsed::NeedMore(missing)), Ok(Parsed::Complete(_, taken))) => {
                assert!(len + missing.get() <= *taken, "{len}: asks for more than it takes");
            }
            (Ok(Parsed::NeedMore(_)), _) => {}
            (early, whole) => assert_eq!(early, *whole, "of {len} bytes"),
        }
    }
    let (value, taken) = whole.ok()?.complete()?;
    assert!(taken <= input.len());
    Some((value, taken))
}

fn stream_header(input: &[u8]) {
    let parsed = every_prefix(input, |bytes| {
        HeaderV1View::parse(bytes)?.and_then(|view| Ok((view.header(), *view.bytes())))
    });
    let Some(((header, bytes), taken)) = parsed else { return };
    assert_eq!((header.to_bytes(), &bytes[..]), (bytes, &input[..taken]));
    let envelope_len = if header.envelope_len() == 0 { 0 } else { u64::from(header.envelope_len()) + 4 };
    assert_eq!(header.body_offset(), Offset(128 + envelope_len));
    assert!(header.params().check().is_ok());
    every_prefix(&input[taken..], |bytes| EnvelopeView::parse(bytes, header.envelope_len()));
    // The key is wrong, except with a probability of 1 in 2^256.
    assert!(StreamOpener::new(&header, &key(), b"\xFFnobody's context").is_err());
}

/// Parses a stream header of two bytes, a segment header, and its wire.
fn segment(input: &[u8]) {
    let Some((&[sizes, epochs], input)) = input.split_first_chunk() else { return };
    let parsed = every_prefix(input, |bytes| {
        SegmentHeaderView::parse(bytes, Offset(7), 3)?.and_then(|view| Ok((view.header(), *view.bytes())))
    });
    let Some(((header, bytes), taken)) = parsed else { return };
    assert_eq!((header.to_bytes(), &bytes[..]), (bytes, &input[..taken]));
    assert_eq!(header.bound_prefix(), input[..56]);
    assert_eq!(header.segment_len(), 96 + u64::from(header.wire_len));
    let stream = sized(sizes, epochs);
    let checked = check_segment(&stream, &header, Offset(7), 3);
    if let Err(error) = checked {
        assert!((7..7 + 96).contains(&error.offset().0) && error.segment() == Some(3), "{error}");
        return;
    }
    // The stream header bounds the allowed lengths, whatever the segment declares (SV2-LIM-001).
    let segment_size = u64::from(stream.segment_size());
    assert!(u64::from(header.wire_len) <= segment_size + 24 * (segment_size / 4096 + 2) + 36 + 76);
    let layout = FrameLayout::new(&stream, &header);
    let wire = &input[taken..];
    let Ok(frames) = Frames::check(wire, layout, Offset(7), 3) else { return };
    let headers: Vec<u8> = frames.iter().flat_map(|frame| frame.header.to_bytes()).collect();
    let stand: Vec<u8> = frames.iter().flat_map(|frame| frame.bytes[..8].to_vec()).collect();
    assert_eq!(headers, stand);
    assert_eq!(wire.len(), header.wire_len as usize);
    let total: usize = frames.iter().map(|frame| frame.header.frame_len()).sum();
    assert_eq!((frames.iter().count(), total), (header.frame_count as usize, wire.len()));
}

fn sized(sizes: u8, epochs: u8) -> HeaderV1 {
    let log2 = 12 + (sizes & 1);
    let params = StreamParams::new([0; 32])
        .with_uniform(sizes & 2 != 0)
        .with_frame_size_log2(log2)
        .with_segment_size((1 + u32::from(sizes >> 2)) << log2)
        .with_epoch_segments(epochs.into());
    HeaderV1::new(params, [0; 32], 0).unwrap()
}

fn envelope(input: &[u8]) {
    let Some((len, input)) = input.split_first_chunk() else { return };
    let len = u16::from_le_bytes(*len);
    let parsed = every_prefix(input, |bytes| EnvelopeView::parse(bytes, len.into()));
    let Some((envelope, taken)) = parsed else { return };
    let stanzas: Vec<_> = envelope.stanzas().map(|stanza| (stanza.stanza_type, stanza.body)).collect();
    if len % 8 == 4 {
        assert_eq!(write_envelope(&stanzas).unwrap(), input[..taken]);
    }
    for stanza in envelope.stanzas() {
        // A commitment of 32 bytes is not found by chance.
        if let Some(view) = KeyView::parse(&stanza) {
            assert_eq!(view.unwrap(&key()).unwrap_err().detail(), Detail::KeyEnvelope);
        }
        if let Some(Ok(age)) = AgeView::parse(&stanza) {
            assert_eq!(age.recipient_types().count(), age.stanzas() as usize);
            assert!(WrappedKey::by_age(age.file()).is_ok());
        }
    }
}

fn argon2id(input: &[u8]) {
    let Ok(view) = Argon2idView::parse(&Stanza { stanza_type: 1, body: input, offset: Offset(9) }) else {
        return;
    };
    assert!(view.memory_kib <= 1 << 20 && view.passes <= 16 && view.lanes <= 16);
}

fn journal(input: &[u8]) {
    if let Ok(JournalHeaderView { header, header_mac, .. }) = JournalHeaderView::parse(input) {
        assert_eq!(header.to_bytes(&header_mac), input[..212]);
    }
    if let Some(JournalRecordView { record, record_mac, .. }) = JournalRecordView::parse(input) {
        assert_eq!(record.to_bytes(&record_mac), input[..136]);
    }
}

/// Parses the payload of an index segment.
fn index(input: &[u8]) {
    match IndexView::parse(input, Offset(9)) {
        Ok(view) => {
            let entries: Vec<_> = view.entries().collect();
            assert_eq!(write_index(view.distance(), *view.previous(), &entries), input);
        }
        Err(error) => {
            let whole = input.len() >= 48 && input.len().is_multiple_of(24);
            assert_eq!(
                (error.detail(), error.offset(), whole),
                (Detail::MalformedPayloadLen, Offset(9), false)
            );
        }
    }
}

/// Reads a journal of this property's own stream with `input` as its records.
fn keyed_journal(input: &[u8]) {
    let stream = StreamSealer::new(StreamParams::new([0x20; 32]), &key(), b"").unwrap();
    let owner = || JournalKey::from(&stream);
    let begun = Journal::begin(owner(), owner().header(JournalRole::Encrypt, (None, None), [7; 16]));
    let bytes = [&begun.header_bytes()[..], input].concat();
    let read = Journal::read(owner(), JournalRole::Encrypt, &bytes).unwrap();
    // Only the owner of the key can make a record.
    assert!(read.last_commit().is_none() && read.ending().is_none());
    assert!(Journal::read(owner(), JournalRole::Decrypt, &bytes).is_err());
    let _ = Journal::read(owner(), JournalRole::Encrypt, input);
}
