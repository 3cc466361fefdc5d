//! Compares `vectors/` and Appendix A with the generated text, and lints them.

use std::fs;
use std::io;
use std::path::Path;

use crate::generator::example;
use crate::golden::lint::lint;
use crate::golden::tree::{Findings, Tree, read_tree};

/// Compares a folder and a specification with the generated files, `expected`.
///
/// # Errors
///
/// - if a file cannot be read.
pub fn check(expected: &Tree, folder: &Path, specification: &Path) -> io::Result<Findings> {
    let specification = fs::read_to_string(specification)?;
    let mut findings = compare(expected, &read_tree(folder)?);
    findings.extend(appendix(&specification));
    findings.extend(lint(expected, &specification));
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

/// Compares the text below the heading of Appendix A, up to the next heading of its level.
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
