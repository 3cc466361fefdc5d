//! The crash laboratory: a file system that remembers, every state that a crash can leave of a run in it, and what must become of each.

#![allow(dead_code, reason = "each test binary uses its own part")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![allow(
    clippy::allow_attributes,
    reason = "dead code differs from binary to binary, so nothing can be expected"
)]

pub(crate) mod decryption;
pub(crate) mod encryption;
pub(crate) mod failing;
pub(crate) mod forks;
pub(crate) mod remote;
pub(crate) mod sealings;
pub(crate) mod sim;
pub(crate) mod states;

use std::path::Path;
use std::sync::Arc;

use sim::{Contents, Inode, Op, Sim};
use stream_v2_pipeline::OutputFile;

/// Bytes of the smallest segment's plaintext.
pub(crate) const SEGMENT: usize = 4096;
/// Where the segments of a stream begin.
pub(crate) const BODY: usize = 128;

/// The output that every run in the laboratory writes.
pub(crate) fn output(sim: &Sim) -> OutputFile {
    OutputFile::stored(Arc::new(sim.clone()), "out")
}

/// The file under the partial name, or else under its own.
pub(crate) fn inode(contents: &Contents) -> Option<Inode> {
    let inode = |name| contents.names.get(Path::new(name)).copied();
    inode("out.partial").or(inode("out"))
}

/// That nothing in front of `end` of a file was changed. It may be written again as it is.
pub(crate) fn assert_untouched(log: &[Op], contents: &Contents, file: Inode, end: usize) {
    let before = &contents.files[file][..end];
    for op in log {
        match op {
            Op::Write(inode, at, bytes) if *inode == file && *at < end => {
                let same = before[*at..].iter().zip(bytes).all(|(a, b)| a == b);
                assert!(same, "changed at {at}, before {end}");
            }
            Op::SetLen(inode, len) if *inode == file => assert!(*len >= end, "cut at {len}, before {end}"),
            _ => {}
        }
    }
}
