//! Every golden vector for readers, read by the reference implementation.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use stream_v2_conformance::vector::{Expect, Fault, ReadVector, Recipe, Vector};
use stream_v2_format::wire::no_content_key;
use stream_v2_format::{self as format, ErrorKind};
use stream_v2_pipeline::io::read_stream_header;
use stream_v2_pipeline::{DecryptPipeline, Error, Lanes, Managers};
use support::sinks::Recording;
use support::sources::Short;
use support::vectors;

/// Optional parts of the format that are not implemented: their vectors say what is answered instead.
const FEATURES: [&str; 4] = ["codec-lz4", "codec-zstd", "index", "suite-2"];

/// How a reader ended, in the terms of the vectors: result, error, offset, segment, released length and hash.
#[derive(Debug, PartialEq, Eq)]
struct Ending {
    result: &'static str,
    error: String,
    offset: Option<u64>,
    segment: Option<u64>,
    released_len: usize,
    released_sha256: String,
}

impl Ending {
    fn accepted(released: &[u8]) -> Self {
        Self {
            result: "accept",
            error: String::new(),
            offset: None,
            segment: None,
            released_len: released.len(),
            released_sha256: vectors::sha256(released),
        }
    }

    fn rejected(error: &format::Error, released: &[u8]) -> Self {
        Self {
            result: if error.kind() == ErrorKind::Unsupported { "unsupported" } else { "reject" },
            error: error.detail().name().into(),
            offset: (error.kind() != ErrorKind::Misuse).then_some(error.offset().0),
            segment: error.segment(),
            ..Self::accepted(released)
        }
    }

    fn of(result: Result<(), Error>, released: &[u8]) -> Self {
        match result {
            Ok(()) => Self::accepted(released),
            Err(error) => Self::rejected(error.format_error().unwrap(), released),
        }
    }

    fn is(&self, expect: &Expect) -> bool {
        match expect {
            Expect::Accept { plaintext_len, plaintext_sha256 } => {
                let hash = plaintext_sha256.clone();
                *self == Self { released_len: *plaintext_len, released_sha256: hash, ..Self::accepted(b"") }
            }
            Expect::Reject(fault) => self.has("reject", fault),
            Expect::Unsupported(fault) => self.has("unsupported", fault),
        }
    }

    fn has(&self, result: &str, fault: &Fault) -> bool {
        self.result == result
            && fault.error.contains(&self.error)
            && self.offset == fault.offset.map(|offset| offset as u64)
            && self.segment == fault.segment.map(|segment| segment as u64)
            && (self.released_len, &self.released_sha256) == (fault.released_len, &fault.released_sha256)
    }
}

/// Reads `input`, at most `most` bytes a read.
fn read(vector: &ReadVector, input: &[u8], most: usize) -> Ending {
    let mut source = Short::new(input, most, 0);
    let (key, context) = vectors::keys(&vector.keys);
    let Some(key) = key else {
        return match read_stream_header(&mut source) {
            Ok((header, _)) => Ending::rejected(&no_content_key(&header), b""),
            Err(error) => Ending::of(Err(error), b""),
        };
    };
    let mut pipeline = DecryptPipeline::new(&key).with_context(&context);
    pipeline.lanes = Lanes::with_jobs(2);
    pipeline.salvage = vector.mode == "salvage";
    let mut sink = Recording::default();
    let result = pipeline.run(source, &mut sink, Managers::none()).map(|_| ());
    assert!(vector.plaintext.bytes().starts_with(&sink.bytes), "{}: not the plaintext", vector.about.id);
    Ending::of(result, &sink.bytes)
}

/// Says where reading `input` differs from `expect`, for each delivery.
fn differences(vector: &ReadVector, input: &[u8], expect: &Expect, deliveries: &[String]) -> Vec<String> {
    let compare = |delivery: &String| {
        let ending = read(vector, input, delivery.parse().unwrap_or(usize::MAX));
        let id = &vector.about.id;
        (!ending.is(expect)).then(|| format!("{id}, {delivery}: expected {expect:?}, found {ending:?}"))
    };
    deliveries.iter().filter_map(compare).collect()
}

/// Makes every change that the recipe describes.
fn follow(vector: &ReadVector, recipe: &Recipe, input: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    let places =
        recipe.ranges.iter().flat_map(|range| (range.from..range.to).map(move |place| (range, place)));
    for (range, place) in places {
        assert_eq!(range.result, "reject");
        let truncates = recipe.change == "truncate";
        let expect = Expect::Reject(Fault {
            error: range.error.clone(),
            offset: if truncates { Some(place) } else { range.offset },
            segment: range.segment,
            released_len: range.released_len,
            released_sha256: range.released_sha256.clone(),
        });
        if truncates {
            found.extend(differences(vector, &input[..place], &expect, &vector.deliveries));
            continue;
        }
        assert_eq!(recipe.change, "flip-bit");
        for bit in 0..8 {
            let mut flipped = input.to_vec();
            flipped[place] ^= 1 << bit;
            found.extend(differences(vector, &flipped, &expect, &["whole".into()]));
        }
    }
    found
}

//= spec/stream-v2.md#sv2-rdr-002
//= type=test
//# A reader MUST give the same result, the same released bytes and the same error for an input however the
//# input is cut into reads.
//= spec/stream-v2.md#sv2-err-001
//= type=test
//# A reader MUST report, with each error of the stream, the kind, the detail, the offset, and the number of
//# segments before the place of the fault.
#[test]
fn every_read_vector() {
    let (mut found, mut count) = (Vec::new(), 0);
    for vector in vectors::all() {
        let Vector::Read(vector) = vector else { continue };
        count += 1;
        let input = vectors::load(&vector.input);
        if let Some(recipe) = &vector.recipe {
            found.extend(follow(&vector, recipe, &input));
            continue;
        }
        let expect = match vector.about.features.first() {
            Some(feature) => {
                assert!(FEATURES.contains(&feature.as_str()), "{feature} is not known");
                &vector.expect_without[feature]
            }
            None => vector.expect.as_ref().unwrap(),
        };
        found.extend(differences(&vector, &input, expect, &vector.deliveries));
    }
    assert!(found.is_empty(), "{} differences:\n{}", found.len(), found.join("\n"));
    assert!(count >= 498, "{count}");
}
