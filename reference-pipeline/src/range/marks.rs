//! What was seen on a way along a stream, in bounded memory, so that nothing is walked over twice.

/// Most marks that are kept. As many as an index segment can have entries (§14).
const MARKS_MAX: usize = 1 << 16;

/// Marks along a way: all of them, or, once there are too many, every second, every fourth, and so on.
#[derive(Debug)]
pub(super) struct Marks<T> {
    kept: Vec<T>,
    stride: u64,
}

impl<T> Marks<T> {
    pub(super) const fn new() -> Self {
        Self { kept: Vec::new(), stride: 1 }
    }

    /// Remembers the mark with this number, counted from the beginning of the way, if it is the next to be kept.
    pub(super) fn pass(&mut self, number: u64, mark: T) {
        if number != self.stride.saturating_mul(self.kept.len() as u64) {
            return;
        }
        self.kept.push(mark);
        if self.kept.len() > MARKS_MAX {
            let mut number = 0;
            self.kept.retain(|_| {
                number += 1;
                number % 2 == 1
            });
            self.stride *= 2;
        }
    }

    /// The last mark that is `before` what is looked for, and its number. After one that is not before it, none is.
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
        assert!(marks.kept.len() <= MARKS_MAX);
        for target in [0, 1, 7, len / 2, len - 1] {
            let (number, &mark) = marks.last(|&mark| mark <= target).unwrap();
            assert!(number == mark && mark <= target && target - mark < marks.stride, "{mark} {target}");
        }
        assert_eq!(marks.stride, 4);
        assert_eq!(Marks::<u64>::new().last(|_| true), None);
    }
}
