//! §11: index segments and their content.

use super::three;
use crate::cases::read::case::{Case, Place};
use crate::generator::plan::{Item, Plan, with_index};
use crate::generator::wire::segment_header::at;
use crate::generator::wire::stream_header::at as header_at;

pub(super) const BASE: &str = "index";
/// n for S = 4096.
pub(super) const ENTRIES_MAX: usize = 169;

pub(crate) fn cases() -> Vec<Case> {
    [accepted(), contents(), headers(), payload_lens(), bindings()].concat()
}

/// Returns three data segments, an index segment and the final one.
fn indexed() -> Plan {
    let plan = three();
    let items = with_index(&plan.items, ENTRIES_MAX);
    plan.items(&items)
}

/// Returns a case that readers without index segments refuse at the kind of the first one.
pub(super) fn optional(
    id: &str,
    requirements: &[&'static str],
    comment: &str,
    plan: &Plan,
    first: usize,
) -> Case {
    let kind = Place::Segment(first, at::KIND);
    Case::new(id, requirements, comment, plan.write()).needs("index", "unsupported.kind", kind)
}

fn accepted() -> Vec<Case> {
    let case = |id: &str, comment: &str, plan: &Plan| {
        optional(id, &["SV2-IDX-003", "SV2-IDX-004", "SV2-IDX-005", "SV2-IDX-008"], comment, plan, 3)
    };
    vec![
        case(BASE, "An index segment of three entries before the final segment.", &indexed()),
        case("index-begins-run", "A run begins with the index segment.", &indexed().runs_at(&[3])),
        case("index-digest-2", "digest_alg 0x0002 in every segment.", &indexed().digest_alg(2)),
        case(
            "index-epochs",
            "Each segment has an epoch of its own, the index segment too.",
            &indexed().epochs(1),
        ),
        case(
            "index-after-runs",
            "A run in every segment: entries have different sizes.",
            &indexed().runs_at(&[1, 2, 4]),
        ),
    ]
}

/// A correctly sealed index segment whose payload does not match the segments before it.
fn contents() -> Vec<Case> {
    let case = |id: &str, comment: &str, alter: fn(&mut Vec<u8>)| {
        optional(id, &["SV2-IDX-004"], comment, &indexed().payload(3, alter), 3)
            .made(BASE, "payload of the index segment altered before sealing; all else made for that")
            .rejects("malformed.index", Place::Ciphertext(3))
    };
    vec![
        case("index-distance", "The first index segment has a distance.", |payload| payload[0] = 96),
        case("index-distance-high", "The highest byte of the distance is not zero.", |payload| {
            payload[7] = 1
        }),
        case("index-previous", "The first index segment names one before it.", |payload| payload[23] = 1),
        case("index-entry-plaintext-len", "An entry has a wrong plaintext_len.", |payload| payload[24] ^= 1),
        case("index-entry-wire-len", "An entry has a wrong wire_len.", |payload| payload[28] ^= 1),
        case("index-entry-tag-first", "An entry has a wrong first tag byte.", |payload| payload[32] ^= 1),
        case("index-entry-tag-last", "The last entry has a wrong last tag byte.", |payload| payload[95] ^= 1),
        case("index-entries-swapped", "Two entries have changed places.", |payload| {
            payload[24..72].rotate_left(24)
        }),
        case("index-entry-missing", "The last entry is missing.", |payload| payload.truncate(72)),
        case("index-entry-missing-first", "The first entry is missing.", |payload| {
            drop(payload.drain(24..48))
        }),
        case(
            "index-entry-invented",
            "There is an entry for a data segment that does not exist.",
            |payload| payload.extend([1; 24]),
        ),
    ]
}

fn headers() -> Vec<Case> {
    let uniform = Plan::filled(4096, 4096).uniform().items(&[Item::Data(4096), Item::Index, Item::Final]);
    vec![
        optional(
            "index-in-uniform",
            &["SV2-SEG-013"],
            "An index segment in a stream with UNIFORM.",
            &uniform,
            1,
        )
        .made("accept-uniform", "an index segment before the final one")
        .rejects("malformed.kind", Place::Segment(1, at::KIND)),
        optional(
            "index-codec",
            &["SV2-SEG-014"],
            "An index segment with a codec.",
            &indexed().builder(3, |builder| builder.header.codec = 1),
            3,
        )
        .made(BASE, "codec of the index segment set; all else made for that")
        .needs("codec-zstd", "unsupported.codec", Place::Segment(3, at::CODEC))
        .rejects("malformed.codec", Place::Segment(3, at::CODEC)),
        optional(
            "index-plaintext-len",
            &["SV2-SEG-018"],
            "An index segment whose plaintext_len is not 0.",
            &indexed().builder(3, |builder| builder.header.plaintext_len = 96),
            3,
        )
        .made(BASE, "plaintext_len of the index segment set; all else made for that")
        .rejects("malformed.plaintext_len", Place::Segment(3, at::PLAINTEXT_LEN)),
    ]
}

fn payload_lens() -> Vec<Case> {
    let case = |id: &str, comment: &str, alter: fn(&mut Vec<u8>)| {
        optional(id, &["SV2-IDX-003", "SV2-SEG-019"], comment, &indexed().payload(3, alter), 3)
            .made(BASE, "payload of the index segment altered before sealing; all else made for that")
            .rejects("malformed.payload_len", Place::Segment(3, at::PAYLOAD_LEN))
    };
    let twice = three().items(&[
        Item::Data(100),
        Item::Data(70),
        Item::Data(30),
        Item::Index,
        Item::Index,
        Item::Final,
    ]);
    vec![
        case("index-payload-len-0", "An index segment without a payload.", Vec::clear),
        case("index-payload-len-24", "An index segment without entries.", |payload| payload.truncate(24)),
        case("index-payload-len-more", "A byte follows the last entry.", |payload| payload.push(0)),
        case("index-payload-len-less", "The last byte of the last entry is missing.", |payload| {
            payload.truncate(95)
        }),
        optional(
            "index-twice",
            &["SV2-IDX-003"],
            "A second index segment has nothing to describe.",
            &twice,
            3,
        )
        .made(BASE, "a second index segment before the final one")
        .rejects("malformed.payload_len", Place::Segment(4, at::PAYLOAD_LEN)),
        too_many_entries(),
    ]
}

/// A header for 65,537 entries. The input ends after it, because nothing more is needed.
fn too_many_entries() -> Case {
    let plan = indexed().header(|header| header.segment_size = 1 << 21).builder(3, |builder| {
        let header = &mut builder.header;
        header.payload_len = 24 + 24 * 65_537;
        header.data_frames = header.payload_len.div_ceil(4096);
        header.frame_count = header.data_frames + 2;
        header.wire_len = header.payload_len + 24 * header.frame_count + 36 + 52;
    });
    let mut case = optional(
        "index-entries-above",
        &["SV2-IDX-003"],
        "One entry more than an index segment may hold, whatever S is.",
        &plan,
        3,
    );
    let end = case.stream.offset(3) + 96;
    case.stream = case.stream.cut_at(end);
    case.made(
        BASE,
        "segment_size 2^21; the header of the index segment speaks of 65,537 entries; cut behind it",
    )
    .rejects("malformed.payload_len", Place::Segment(3, at::PAYLOAD_LEN))
}

fn bindings() -> Vec<Case> {
    let trailer = |id: &str, comment: &str, alter: fn(&mut [u8])| {
        let plan = indexed().builder(4, move |builder| alter(&mut builder.terminator.plain[16..24]));
        optional(id, &["SV2-FIN-001"], comment, &plan, 3)
            .made(BASE, "distance in the trailer altered before sealing; all else made for that")
            .rejects("auth.trailer", Place::Frame(4, 1))
    };
    let transcript = |id: &str, comment: &str, alter: fn(&mut [u8])| {
        let plan = indexed().builder(3, move |builder| alter(&mut builder.terminator.plain));
        optional(id, &["SV2-DIG-005"], comment, &plan, 3)
            .made(BASE, "terminator of the index segment altered before sealing; all else made for that")
            .rejects("order.transcript", Place::Frame(3, 2))
    };
    let payload = indexed()
        .payload(3, |payload| payload[24] ^= 1)
        .builder(3, |builder| builder.terminator.plain[0] ^= 1);
    let known = indexed().header(|header| header.plaintext_len = 200);
    vec![
        trailer("index-trailer-distance-0", "The trailer does not know of the index segment.", |distance| {
            distance.fill(0)
        }),
        trailer("index-trailer-distance", "The distance in the trailer is one too small.", |distance| {
            distance[0] -= 1
        }),
        transcript(
            "index-transcript",
            "The terminator of an index segment is not the transcript.",
            |plain| plain[31] ^= 1,
        ),
        transcript("index-transcript-zero", "The terminator of an index segment is zero.", |plain| {
            plain.fill(0)
        }),
        optional(
            "index-transcript-before-payload",
            &["SV2-RDR-001"],
            "Terminator and payload are wrong: the terminator comes first.",
            &payload,
            3,
        )
        .made(
            BASE,
            "payload and terminator of the index segment altered before sealing; all else made for that",
        )
        .rejects("order.transcript", Place::Frame(3, 2)),
        optional(
            "index-plaintext-total",
            &["SV2-FIN-002"],
            "The payload of an index segment is no plaintext of the stream.",
            &known,
            3,
        ),
        Case::new(
            "index-key",
            &["SV2-HDR-014"],
            "A stream with an index segment, read with another content key.",
            indexed().write(),
        )
        .made(BASE, "none; read with another content key")
        .read_with_key(Some([0x77; 32]))
        .rejects("key.header_tag", Place::Header(header_at::HEADER_TAG)),
    ]
}
