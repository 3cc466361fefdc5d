//! The crash laboratory: a file system that remembers, every state that a crash of a run can leave
//! in it, and the required outcome of each.

pub mod decryption;
pub mod encryption;
pub mod failing;
pub mod forks;
pub mod remote;
pub mod sealings;
pub mod sim;
pub mod states;

use std::path::Path;
use std::sync::Arc;

use sim::{Contents, Inode, Op, Sim};
use stream_v2_pipeline::OutputFile;

/// Bytes of the smallest segment's plaintext.
pub const SEGMENT: usize = 4096;
/// The offset of the first segment of a stream.
pub const BODY: usize = 128;

/// Returns how much of the possible states is checked. Tests in the gate use `gate`. At night, when
/// `LABORATORY=whole` is set, they use `night`.
pub fn at_night(gate: usize, night: usize) -> usize {
    if std::env::var_os("LABORATORY").is_some_and(|value| value == "whole") { night } else { gate }
}

/// Returns the output that every run in the laboratory writes.
pub fn output(sim: &Sim) -> OutputFile {
    OutputFile::stored(Arc::new(sim.clone()), "out")
}

/// Returns the file under the partial name, or else under its final name.
pub fn inode(contents: &Contents) -> Option<Inode> {
    let inode = |name| contents.names.get(Path::new(name)).copied();
    inode("out.partial").or(inode("out"))
}

/// Asserts that nothing before `end` of a file was changed. Writing the same bytes again is
/// allowed.
pub fn assert_untouched(log: &[Op], contents: &Contents, file: Inode, end: usize) {
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
