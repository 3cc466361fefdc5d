//! §15.5: ranges of sealed streams, by arithmetic, by headers and by index segments.

mod arithmetic;
mod finals;
mod forks;
mod headers;
mod in_order;
mod index;
mod segments;
mod totals;

use crate::cases::export::{Blobs, about, fault, keys, made, store};
use crate::cases::read::case::Place;
use crate::generator::plan::{Item, Plan};
use crate::generator::primitives::sha256_hex;
use crate::generator::wire::stream::Stream;
use crate::operations::Vector;
use crate::operations::range::{RangeExpect, RangeVector, Span};
use crate::operations::read::{Expect, Refusal};

/// A range vector under construction: a stream, the ranges to read, and the one answer, declared by
/// hand.
#[derive(Clone)]
pub(crate) struct RangeCase {
    id: String,
    requirements: Vec<&'static str>,
    features: Vec<&'static str>,
    comment: String,
    stream: Stream,
    content_key: Option<[u8; 32]>,
    by: &'static str,
    spans: Vec<(u64, u64)>,
    runs_max: Option<u32>,
    /// The trailer's claim, if it is false.
    plaintext_len: Option<usize>,
    fault: Option<Wrong>,
    base: Option<&'static str>,
    mutation: String,
}

/// The expected fault.
#[derive(Clone)]
struct Wrong {
    /// The range in which it is found, or none if the stream cannot be opened.
    span: Option<usize>,
    error: &'static str,
    offset: Option<usize>,
    segment: Option<usize>,
    /// Bytes of that range that are released before it.
    released: usize,
}

/// Returns a case that reads the whole plaintext of a stream in one range, until changed.
fn case(id: &str, requirements: &[&'static str], comment: &str, plan: &Plan) -> RangeCase {
    let stream = plan.write();
    let indexed = plan.items.contains(&Item::Index);
    let by = match (plan.header.uniform(), indexed) {
        (true, _) => "arithmetic",
        (false, true) => "index",
        (false, false) => "headers",
    };
    RangeCase {
        id: id.to_owned(),
        requirements: requirements.to_vec(),
        features: if indexed { vec!["index"] } else { Vec::new() },
        comment: comment.to_owned(),
        content_key: Some(stream.content_key),
        by,
        spans: vec![(0, stream.plaintext.len as u64)],
        stream,
        runs_max: None,
        plaintext_len: None,
        fault: None,
        base: None,
        mutation: "none".to_owned(),
    }
}

impl RangeCase {
    /// Changes the stream that the storage holds.
    fn stored(mut self, change: impl FnOnce(Stream) -> Stream) -> Self {
        self.stream = change(self.stream);
        self
    }

    /// Sets the offset and length of each range.
    fn reads(mut self, spans: &[(u64, u64)]) -> Self {
        self.spans = spans.to_vec();
        self
    }

    /// Adds a requirement that this case tests.
    fn also(mut self, requirement: &'static str) -> Self {
        self.requirements.push(requirement);
        self
    }

    fn runs_max(mut self, runs_max: u32) -> Self {
        self.runs_max = Some(runs_max);
        self
    }

    fn read_with_key(mut self, content_key: Option<[u8; 32]>) -> Self {
        self.content_key = content_key;
        self
    }

    fn made(mut self, base: &'static str, mutation: &str) -> Self {
        self.base = Some(base);
        mutation.clone_into(&mut self.mutation);
        self
    }

    /// Expects range `span` to be refused after `released` of its bytes, and each later one too.
    fn fails(self, span: usize, error: &'static str, place: Place, released: usize) -> Self {
        let (offset, segment) = place.resolve(&self.stream);
        let mut case = self.fails_at(span, error, offset, segment);
        if let Some(wrong) = &mut case.fault {
            wrong.released = released;
        }
        case
    }

    fn fails_at(
        mut self,
        span: usize,
        error: &'static str,
        offset: Option<usize>,
        segment: Option<usize>,
    ) -> Self {
        self.fault = Some(Wrong { span: Some(span), error, offset, segment, released: 0 });
        self
    }

    /// Expects the stream to be refused when it is opened.
    fn unopened(self, error: &'static str, place: Place) -> Self {
        let (offset, segment) = place.resolve(&self.stream);
        self.unopened_at(error, offset, segment)
    }

    fn unopened_at(mut self, error: &'static str, offset: Option<usize>, segment: Option<usize>) -> Self {
        self.fault = Some(Wrong { span: None, error, offset, segment, released: 0 });
        self
    }

    fn export(&self, blobs: &mut Blobs) -> Vector {
        Vector::Range(Box::new(RangeVector {
            about: about("range", &self.id, &self.requirements, &self.features, &self.comment),
            keys: keys(self.content_key.as_ref(), &self.stream.context),
            mode: "strict".to_owned(),
            input: store(self.stream.bytes(), blobs),
            plaintext: self.stream.plaintext.clone(),
            ranges: self.spans.iter().map(|(offset, len)| Span { offset: *offset, len: *len }).collect(),
            runs_max: self.runs_max,
            expect: self.expect(),
            made: made(self.base, &self.mutation),
        }))
    }

    fn expect(&self) -> RangeExpect {
        if let Some(wrong) = self.fault.as_ref().filter(|wrong| wrong.span.is_none()) {
            let place = fault(wrong.error, wrong.offset, wrong.segment);
            return match wrong.error.starts_with("unsupported") {
                true => RangeExpect::Unsupported(place),
                false => RangeExpect::Reject(place),
            };
        }
        let plaintext = self.stream.plaintext.bytes();
        let ranges = self.spans.iter().enumerate().map(|(span, (offset, len))| {
            let begin = clamped(*offset, plaintext.len());
            let end = clamped(offset.saturating_add(*len), plaintext.len());
            match &self.fault {
                Some(wrong) if wrong.span.is_some_and(|from| from <= span) => {
                    let len = if wrong.span == Some(span) { wrong.released } else { 0 };
                    Expect::Reject(Refusal {
                        fault: fault(wrong.error, wrong.offset, wrong.segment),
                        released_len: len,
                        released_sha256: sha256_hex(&plaintext[begin..begin + len]),
                    })
                }
                _ => Expect::Accept {
                    plaintext_len: end - begin,
                    plaintext_sha256: sha256_hex(&plaintext[begin..end]),
                },
            }
        });
        RangeExpect::Accept {
            by: self.by.to_owned(),
            plaintext_len: self.plaintext_len.unwrap_or(plaintext.len()),
            ranges: ranges.collect(),
        }
    }
}

/// Returns a place in a plaintext of `len` bytes, limited to its end.
fn clamped(at: u64, len: usize) -> usize {
    usize::try_from(at).unwrap_or(len).min(len)
}

/// Returns all range vectors, with their areas.
pub(crate) fn export_all(blobs: &mut Blobs) -> Vec<(String, Vector)> {
    let areas = [
        ("arithmetic", arithmetic::cases()),
        ("final", finals::cases()),
        ("fork", forks::cases()),
        ("headers", [headers::cases(), totals::cases()].concat()),
        ("index", index::cases()),
        ("order", in_order::cases()),
        ("segment", segments::cases()),
    ];
    let export = |(area, cases): &(&str, Vec<RangeCase>)| {
        cases.iter().map(|case| ((*area).to_owned(), case.export(blobs))).collect::<Vec<_>>()
    };
    areas.iter().flat_map(export).collect()
}

/// Returns a plan with UNIFORM, three full data segments and one of 100 bytes, F = S = 4096.
/// Segment i begins with byte 4096 × i of the plaintext.
fn full(runs: &[usize]) -> Plan {
    Plan::filled(4096, 3 * 4096 + 100).uniform().runs_at(runs)
}

/// Returns a plan without UNIFORM, with data segments of 100, 70, 30 and 50 bytes.
fn flushed(runs: &[usize]) -> Plan {
    Plan::flushed(&[100, 70, 30, 50]).runs_at(runs)
}
