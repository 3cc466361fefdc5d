//! A read vector under construction: a stream, and the one answer to it, declared by hand.

use crate::generator::plaintext::Pattern;
use crate::generator::wire::segment_header::SEGMENT_HEADER_LEN;
use crate::generator::wire::stream::Stream;

/// The place of a fault (SV2-ERR-001). The number of segments before it follows from it.
#[derive(Clone, Copy)]
pub(crate) enum Place {
    /// An offset in the stream header.
    Header(u64),
    /// A stanza, by its offset in the envelope.
    Stanza(u64),
    /// The CRC of the envelope.
    EnvelopeCrc,
    /// A field of the header of a segment.
    Segment(usize, u64),
    /// A frame of a segment.
    Frame(usize, usize),
    /// The ciphertext of the first frame of a segment.
    Ciphertext(usize),
    /// The end of the input, in stream header or envelope.
    EndInHeader,
    /// The end of the input, after this many segments.
    End(usize),
    /// The first byte after the final segment, which is the last of this many segments.
    After(usize),
    /// None, because the error has no place in the stream.
    Nowhere,
}

/// The one right answer.
#[derive(Clone)]
pub(crate) enum Declared {
    Accept,
    Reject(&'static str, Place),
    Unsupported(&'static str, Place),
}

/// A table of changes to one stream, and the answers to them.
#[derive(Clone)]
pub(crate) struct Table {
    pub(crate) change: &'static str,
    /// From, to, and the answer. In `truncate` the place only names the number of segments.
    pub(crate) rows: Vec<(usize, usize, &'static str, Place)>,
}

/// A read vector under construction.
#[derive(Clone)]
pub(crate) struct Case {
    pub(crate) id: String,
    pub(crate) requirements: Vec<&'static str>,
    pub(crate) comment: String,
    pub(crate) base: Option<&'static str>,
    pub(crate) mutation: String,
    pub(crate) content_key: Option<[u8; 32]>,
    pub(crate) context: Vec<u8>,
    pub(crate) mode: &'static str,
    pub(crate) stream: Stream,
    pub(crate) plaintext: Pattern,
    pub(crate) verdict: Declared,
    pub(crate) without: Vec<(&'static str, Declared)>,
    pub(crate) table: Option<Table>,
}

impl Case {
    /// Returns a case that accepts, until changed.
    pub(crate) fn new(id: &str, requirements: &[&'static str], comment: &str, stream: Stream) -> Self {
        Self {
            id: id.to_owned(),
            requirements: requirements.to_vec(),
            comment: comment.to_owned(),
            base: None,
            mutation: "none".to_owned(),
            content_key: Some(stream.content_key),
            context: stream.context.clone(),
            mode: "strict",
            plaintext: stream.plaintext.clone(),
            stream,
            verdict: Declared::Accept,
            without: Vec::new(),
            table: None,
        }
    }

    /// Names the vector whose input was changed, and the change.
    pub(crate) fn made(mut self, base: &'static str, mutation: &str) -> Self {
        self.base = Some(base);
        mutation.clone_into(&mut self.mutation);
        self
    }

    pub(crate) fn rejects(mut self, error: &'static str, place: Place) -> Self {
        self.verdict = Declared::Reject(error, place);
        self
    }

    pub(crate) fn unsupported(mut self, error: &'static str, place: Place) -> Self {
        self.verdict = Declared::Unsupported(error, place);
        self
    }

    /// Names an optional part, and the `unsupported` answer of a reader that lacks it.
    pub(crate) fn needs(mut self, feature: &'static str, error: &'static str, place: Place) -> Self {
        self.without.push((feature, Declared::Unsupported(error, place)));
        self
    }

    /// Reads with another content key, or none.
    pub(crate) fn read_with_key(mut self, content_key: Option<[u8; 32]>) -> Self {
        self.content_key = content_key;
        self
    }

    pub(crate) fn read_with_context(mut self, context: &[u8]) -> Self {
        self.context = context.to_vec();
        self
    }

    pub(crate) fn salvaged(mut self) -> Self {
        self.mode = "salvage";
        self
    }

    pub(crate) fn table(mut self, table: Table) -> Self {
        self.table = Some(table);
        self
    }

    /// Returns the area of a vector, which is the first word of its id.
    pub(crate) fn area(&self) -> &str {
        self.id.split('-').next().unwrap_or("other")
    }
}

impl Place {
    /// Returns the offset and the number of segments that belong to the place.
    pub(crate) fn resolve(self, stream: &Stream) -> (Option<usize>, Option<usize>) {
        let at = |segment: usize, within: usize| (Some(stream.offset(segment) + within), Some(segment));
        match self {
            Self::Header(offset) => (Some(narrow(offset)), None),
            Self::Stanza(offset) => (Some(128 + narrow(offset)), None),
            Self::EnvelopeCrc => (Some(stream.head.len() - 4), None),
            Self::Segment(segment, field) => at(segment, narrow(field)),
            Self::Frame(segment, frame) => at(segment, stream.segments[segment].frame_offset(frame)),
            Self::Ciphertext(segment) => at(segment, SEGMENT_HEADER_LEN + 8),
            Self::EndInHeader => (Some(stream.bytes().len()), None),
            Self::End(segments) => (Some(stream.bytes().len()), Some(segments)),
            Self::After(segments) => (Some(stream.offset(segments)), Some(segments)),
            Self::Nowhere => (None, None),
        }
    }
}

fn narrow(offset: u64) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}
