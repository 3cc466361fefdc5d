//! Uploads that are neither completed nor aborted, as the server lists them.

use std::thread;
use std::time::{Duration, Instant};

use quick_xml::escape::unescape;

use crate::request::Ask;
use crate::server::Server;

const PATIENCE: Duration = Duration::from_secs(120);
const LOOK: Duration = Duration::from_millis(50);

/// A listed upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfinished {
    /// The key of the object that it would become.
    pub key: String,
    /// The id that the server gave it.
    pub id: String,
}

impl Server {
    /// Returns the listed uploads.
    #[must_use]
    pub fn unfinished(&self) -> Vec<Unfinished> {
        let listed = self.ask(&Ask { query: &[("uploads", "")], ..Ask::default() });
        assert!(listed.is_success(), "{listed:?}");
        let plain = |text: String| unescape(&text).unwrap().into_owned();
        let (keys, ids) = (listed.elements("Key"), listed.elements("UploadId"));
        assert_eq!(keys.len(), ids.len(), "{listed:?}");
        keys.into_iter().zip(ids).map(|(key, id)| Unfinished { key: plain(key), id: plain(id) }).collect()
    }

    /// Returns the number of parts of the listed uploads.
    #[must_use]
    pub fn unfinished_parts(&self) -> usize {
        let parts = |Unfinished { key, id }: Unfinished| {
            let ask = Ask { key: &key, query: &[("uploadId", &id)], ..Ask::default() };
            self.ask(&ask).elements("PartNumber").len()
        };
        self.unfinished().into_iter().map(parts).sum()
    }

    /// Aborts all listed uploads and returns how many there were.
    #[must_use]
    pub fn abort_unfinished(&self) -> usize {
        let unfinished = self.unfinished();
        for Unfinished { key, id } in &unfinished {
            let query = [("uploadId", &**id)];
            let aborted = self.ask(&Ask { method: "DELETE", key, query: &query, ..Ask::default() });
            assert!(aborted.is_success(), "{key}: {aborted:?}");
        }
        unfinished.len()
    }

    /// Waits until a listed upload has a part.
    ///
    /// # Panics
    /// - if that takes minutes.
    pub fn until_a_part_is_there(&self) {
        let end = Instant::now() + PATIENCE;
        while self.unfinished_parts() == 0 {
            assert!(Instant::now() < end, "nothing is uploaded");
            thread::sleep(LOOK);
        }
    }
}
