//! Rules that all vectors keep: hashes, ids, requirements, and that published vectors stay.

use std::collections::BTreeSet;

use crate::generator::primitives::sha256_hex;
use crate::golden::coverage;
use crate::golden::published;
use crate::golden::tree::{Findings, Tree};
use crate::operations::Vector;
use crate::vector::{Manifest, Stored};

/// Checks the rules of the suite.
#[must_use]
pub fn lint(tree: &Tree, specification: &str) -> Findings {
    let mut findings = Findings::new();
    let Some(Ok(manifest)) = tree.get("manifest.json").map(|bytes| serde_json::from_slice::<Manifest>(bytes))
    else {
        return vec!["manifest.json: not a manifest".to_owned()];
    };
    let mut ids = BTreeSet::new();
    let mut tested = BTreeSet::new();
    let mut vectors = Vec::new();
    for entry in &manifest.vectors {
        if !ids.insert(entry.id.clone()) {
            findings.push(format!("{}: the id stands twice", entry.id));
        }
        match tree.get(&entry.file).map(|bytes| (sha256_hex(bytes), serde_json::from_slice::<Vector>(bytes)))
        {
            Some((sha256, Ok(vector))) if sha256 == entry.sha256 => vectors.push(vector),
            _ => findings.push(format!("{}: no such vector, or another hash", entry.file)),
        }
    }
    for vector in &vectors {
        findings.extend(lint_vector(vector, &ids, tree));
        tested.extend(vector.about().requirements.iter().cloned());
    }
    let waived = manifest.waivers.iter().map(|waiver| waiver.requirement.clone()).collect();
    findings.extend(published::lint(tree, &vectors));
    findings.extend(coverage::lint(&vectors, &manifest.one_sided));
    findings.extend(traced(&identifiers(specification), &tested, &waived));
    findings
}

/// Returns the requirement identifiers in headings.
fn identifiers(specification: &str) -> BTreeSet<String> {
    specification
        .lines()
        .filter_map(|line| line.strip_prefix("#### "))
        .map(|id| id.trim().to_owned())
        .collect()
}

fn traced(ids: &BTreeSet<String>, tested: &BTreeSet<String>, waived: &BTreeSet<String>) -> Findings {
    let mut findings = Findings::new();
    findings.extend(
        tested
            .union(waived)
            .filter(|id| !ids.contains(*id))
            .map(|id| format!("{id}: not in the specification")),
    );
    findings.extend(tested.intersection(waived).map(|id| format!("{id}: tested and waived")));
    let covered = |id: &&String| !tested.contains(*id) && !waived.contains(*id);
    findings.extend(ids.iter().filter(covered).map(|id| format!("{id}: neither tested nor waived")));
    findings
}

fn lint_vector(vector: &Vector, ids: &BTreeSet<String>, tree: &Tree) -> Findings {
    let operation = vector.operation();
    let about = operation.about();
    let mut findings = Findings::new();
    let mut report = |wrong: bool, what: &str| {
        if wrong {
            findings.push(format!("{}: {what}", about.id));
        }
    };
    let kebab = |byte: u8| byte == b'-' || byte.is_ascii_lowercase() || byte.is_ascii_digit();
    report(!about.id.bytes().all(kebab), "the id is not kebab-case");
    report(about.requirements.is_empty(), "no requirement");
    let distinct: BTreeSet<&String> = about.requirements.iter().collect();
    report(distinct.len() != about.requirements.len(), "a requirement stands twice");
    report(!about.comment.ends_with('.'), "the comment is no sentence");
    let lost = |stored: &&Stored| stored.blob.as_ref().is_some_and(|blob| !tree.contains_key(blob));
    report(operation.stored().iter().any(lost), "no such blob");
    report(operation.base().is_some_and(|base| !ids.contains(base)), "no such base");
    operation.lint(&mut report);
    findings
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use super::*;
    use crate::golden::generate::generate;
    use crate::golden::published::{PUBLISHED, publish, published_lines};

    static TREE: LazyLock<Tree> = LazyLock::new(generate);

    fn with(path: &str, change: impl FnOnce(&mut Vec<u8>)) -> Findings {
        let mut tree = TREE.clone();
        change(tree.get_mut(path).unwrap());
        lint(&tree, crate::golden::requirements::SPECIFICATION)
    }

    #[test]
    fn the_vectors_as_generated_keep_all_rules() {
        assert_eq!(with("VERSION", |_| ()), Findings::new());
    }

    /// Returns a line of `PUBLISHED` for the unchanged `accept-empty`.
    fn line() -> String {
        let bytes = &TREE["read/accept/accept-empty.json"];
        let vector: Vector = serde_json::from_slice(bytes).unwrap();
        let text = publish("# Words for people.\n", "1.0.0", &[vector]);
        assert_eq!(published_lines(&text).count(), 1, "{text}");
        text.trim_end().to_owned()
    }

    #[test]
    fn a_published_vector_cannot_change_its_meaning_or_go() {
        let as_it_was = line();
        let (words, _) = as_it_was.rsplit_once(' ').unwrap();
        let changed = with(PUBLISHED, |lines| {
            *lines = format!("{words} {}\ngone-for-good 0.1.0 00\n", "0".repeat(64)).into_bytes();
        });
        assert_eq!(changed.len(), 2, "{changed:?}");
        assert!(changed[0].ends_with("it needs a new id") && changed[1].ends_with("and gone"), "{changed:?}");
    }

    #[test]
    fn a_withdrawn_vector_may_go_and_cannot_come_back() {
        let back = format!("{} withdrawn 9.0.0", line());
        let changed = with(PUBLISHED, |lines| {
            *lines = format!("{back}\ngone-for-good 0.1.0 00 withdrawn 9.0.0\n").into_bytes();
        });
        assert_eq!(changed.len(), 1, "{changed:?}");
        assert!(changed[0].ends_with("withdrawn, and here again"), "{changed:?}");
    }

    #[test]
    fn a_requirement_that_is_tested_from_one_side_only_needs_a_reason() {
        let changed = with("manifest.json", |manifest| {
            let text = String::from_utf8(manifest.clone()).unwrap();
            let (before, after) = text.split_once("\"one_sided\": [").unwrap();
            let (_, after) = after.split_once(']').unwrap();
            *manifest = format!("{before}\"one_sided\": []{after}").into_bytes();
        });
        assert!(
            changed.contains(&"SV2-DIG-003: no rejecting vector, and no reason".to_owned()),
            "{changed:?}"
        );
    }

    #[test]
    fn a_vector_whose_hash_is_another_is_found() {
        let changed = with("read/segment/segment-codec-3.json", |bytes| bytes.push(b'\n'));
        assert!(changed.iter().any(|finding| finding.contains("another hash")), "{changed:?}");
    }
}
