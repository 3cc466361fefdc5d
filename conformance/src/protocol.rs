//! The lines that runner and adapter exchange (conformance/PROTOCOL.md).
//!
//! The fields of a request are those of its operation.

use serde::{Deserialize, Serialize};

/// The version of the protocol that this runner speaks.
pub const PROTOCOL: u32 = 1;

/// The messages before and after all requests.
#[derive(Debug, Serialize)]
#[serde(tag = "op", rename_all = "lowercase")]
pub enum Session<'a> {
    /// The handshake.
    Hello {
        /// [`PROTOCOL`].
        protocol: u32,
        /// Version of the vectors.
        suite: &'a str,
        /// Version of the format.
        format_version: u16,
    },
    /// Asks the adapter to end.
    Bye,
}

/// A request: one line to the adapter.
#[derive(Debug, Serialize)]
pub struct Request<'a, T> {
    /// The operation.
    pub op: &'a str,
    /// Repeated by the answer.
    pub id: u64,
    /// The vector's id.
    pub vector: &'a str,
    /// The fields that the operation needs.
    #[serde(flatten)]
    pub fields: &'a T,
}

/// An adapter's description of itself.
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
    /// The operations that it has, of `read`, `range`, `write`, `crash`, `recover`, `resume` and
    /// `unwrap`.
    pub operations: Vec<String>,
    /// The optional parts of the format that it has.
    pub features: Vec<String>,
    /// The parts that its errors report, of `kind`, `detail`, `offset` and `segment`.
    pub reports: Vec<String>,
    /// Whether it accepts its input in pieces.
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
    /// Returns whether its errors report `part`.
    #[must_use]
    pub fn reports(&self, part: &str) -> bool {
        self.reports.iter().any(|reported| reported == part)
    }

    /// Returns the first of `features` that it lacks.
    #[must_use]
    pub fn lacks<'a>(&self, features: &'a [String]) -> Option<&'a str> {
        features.iter().find(|feature| !self.features.contains(feature)).map(String::as_str)
    }
}

/// An answer to any request but the handshake.
///
/// Unknown fields are ignored. The judging of an operation asks for the fields that it needs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Answer {
    /// The id of the request.
    pub id: u64,
    /// The reason why the request is not answered.
    pub skipped: Option<String>,
    /// `accept`, `reject`, `unsupported`, `recovered`, `resumed`, `crashed` or `nothing`.
    pub result: Option<String>,
    /// `kind.detail`, or `kind`.
    pub error: Option<String>,
    /// From the start of the stream.
    pub offset: Option<u64>,
    /// The number of segments before the fault.
    pub segment: Option<u64>,
    /// Plaintext bytes that left the reader.
    pub released_len: Option<u64>,
    /// SHA-256 of those bytes in hex.
    pub released_sha256: Option<String>,
    /// The answer of the reader when it is asked again.
    pub again: Option<Again>,
    /// The way in which the segments of a range are found.
    pub by: Option<String>,
    /// The result of each range.
    pub ranges: Option<Vec<Answer>>,
    /// The output of a writer, in hex.
    pub output: Option<String>,
    /// The copy of the old envelope, in hex.
    pub copy: Option<String>,
    /// Committed segments.
    pub segments: Option<u64>,
    /// The number of plaintext bytes in the committed segments, or for ranges in the stream.
    pub plaintext_len: Option<u64>,
    /// The offset of their end.
    pub stream_len: Option<u64>,
    /// Whether the last of them is final.
    pub sealed: Option<bool>,
    /// The fate of the journal. After a crash, its bytes in hex.
    pub journal: Option<String>,
    /// The id of the content key that opens the stream (Appendix C), in hex.
    pub content_key_id: Option<String>,
    /// The offset of the stanza that gave the content key.
    pub stanza: Option<u64>,
}

impl Answer {
    /// Returns the error as part of a sentence.
    pub(crate) fn named_error(&self) -> &str {
        self.error.as_deref().unwrap_or("no error named")
    }
}

/// The answer of a reader when it is asked again after an error.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Again {
    /// `kind.detail`, or `kind`.
    pub error: Option<String>,
    /// The number of plaintext bytes that have left the reader until then.
    pub released_len: u64,
}
