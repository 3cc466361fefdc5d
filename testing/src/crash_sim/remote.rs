//! A bucket in memory, beside the file system.
//!
//! Its requests are calls in the same record, so a process can die before and after each of them
//! (`sinks/s3/tests/crash_upload/bucket.rs`).

use std::collections::BTreeMap;

/// A change of a bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RemoteOp {
    Begin { key: String, mark: String },
    Send { id: String, number: u16, bytes: Vec<u8> },
    Complete { id: String, parts: usize },
    PutEmpty { key: String, mark: String },
    Abort { id: String },
}

/// An upload that was not completed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Begun {
    pub key: String,
    mark: String,
    pub parts: BTreeMap<u16, Vec<u8>>,
}

impl Begun {
    /// Returns the bytes of its parts up to the first missing one.
    pub fn prefix(&self) -> Vec<u8> {
        (1..).map_while(|number| self.parts.get(&number)).flatten().copied().collect()
    }
}

/// The content of a bucket.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Remote {
    /// Bytes and mark.
    pub objects: BTreeMap<String, (Vec<u8>, String)>,
    pub uploads: BTreeMap<String, Begun>,
    pub begun: usize,
}

impl Remote {
    pub fn apply(&mut self, op: &RemoteOp) {
        match op {
            RemoteOp::Begin { key, mark } => {
                self.begun += 1;
                let begun = Begun { key: key.clone(), mark: mark.clone(), parts: BTreeMap::new() };
                self.uploads.insert(format!("upload {}", self.begun), begun);
            }
            RemoteOp::Send { id, number, bytes } => {
                let before = self.uploads.get_mut(id).unwrap().parts.insert(*number, bytes.clone());
                assert!(
                    before.is_none_or(|before| before == *bytes),
                    "part {number} was sent with other bytes"
                );
            }
            RemoteOp::Complete { id, parts } => {
                let upload = self.uploads.remove(id).unwrap();
                assert_eq!(upload.parts.len(), *parts);
                self.objects.insert(upload.key.clone(), (upload.prefix(), upload.mark));
            }
            RemoteOp::PutEmpty { key, mark } => {
                self.objects.insert(key.clone(), (Vec::new(), mark.clone()));
            }
            RemoteOp::Abort { id } => {
                self.uploads.remove(id);
            }
        }
    }
}
