//! The crash laboratory: a file system that remembers, every state that a crash can leave of a run in it, and what must become of each.

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
/// Where the segments of a stream begin.
pub const BODY: usize = 128;

/// Says how much of what a crash can leave is looked at: `gate` of the tests in the gate, `night` at night, where
/// `LABORATORY=whole` is set.
pub fn at_night(gate: usize, night: usize) -> usize {
    if std::env::var_os("LABORATORY").is_some_and(|value| value == "whole") { night } else { gate }
}

/// The output that every run in the laboratory writes.
pub fn output(sim: &Sim) -> OutputFile {
    OutputFile::stored(Arc::new(sim.clone()), "out")
}

/// The file under the partial name, or else under its own.
pub fn inode(contents: &Contents) -> Option<Inode> {
    let inode = |name| contents.names.get(Path::new(name)).copied();
    inode("out.partial").or(inode("out"))
}

/// That nothing in front of `end` of a file was changed. It may be written again as it is.
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
