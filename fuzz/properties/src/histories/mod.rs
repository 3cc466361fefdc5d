//! Storage keeps what forked runs of one stream wrote, rolls back, and mixes their segments and
//! journals. It does so before, between and during resumes and reads.
//!
//! All released data is at its place in the sealed history of the verified final segment. The
//! result of a completed honest run is read unchanged.
//!
//! The crate `stream-v2-histories` checks all small worlds of an abstract kind. This checks some
//! worlds of data that the real crates seal and read.

mod answers;
mod decryption;
mod range;
mod resume;
mod world;

use arbitrary::{Arbitrary, Unstructured};

use crate::capture::Captured;
use answers::Mix;
use decryption::Decrypting;
use range::Ranges;
use resume::Going;
use world::World;

/// Runs of one stream, and reads of it.
#[derive(Arbitrary, Debug)]
struct Story {
    layout: Layout,
    begins: Length,
    runs: [Going; 4],
    reads: [Reading; 6],
}

/// The layout of the stream, which decides how ranges of it are found.
#[derive(Arbitrary, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    /// By arithmetic.
    Uniform,
    /// By walking over headers.
    Free,
    /// By index segments.
    Indexed,
}

/// Bytes that a run adds: up to two full segments, and perhaps a short one.
#[derive(Arbitrary, Clone, Copy, Debug)]
struct Length {
    full: u8,
    short: Option<u8>,
}

impl Length {
    fn bytes(self) -> usize {
        usize::from(self.full % 3) * world::SEGMENT + self.short.map_or(0, |short| usize::from(short) + 1)
    }
}

/// A read from a storage that answers with a history and mixes others into it.
#[derive(Arbitrary, Debug)]
struct Reading {
    /// The final segment that ends it.
    last: u8,
    mix: Mix,
    way: Way,
}

#[derive(Arbitrary, Debug)]
enum Way {
    Ranges(Ranges),
    Sequential { salvage: bool },
    Decrypting(Decrypting),
}

/// Checks a world of at most five runs, and then six readers of it.
pub fn histories(data: &[u8]) {
    let Ok(story) = Story::arbitrary(&mut Unstructured::new(data)) else { return };
    let _told = Captured(&story);
    let mut world = World::begin(story.layout, story.begins.bytes());
    for (number, going) in (1..).zip(&story.runs) {
        going.go_on(&mut world, number);
    }
    for reading in &story.reads {
        let Some(last) = world.pick_final(reading.last) else { return };
        match &reading.way {
            Way::Ranges(ranges) => ranges.read(&world, last, &reading.mix),
            Way::Sequential { salvage } => decryption::sequential(&world, last, &reading.mix, *salvage),
            Way::Decrypting(decrypting) => decrypting.read(&world, last, &reading.mix),
        }
    }
}
