//! Puts the results of workers back in order. It is pure, and bounded by the window.

use std::collections::VecDeque;

/// Holds items that came early, and returns them in the order of their places 0, 1, 2 and so on.
#[derive(Debug)]
pub(crate) struct Reorder<T> {
    next: u64,
    early: VecDeque<Option<T>>,
    window: usize,
}

/// Reports that an item came twice, too late, or further ahead than the window: a defect of the
/// engine.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct OutOfWindow;

impl<T> Reorder<T> {
    /// Holds at most `window` items.
    pub(crate) fn new(window: usize) -> Self {
        Self { next: 0, early: VecDeque::with_capacity(window), window }
    }

    /// Holds up to `window` items from now on, which must not be fewer than before.
    pub(crate) fn widen(&mut self, window: usize) {
        self.early.reserve(window.saturating_sub(self.early.len()));
        self.window = window;
    }

    /// Takes the item of one place.
    pub(crate) fn insert(&mut self, place: u64, item: T) -> Result<(), OutOfWindow> {
        let ahead =
            place.checked_sub(self.next).and_then(|ahead| usize::try_from(ahead).ok()).ok_or(OutOfWindow)?;
        if ahead >= self.window {
            return Err(OutOfWindow);
        }
        if self.early.len() <= ahead {
            self.early.resize_with(ahead + 1, || None);
        }
        match self.early.get_mut(ahead) {
            Some(slot @ None) => {
                *slot = Some(item);
                Ok(())
            }
            _ => Err(OutOfWindow),
        }
    }

    /// Returns the next item in order, if it has come.
    pub(crate) fn next_in_order(&mut self) -> Option<T> {
        let item = self.early.front_mut()?.take()?;
        self.early.pop_front();
        self.next += 1;
        Some(item)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn arrivals_within_window_come_out_in_order(shuffled in Just((0..32u64).collect::<Vec<_>>()).prop_shuffle()) {
            let mut reorder = Reorder::new(32);
            let mut out = Vec::new();
            for place in shuffled {
                reorder.insert(place, place).unwrap();
                out.extend(std::iter::from_fn(|| reorder.next_in_order()));
            }
            prop_assert_eq!(out, (0..32).collect::<Vec<_>>());
        }
    }

    #[test]
    fn never_holds_more_than_the_window() {
        let mut reorder = Reorder::new(4);
        for place in 1..4 {
            reorder.insert(place, ()).unwrap();
        }
        assert_eq!(reorder.insert(4, ()), Err(OutOfWindow));
        assert_eq!(reorder.insert(2, ()), Err(OutOfWindow));
        assert_eq!(reorder.next_in_order(), None);
        reorder.insert(0, ()).unwrap();
        assert_eq!(std::iter::from_fn(|| reorder.next_in_order()).count(), 4);
        assert_eq!(reorder.insert(3, ()), Err(OutOfWindow));
    }
}
