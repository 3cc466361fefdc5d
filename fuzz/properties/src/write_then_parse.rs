//! Parses everything that was written, every structure and whole segments, and compares the values.

use arbitrary::{Arbitrary, Result, Unstructured};
use stream_v2_format::crypto::{
    Journal, JournalKey, Progress, Run, RunSalt, SegmentOpener, SegmentOrder, SegmentSealer, StreamOpener,
    StreamSealer,
};
use stream_v2_format::envelope::{EnvelopeView, write_envelope};
use stream_v2_format::wire::{
    Codec, DigestAlg, HeaderV1, HeaderV1View, IndexEntry, IndexView, JournalHeader, JournalHeaderView,
    JournalRecord, JournalRecordType, JournalRecordView, JournalRole, Parsed, RunLink, SegmentFlags,
    SegmentHeader, SegmentHeaderView, SegmentKind, StreamParams, Suite, Trailer, check_segment, entries_max,
    wire_len, write_index,
};
use stream_v2_format::{KeyEpoch, Offset, SegmentIndex};

use crate::reader::key;

/// Writes and parses a structure. The first byte chooses it, and the rest are its values.
pub fn write_then_parse(data: &[u8]) {
    let Some((which, data)) = data.split_first() else { return };
    let values = &mut Unstructured::new(data);
    // If there are too few values, there is no structure.
    let _ = match which % 7 {
        0 => stream_header(values),
        1 => segment_header(values),
        2 => envelope(values),
        3 => journal(values),
        4 => owned_journal(values),
        5 => index(values),
        _ => segments(values),
    };
}

const SUITES: [Suite; 2] = [Suite::XChaCha20Poly1305, Suite::Aes256Gcm];

fn params(values: &mut Unstructured<'_>) -> Result<StreamParams> {
    let frame_size_log2 = values.int_in_range(10..=26)?;
    // The values of stored inputs follow the order of the fields.
    let params = StreamParams::new([0; 32])
        .with_suite(*values.choose(&SUITES)?)
        .with_uniform(values.arbitrary()?)
        .with_frame_size_log2(frame_size_log2)
        .with_segment_size(match values.arbitrary()? {
            true => values.arbitrary()?,
            false => values.int_in_range(1..=9_u32)? << frame_size_log2.min(24),
        })
        .with_epoch_segments(values.arbitrary()?)
        // 2^64 - 1 means that there is none.
        .with_plaintext_len(Option::<u64>::arbitrary(values)?.filter(|len| *len != u64::MAX));
    Ok(params.with_stream_salt(values.arbitrary()?).with_key_id(values.arbitrary()?))
}

fn stream_header(values: &mut Unstructured<'_>) -> Result<()> {
    let (params, tag) = (params(values)?, values.arbitrary()?);
    let envelope_len = match values.arbitrary()? {
        true => values.arbitrary()?,
        false => values.int_in_range(0..=8191_u32)? * 8 + 4,
    };
    let made = HeaderV1::new(params, tag, envelope_len);
    assert!(params.check().is_ok() || made.is_err());
    let Ok(header) = made else { return Ok(()) };
    let bytes = header.to_bytes();
    let (view, taken) = HeaderV1View::parse(&bytes).unwrap().complete().unwrap();
    assert_eq!((view.header(), taken), (header, bytes.len()));
    Ok(())
}

fn a_segment_header(values: &mut Unstructured<'_>) -> Result<SegmentHeader> {
    Ok(SegmentHeader {
        index: SegmentIndex(values.arbitrary()?),
        kind: *values.choose(&[SegmentKind::Data, SegmentKind::Index, SegmentKind::Final])?,
        codec: Codec::None,
        digest_alg: *values.choose(&[DigestAlg::HmacSha3OverTags, DigestAlg::Sha3OverFrames])?,
        flags: SegmentFlags::from_value(values.int_in_range(0..=3)?).unwrap(),
        key_epoch: KeyEpoch(values.arbitrary()?),
        data_frames: values.arbitrary()?,
        frame_count: values.arbitrary()?,
        plaintext_len: values.arbitrary()?,
        payload_len: values.arbitrary()?,
        wire_len: values.arbitrary()?,
        run_salt: values.arbitrary()?,
        wire_crc32c: values.arbitrary()?,
        segment_tag: values.arbitrary()?,
    })
}

fn segment_header(values: &mut Unstructured<'_>) -> Result<()> {
    let header = a_segment_header(values)?;
    let bytes = header.to_bytes();
    let (view, taken) = SegmentHeaderView::parse(&bytes, Offset(0), 0).unwrap().complete().unwrap();
    assert_eq!((view.header(), taken, view.bytes()), (header, bytes.len(), &bytes));
    let Ok(stream) = HeaderV1::new(params(values)?, [0; 32], 0) else { return Ok(()) };
    // A writer writes exactly the headers whose derived fields are correct.
    let derived = derived(&stream, header);
    let allowed = match derived.kind {
        SegmentKind::Data => derived.index <= stream.last_segment(),
        SegmentKind::Index => derived.index <= stream.last_segment() && !stream.uniform(),
        SegmentKind::Final => true,
        kind => panic!("{kind:?} is not drawn"),
    };
    let epoch = derived.index.key_epoch(stream.params().epoch_segments);
    assert_eq!(check_segment(&stream, &derived, Offset(0), 0).is_ok(), allowed && epoch.0 <= 65_535);
    Ok(())
}

fn derived(stream: &HeaderV1, header: SegmentHeader) -> SegmentHeader {
    let drawn = header.plaintext_len;
    let (plaintext_len, payload_len) = match header.kind {
        SegmentKind::Data => (drawn % stream.segment_size() + 1, drawn % stream.segment_size() + 1),
        SegmentKind::Index => (0, 24 + 24 * (drawn % entries_max(stream) + 1)),
        SegmentKind::Final => (0, 0),
        kind => panic!("{kind:?} is not drawn"),
    };
    let run_start = header.flags.run_start() || header.index == SegmentIndex::FIRST;
    let epoch_segments = stream.params().epoch_segments;
    let data_frames = payload_len.div_ceil(stream.frame_size());
    SegmentHeader {
        flags: SegmentFlags::NONE
            .with(SegmentFlags::RUN_START, run_start)
            .with(SegmentFlags::REKEY, header.index.begins_epoch(epoch_segments)),
        key_epoch: header.index.key_epoch(epoch_segments),
        data_frames,
        frame_count: data_frames + 2,
        plaintext_len,
        payload_len,
        wire_len: u32::try_from(wire_len(stream, header.kind, run_start, payload_len)).unwrap(),
        ..header
    }
}

fn envelope(values: &mut Unstructured<'_>) -> Result<()> {
    let mut stanzas: Vec<(u16, Vec<u8>)> = values.arbitrary()?;
    stanzas.sort_by_key(|(stanza_type, _)| *stanza_type);
    let stanzas: Vec<(u16, &[u8])> =
        stanzas.iter().map(|(stanza_type, body)| (*stanza_type, body.as_slice())).collect();
    let Ok(bytes) = write_envelope(&stanzas) else { return Ok(()) };
    let len = u32::try_from(bytes.len() - 4).unwrap();
    let Ok(Parsed::Complete(view, taken)) = EnvelopeView::parse(&bytes, len) else {
        panic!("what was written is refused: {bytes:02x?}")
    };
    let again: Vec<_> = view.stanzas().map(|stanza| (stanza.stanza_type, stanza.body)).collect();
    assert_eq!((again, taken), (stanzas, bytes.len()));
    Ok(())
}

fn record(values: &mut Unstructured<'_>) -> Result<JournalRecord> {
    Ok(JournalRecord {
        sequence: values.arbitrary()?,
        record_type: *values.choose(&[JournalRecordType::Commit, JournalRecordType::Ending])?,
        index: SegmentIndex(values.arbitrary()?),
        position: values.arbitrary()?,
        plaintext_len: values.arbitrary()?,
        segment_tag: values.arbitrary()?,
        transcript: values.arbitrary()?,
        run_first: SegmentIndex(values.arbitrary()?),
    })
}

fn journal(values: &mut Unstructured<'_>) -> Result<()> {
    let header = JournalHeader {
        role: *values.choose(&[JournalRole::Encrypt, JournalRole::Decrypt])?,
        stream_header: values.arbitrary()?,
        source_len: Option::<u64>::arbitrary(values)?.filter(|len| *len != u64::MAX),
        source_mtime: Option::<i64>::arbitrary(values)?.filter(|time| *time != i64::MIN),
        journal_salt: values.arbitrary()?,
    };
    let header_mac = values.arbitrary()?;
    let view = JournalHeaderView::parse(&header.to_bytes(&header_mac)).unwrap();
    assert_eq!((view.header, view.header_mac), (header, header_mac));
    let (record, record_mac) = (record(values)?, values.arbitrary()?);
    let view = JournalRecordView::parse(&record.to_bytes(&record_mac)).unwrap();
    assert_eq!((view.record, view.record_mac), (record, record_mac));
    Ok(())
}

/// Reads a journal that its owner has appended to, up to a cut or a change.
fn owned_journal(values: &mut Unstructured<'_>) -> Result<()> {
    let stream = StreamSealer::new(StreamParams::new([0x20; 32]), &key(), b"").unwrap();
    let key = || JournalKey::from(&stream);
    let mut journal = Journal::begin(key(), key().header(JournalRole::Encrypt, (Some(9), Some(-1)), [1; 16]));
    let mut bytes = journal.header_bytes().to_vec();
    let mut last = JournalRecord::ending(SegmentIndex::FIRST, &trailer(values)?);
    (last.position, last.plaintext_len) = (0, 0);
    let mut commits = Vec::new();
    for _ in 0..values.int_in_range(0..=6)? {
        last.record_type = JournalRecordType::Commit;
        last.index = SegmentIndex(last.index.0 + values.int_in_range(0..=3)?);
        last.position += values.int_in_range(0..=4096_u64)?;
        last.plaintext_len += values.int_in_range(0..=4096_u64)?;
        bytes.extend(journal.append(&last));
        commits.push(*journal.last_commit().unwrap());
    }
    let cut = values.int_in_range(0..=bytes.len())?;
    let read = Journal::read(key(), JournalRole::Encrypt, &bytes[..cut]);
    assert_eq!(read.is_ok(), cut >= 212);
    if let Ok(mut read) = read {
        let whole = (cut - 212) / 136;
        let commit = whole.checked_sub(1).map(|place| &commits[place]);
        assert_eq!(read.last_commit(), commit);
        assert_eq!((read.valid_len(), read.is_full()), (212 + 136 * whole as u64, false));
        // The compacted journal is shorter and has the same last commit under a new sequence.
        let (mut shorter, record) = read.compacted((Some(9), Some(-1)), [2; 16]);
        let place = |commit: &JournalRecord| (commit.index, commit.position, commit.segment_tag);
        assert_eq!(shorter.last_commit().map(place), commit.map(place));
        last.record_type = JournalRecordType::Ending;
        let mut bytes = shorter.header_bytes().to_vec();
        bytes.extend(record.into_iter().flatten());
        bytes.extend(shorter.append(&last));
        let again = Journal::read(key(), JournalRole::Encrypt, &bytes).unwrap();
        assert_eq!(again.ending().is_some(), shorter.ending().is_some());
        read.append(&last);
    }
    Ok(())
}

fn index(values: &mut Unstructured<'_>) -> Result<()> {
    let (distance, previous) = (values.arbitrary()?, values.arbitrary()?);
    let drawn: Vec<(u32, u32, [u8; 16])> = values.arbitrary()?;
    let entry = |(plaintext_len, wire_len, tag_prefix)| IndexEntry { plaintext_len, wire_len, tag_prefix };
    let entries: Vec<_> = drawn.into_iter().map(entry).collect();
    let payload = write_index(distance, previous, &entries);
    let Ok(view) = IndexView::parse(&payload, Offset(0)) else {
        assert!(entries.is_empty());
        return Ok(());
    };
    assert_eq!((view.distance(), *view.previous()), (distance, previous));
    assert_eq!(view.entries().collect::<Vec<_>>(), entries);
    Ok(())
}

fn trailer(values: &mut Unstructured<'_>) -> Result<Trailer> {
    Ok(Trailer {
        plaintext_len: values.arbitrary()?,
        position: values.arbitrary()?,
        index_distance: values.arbitrary()?,
        transcript: values.arbitrary()?,
        link: RunLink { run_salt: values.arbitrary()?, first: SegmentIndex(values.arbitrary()?) },
    })
}

/// Seals segments of any length and opens them again, in any order and by their ends alone.
fn segments(values: &mut Unstructured<'_>) -> Result<()> {
    let params = StreamParams::new([0; 32])
        .with_suite(*values.choose(&SUITES)?)
        .with_uniform(false)
        .with_frame_size_log2(12)
        .with_segment_size(8192)
        .with_epoch_segments(values.int_in_range(0..=3)?);
    let mut params = params.with_stream_salt(values.arbitrary()?);
    if params.epoch_segments == 0 {
        params.epoch_segments = params.default_epoch();
    }
    let context: Vec<u8> = values.arbitrary()?;
    let stream = StreamSealer::new(params, &key(), &context).unwrap();
    let mut sealer = SegmentSealer::new(&stream, Run::first(RunSalt::new(values.arbitrary()?)))
        .with_digest_alg(*values.choose(&[DigestAlg::HmacSha3OverTags, DigestAlg::Sha3OverFrames])?);
    let indexed = values.arbitrary()?;
    let mut progress = Progress::of_writer(&stream);
    let mut sealed: Vec<Sealed> = Vec::new();
    for index in (0..values.int_in_range(1..=4)?).map(SegmentIndex) {
        let payload = vec![values.arbitrary()?; values.int_in_range(1..=8192)?];
        let mut wire = vec![0; sealer.wire_len(index, u32::try_from(payload.len()).unwrap())];
        let segment = sealer.seal_data(index, &payload, &mut wire).unwrap();
        progress.sealed(&segment).unwrap();
        sealed.push(Sealed { header: segment.header, wire, payload });
    }
    let next = |sealed: &[Sealed]| SegmentIndex(u32::try_from(sealed.len()).unwrap());
    if let Some(payload) = progress.index_payload(true).filter(|_| indexed) {
        let (segment, wire) =
            sealer.seal_index(next(&sealed), &payload, progress.transcript(), progress.link()).unwrap();
        progress.sealed(&segment).unwrap();
        sealed.push(Sealed { header: segment.header, wire, payload });
    }
    let mut wire = vec![0; SegmentSealer::final_wire_len()];
    let last = sealer.seal_final(next(&sealed), &progress.trailer(), &mut wire).unwrap();
    progress.sealed(&last).unwrap();
    sealed.push(Sealed { header: last.header, wire, payload: Vec::new() });
    let reader = StreamOpener::new(stream.header(), &key(), &context).unwrap();
    let again = opened_in_order(&reader, &sealed);
    assert_eq!(again.committed(), progress.committed());
    opened_from_the_end(&reader, &sealed);
    Ok(())
}

/// A segment with the values that its writer has.
struct Sealed {
    header: SegmentHeader,
    wire: Vec<u8>,
    payload: Vec<u8>,
}

fn opened_in_order(reader: &StreamOpener, sealed: &[Sealed]) -> Progress {
    let mut opener = SegmentOpener::new(reader);
    let (mut order, mut progress) = (SegmentOrder::new(reader.header()), Progress::of_reader(reader));
    for Sealed { header, wire, payload } in sealed {
        let (offset, before) = (order.offset(), order.segments());
        let bytes = header.to_bytes();
        let (authentic, _) = reader.authenticate(&bytes, offset, before).unwrap().complete().unwrap();
        order.admit(authentic.header(), offset).unwrap();
        let mut opened = vec![0; payload.len()];
        let segment = opener.open(&authentic, wire, &mut opened).unwrap();
        assert!(opened == *payload);
        progress.opened(&authentic, &segment, &opened).unwrap();
    }
    assert!(order.ended() && progress.ended());
    progress
}

/// Opens segments in any order, and by their ends alone.
fn opened_from_the_end(reader: &StreamOpener, sealed: &[Sealed]) {
    let mut opener = SegmentOpener::new(reader);
    for Sealed { header, wire, payload } in sealed.iter().rev() {
        let bytes = header.to_bytes();
        let before = header.index.0.into();
        let (authentic, _) = reader.authenticate(&bytes, Offset(0), before).unwrap().complete().unwrap();
        let mut opened = vec![0; payload.len()];
        let whole = opener.open(&authentic, wire, &mut opened).unwrap();
        assert!(opened == *payload);
        let tail = &wire[wire.len() - opener.tail_len(&authentic)..];
        assert_eq!(opener.open_tail(&authentic, tail).unwrap().digest, whole.digest);
    }
}
