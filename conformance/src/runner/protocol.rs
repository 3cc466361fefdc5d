//! The lines that runner and adapter exchange: conformance/PROTOCOL.md.

use serde::{Deserialize, Serialize};

use crate::vector::{Keys, Parameters, Run, Span};

/// The version of the protocol that this runner speaks.
pub const PROTOCOL: u32 = 1;

/// A request: one line to the adapter.
#[derive(Debug, Serialize)]
#[serde(tag = "op", rename_all = "lowercase")]
pub enum Request<'a> {
    /// The handshake.
    Hello {
        /// [`PROTOCOL`].
        protocol: u32,
        /// Version of the vectors.
        suite: &'a str,
        /// Version of the format.
        format_version: u16,
    },
    /// Reads a stream.
    Read {
        /// Repeated by the answer.
        id: u64,
        /// The vector's id.
        vector: &'a str,
        /// `strict` or `salvage`.
        mode: &'a str,
        /// What the caller brings.
        keys: &'a Keys,
        /// `whole`, or bytes a piece.
        delivery: &'a str,
        /// Whether the reader is asked again after an error.
        sticky: bool,
        /// The stream in hex.
        input: String,
    },
    /// Reads ranges of a stream.
    Range {
        /// Repeated by the answer.
        id: u64,
        /// The vector's id.
        vector: &'a str,
        /// `strict`.
        mode: &'a str,
        /// What the caller brings.
        keys: &'a Keys,
        /// The stream in hex.
        input: String,
        /// What is read, one after the other.
        ranges: &'a [Span],
        /// How many segments may be read for their link.
        runs_max: Option<u32>,
    },
    /// Writes a stream.
    Write {
        /// Repeated by the answer.
        id: u64,
        /// The vector's id.
        vector: &'a str,
        /// What the caller brings.
        keys: &'a Keys,
        /// Fields of the stream header and of the segment headers.
        parameters: &'a Parameters,
        /// The runs, in order.
        runs: &'a [Run],
        /// Offsets in the plaintext at which a flush ends a segment.
        flushes: &'a [usize],
        /// What the source holds, in hex.
        plaintext: String,
    },
    /// Finds what is committed.
    Recover {
        /// Repeated by the answer.
        id: u64,
        /// The vector's id.
        vector: &'a str,
        /// What the caller brings.
        keys: &'a Keys,
        /// The output of an interrupted writer, in hex.
        output: String,
        /// Its journal in hex.
        journal: Option<String>,
    },
    /// Writes a stream with a journal, and is stopped.
    Crash {
        /// Repeated by the answer.
        id: u64,
        /// The vector's id.
        vector: &'a str,
        /// What the caller brings.
        keys: &'a Keys,
        /// Fields of the stream header and of the segment headers.
        parameters: &'a Parameters,
        /// Of the run, in hex.
        run_salt: &'a str,
        /// What the source holds, in hex.
        plaintext: String,
        /// Bytes of output after which nothing more reaches the sink.
        stop_after: usize,
    },
    /// Goes on with an interrupted encryption.
    Resume {
        /// Repeated by the answer.
        id: u64,
        /// The vector's id.
        vector: &'a str,
        /// What the caller brings.
        keys: &'a Keys,
        /// The output of an interrupted writer, in hex.
        output: String,
        /// Its journal in hex.
        journal: Option<String>,
        /// What the source holds, in hex.
        source: String,
        /// `file` or `pipe`.
        source_kind: &'a str,
        /// Of the run that goes on, in hex.
        run_salt: &'a str,
        /// Whether the caller asks for index segments.
        index: bool,
    },
    /// Asks the adapter to end.
    Bye,
}

/// What an adapter says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Peer {
    /// The version of the protocol that it speaks.
    pub protocol: u32,
    /// Name of the implementation.
    pub name: String,
    /// Its programming language.
    pub language: String,
    /// Its version.
    pub version: String,
    /// Those of `read`, `range`, `write`, `crash`, `recover` and `resume` that it has.
    pub operations: Vec<String>,
    /// Optional parts of the format that it has.
    pub features: Vec<String>,
    /// Those of `kind`, `detail`, `offset` and `segment` that its errors say.
    pub reports: Vec<String>,
    /// Whether it takes its input in pieces.
    #[serde(default = "yes")]
    pub deliveries: bool,
    /// Whether its reader can be asked again after an error.
    #[serde(default = "yes")]
    pub again: bool,
}

fn yes() -> bool {
    true
}

impl Peer {
    /// Whether its errors say `part`.
    #[must_use]
    pub fn reports(&self, part: &str) -> bool {
        self.reports.iter().any(|reported| reported == part)
    }

    /// The first of `features` that it lacks.
    #[must_use]
    pub fn lacks<'a>(&self, features: &'a [String]) -> Option<&'a str> {
        features.iter().find(|feature| !self.features.contains(feature)).map(String::as_str)
    }
}

/// An answer to any request but the handshake. Unknown fields are ignored, and [`super::judge`] asks for those that
/// an operation needs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Answer {
    /// That of the request.
    pub id: u64,
    /// Why the request is not answered.
    pub skipped: Option<String>,
    /// `accept`, `reject`, `unsupported`, `recovered`, `resumed`, `crashed` or `nothing`.
    pub result: Option<String>,
    /// `kind.detail`, or `kind`.
    pub error: Option<String>,
    /// From the start of the stream.
    pub offset: Option<u64>,
    /// Number of segments before the fault.
    pub segment: Option<u64>,
    /// Plaintext bytes that left the reader.
    pub released_len: Option<u64>,
    /// SHA-256 of those bytes in hex.
    pub released_sha256: Option<String>,
    /// What the reader says when it is asked again.
    pub again: Option<Again>,
    /// How the segments of a range are found.
    pub by: Option<String>,
    /// For each range, what came of it.
    pub ranges: Option<Vec<Answer>>,
    /// What a writer wrote, in hex.
    pub output: Option<String>,
    /// Committed segments.
    pub segments: Option<u64>,
    /// Plaintext bytes in them; of ranges, in the stream.
    pub plaintext_len: Option<u64>,
    /// Bytes up to their end.
    pub stream_len: Option<u64>,
    /// Whether the last of them is final.
    pub sealed: Option<bool>,
    /// What became of the journal; after a crash, its bytes in hex.
    pub journal: Option<String>,
}

/// What a reader says when it is asked again after an error.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Again {
    /// `kind.detail`, or `kind`.
    pub error: Option<String>,
    /// Plaintext bytes that have left the reader by then.
    pub released_len: u64,
}
