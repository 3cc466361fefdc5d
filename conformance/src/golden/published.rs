//! `vectors/PUBLISHED`: a published vector keeps its meaning forever.

use std::collections::{BTreeMap, BTreeSet};

use crate::generator::primitives::sha256_hex;
use crate::golden::tree::{Findings, Tree};
use crate::operations::Vector;

/// The file of the published ids, from the root of the vectors.
pub const PUBLISHED: &str = "PUBLISHED";

/// Returns the meaning of a vector as a hash. It covers everything but the description and the
/// requirements under which it is listed.
#[must_use]
pub fn meaning(vector: &Vector) -> String {
    let mut value = serde_json::to_value(vector).unwrap_or_default();
    if let Some(fields) = value.as_object_mut() {
        for words in ["comment", "level", "made", "requirements"] {
            fields.remove(words);
        }
    }
    sha256_hex(value.to_string().as_bytes())
}

/// Returns the lines of `PUBLISHED`.
///
/// Each has an id, the version that added it, its meaning, and whether it is withdrawn. After that
/// word follows the version that removed it. A line that begins with `#` is for people.
pub fn published_lines(text: &str) -> impl Iterator<Item = (&str, &str, &str, bool)> {
    text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| {
        let mut words = line.split(' ');
        Some((words.next()?, words.next()?, words.next()?, words.next() == Some("withdrawn")))
    })
}

/// Checks that a published id keeps its meaning, or is withdrawn forever.
pub(crate) fn lint(tree: &Tree, vectors: &[Vector]) -> Findings {
    let Some(Ok(text)) = tree.get(PUBLISHED).map(|bytes| std::str::from_utf8(bytes)) else {
        return vec![format!("{PUBLISHED}: missing")];
    };
    let found: BTreeMap<&str, String> =
        vectors.iter().map(|vector| (vector.about().id.as_str(), meaning(vector))).collect();
    published_lines(text)
        .filter_map(|(id, version, meaning, withdrawn)| match found.get(id) {
            None if withdrawn => None,
            Some(_) if withdrawn => Some(format!("{id}: withdrawn, and here again")),
            None => Some(format!("{id}: published in {version}, and gone")),
            Some(found) if found != meaning => {
                Some(format!("{id}: published in {version}, and means something else now: it needs a new id"))
            }
            Some(_) => None,
        })
        .collect()
}

/// Returns `PUBLISHED` with a line for each vector that has none yet. Existing lines stay.
#[must_use]
pub fn publish(text: &str, version: &str, vectors: &[Vector]) -> String {
    let known: BTreeSet<&str> = published_lines(text).map(|(id, ..)| id).collect();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let fresh = vectors.iter().filter(|vector| !known.contains(vector.about().id.as_str()));
    lines.extend(fresh.map(|vector| format!("{} {version} {}", vector.about().id, meaning(vector))));
    lines.sort();
    lines.push(String::new());
    lines.join("\n")
}
