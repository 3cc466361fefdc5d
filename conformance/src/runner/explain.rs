//! A vector for people: its fields, the sentences that it tests, and its bytes with the fault
//! marked.

use std::fmt::Write as _;
use std::io;

use super::suite::Suite;
use crate::golden::requirements::sentence;
use crate::operations::Vector;

/// Explains a vector.
///
/// # Errors
///
/// - if its bytes cannot be read.
pub fn explain(suite: &Suite, vector: &Vector) -> io::Result<String> {
    let about = vector.about();
    let mut text = format!("{} ({}, {})\n{}\n\n", about.id, about.operation, about.level, about.comment);
    for id in &about.requirements {
        let _ = writeln!(text, "{id}: {}", sentence(id).unwrap_or_else(|| "not in this edition".to_owned()));
    }
    if !about.features.is_empty() {
        let _ = writeln!(text, "needs: {}", about.features.join(", "));
    }
    text.push('\n');
    Ok(text + &vector.operation().explain(&suite.folder)?)
}
