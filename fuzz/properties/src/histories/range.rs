//! Range readers: by arithmetic, by walking over headers, by index segments.

use std::ops::Range;

use arbitrary::Arbitrary;
use stream_v2_pipeline::{DecryptPipeline, RangeBy};

use super::Layout;
use super::answers::{Answers, Mix, Shown};
use super::world::{Kind, Name, SEGMENT, World};

/// The ranges that one reader is asked for, in eighths of a segment.
#[derive(Arbitrary, Debug)]
pub(super) struct Ranges {
    asked: [(u8, u8); 4],
}

const UNIT: usize = SEGMENT / 8;

impl Ranges {
    pub(super) fn read(&self, world: &World, last: Name, mix: &Mix) {
        let len = world.plaintext(&world.parts[last].history).len();
        let places = len / UNIT + 2;
        let range = |(begin, len): (u8, u8)| {
            let begin = usize::from(begin) % places * UNIT;
            begin..begin + usize::from(len) % places * UNIT + 1
        };
        read(world, last, mix, self.asked.map(range));
    }
}

/// Reads a plaintext one segment's length at a time, the last one first, from an honest storage.
pub(super) fn read_backwards(world: &World, last: Name) {
    let len = world.plaintext(&world.parts[last].history).len();
    read(world, last, &Mix::NONE, (0..len).step_by(SEGMENT).rev().map(|begin| begin..begin + SEGMENT));
}

/// Reads ranges with one reader. The storage shows the final segment unchanged, so that is the
/// verified one.
fn read(world: &World, last: Name, mix: &Mix, asked: impl IntoIterator<Item = Range<usize>>) {
    let expected = world.plaintext(&world.parts[last].history);
    let shown = Shown::new(Answers::of(world, last, mix));
    shown.with(Answers::keep_last);
    let mut reader = match DecryptPipeline::new(&world.key).open_ranges(shown) {
        Ok(reader) => reader,
        Err(error) => panic!("the end of the stream is as it was sealed, and refused: {error}"),
    };
    assert_eq!(reader.plaintext_len(), expected.len() as u64);
    for range in asked {
        let (begin, end) = (range.start.min(expected.len()), range.end.min(expected.len()));
        let mut released = Vec::new();
        let result = reader.copy_range(range.start as u64..range.end as u64, &mut released);
        assert!(expected[begin..end].starts_with(&released), "at {begin} another history is released");
        if mix.is_none() {
            assert_eq!(result.unwrap(), (end - begin) as u64);
        }
    }
}

/// Asserts that each layout is read in its own way.
pub(super) fn by(world: &World, last: Name) {
    let shown = Shown::new(Answers::of(world, last, &Mix::NONE));
    let reader = DecryptPipeline::new(&world.key).open_ranges(shown).unwrap();
    let history = &world.parts[last].history;
    let by = match world.layout {
        Layout::Uniform => RangeBy::Arithmetic,
        Layout::Indexed if history.iter().any(|name| world.parts[*name].kind == Kind::Index) => {
            RangeBy::Index
        }
        _ => RangeBy::Headers,
    };
    assert!(reader.by() == by);
}
