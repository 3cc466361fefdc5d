//! §8, §9, §11 and §13: writes the segments of a plan, one after the other.

use crate::generator::keys::Keys;
use crate::generator::plan::{Item, Plan, Tweak};
use crate::generator::primitives::{hmac, le32};
use crate::generator::wire::builder::{
    Builder, Counters, DATA_FRAME, DIGEST_FRAME, FrameBuilder, TERMINATOR_FRAME,
};
use crate::generator::wire::envelope;
use crate::generator::wire::segment_header::{
    DATA, FINAL, INDEX, REKEY, RUN_START, SegmentHeader, repair_header_crc,
};
use crate::generator::wire::stream::{Segment, Stream};

impl Plan {
    /// Writes the stream.
    pub(crate) fn write(&self) -> Stream {
        let keys = Keys::derive(&self.content_key, &self.context, &self.header.bound());
        let head = [self.header.seal(&keys), envelope::close(&self.stanzas)].concat();
        let mut writer = Writer {
            plan: self,
            keys: &keys,
            plaintext: self.plaintext.bytes(),
            segments: Vec::new(),
            taken: 0,
            position: 0,
            transcript: [0; 32],
            run: [0; 20],
            last_index: None,
            entries: Vec::new(),
        };
        self.items.iter().for_each(|item| writer.segment(*item));
        let segments = writer.segments;
        Stream {
            content_key: self.content_key,
            context: self.context.clone(),
            keys,
            plaintext: self.plaintext.clone(),
            head,
            segments,
            tail: Vec::new(),
            cut: None,
        }
    }
}

/// The writer's state between two segments.
struct Writer<'a> {
    plan: &'a Plan,
    keys: &'a Keys,
    plaintext: Vec<u8>,
    segments: Vec<Segment>,
    taken: usize,
    position: usize,
    transcript: [u8; 32],
    /// R of the last segment (§8.3).
    run: [u8; 20],
    /// Position and tag of the last index segment.
    last_index: Option<(usize, Vec<u8>)>,
    /// An entry for each data segment that no index segment covers.
    entries: Vec<Vec<u8>>,
}

impl Writer<'_> {
    fn segment(&mut self, item: Item) {
        let mut payload = self.payload(item);
        self.alter(|tweak| matches!(tweak, Tweak::Payload(..)), &mut payload);
        let mut builder = self.builder(item, payload);
        for tweak in &self.plan.tweaks {
            if let Tweak::Segment(segment, alter) = tweak
                && *segment == self.segments.len()
            {
                alter(&mut builder);
            }
        }
        let sealed = builder.seal(self.plan.header.suite, self.keys, |plain| {
            self.alter(|tweak| matches!(tweak, Tweak::Digest(..)), plain);
        });
        let mut wire: Vec<u8> = sealed.frames.iter().flat_map(|frame| frame.bytes.clone()).collect();
        self.alter(|tweak| matches!(tweak, Tweak::Wire(..)), &mut wire);
        let mut header = builder.header.seal(&wire, &self.keys.segment);
        self.alter(|tweak| matches!(tweak, Tweak::Tagged(..)), &mut header);
        repair_header_crc(&mut header);
        self.advance(item, &header, &sealed.digest);
        let plaintext_len = if let Item::Data(len) = item { len } else { 0 };
        let bytes = [header, wire].concat();
        self.position += bytes.len();
        self.segments.push(Segment {
            bytes,
            plaintext_len,
            frames: sealed.frames,
            digest: sealed.digest,
            transcript: self.transcript,
            run: self.run,
        });
    }

    /// Applies the tweaks of one stage to the current segment.
    fn alter(&self, stage: impl Fn(&Tweak) -> bool, bytes: &mut Vec<u8>) {
        for tweak in self.plan.tweaks.iter().filter(|tweak| stage(tweak)) {
            match tweak {
                Tweak::Payload(segment, alter)
                | Tweak::Digest(segment, alter)
                | Tweak::Wire(segment, alter)
                | Tweak::Tagged(segment, alter)
                    if *segment == self.segments.len() =>
                {
                    alter(bytes);
                }
                _ => {}
            }
        }
    }

    fn payload(&self, item: Item) -> Vec<u8> {
        match item {
            Item::Data(len) => self.plaintext[self.taken..self.taken + len].to_vec(),
            Item::Index => self.index_payload(),
            Item::Final => Vec::new(),
        }
    }

    /// Returns distance, previous and entries (§11).
    fn index_payload(&self) -> Vec<u8> {
        let (distance, previous) = match &self.last_index {
            Some((position, tag)) => (self.position - position, tag.clone()),
            None => (0, vec![0; 16]),
        };
        [(distance as u64).to_le_bytes().to_vec(), previous, self.entries.concat()].concat()
    }

    fn builder(&self, item: Item, payload: Vec<u8>) -> Builder {
        let data: Vec<FrameBuilder> = payload
            .chunks(self.plan.header.frame_size().max(1))
            .map(|plain| FrameBuilder::honest(DATA_FRAME, plain.to_vec()))
            .collect();
        let terminator = FrameBuilder::honest(TERMINATOR_FRAME, self.terminator(item));
        let frame_count = data.len() + 2;
        let header = SegmentHeader {
            kind: match item {
                Item::Data(_) => DATA,
                Item::Index => INDEX,
                Item::Final => FINAL,
            },
            codec: 0,
            digest_alg: self.plan.digest_alg,
            flags: self.flags(),
            reserved: [0; 2],
            key_epoch: self.key_epoch(),
            data_frames: le32(data.len()),
            frame_count: le32(frame_count),
            plaintext_len: if let Item::Data(len) = item { le32(len) } else { 0 },
            payload_len: le32(payload.len()),
            wire_len: le32(payload.len() + 24 * frame_count + 36 + terminator.plain.len()),
            run_salt: self.run().1,
            segment_index: le32(self.segments.len()),
        };
        let digest = FrameBuilder { frame_type: DIGEST_FRAME, reserved: [0; 3], len: 36, plain: Vec::new() };
        let (sealing_epoch, counters) = (header.key_epoch, Counters::BigEndian);
        Builder { sealing_epoch, counters, header, data, digest, terminator }
    }

    /// Returns the first segment and the salt of the run that this segment belongs to.
    fn run(&self) -> (usize, [u8; 16]) {
        let runs = self.plan.runs.iter().rev();
        runs.copied().find(|(first, _)| *first <= self.segments.len()).unwrap_or((0, [0; 16]))
    }

    /// Returns the key epoch of this segment (§13).
    fn key_epoch(&self) -> u32 {
        le32(self.segments.len()).checked_div(self.plan.header.epoch_segments).unwrap_or(0)
    }

    fn flags(&self) -> u16 {
        let epoch_segments = self.plan.header.epoch_segments as usize;
        let rekey = self.key_epoch() != 0 && self.segments.len().is_multiple_of(epoch_segments);
        let run_start = self.run().0 == self.segments.len();
        (u16::from(rekey) * REKEY) | (u16::from(run_start) * RUN_START)
    }

    /// Returns the terminator of a segment (§8.3).
    fn terminator(&self, item: Item) -> Vec<u8> {
        let run_start = self.flags() & RUN_START != 0;
        match item {
            Item::Final => self.trailer(),
            Item::Index => self.history(),
            Item::Data(_) if run_start => self.history(),
            Item::Data(_) if self.plan.header.uniform() => vec![0; 52],
            Item::Data(_) => Vec::new(),
        }
    }

    /// Returns T_(i-1) || R_(i-1).
    fn history(&self) -> Vec<u8> {
        [&self.transcript[..], &self.run].concat()
    }

    /// Returns the trailer (§9).
    fn trailer(&self) -> Vec<u8> {
        let distance = self.last_index.as_ref().map_or(0, |(position, _)| self.position - position);
        let numbers = [self.taken, self.position, distance];
        let numbers = numbers.iter().flat_map(|number| (*number as u64).to_le_bytes());
        numbers.chain(self.history()).collect()
    }

    /// Adds a segment to the state that the next ones depend on.
    fn advance(&mut self, item: Item, header: &[u8], digest: &[u8; 32]) {
        let index = le32(self.segments.len()).to_le_bytes();
        let tag = header[60..76].to_vec();
        match item {
            Item::Data(len) => {
                self.taken += len;
                self.entries.push([&header[28..32], &header[36..40], &tag].concat());
            }
            Item::Index => {
                self.last_index = Some((self.position, tag));
                self.entries.clear();
            }
            Item::Final => {}
        }
        if item != Item::Final {
            self.transcript = hmac(&self.keys.chain, &[&self.transcript, &index, digest]);
            self.run[..16].copy_from_slice(&header[40..56]);
            if u16::from(header[12]) & RUN_START != 0 {
                self.run[16..].copy_from_slice(&index);
            }
        }
    }
}
