//! Every golden vector for readers, read by the reference implementation.

mod support;

use stream_v2_format::wire::no_content_key;
use stream_v2_format::{self as format, ErrorKind};
use stream_v2_pipeline::io::read_stream_header;
use stream_v2_pipeline::{Cause, DecryptPipeline, Error, Lanes, Managers};
use support::sinks::Recording;
use support::sources::Short;
use support::vectors::{Expect, ReadVector, Recipe, listed, sha256};

/// Optional parts of the format that are not implemented: their vectors say what is answered instead.
const FEATURES: [&str; 4] = ["codec-lz4", "codec-zstd", "index", "suite-2"];

/// How a reader ended, in the terms of the vectors: result, error, offset, segment.
#[derive(Debug, PartialEq, Eq)]
struct Ending {
    result: &'static str,
    error: String,
    offset: Option<u64>,
    segment: Option<u64>,
}

impl Ending {
    fn of(result: Result<(), Error>) -> Self {
        let Err(error) = result else {
            return Self { result: "accept", error: String::new(), offset: None, segment: None };
        };
        match error.cause() {
            Cause::Format(error) => Self::of_format(error),
            cause => unreachable!("{cause:?}"),
        }
    }

    fn of_format(error: &format::Error) -> Self {
        Self {
            result: if error.kind() == ErrorKind::Unsupported { "unsupported" } else { "reject" },
            error: error.detail().name().into(),
            offset: (error.kind() != ErrorKind::Misuse).then_some(error.offset().0),
            segment: error.segment(),
        }
    }
}

/// Everything that reading took, besides the input itself.
struct Reading<'a> {
    id: &'a str,
    vector: &'a ReadVector,
}

impl Reading<'_> {
    fn read(&self, input: &[u8], most: usize) -> (Vec<u8>, Ending) {
        let source = Short::new(input, most, 0);
        let Some(key) = self.vector.keys.content_key() else {
            let mut source = source;
            let ending = read_stream_header(&mut source).map(|(header, _)| no_content_key(&header));
            return (
                Vec::new(),
                ending.map_or_else(|error| Ending::of(Err(error)), |error| Ending::of_format(&error)),
            );
        };
        let context = self.vector.keys.context();
        let mut pipeline = DecryptPipeline::new(&key).with_context(&context);
        pipeline.lanes = Lanes::with_jobs(2);
        pipeline.salvage = self.vector.mode == "salvage";
        let mut sink = Recording::default();
        let result = pipeline.run(source, &mut sink, Managers::none());
        (sink.bytes, Ending::of(result.map(|_| ())))
    }

    /// Compares what reading `input` gives with `expect`, and says where they differ.
    fn compare(&self, input: &[u8], most: usize, expect: &Expect, offset: Option<u64>) -> Option<String> {
        let (released, ending) = self.read(input, most);
        let accepts = expect.result == "accept";
        let (len, hash) = if accepts {
            (expect.plaintext_len, &expect.plaintext_sha256)
        } else {
            (expect.released_len, &expect.released_sha256)
        };
        let same = ending.result == expect.result
            && (accepts || expect.error.contains(&ending.error))
            && (ending.offset, ending.segment) == (offset, expect.segment)
            && (Some(released.len()), Some(&sha256(&released))) == (len, hash.as_ref());
        let genuine = self.vector.plaintext.bytes().starts_with(&released);
        (!same || !genuine).then(|| {
            let Expect { result, error, segment, .. } = expect;
            format!(
                "{}, {most} bytes a read, {} in all: expected {result} {error:?} {offset:?} {segment:?} {len:?}, found {ending:?} {}",
                self.id,
                input.len(),
                released.len()
            )
        })
    }
}

/// Bytes a read at most.
fn delivery(name: &str) -> usize {
    name.parse().unwrap_or(usize::MAX)
}

#[test]
fn every_read_vector() {
    let vectors = listed("read");
    let mut differences = Vec::new();
    for (listed, text) in &vectors {
        let vector: ReadVector = serde_json::from_slice(text).unwrap();
        let reading = Reading { id: &listed.id, vector: &vector };
        let input = vector.input.load();
        if let Some(recipe) = &vector.recipe {
            differences.extend(follow(&reading, recipe, &input));
            continue;
        }
        let expect = match listed.features.first() {
            Some(feature) => {
                assert!(FEATURES.contains(&feature.as_str()), "{feature} is not known");
                &vector.expect_without[feature]
            }
            None => vector.expect.as_ref().unwrap(),
        };
        for name in &vector.deliveries {
            differences.extend(reading.compare(&input, delivery(name), expect, expect.offset));
        }
    }
    assert!(differences.is_empty(), "{} differences:\n{}", differences.len(), differences.join("\n"));
    assert!(vectors.len() >= 498);
}

/// Makes every change that the recipe describes.
fn follow(reading: &Reading<'_>, recipe: &Recipe, input: &[u8]) -> Vec<String> {
    let mut differences = Vec::new();
    for range in &recipe.ranges {
        for place in range.from..range.to {
            match recipe.change.as_str() {
                "truncate" => {
                    for name in &reading.vector.deliveries {
                        let (most, offset) = (delivery(name), Some(place as u64));
                        differences.extend(reading.compare(&input[..place], most, &range.expect, offset));
                    }
                }
                "flip-bit" => {
                    for bit in 0..8 {
                        let mut flipped = input.to_vec();
                        flipped[place] ^= 1 << bit;
                        let offset = range.expect.offset;
                        differences.extend(reading.compare(&flipped, usize::MAX, &range.expect, offset));
                    }
                }
                other => unreachable!("change {other}"),
            }
        }
    }
    differences
}
