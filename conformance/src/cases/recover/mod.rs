//! §18.3, §19.2 steps 3 to 7, §19.3 and §19.8: the committed part of an interrupted writer's
//! output, in any state of its journal.

mod before;
mod journals;
mod links;
mod outputs;
mod places;
mod tails;

use crate::cases::export::{Blobs, about, fault, keys, made, store};
use crate::generator::plan::Plan;
use crate::generator::wire::stream::Stream;
use crate::operations::Vector;
use crate::operations::recover::{RecoverExpect, RecoverVector};

/// A recover vector under construction.
pub(crate) struct RecoverCase {
    id: &'static str,
    requirements: Vec<&'static str>,
    comment: &'static str,
    stream: Stream,
    output: Vec<u8>,
    journal: Option<Vec<u8>>,
    content_key: Option<[u8; 32]>,
    expect: RecoverExpect,
}

/// Returns a stream of four data segments, not uniform, and a final one.
fn base() -> Stream {
    Plan::flushed(&[100, 70, 30, 50]).write()
}

/// Returns a case whose output lacks its final segment and has no journal.
fn case(id: &'static str, requirements: &[&'static str], comment: &'static str) -> RecoverCase {
    let stream = base();
    let output = stream.bytes()[..stream.offset(4)].to_vec();
    let expect = RecoverExpect::Nothing;
    let (content_key, requirements) = (Some(stream.content_key), requirements.to_vec());
    RecoverCase { id, requirements, comment, stream, output, journal: None, content_key, expect }
        .finds(4, "none")
}

impl RecoverCase {
    fn journal(mut self, journal: Vec<u8>) -> Self {
        self.journal = Some(journal);
        self
    }

    /// Alters the output.
    fn output(mut self, alter: impl FnOnce(&Stream, &mut Vec<u8>)) -> Self {
        alter(&self.stream, &mut self.output);
        self
    }

    /// Replaces the stream by another one, whose final segment is missing.
    fn stream(mut self, stream: Stream) -> Self {
        self.output = stream.bytes()[..stream.offset(stream.segments.len() - 1)].to_vec();
        self.stream = stream;
        self
    }

    fn with_key(mut self, content_key: Option<[u8; 32]>) -> Self {
        self.content_key = content_key;
        self
    }

    /// Expects this many committed segments, and this fate of the journal.
    fn finds(mut self, segments: usize, journal: &str) -> Self {
        self.expect = RecoverExpect::Recovered {
            segments,
            plaintext_len: self.stream.released_len(segments),
            stream_len: self.stream.offset(segments),
            sealed: segments == self.stream.segments.len(),
            journal: journal.to_owned(),
        };
        self
    }

    fn finds_nothing(mut self) -> Self {
        self.expect = RecoverExpect::Nothing;
        self
    }

    /// Expects an error at `within` a segment.
    fn rejects(mut self, error: &str, segment: usize, within: usize) -> Self {
        let (offset, segment) = (self.stream.offset(segment) + within, Some(segment));
        self.expect = RecoverExpect::Reject(fault(error, Some(offset), segment));
        self
    }

    /// Expects an error without a place.
    fn rejects_nowhere(mut self, error: &str) -> Self {
        self.expect = RecoverExpect::Reject(fault(error, None, None));
        self
    }

    /// Expects an error at the beginning, before any segment.
    fn rejects_beginning(mut self, error: &str) -> Self {
        self.expect = RecoverExpect::Reject(fault(error, Some(0), None));
        self
    }

    fn export(&self, blobs: &mut Blobs) -> Vector {
        Vector::Recover(Box::new(RecoverVector {
            about: about("recover", self.id, &self.requirements, &[], self.comment),
            keys: keys(self.content_key.as_ref(), &self.stream.context),
            output: store(self.output.clone(), blobs),
            journal: self.journal.clone().map(|journal| store(journal, blobs)),
            expect: self.expect.clone(),
            made: made(None, "none"),
        }))
    }
}

/// Returns all recover vectors.
pub(crate) fn export_all(blobs: &mut Blobs) -> Vec<Vector> {
    let areas = [
        journals::headers(),
        journals::records(),
        tails::cases(),
        outputs::cases(),
        before::cases(),
        places::cases(),
        links::cases(),
        outputs::without_key(),
    ];
    areas.iter().flatten().map(|case| case.export(blobs)).collect()
}
