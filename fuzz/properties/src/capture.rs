//! The meaning of a finding's bytes.

use std::fmt::Debug;

/// Prints its value if a property breaks in its lifetime. Under libFuzzer a panic ends the process
/// before that, and `cargo test` prints it.
pub(crate) struct Captured<'a, T: Debug>(pub(crate) &'a T);

impl<T: Debug> Drop for Captured<'_, T> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("{:#?}", self.0);
        }
    }
}
