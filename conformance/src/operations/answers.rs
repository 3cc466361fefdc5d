//! The answers of a vector that a peer without some feature may still give: that with all features,
//! and one for each feature that is missing.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io;

use serde::Serialize;

use crate::protocol::Peer;
use crate::vector::{About, Made};

/// Reports an origin that names a change and no vector that was changed.
pub(super) fn lint_made(made: &Made, report: &mut dyn FnMut(bool, &str)) {
    report(made.base.is_none() && made.mutation != "none", "a mutation of nothing");
}

/// Reports an answer without a feature that the vector does not need.
pub(super) fn lint_without<E>(
    about: &About,
    without: &BTreeMap<String, E>,
    report: &mut dyn FnMut(bool, &str),
) {
    let without: BTreeSet<&String> = without.keys().collect();
    let features = about.features.iter().collect();
    report(!without.is_subset(&features), "an answer without a feature that is not needed");
}

/// Returns the right answer for a peer.
pub(super) fn of_peer<'a, E>(
    about: &About,
    (expect, without): (&'a E, &'a BTreeMap<String, E>),
    peer: &Peer,
) -> &'a E {
    peer.lacks(&about.features).and_then(|feature| without.get(feature)).unwrap_or(expect)
}

/// Describes all answers for people.
pub(super) fn explained<E: Serialize>(expect: &E, without: &BTreeMap<String, E>) -> io::Result<String> {
    let mut text = format!("expected: {}\n", serde_json::to_string(expect)?);
    for (feature, expect) in without {
        let _ = writeln!(text, "without {feature}: {}", serde_json::to_string(expect)?);
    }
    Ok(text)
}
