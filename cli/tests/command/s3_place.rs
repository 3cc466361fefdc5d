//! A folder, and an S3 in memory for the command.

use stream_v2_fake_s3::{Front, SECRET};
use stream_v2_testing::command::{Folder, Ran, s3};
use stream_v2_testing::plaintext;

pub(crate) struct Place {
    pub(crate) folder: Folder,
    pub(crate) front: Front,
}

impl Place {
    /// Creates the place, with `data` of `len` bytes.
    pub(crate) fn new(len: usize) -> Self {
        let (folder, front) = (Folder::new(), Front::start());
        folder.write("data", &plaintext(len));
        Self { folder, front }
    }

    pub(crate) fn run(&self, args: &str) -> Ran {
        Ran(s3::sv2(&self.folder, &self.front, SECRET, args).output().unwrap())
    }
}
