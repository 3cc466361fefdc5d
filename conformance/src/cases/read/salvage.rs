//! §15.4: unsealed streams, read on request, and faults that salvaging does not forgive.

use super::three;
use crate::cases::read::case::{Case, Place};
use crate::generator::plan::Plan;
use crate::generator::wire::envelope::padding;
use crate::generator::wire::segment_header::at;
use crate::generator::wire::stream::Stream;
use crate::generator::wire::stream_header::at as header_at;

const BASE: &str = "accept-three-segments";
const UNSEALED: &str = "truncated.unsealed";

pub(crate) fn cases() -> Vec<Case> {
    [unsealed(), heads(), faults()].concat()
}

fn salvage(id: &str, comment: &str, mutation: &str, stream: Stream) -> Case {
    Case::new(id, &["SV2-SAL-002"], comment, stream).made(BASE, mutation).salvaged()
}

fn unsealed() -> Vec<Case> {
    let stream = three().write();
    let cut = |id: &str, comment: &str, segments: usize, more: usize| {
        let offset = stream.offset(segments) + more;
        salvage(id, comment, &format!("cut at {offset}"), stream.clone().cut_at(offset))
            .rejects(UNSEALED, Place::End(segments))
    };
    vec![
        Case::new("salvage-sealed", &["SV2-SAL-002"], "A sealed stream is a success.", stream.clone())
            .salvaged(),
        cut("salvage-after-header", "A stream header with nothing after it.", 0, 0),
        cut("salvage-after-1", "The stream ends after segment 0.", 1, 0),
        cut("salvage-after-3", "Only the final segment is missing.", 3, 0),
        cut("salvage-in-segment-header", "The stream ends inside a segment header.", 1, 40),
        cut("salvage-in-wire", "The stream ends inside a wire.", 1, 120),
        cut("salvage-before-wire", "The stream ends after a segment header.", 2, 96),
        cut("salvage-in-final", "The last byte of the final segment is missing.", 3, 235),
    ]
}

fn heads() -> Vec<Case> {
    let enveloped = Plan::flushed(&[100]).envelope(padding(8)).write();
    let mut inside = salvage(
        "salvage-in-envelope",
        "The stream ends inside the envelope.",
        "cut at 140",
        enveloped.clone().cut_at(140),
    )
    .rejects("truncated", Place::EndInHeader);
    let mut after = salvage(
        "salvage-after-envelope",
        "The stream ends after the envelope.",
        "cut at 144",
        enveloped.cut_at(144),
    )
    .rejects(UNSEALED, Place::End(0));
    (inside.base, after.base) = (Some("envelope-padding"), Some("envelope-padding"));
    vec![
        salvage(
            "salvage-in-stream-header",
            "The stream ends inside the stream header.",
            "cut at 127",
            three().write().cut_at(127),
        )
        .rejects("truncated", Place::EndInHeader),
        salvage("salvage-empty-input", "The input is empty.", "cut at 0", three().write().cut_at(0))
            .rejects("truncated", Place::EndInHeader),
        inside,
        after,
        salvage(
            "salvage-wrong-key",
            "An unsealed stream, read with another content key.",
            "cut after 1 segment; read with another content key",
            {
                let stream = three().write();
                let end = stream.offset(1);
                stream.cut_at(end)
            },
        )
        .read_with_key(Some([0x77; 32]))
        .rejects("key.header_tag", Place::Header(header_at::HEADER_TAG)),
    ]
}

fn faults() -> Vec<Case> {
    let tagged = three().tagged(1, |header| header[70] ^= 1).write();
    let inside = tagged.offset(1) + 120;
    let damaged = three().write().raw(1, |bytes| bytes[130] ^= 1);
    let last = three().write().raw(3, |bytes| bytes[235] ^= 1);
    let trailer = three().builder(3, |builder| builder.terminator.plain[0] ^= 1).write();
    vec![
        salvage(
            "salvage-damaged-wire",
            "A damaged wire is the error that it is.",
            "a bit of the wire of segment 1 flipped",
            damaged,
        )
        .rejects("malformed.wire_crc", Place::Segment(1, at::WIRE_CRC)),
        salvage(
            "salvage-damaged-final",
            "A damaged final segment is the error that it is.",
            "a bit of the last byte flipped",
            last,
        )
        .rejects("malformed.wire_crc", Place::Segment(3, at::WIRE_CRC)),
        salvage(
            "salvage-forged-tail",
            "A segment with a wrong tag whose wire is cut: the tag comes first.",
            "segment_tag of segment 1 altered, cut inside its wire",
            tagged.cut_at(inside),
        )
        .rejects("auth.segment_tag", Place::Segment(1, at::SEGMENT_TAG)),
        salvage(
            "salvage-zero-tail",
            "Zeros stand where the next segment would.",
            "segments 1 to 3 replaced by 200 zero bytes",
            three().write().arrange(|all| all.truncate(1)).followed_by(&[0; 200]),
        )
        .rejects("malformed.magic", Place::After(1)),
        salvage(
            "salvage-trailing",
            "A byte after the final segment is the error that it is.",
            "a byte 00 appended",
            three().write().followed_by(&[0]),
        )
        .rejects("trailing", Place::After(4)),
        salvage(
            "salvage-trailer",
            "A wrong trailer is the error that it is.",
            "trailer altered before sealing; all else made for that",
            trailer,
        )
        .rejects("auth.trailer", Place::Frame(3, 1)),
        salvage(
            "salvage-swapped",
            "Segments in the wrong order are the error that they are.",
            "segments 1 and 2 swapped",
            three().write().arrange(|all| all.swap(1, 2)),
        )
        .rejects("order.segment_index", Place::Segment(1, at::SEGMENT_INDEX)),
    ]
}
