//! Answers to the runner.

use serde::Serialize;
use sha2::{Digest, Sha256};
use stream_v2_format::{self as format, ErrorKind};

/// An answer without its id, or the result of one range. Fields that an operation does not have are
/// left out.
#[derive(Default, Serialize)]
pub(crate) struct Answer {
    pub(crate) result: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) offset: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) segment: Option<u64>,
    #[serde(flatten)]
    pub(crate) found: Found,
}

/// The fields that belong to one operation.
#[derive(Default, Serialize)]
#[serde(untagged)]
pub(crate) enum Found {
    #[default]
    Nothing,
    Released {
        released_len: usize,
        released_sha256: String,
    },
    Ranges {
        by: &'static str,
        plaintext_len: u64,
        ranges: Vec<Answer>,
    },
    Opened {
        content_key_id: String,
        stanza: Option<u64>,
    },
    Written {
        output: String,
    },
    Rewrapped {
        output: String,
        copy: Option<String>,
    },
    Left {
        output: String,
        journal: Option<String>,
    },
    Committed {
        segments: u64,
        plaintext_len: u64,
        stream_len: u64,
        sealed: bool,
        journal: String,
    },
}

impl Answer {
    pub(crate) fn of_error(error: &format::Error) -> Self {
        Self {
            result: if error.kind() == ErrorKind::Unsupported { "unsupported" } else { "reject" },
            error: Some(error.detail().name().to_owned()),
            offset: (error.kind() != ErrorKind::Misuse).then_some(error.offset().0),
            segment: error.segment(),
            found: Found::Nothing,
        }
    }

    pub(crate) fn releasing(self, released: &[u8]) -> Self {
        let released_sha256 = hex::encode(Sha256::digest(released));
        Self { found: Found::Released { released_len: released.len(), released_sha256 }, ..self }
    }
}
