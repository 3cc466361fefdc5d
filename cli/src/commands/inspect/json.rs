//! The JSON of `sv2 inspect --json`: one object, written during the walk and in bounded memory.

use std::io::{self, Write};

use serde::Serialize;
use stream_v2::format::envelope::{AgeView, Argon2idView, EnvelopeView, KeyView, Stanza};
use stream_v2::format::wire::{HeaderV1, StanzaType};
use stream_v2::pipeline::{Error, WalkedSegment};

use crate::commands::inspect::age;
use crate::commands::inspect::view::View;
use crate::failure::Failure;
use crate::report::json::line;

/// Writes `{"header": …, "segments": […], "runs": …, "sealed": …, "error": …}`.
pub(crate) struct Json<W> {
    out: W,
    header_seen: bool,
    segments: u64,
    runs: u64,
}

#[derive(Serialize)]
struct Header {
    version: u16,
    suite: &'static str,
    uniform: bool,
    frame_size: u32,
    segment_size: u32,
    epoch_segments: u32,
    plaintext_len: Option<u64>,
    stream_salt: String,
    key_id: String,
    envelope_len: u32,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    stanzas: Vec<EnvelopeStanza>,
    /// Bytes of stanzas that another envelope of the same length has room for.
    #[serde(skip_serializing_if = "Option::is_none")]
    envelope_room: Option<u32>,
    body_offset: u64,
}

#[derive(Serialize)]
struct EnvelopeStanza {
    #[serde(rename = "type")]
    stanza_type: u16,
    name: Option<&'static str>,
    body_len: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    argon2id: Option<Cost>,
    #[serde(skip_serializing_if = "Option::is_none")]
    recipients: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    recipient_types: Option<Vec<String>>,
}

#[derive(Serialize)]
struct Cost {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

impl EnvelopeStanza {
    fn new(stanza: &Stanza<'_>) -> Self {
        let known = StanzaType::from_value(stanza.stanza_type);
        let argon2id =
            (known == Some(StanzaType::Argon2id)).then(|| Argon2idView::parse(stanza).ok()).flatten();
        let recipient_types =
            AgeView::parse(stanza).and_then(Result::ok).map(|age| age::recipient_types(&age));
        Self {
            stanza_type: stanza.stanza_type,
            name: known.map(StanzaType::name),
            body_len: stanza.body.len(),
            key_id: KeyView::parse(stanza).map(|view| hex::encode(view.key_id())),
            argon2id: argon2id.map(|view| Cost {
                memory_kib: view.memory_kib,
                passes: view.passes,
                lanes: view.lanes,
            }),
            recipients: recipient_types.as_ref().map(Vec::len),
            recipient_types,
        }
    }
}

#[derive(Serialize)]
struct Segment {
    segment_index: u32,
    offset: u64,
    kind: &'static str,
    codec: &'static str,
    digest_alg: &'static str,
    run: u64,
    run_start: bool,
    rekey: bool,
    key_epoch: u32,
    data_frames: u32,
    plaintext_len: u32,
    payload_len: u32,
    wire_len: u32,
    run_salt: String,
}

impl<W: Write> Json<W> {
    pub(crate) fn new(out: W) -> Self {
        Self { out, header_seen: false, segments: 0, runs: 0 }
    }
}

impl<W: Write> View for Json<W> {
    fn header(&mut self, header: &HeaderV1, envelope: Option<&EnvelopeView<'_>>) -> io::Result<()> {
        self.header_seen = true;
        let params = header.params();
        let header = Header {
            version: 1,
            suite: params.suite.name(),
            uniform: header.uniform(),
            frame_size: header.frame_size(),
            segment_size: header.segment_size(),
            epoch_segments: params.epoch_segments,
            plaintext_len: params.plaintext_len,
            stream_salt: hex::encode(params.stream_salt),
            key_id: hex::encode(params.key_id),
            envelope_len: header.envelope_len(),
            stanzas: envelope
                .into_iter()
                .flat_map(EnvelopeView::stanzas)
                .map(|stanza| EnvelopeStanza::new(&stanza))
                .collect(),
            envelope_room: envelope.map(EnvelopeView::room),
            body_offset: header.body_offset().0,
        };
        write!(self.out, "{{\"header\": {},\n \"segments\": [", serde_json::to_string(&header)?)
    }

    fn segment(&mut self, segment: &WalkedSegment) -> io::Result<()> {
        let header = &segment.header;
        let row = Segment {
            segment_index: header.index.0,
            offset: segment.offset.0,
            kind: header.kind.name(),
            codec: header.codec.name(),
            digest_alg: header.digest_alg.name(),
            run: segment.run,
            run_start: header.flags.run_start(),
            rekey: header.flags.rekey(),
            key_epoch: header.key_epoch.0,
            data_frames: header.data_frames,
            plaintext_len: header.plaintext_len,
            payload_len: header.payload_len,
            wire_len: header.wire_len,
            run_salt: hex::encode(header.run_salt),
        };
        let comma = if self.segments == 0 { "" } else { "," };
        self.segments += 1;
        self.runs = segment.run + 1;
        write!(self.out, "{comma}\n  {}", serde_json::to_string(&row)?)
    }

    fn end(&mut self, _: Option<&Error>, failure: Option<&Failure>) -> io::Result<()> {
        if !self.header_seen {
            write!(self.out, "{{\"header\": null,\n \"segments\": [")?;
        }
        let sealed = failure.map_or(Some(true), Failure::shows_sealed);
        let (runs, sealed, error) = (self.runs, line(&sealed), line(&failure));
        writeln!(self.out, "],\n \"runs\": {runs},\n \"sealed\": {sealed},\n \"error\": {error}}}")
    }
}
