//! The table of `sv2 inspect`: stream header, first and last segments, runs, and the end of the
//! stream.

use std::collections::{BTreeSet, VecDeque};
use std::io::{self, Write};

use stream_v2::format::envelope::{AgeView, Argon2idParams, Argon2idView, EnvelopeView, KeyView, Stanza};
use stream_v2::format::wire::{Codec, HeaderV1, SegmentFlags, SegmentHeader, StanzaType};
use stream_v2::pipeline::{Error, WalkedSegment};

use crate::commands::inspect::age::{counted, recipient_types};
use crate::commands::inspect::view::View;
use crate::failure::Failure;
use crate::text::escape::one_line;
use crate::text::size::{bytes, count, human};

const FIRST_ROWS: u64 = 16;
const LAST_ROWS: usize = 4;

/// Writes the table during the walk.
pub(crate) struct Table<W> {
    out: W,
    all: bool,
    segments: u64,
    plaintext_len: u64,
    stream_len: u64,
    last: VecDeque<WalkedSegment>,
    /// The number of runs that have begun, and the segments that began the first ones.
    runs: u64,
    first_runs: Vec<SegmentHeader>,
    compressed: Compressed,
}

/// The segments with a codec.
#[derive(Default)]
struct Compressed {
    segments: u64,
    plaintext_len: u64,
    payload_len: u64,
    codecs: BTreeSet<&'static str>,
}

impl Compressed {
    fn add(&mut self, header: &SegmentHeader) {
        if header.codec != Codec::None {
            self.segments += 1;
            self.plaintext_len += u64::from(header.plaintext_len);
            self.payload_len += u64::from(header.payload_len);
            self.codecs.insert(header.codec.name());
        }
    }

    fn described(&self) -> String {
        let codecs: Vec<_> = self.codecs.iter().copied().collect();
        let percent = 100 * self.payload_len / self.plaintext_len.max(1);
        let segments = count(self.segments, "segment");
        format!("{segments}, to {percent} % of their plaintext ({})", codecs.join(", "))
    }
}

impl<W: Write> Table<W> {
    /// Creates a table of the first and last segments, or of all.
    pub(crate) fn new(out: W, all: bool) -> Self {
        let last = VecDeque::with_capacity(LAST_ROWS + 1);
        Self {
            out,
            all,
            segments: 0,
            plaintext_len: 0,
            stream_len: 0,
            last,
            runs: 0,
            first_runs: Vec::new(),
            compressed: Compressed::default(),
        }
    }

    fn field(&mut self, name: &str, value: impl AsRef<str>) -> io::Result<()> {
        writeln!(self.out, "{name:<14} {}", one_line(value.as_ref()))
    }

    fn row(&mut self, segment: &WalkedSegment) -> io::Result<()> {
        let header = &segment.header;
        let line = format!(
            "{:>10} {:>16} {:<6} {:>12} {:>12} {:>6}  {}",
            header.index.0,
            segment.offset.0,
            header.kind.name(),
            header.plaintext_len,
            header.wire_len,
            header.key_epoch.0,
            flags(header.flags),
        );
        writeln!(self.out, "{}", line.trim_end())
    }

    /// Writes the runs that sealed the segments. Their succession is not visible without the key.
    fn runs(&mut self) -> io::Result<()> {
        self.field("runs", self.runs.to_string())?;
        for run in std::mem::take(&mut self.first_runs) {
            let [a, b, c, d, ..] = run.run_salt;
            let salt = hex::encode([a, b, c, d]);
            self.field("", format!("from segment {}, run salt {salt}…", run.index.0))?;
        }
        match self.runs.saturating_sub(FIRST_ROWS) {
            more if more > 0 && !self.all => self.field("", format!("… {more} more (--all)")),
            _ => Ok(()),
        }
    }

    /// Writes the rows held back so far.
    fn last_rows(&mut self) -> io::Result<()> {
        let shown = FIRST_ROWS + self.last.len() as u64;
        if !self.all && self.segments > shown {
            writeln!(self.out, "{:>10} {} more (--all)", "…", self.segments - shown)?;
        }
        while let Some(segment) = self.last.pop_front() {
            self.row(&segment)?;
        }
        Ok(())
    }
}

impl<W: Write> View for Table<W> {
    fn header(&mut self, header: &HeaderV1, envelope: Option<&EnvelopeView<'_>>) -> io::Result<()> {
        self.stream_len = header.body_offset().0;
        let params = header.params();
        let epochs = match params.epoch_segments {
            0 => "one".into(),
            segments => format!("a new one every {}", count(segments.into(), "segment")),
        };
        let envelope_len = match header.envelope_len() {
            0 => "none".into(),
            len => bytes(len.into()),
        };
        self.field("format", "Stream V2, version 1")?;
        self.field("suite", params.suite.name())?;
        self.field("key id", hex::encode(params.key_id))?;
        self.field("stream salt", hex::encode(params.stream_salt))?;
        self.field("segment size", human(header.segment_size().into()))?;
        self.field("frame size", human(header.frame_size().into()))?;
        self.field("uniform", if header.uniform() { "yes" } else { "no" })?;
        self.field("key epochs", epochs)?;
        self.field("declared", params.plaintext_len.map_or("no length".into(), bytes))?;
        self.field("envelope", envelope_len)?;
        for stanza in envelope.into_iter().flat_map(EnvelopeView::stanzas) {
            self.field("", described(&stanza))?;
        }
        if let Some(envelope) = envelope {
            self.field("", format!("room for {} more in place", bytes(envelope.room().into())))?;
        }
        writeln!(self.out)?;
        writeln!(
            self.out,
            "{:>10} {:>16} {:<6} {:>12} {:>12} {:>6}  flags",
            "segment", "offset", "kind", "plaintext", "wire", "epoch"
        )
    }

    fn segment(&mut self, segment: &WalkedSegment) -> io::Result<()> {
        self.segments += 1;
        if segment.header.flags.run_start() {
            self.runs += 1;
            if self.all || self.runs <= FIRST_ROWS {
                self.first_runs.push(segment.header);
            }
        }
        self.compressed.add(&segment.header);
        self.plaintext_len += u64::from(segment.header.plaintext_len);
        self.stream_len = segment.offset.plus(segment.header.segment_len()).0;
        if self.all || self.segments <= FIRST_ROWS {
            return self.row(segment);
        }
        if self.last.len() == LAST_ROWS {
            self.last.pop_front();
        }
        self.last.push_back(*segment);
        Ok(())
    }

    fn end(&mut self, error: Option<&Error>, failure: Option<&Failure>) -> io::Result<()> {
        if self.stream_len > 0 {
            self.last_rows()?;
            writeln!(self.out)?;
            self.field("found", format!("{}, {}", count(self.segments, "segment"), bytes(self.stream_len)))?;
            self.field("plaintext", bytes(self.plaintext_len))?;
            if self.compressed.segments > 0 {
                let compressed = self.compressed.described();
                self.field("compressed", compressed)?;
            }
            self.runs()?;
        }
        let word = match failure.map_or(Some(true), Failure::shows_sealed) {
            Some(true) => "yes",
            Some(false) => "no",
            None => "unknown",
        };
        let sealed = error.map_or(word.into(), |error| format!("{word}: {error}"));
        self.field("sealed", sealed)?;
        self.field("authentic", "unknown: nothing here was checked with the key")
    }
}

/// Describes a stanza. Nothing about it is authenticated.
fn described(stanza: &Stanza<'_>) -> String {
    let len = bytes(stanza.body.len() as u64);
    if let Some(key) = KeyView::parse(stanza) {
        return format!("for the key with id {}", hex::encode(key.key_id()));
    }
    if let Some(age) = AgeView::parse(stanza) {
        return match age {
            Ok(age) => {
                let types = recipient_types(&age);
                let recipients = count(types.len() as u64, "recipient");
                let kinds = if types.is_empty() { String::new() } else { format!(": {}", counted(&types)) };
                format!("an age file for {recipients}{kinds}")
            }
            Err(_) => format!("an age file that is not opened, {len}"),
        };
    }
    match StanzaType::from_value(stanza.stanza_type) {
        Some(StanzaType::Argon2id) => match Argon2idView::parse(stanza).map(|view| view.params()) {
            Ok(Argon2idParams { memory_kib, passes, lanes, .. }) => {
                let memory = human(u64::from(memory_kib) << 10);
                format!("for a passphrase: Argon2id, memory {memory}, passes {passes}, lanes {lanes}")
            }
            Err(_) => format!("for a passphrase, {len}"),
        },
        Some(StanzaType::Padding) => format!("padding, {len}"),
        _ => format!("stanza of unknown type {:#06x}, {len}", stanza.stanza_type),
    }
}

fn flags(flags: SegmentFlags) -> &'static str {
    match (flags.run_start(), flags.rekey()) {
        (true, true) => "RUN_START REKEY",
        (true, false) => "RUN_START",
        (false, true) => "REKEY",
        (false, false) => "",
    }
}

#[cfg(test)]
mod tests {
    use stream_v2::format::Offset;

    use super::*;

    /// A walk refuses such envelopes first.
    #[test]
    fn stanzas_that_cannot_be_read_are_named() {
        let scrypt = b"age-encryption.org/v1\n-> scrypt c2FsdA 18\nYm9keQ\n--- bWFj\n";
        let named = [(StanzaType::Argon2id, &b"short"[..]), (StanzaType::Age, scrypt)]
            .map(|(kind, body)| described(&Stanza { stanza_type: kind.value(), body, offset: Offset(128) }));
        insta::assert_snapshot!(named.join("\n"), @r"
        for a passphrase, 5 bytes
        an age file that is not opened, 58 bytes
        ");
    }

    #[test]
    fn flags_have_the_names_of_the_specification() {
        let named = [0, 1, 2, 3].map(|value| SegmentFlags::from_value(value).map(flags).unwrap());
        insta::assert_snapshot!(named.join(", "), @", REKEY, RUN_START, RUN_START REKEY");
    }
}
