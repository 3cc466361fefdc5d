//! A machine with its disk in memory, and an S3 with its bucket.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use stream_v2_fake_s3::{Fault, Front, KEY_ID, Operation, REGION, Request, SECRET};
use stream_v2_s3::{Bucket, Config, Retry, Upload, UploadNotice};
use stream_v2_testing::crash_sim::SEGMENT;
use stream_v2_testing::crash_sim::sim::Sim;

pub(crate) const KEY: &str = "a folder/out";
/// The object's name in messages.
pub(crate) const NAME: &str = "s3://bucket/a folder/out";
/// The object's name at the server.
pub(crate) const OBJECT: &str = "bucket/a folder/out";
/// Parts are runs of three segments.
pub(crate) const PART: u64 = 2 * SEGMENT as u64 + 1000;
const AT_ONCE: Retry = Retry { attempts: 4, first_pause: Duration::ZERO, longest_pause: Duration::ZERO };
/// More often than all lanes together try.
const FOR_EVER: usize = 100;

pub(crate) struct Machine {
    pub(crate) front: Arc<Front>,
    pub(crate) bucket: Bucket,
    pub(crate) disk: Sim,
    /// All requests that were checked.
    requests: Vec<Request>,
    notices: Arc<Mutex<Vec<UploadNotice>>>,
}

impl Machine {
    pub(crate) fn new() -> Self {
        let front = Arc::new(Front::start());
        front.allow_small_parts();
        let config = Config::new(REGION, KEY_ID, SECRET).unwrap();
        let config = config.with_endpoint(&front.endpoint()).unwrap().with_retry(AT_ONCE);
        let bucket = Bucket::new("bucket", &config).unwrap();
        Self { front, bucket, disk: Sim::default(), requests: Vec::new(), notices: Default::default() }
    }

    pub(crate) fn upload(&self) -> Upload {
        let (bucket, disk) = (Arc::new(self.bucket.clone()), Arc::new(self.disk.clone()));
        let upload = Upload::with_storage(bucket, disk, KEY, Path::new("state")).unwrap();
        let notices = Arc::clone(&self.notices);
        upload.with_part_len(PART).noticing(move |notice| notices.lock().unwrap().push(notice))
    }

    /// Returns the notices of uploads that continued.
    pub(crate) fn notices(&self) -> Vec<UploadNotice> {
        self.notices.lock().unwrap().clone()
    }

    /// Returns the requests since the last call.
    pub(crate) fn take(&mut self) -> Vec<Request> {
        let requests = self.front.take();
        self.requests.extend(requests.iter().cloned());
        requests
    }

    /// Lets so many requests of an operation pass, and gives all later ones this fault.
    pub(crate) fn fails_for_ever(&self, operation: Operation, nth: usize, fault: &Fault) {
        for _ in 0..FOR_EVER {
            self.front.fail_at(operation, nth, fault.clone());
        }
    }

    /// Returns the upload that has parts, or the only one.
    pub(crate) fn upload_id(&self) -> String {
        let mut uploads = self.front.uploads();
        uploads.sort_by_key(|upload| upload.parts.len());
        uploads.pop().unwrap().id
    }

    /// Checks that no part was ever sent with other bytes, no object was made of two uploads, and
    /// nothing is left.
    ///
    /// Nothing may be left on this machine, nor at S3, except uploads whose ids were lost on their
    /// way.
    pub(crate) fn assert_clean(&mut self) {
        assert!(self.disk.contents().names.is_empty(), "{:?}", self.disk.contents().names());
        assert!(self.front.uploads().iter().all(|upload| upload.parts.is_empty()));
        self.assert_sent_once();
    }

    /// Checks that no part was ever sent with other bytes, and no more than one upload was
    /// completed.
    pub(crate) fn assert_sent_once(&mut self) {
        self.take();
        let mut sent = BTreeMap::new();
        let mut completed = BTreeMap::new();
        for request in &self.requests {
            // A log of requests shows no credential.
            assert!(!request.target.contains("X-Amz"), "{}", request.target);
            let upload = request.upload.clone().unwrap_or_default();
            match request.operation {
                Operation::UploadPart => {
                    let md5 = request.md5.clone().unwrap();
                    let before = sent.insert((upload, request.part), md5.clone());
                    assert!(before.is_none_or(|before| before == md5), "{request:?}");
                }
                Operation::CompleteMultipartUpload => {
                    completed.insert(upload, ());
                }
                _ => {}
            }
        }
        assert!(completed.len() <= 1, "{completed:?}");
    }
}

/// Returns how many requests there were of an operation.
pub(crate) fn count(requests: &[Request], operation: Operation) -> usize {
    requests.iter().filter(|request| request.operation == operation).count()
}

/// Checks that a message names the object, and reveals no secret.
pub(crate) fn assert_told(error: &impl Display) -> String {
    let text = error.to_string();
    assert!(text.contains(NAME), "{text}");
    for secret in [SECRET, KEY_ID, "ignature=", "X-Amz", "http://"] {
        assert!(!text.contains(secret), "{text}");
    }
    text
}
