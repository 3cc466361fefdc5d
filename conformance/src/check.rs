//! Compares `vectors/` and Appendix A with what is generated, and lints what is generated.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;

use crate::example;
use crate::primitives::sha256_hex;
use crate::tree::{Tree, generate};
use crate::vector::{Expect, Fault, Manifest, ReadVector, Vector};

/// What is wrong, one line each; empty where nothing is.
pub type Findings = Vec<String>;

/// Compares a folder and a specification with what is generated.
///
/// # Errors
///
/// When a file cannot be read.
pub fn check(folder: &Path, specification: &Path) -> io::Result<Findings> {
    let expected = generate();
    let specification = fs::read_to_string(specification)?;
    let mut findings = compare(&expected, &read_tree(folder)?);
    findings.extend(appendix(&specification));
    findings.extend(lint(&expected, &specification));
    Ok(findings)
}

/// Compares two trees file by file.
fn compare(expected: &Tree, found: &Tree) -> Findings {
    let mut findings = Findings::new();
    for (path, bytes) in expected {
        match found.get(path) {
            None => findings.push(format!("{path}: missing")),
            Some(other) if other != bytes => findings.push(format!("{path}: differs from what is generated")),
            Some(_) => {}
        }
    }
    findings.extend(
        found.keys().filter(|path| !expected.contains_key(*path)).map(|path| format!("{path}: stray")),
    );
    findings
}

fn read_tree(folder: &Path) -> io::Result<Tree> {
    let mut tree = Tree::new();
    read_folder(folder, "", &mut tree)?;
    Ok(tree)
}

fn read_folder(folder: &Path, prefix: &str, tree: &mut Tree) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            read_folder(&entry.path(), &format!("{path}/"), tree)?;
        } else {
            tree.insert(path, fs::read(entry.path())?);
        }
    }
    Ok(())
}

/// The text below the heading of Appendix A, up to the next heading of its level.
fn appendix(specification: &str) -> Findings {
    let Some((_, rest)) = specification.split_once(example::HEADING) else {
        return vec![format!("specification: no heading \"{}\"", example::HEADING)];
    };
    let text = rest.split_once("\n## ").map_or(rest, |(text, _)| text);
    if text.trim() == example::markdown().trim() {
        return Findings::new();
    }
    vec!["specification: Appendix A differs from what `sv2-vectors example` prints".to_owned()]
}

/// Holds the rules of the suite against itself.
fn lint(tree: &Tree, specification: &str) -> Findings {
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
    report(!about.comment.ends_with('.'), "the comment is no sentence");
    if let Vector::Recover(recover) = vector {
        let stored = [Some(&recover.output), recover.journal.as_ref()];
        let lost = |blob: &String| !tree.contains_key(blob);
        report(stored.iter().flatten().any(|stored| stored.blob.as_ref().is_some_and(lost)), "no such blob");
    }
    let Vector::Read(read) = vector else {
        return findings;
    };
    report(read.made.base.as_ref().is_some_and(|base| !ids.contains(base)), "no such base");
    report(read.made.base.is_none() && read.made.mutation != "none", "a mutation of nothing");
    report(read.expect.is_some() == read.recipe.is_some(), "either an answer or a recipe");
    let without: BTreeSet<&String> = read.expect_without.keys().collect();
    report(without != about.features.iter().collect(), "features and expect_without differ");
    report(read.input.blob.as_ref().is_some_and(|blob| !tree.contains_key(blob)), "no such blob");
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
