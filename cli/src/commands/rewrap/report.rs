//! The report of `sv2 rewrap --all`: lines of JSON, each of which is durable before the next
//! stream.
//!
//! A stream gets a line `begun` before it is written to, and a line with the outcome afterwards.
//! Both name the new envelope. The next run skips a stream that has the envelope that a line names.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};
use stream_v2::pipeline::{Disk, Storage};
use stream_v2::rewrap::Replaced;

use crate::commands::rewrap::places::Current;
use crate::failure::Failure;
use crate::report::json::line;

/// What became of a stream.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Outcome {
    Begun,
    Replaced,
    Failed,
}

/// One line.
#[derive(Deserialize, Serialize)]
struct Line {
    place: String,
    stream_salt: Option<String>,
    old_envelope: Option<String>,
    new_envelope: Option<String>,
    outcome: Outcome,
    error: Option<String>,
}

/// The report, open for appending.
pub(super) struct Report {
    file: File,
    /// stream_salt and new envelope of the last replacement in each place.
    done: HashMap<String, (String, String)>,
}

impl Report {
    /// Opens a report, or begins one.
    pub(super) fn open(path: &Path) -> Result<Self, Failure> {
        let failed = |error: io::Error| Failure::io(format!("{}: {error}", path.display()));
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(path).map_err(failed)?;
        Disk::default().sync_folder(path).map_err(failed)?;
        let mut text = Vec::new();
        file.read_to_end(&mut text).map_err(failed)?;
        let mut done = HashMap::new();
        // The last line may be torn.
        for found in
            text.split(|byte| *byte == b'\n').filter_map(|text| serde_json::from_slice::<Line>(text).ok())
        {
            if let (Some(salt), Some(new)) = (found.stream_salt, found.new_envelope) {
                done.insert(found.place, (salt, new));
            }
        }
        if !text.is_empty() && done.is_empty() && serde_json::from_slice::<Line>(first(&text)).is_err() {
            return Err(Failure::usage(format!("{}: is not a report of sv2 rewrap", path.display()))
                .hint("name another file with --report"));
        }
        file.seek(SeekFrom::End(0)).map_err(failed)?;
        if text.last().is_some_and(|byte| *byte != b'\n') {
            file.write_all(b"\n").map_err(failed)?;
        }
        Ok(Self { file, done })
    }

    /// Returns whether an earlier run has given a stream the envelope that it has.
    pub(super) fn has_done(&self, place: &str, current: &Current) -> bool {
        let (salt, envelope) = (hex::encode(current.stream_salt), hex::encode(current.envelope));
        self.done.get(place).is_some_and(|done| *done == (salt, envelope))
    }

    pub(super) fn replaced(&mut self, place: &str, replaced: &Replaced, outcome: Outcome) -> io::Result<()> {
        self.append(&Line {
            place: place.to_owned(),
            stream_salt: Some(hex::encode(replaced.stream_salt)),
            old_envelope: Some(hex::encode(replaced.old)),
            new_envelope: Some(hex::encode(replaced.new)),
            outcome,
            error: None,
        })
    }

    pub(super) fn failed(&mut self, place: &str, error: &str) -> io::Result<()> {
        let (place, error) = (place.to_owned(), Some(error.to_owned()));
        let (stream_salt, old_envelope, new_envelope) = (None, None, None);
        let outcome = Outcome::Failed;
        self.append(&Line { place, stream_salt, old_envelope, new_envelope, outcome, error })
    }

    fn append(&mut self, appended: &Line) -> io::Result<()> {
        self.file.write_all((line(appended) + "\n").as_bytes())?;
        self.file.sync_data()
    }
}

fn first(text: &[u8]) -> &[u8] {
    text.split(|byte| *byte == b'\n').next().unwrap_or_default()
}
