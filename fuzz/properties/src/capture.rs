//! What the bytes of a finding stand for.

use std::fmt::Debug;

/// Says what it holds where a property breaks in its lifetime. Under libFuzzer a panic ends the process before that: `cargo test` says it.
pub(crate) struct Captured<'a, T: Debug>(pub(crate) &'a T);

impl<T: Debug> Drop for Captured<'_, T> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("{:#?}", self.0);
        }
    }
}
