//! The JSON of read vectors.

use crate::cases::export::{Blobs, about, fault, keys, made, store, strings};
use crate::cases::read::case::{Case, Declared, Place, Table};
use crate::generator::primitives::sha256_hex;
use crate::generator::wire::stream::Stream;
use crate::operations::Vector;
use crate::operations::read::{Expect, ReadVector, Recipe, RecipeRow, Refusal};

/// Every vector is delivered in each of these ways: at once, and in pieces of this many bytes.
const DELIVERIES: [&str; 4] = ["whole", "1", "7", "4096"];

/// Returns a read vector. Its blob, if it has one, goes to `blobs`.
pub(crate) fn export(case: &Case, blobs: &mut Blobs) -> Vector {
    let features: Vec<&str> = case.without.iter().map(|(feature, _)| *feature).collect();
    let about = about("read", &case.id, &case.requirements, &features, &case.comment);
    let answer = |verdict: &Declared| expect(case, verdict);
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

fn expect(case: &Case, verdict: &Declared) -> Expect {
    match verdict {
        Declared::Accept => Expect::Accept {
            plaintext_len: case.plaintext.len,
            plaintext_sha256: sha256_hex(&case.plaintext.bytes()),
        },
        Declared::Reject(error, place) => Expect::Reject(refusal(case, error, *place)),
        Declared::Unsupported(error, place) => Expect::Unsupported(refusal(case, error, *place)),
    }
}

fn refusal(case: &Case, error: &str, place: Place) -> Refusal {
    let (offset, segment) = place.resolve(&case.stream);
    let (released_len, released_sha256) = released(case, segment);
    Refusal { fault: fault(error, offset, segment), released_len, released_sha256 }
}

/// Returns the released plaintext, which is that of the segments before a fault.
fn released(case: &Case, segment: Option<usize>) -> (usize, String) {
    let len = case.stream.released_len(segment.unwrap_or(0));
    (len, sha256_hex(&case.plaintext.bytes()[..len]))
}

fn recipe(case: &Case, table: &Table) -> Recipe {
    let row = |(from, to, error, place): &(usize, usize, &str, Place)| {
        let (offset, segment) = place.resolve(&case.stream);
        let (released_len, released_sha256) = released(case, segment);
        RecipeRow {
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

/// Returns the rows for a stream that is cut at every length. `unsealed` is the error after the
/// envelope.
pub(crate) fn truncations(stream: &Stream, unsealed: &'static str) -> Table {
    let mut rows = vec![(0, stream.head.len(), "truncated", Place::EndInHeader)];
    rows.extend(
        (0..stream.segments.len())
            .map(|index| (stream.offset(index), stream.offset(index + 1), unsealed, Place::End(index))),
    );
    Table { change: "truncate", rows }
}

/// Returns the rows for a stream of which every bit is flipped, one at a time. Magics and CRCs see
/// all of them.
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
