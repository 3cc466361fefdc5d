//! §6 to §9: one segment, its header, its frames and their content.

use super::header::Head;
use super::{Bug, Refusal, number};
use crate::generator::keys::EpochKeys;
use crate::generator::primitives::{crc32c, hmac, open_gcm, open_xchacha, sha3};

/// The fields of a segment header that are used after its checks.
pub(super) struct Header {
    pub(super) index: u64,
    kind: u64,
    digest_alg: u64,
    pub(super) run_start: bool,
    key_epoch: u64,
    data_frames: u64,
    pub(super) plaintext_len: u64,
    payload_len: u64,
    pub(super) wire_len: usize,
    pub(super) run_salt: [u8; 16],
}

/// The place of a segment, for its refusals.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) offset: usize,
    pub(super) segment: usize,
}

impl Place {
    pub(super) fn at(self, error: &'static str, field: usize) -> Refusal {
        Refusal { error, offset: Some(self.offset + field), segment: Some(self.segment) }
    }
}

const DATA: u64 = 0;
const INDEX: u64 = 1;
const FINAL: u64 = 2;

/// Performs steps 2 to 9 of §15.1.
pub(super) fn header(bug: Bug<'_>, head: &Head, place: Place, bytes: &[u8]) -> Result<Header, Refusal> {
    let check = |requirement, holds, error, field| bug.check(requirement, holds, || place.at(error, field));
    let field = |at, len| number(bytes, at, len);
    let tag_holds = hmac(&head.keys.segment, &[&bytes[..60]]) == bytes[60..92];
    if bug.is("verifies-before-the-checksum") {
        check("SV2-SEG-023", tag_holds, "auth.segment_tag", 60)?;
    }
    check("SV2-SEG-002", bytes[..4] == *b"SV2S", "malformed.magic", 0)?;
    check("SV2-SEG-003", field(92, 4) == u64::from(crc32c(&bytes[..92])), "malformed.header_crc", 92)?;
    let reserved = (14..16).find(|place| bytes[*place] != 0);
    check("SV2-SEG-004", reserved.is_none(), "malformed.reserved", reserved.unwrap_or(0))?;
    check("SV2-SEG-005", [DATA, INDEX, FINAL].contains(&field(8, 1)), "unsupported.kind", 8)?;
    check("SV2-SEG-006", field(9, 1) == 0, "unsupported.codec", 9)?;
    let digests = if bug.is("knows-one-digest") { 1..=1 } else { 1..=2 };
    check("SV2-SEG-007", digests.contains(&field(10, 2)), "unsupported.digest_alg", 10)?;
    let flags = field(12, 2);
    check("SV2-SEG-008", flags <= 3, "unsupported.flags", 12)?;
    let header = Header {
        index: if bug.is("narrows-the-segment-index") { field(4, 1) } else { field(4, 4) },
        kind: field(8, 1),
        digest_alg: field(10, 2),
        run_start: flags & 2 != 0,
        key_epoch: field(16, 4),
        data_frames: field(20, 4),
        plaintext_len: field(28, 4),
        payload_len: field(32, 4),
        wire_len: usize::try_from(field(36, 4)).unwrap_or(usize::MAX),
        run_salt: bytes[40..56].first_chunk().copied().unwrap_or_default(),
    };
    let last = match head.epoch_segments {
        0 => (1 << 32) - 2,
        epoch_segments => (65_536 * epoch_segments).min(1 << 32) - 2,
    };
    check("SV2-SEG-009", header.is_final() || header.index <= last, "limit.segment_index", 4)?;
    check("SV2-SEG-010", header.key_epoch <= 65_535, "limit.key_epoch", 16)?;
    check("SV2-SEG-011", header.plaintext_len <= head.segment_size, "limit.plaintext_len", 28)?;
    check("SV2-SEG-012", header.payload_len <= head.segment_size, "limit.payload_len", 32)?;
    check("SV2-SEG-013", header.kind != INDEX || !head.uniform, "malformed.kind", 8)?;
    check("SV2-SEG-015", header.index != 0 || header.run_start, "malformed.flags", 12)?;
    let (epoch, rest) = match head.epoch_segments {
        0 => (0, 1),
        epoch_segments => (header.index / epoch_segments, header.index % epoch_segments),
    };
    check("SV2-SEG-016", (flags & 1 == 1) == (epoch != 0 && rest == 0), "malformed.flags", 12)?;
    check("SV2-SEG-017", header.key_epoch == epoch, "malformed.key_epoch", 16)?;
    check("SV2-SEG-018", (header.plaintext_len == 0) != header.is_data(), "malformed.plaintext_len", 28)?;
    let payload_len_fits = index_fits(head.segment_size, header.payload_len);
    check("SV2-IDX-003", header.kind != INDEX || payload_len_fits, "malformed.payload_len", 32)?;
    let is_plaintext = header.kind == INDEX || header.payload_len == header.plaintext_len;
    check("SV2-SEG-019", is_plaintext, "malformed.payload_len", 32)?;
    let data_frames = header.payload_len.div_ceil(head.frame_size);
    check("SV2-SEG-020", header.data_frames == data_frames, "malformed.data_frames", 20)?;
    check("SV2-SEG-021", field(24, 4) == header.data_frames + 2, "malformed.frame_count", 24)?;
    let wire_len = header.payload_len + 24 * field(24, 4) + 36 + header.terminator_len(head);
    check("SV2-SEG-022", field(36, 4) == wire_len, "malformed.wire_len", 36)?;
    check("SV2-SEG-023", tag_holds, "auth.segment_tag", 60)?;
    Ok(header)
}

/// The content of a segment.
pub(super) struct Opened {
    pub(super) payload: Vec<u8>,
    pub(super) digest: [u8; 32],
    pub(super) terminator: Vec<u8>,
    /// The offset from the beginning of the segment.
    pub(super) terminator_at: usize,
}

impl Header {
    pub(super) fn is_data(&self) -> bool {
        self.kind == DATA
    }

    pub(super) fn is_index(&self) -> bool {
        self.kind == INDEX
    }

    pub(super) fn is_final(&self) -> bool {
        self.kind == FINAL
    }

    /// Returns whether the terminator holds the transcript and link of the segments before.
    pub(super) fn proves_history(&self) -> bool {
        self.run_start || self.kind == INDEX
    }

    /// Checks SV2-DIG-007 and SV2-FIN-005 of a terminator that holds a transcript.
    pub(super) fn link_fits(&self, terminator: &[u8]) -> bool {
        let Some((link, first)) = terminator.last_chunk::<20>().zip(terminator.last_chunk::<4>()) else {
            return false;
        };
        if self.index == 0 { *link == [0; 20] } else { number(first, 0, 4) < self.index }
    }

    fn terminator_len(&self, head: &Head) -> u64 {
        if self.is_final() {
            76
        } else if self.proves_history() || head.uniform {
            52
        } else {
            0
        }
    }

    /// Returns the type and plaintext length of each frame.
    fn frames(&self, head: &Head) -> Vec<(u64, u64)> {
        let data = (0..self.data_frames.min(1 << 16))
            .map(|frame| (1, self.payload_len.saturating_sub(frame * head.frame_size).min(head.frame_size)));
        data.chain([(2, 36), (3, self.terminator_len(head))]).collect()
    }

    /// Performs steps 11, 13 and 14 of §15.1 for the terminator frame alone. Returns its plaintext,
    /// and the offset of the frame in the segment.
    pub(super) fn open_terminator(
        &self,
        bug: Bug<'_>,
        head: &Head,
        place: Place,
        bytes: &[u8],
    ) -> Result<(Vec<u8>, usize), Refusal> {
        let len = self.terminator_len(head);
        let end = 96 + self.wire_len;
        let at = end - 24 - usize::try_from(len).unwrap_or(0);
        let check = |requirement, holds, error| bug.check(requirement, holds, || place.at(error, at));
        let truncated = || Place { offset: place.offset + bytes.len(), ..place }.at("truncated", 0);
        let frame = bytes.get(at..end).ok_or_else(truncated)?;
        check("SV2-FRM-002", number(frame, 0, 1) == 3, "malformed.frame_type")?;
        check("SV2-FRM-003", frame[1..4] == [0; 3], "malformed.frame_reserved")?;
        check("SV2-FRM-004", number(frame, 4, 4) == len, "malformed.frame_len")?;
        let keys = head.keys.epoch(u32::try_from(self.key_epoch).unwrap_or(0));
        let (text, opens) =
            self.open_frame(head, &keys, &bytes[..56], self.data_frames + 1, self.index, frame);
        check("SV2-FRM-006", opens, "auth.frame")?;
        Ok((text, at))
    }

    /// Performs step 14 for one frame. Returns its plaintext, and whether its tag holds.
    fn open_frame(
        &self,
        head: &Head,
        keys: &EpochKeys,
        prefix: &[u8],
        frame_index: u64,
        segment_index: u64,
        frame: &[u8],
    ) -> (Vec<u8>, bool) {
        let (frame_index, index) = (frame_index.to_le_bytes(), segment_index.to_le_bytes());
        let (mut text, tag) = (frame[8..frame.len() - 16].to_vec(), &frame[frame.len() - 16..]);
        let aad = [prefix, &frame[..8]].concat();
        let opens = if head.suite == 2 {
            let mut nonce = [0; 12];
            nonce[4..].copy_from_slice(&[&index[..4], &frame_index[..4]].concat());
            nonce[4..8].reverse();
            nonce[8..].reverse();
            open_gcm(&head.keys.run(&keys.aead, &self.run_salt), nonce, &aad, &mut text, tag)
        } else {
            let mut nonce = [0; 24];
            nonce[..16].copy_from_slice(&self.run_salt);
            nonce[16..].copy_from_slice(&[&index[..4], &frame_index[..4]].concat());
            open_xchacha(&keys.aead, nonce, &aad, &mut text, tag)
        };
        (text, opens)
    }

    /// Performs steps 12 to 15 of §15.1 for the 96 bytes of a header and its wire. `plaintext`
    /// receives each frame's bytes as soon as they are opened.
    pub(super) fn open(
        &self,
        bug: Bug<'_>,
        head: &Head,
        place: Place,
        bytes: &[u8],
        mut plaintext: impl FnMut(&[u8]),
    ) -> Result<Opened, Refusal> {
        let (header, wire) = bytes.split_at(96);
        let check =
            |requirement, holds, error, field| bug.check(requirement, holds, || place.at(error, field));
        check("SV2-SEG-025", number(header, 56, 4) == u64::from(crc32c(wire)), "malformed.wire_crc", 56)?;
        let frames = self.frames(head);
        let mut at = 0;
        for (kind, len) in &frames {
            let Some(frame) = wire.get(at..at + 8) else { return Err(place.at("auth.frame", 96 + at)) };
            check("SV2-FRM-002", number(frame, 0, 1) == *kind, "malformed.frame_type", 96 + at)?;
            check("SV2-FRM-003", frame[1..4] == [0; 3], "malformed.frame_reserved", 96 + at)?;
            check("SV2-FRM-004", number(frame, 4, 4) == *len, "malformed.frame_len", 96 + at)?;
            at += 24 + usize::try_from(*len).unwrap_or(0);
        }
        let key_epoch = if bug.is("keeps-the-first-key-epoch") { 0 } else { self.key_epoch };
        let keys = head.keys.epoch(u32::try_from(key_epoch).unwrap_or(0));
        let mut opened =
            Opened { payload: Vec::new(), digest: [0; 32], terminator: Vec::new(), terminator_at: 0 };
        let (mut tags, mut whole) = (header[..56].to_vec(), header[..56].to_vec());
        // Whether the digest frame holds the computed digest, and its place.
        let mut stated = (false, 0);
        at = 0;
        for (frame_index, (kind, len)) in (0_u64..).zip(&frames) {
            let len = usize::try_from(*len).unwrap_or(0);
            let Some(frame) = wire.get(at..at + 24 + len) else {
                return Err(place.at("auth.frame", 96 + at));
            };
            let index = if bug.is("restarts-nonces-in-each-segment") { 0 } else { number(header, 4, 4) };
            let (text, opens) = self.open_frame(head, &keys, &header[..56], frame_index, index, frame);
            let tag = &frame[8 + len..];
            check("SV2-FRM-006", opens, "auth.frame", 96 + at)?;
            match kind {
                1 => {
                    plaintext(&text);
                    tags.extend(tag);
                    whole.extend(frame);
                    opened.payload.extend(text);
                }
                2 => {
                    opened.digest =
                        if self.digest_alg == 2 { sha3(&[&whole]) } else { hmac(&keys.digest, &[&tags]) };
                    let alg = [&header[10..12], &[32, 0], &opened.digest].concat();
                    stated = (text == alg, 96 + at);
                }
                _ => {
                    opened.terminator = text;
                    opened.terminator_at = 96 + at;
                }
            }
            at += 24 + len;
        }
        check("SV2-DIG-002", stated.0, "auth.digest", stated.1)?;
        Ok(opened)
    }
}

/// Returns n, the largest number of entries of an index segment.
pub(super) fn entries_max(segment_size: u64) -> u64 {
    ((segment_size - 24) / 24).min(65_536)
}

/// Checks SV2-IDX-003 of an index segment's payload_len.
fn index_fits(segment_size: u64, payload_len: u64) -> bool {
    let entries = payload_len.saturating_sub(24) / 24;
    payload_len == 24 + 24 * entries && (1..=entries_max(segment_size)).contains(&entries)
}
