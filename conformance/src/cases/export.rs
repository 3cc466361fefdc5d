//! Turns cases into the JSON of vectors, and bytes into hex or blobs.

use std::collections::BTreeMap;

use crate::cases::read::case::{Case, Place, Table, Verdict};
use crate::primitives::sha256_hex;
use crate::vector::{About, Expect, Fault, Keys, Made, Range, ReadVector, Recipe, Stored, Vector};
use crate::wire::stream::Stream;

/// Inputs of more bytes than this are blobs.
const INLINE_LEN_MAX: usize = 4096;

/// Every vector is delivered in each of these ways: at once, and in pieces of so many bytes.
const DELIVERIES: [&str; 4] = ["whole", "1", "7", "4096"];

/// The name under which vectors are generated.
pub(crate) const GENERATOR: &str = "sv2-vectors";

/// Blobs by path from the root of the vectors.
pub(crate) type Blobs = BTreeMap<String, Vec<u8>>;

/// A read vector; its blob, if it has one, goes to `blobs`.
pub(crate) fn export(case: &Case, blobs: &mut Blobs) -> Vector {
    let about = About {
        id: case.id.clone(),
        operation: "read".to_owned(),
        level: "MUST".to_owned(),
        requirements: strings(&case.requirements),
        features: case.without.iter().map(|(feature, _)| (*feature).to_owned()).collect(),
        comment: case.comment.clone(),
    };
    let answer = |verdict: &Verdict| expect(case, verdict);
    Vector::Read(Box::new(ReadVector {
        about,
        keys: keys(case.content_key.as_ref(), &case.context),
        mode: case.mode.to_owned(),
        input: store(case.stream.bytes(), blobs),
        plaintext: case.plaintext.clone(),
        expect: case.table.is_none().then(|| answer(&case.verdict)),
        expect_without: case
            .without
            .iter()
            .map(|(feature, verdict)| ((*feature).to_owned(), answer(verdict)))
            .collect(),
        recipe: case.table.as_ref().map(|table| recipe(case, table)),
        sticky: true,
        deliveries: strings(&DELIVERIES),
        made: made(case.base, &case.mutation),
    }))
}

/// What the caller brings, in hex.
pub(crate) fn keys(content_key: Option<&[u8; 32]>, context: &[u8]) -> Keys {
    Keys { content_key: content_key.map(hex::encode), context: hex::encode(context) }
}

/// Where a vector comes from.
pub(crate) fn made(base: Option<&str>, mutation: &str) -> Made {
    Made { generator: GENERATOR.to_owned(), base: base.map(str::to_owned), mutation: mutation.to_owned() }
}

/// Puts bytes into the vector or into a blob.
pub(crate) fn store(bytes: Vec<u8>, blobs: &mut Blobs) -> Stored {
    let sha256 = sha256_hex(&bytes);
    let len = bytes.len();
    if len <= INLINE_LEN_MAX {
        return Stored { len, sha256, hex: Some(hex::encode(bytes)), blob: None };
    }
    let path = format!("blobs/{sha256}.sv2");
    blobs.insert(path.clone(), bytes);
    Stored { len, sha256, hex: None, blob: Some(path) }
}

/// Owned strings.
pub(crate) fn strings(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn expect(case: &Case, verdict: &Verdict) -> Expect {
    match verdict {
        Verdict::Accept => Expect::Accept {
            plaintext_len: case.plaintext.len,
            plaintext_sha256: sha256_hex(&case.plaintext.bytes()),
        },
        Verdict::Reject(error, place) => Expect::Reject(fault(case, error, *place)),
        Verdict::Unsupported(error, place) => Expect::Unsupported(fault(case, error, *place)),
    }
}

fn fault(case: &Case, error: &str, place: Place) -> Fault {
    let (offset, segment) = place.resolve(&case.stream);
    let (released_len, released_sha256) = released(case, segment);
    Fault { error: vec![error.to_owned()], offset, segment, released_len, released_sha256 }
}

/// The plaintext of the segments before a fault is what is released.
fn released(case: &Case, segment: Option<usize>) -> (usize, String) {
    let len = case.stream.released_len(segment.unwrap_or(0));
    (len, sha256_hex(&case.plaintext.bytes()[..len]))
}

fn recipe(case: &Case, table: &Table) -> Recipe {
    let row = |(from, to, error, place): &(usize, usize, &str, Place)| {
        let (offset, segment) = place.resolve(&case.stream);
        let (released_len, released_sha256) = released(case, segment);
        Range {
            from: *from,
            to: *to,
            result: "reject".to_owned(),
            error: vec![(*error).to_owned()],
            offset: offset.filter(|_| table.change != "truncate"),
            segment,
            released_len,
            released_sha256,
        }
    };
    Recipe { change: table.change.to_owned(), ranges: table.rows.iter().map(row).collect() }
}

/// Rows for a stream that is cut at every length: `unsealed` is the error after the envelope.
pub(crate) fn truncations(stream: &Stream, unsealed: &'static str) -> Table {
    let mut rows = vec![(0, stream.head.len(), "truncated", Place::EndInHeader)];
    rows.extend(
        (0..stream.segments.len())
            .map(|index| (stream.offset(index), stream.offset(index + 1), unsealed, Place::End(index))),
    );
    Table { change: "truncate", rows }
}

/// Rows for a stream of which every bit is flipped, one at a time: magics and CRCs see all of them.
pub(crate) fn bit_flips(stream: &Stream) -> Table {
    let mut rows = vec![
        (0, 8, "malformed.magic", Place::Header(0)),
        (8, 128, "malformed.header_crc", Place::Header(124)),
    ];
    if stream.head.len() > 128 {
        rows.push((128, stream.head.len(), "malformed.envelope_crc", Place::EnvelopeCrc));
    }
    for index in 0..stream.segments.len() {
        let (from, to) = (stream.offset(index), stream.offset(index + 1));
        rows.push((from, from + 4, "malformed.magic", Place::Segment(index, 0)));
        rows.push((from + 4, from + 96, "malformed.header_crc", Place::Segment(index, 92)));
        rows.push((from + 96, to, "malformed.wire_crc", Place::Segment(index, 56)));
    }
    Table { change: "flip-bit", rows }
}
