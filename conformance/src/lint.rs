//! Rules that the vectors keep, whoever made them: hashes, ids, requirements, and that what was published stays.

use std::collections::{BTreeMap, BTreeSet};

use crate::primitives::sha256_hex;
use crate::sides;
use crate::tree::Tree;
use crate::vector::{Expect, Fault, Manifest, RangeExpect, RangeVector, ReadVector, Span, Stored, Vector};

/// What is wrong, one line each; empty where nothing is.
pub type Findings = Vec<String>;

/// The file of the published ids, from the root of the vectors.
pub const PUBLISHED: &str = "PUBLISHED";

/// Holds the rules of the suite against itself.
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
    findings.extend(published(tree, &vectors));
    findings.extend(sides::lint(&vectors, &manifest.one_sided));
    findings.extend(coverage(&identifiers(specification), &tested, &waived));
    findings
}

/// Requirement identifiers that stand in headings.
fn identifiers(specification: &str) -> BTreeSet<String> {
    specification
        .lines()
        .filter_map(|line| line.strip_prefix("#### "))
        .map(|id| id.trim().to_owned())
        .collect()
}

fn coverage(ids: &BTreeSet<String>, tested: &BTreeSet<String>, waived: &BTreeSet<String>) -> Findings {
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
    let about = vector.about();
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
    let stored: Vec<&Stored> = match vector {
        Vector::Read(read) => vec![&read.input],
        Vector::Range(range) => vec![&range.input],
        Vector::Write(_) => Vec::new(),
        Vector::Crash(crash) => [&crash.expect.left].into_iter().chain(&crash.expect.resumed).collect(),
        Vector::Recover(recover) => [&recover.output].into_iter().chain(&recover.journal).collect(),
        Vector::Resume(resume) => {
            [&resume.output, &resume.source].into_iter().chain(&resume.journal).collect()
        }
    };
    let lost = |blob: &String| !tree.contains_key(blob);
    report(stored.iter().any(|stored| stored.blob.as_ref().is_some_and(lost)), "no such blob");
    if let Vector::Range(range) = vector {
        report(range.made.base.as_ref().is_some_and(|base| !ids.contains(base)), "no such base");
        report(range.ranges.is_empty(), "no range");
        report(!released_ranges(range), "what is released is not that range of the plaintext");
    }
    let Vector::Read(read) = vector else {
        return findings;
    };
    report(read.made.base.as_ref().is_some_and(|base| !ids.contains(base)), "no such base");
    report(read.made.base.is_none() && read.made.mutation != "none", "a mutation of nothing");
    report(read.expect.is_some() == read.recipe.is_some(), "either an answer or a recipe");
    let without: BTreeSet<&String> = read.expect_without.keys().collect();
    report(without != about.features.iter().collect(), "features and expect_without differ");
    report(!released_prefixes(read), "what is released is not a prefix of the plaintext");
    findings
}

/// Whether all that may be released is a prefix of the plaintext that the vector describes.
fn released_prefixes(read: &ReadVector) -> bool {
    let plaintext = read.plaintext.bytes();
    let prefix =
        |len: usize, sha256: &str| plaintext.get(..len).is_some_and(|bytes| sha256_hex(bytes) == sha256);
    let answers = read.expect.iter().chain(read.expect_without.values());
    let ranges = read.recipe.iter().flat_map(|recipe| &recipe.ranges);
    answers.clone().all(|answer| match answer {
        Expect::Accept { plaintext_len, plaintext_sha256 } => {
            *plaintext_len == plaintext.len() && prefix(*plaintext_len, plaintext_sha256)
        }
        Expect::Reject(Fault { released_len, released_sha256, .. })
        | Expect::Unsupported(Fault { released_len, released_sha256, .. }) => {
            prefix(*released_len, released_sha256)
        }
    }) && ranges.clone().all(|range| prefix(range.released_len, &range.released_sha256))
}

/// Whether all that may be released of each range is a prefix of it.
fn released_ranges(range: &RangeVector) -> bool {
    let RangeExpect::Accept { ranges, .. } = &range.expect else { return true };
    let plaintext = range.plaintext.bytes();
    let right = |(span, expect): (&Span, &Expect)| {
        let begin = usize::try_from(span.offset).unwrap_or(plaintext.len()).min(plaintext.len());
        let (len, sha256) = match expect {
            Expect::Accept { plaintext_len, plaintext_sha256 } => (*plaintext_len, plaintext_sha256),
            Expect::Reject(fault) | Expect::Unsupported(fault) => {
                (fault.released_len, &fault.released_sha256)
            }
        };
        let released = plaintext.get(begin..begin + len);
        len as u64 <= span.len && released.is_some_and(|released| sha256_hex(released) == *sha256)
    };
    ranges.len() == range.ranges.len() && range.ranges.iter().zip(ranges).all(right)
}

/// What a vector means, as a hash: everything but the words about it and the requirements that it is listed under.
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

/// The lines of `PUBLISHED`: an id, the version that brought it, its meaning, and whether it is withdrawn. Behind that word stands the version that left
/// it out. A line that begins with `#` is for people.
pub fn published_lines(text: &str) -> impl Iterator<Item = (&str, &str, &str, bool)> {
    text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| {
        let mut words = line.split(' ');
        Some((words.next()?, words.next()?, words.next()?, words.next() == Some("withdrawn")))
    })
}

/// A published id means what it meant, or is withdrawn for ever.
fn published(tree: &Tree, vectors: &[Vector]) -> Findings {
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

/// `PUBLISHED` with a line for each vector that has none yet; lines that are there stay.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::generate;

    fn with(path: &str, change: impl FnOnce(&mut Vec<u8>)) -> Findings {
        let mut tree = generate();
        change(tree.get_mut(path).unwrap());
        lint(&tree, crate::requirements::SPECIFICATION)
    }

    #[test]
    fn the_vectors_as_generated_keep_all_rules() {
        assert_eq!(with("VERSION", |_| ()), Findings::new());
    }

    /// A line of `PUBLISHED` for `accept-empty` as it is.
    fn line() -> String {
        let bytes = generate().remove("read/accept/accept-empty.json").unwrap();
        let vector: Vector = serde_json::from_slice(&bytes).unwrap();
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
