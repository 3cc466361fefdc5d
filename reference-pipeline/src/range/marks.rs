//! Marks along a stream in bounded memory, so that no part of it is walked over twice.

/// One more than the most marks that are kept: as many as an index segment can have entries (§14).
const MARKS_MAX: usize = 1 << 16;

/// Marks along a way: all of them, or, once there are too many, every second, every fourth, and so
/// on.
#[derive(Debug)]
pub(super) struct Marks<T> {
    kept: Vec<T>,
    max: usize,
    stride: u64,
}

impl<T> Marks<T> {
    pub(super) const fn new() -> Self {
        Self::fewer_than(MARKS_MAX)
    }

    /// Returns an empty set of fewer than `max` marks. `max` must be even.
    pub(super) const fn fewer_than(max: usize) -> Self {
        Self { kept: Vec::new(), max, stride: 1 }
    }

    /// Keeps the mark with this number, counted from the beginning of the way, if it is due.
    pub(super) fn pass(&mut self, number: u64, mark: T) {
        if number != self.stride.saturating_mul(self.kept.len() as u64) {
            return;
        }
        self.kept.push(mark);
        if self.kept.len() >= self.max {
            let mut number = 0;
            self.kept.retain(|_| {
                number += 1;
                number % 2 == 1
            });
            self.stride *= 2;
        }
    }

    /// Returns the last mark for which `before` is true, and its number.
    ///
    /// Marks after one for which it is false are not considered.
    pub(super) fn last(&self, before: impl FnMut(&T) -> bool) -> Option<(u64, &T)> {
        let place = self.kept.partition_point(before).checked_sub(1)?;
        self.kept.get(place).map(|mark| (self.stride * place as u64, mark))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_way_of_any_length_is_marked_evenly() {
        let mut marks = Marks::new();
        let len = 3 * MARKS_MAX as u64;
        for number in (0..len).chain(0..100) {
            marks.pass(number, number);
        }
        assert!(marks.kept.len() < MARKS_MAX && marks.kept.capacity() <= MARKS_MAX);
        for target in [0, 1, 7, len / 2, len - 1] {
            let (number, &mark) = marks.last(|&mark| mark <= target).unwrap();
            assert!(number == mark && mark <= target && target - mark < marks.stride, "{mark} {target}");
        }
        assert_eq!(marks.stride, 4);
        assert_eq!(Marks::<u64>::new().last(|_| true), None);
    }
}
