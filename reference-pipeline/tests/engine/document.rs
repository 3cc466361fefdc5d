//! `spec/concurrency.md` names existing tests, files and fuzz targets.

use std::fs;
use std::path::{Path, PathBuf};

const DOCUMENT: &str = include_str!("../../../spec/concurrency.md");

/// Returns the entries between backticks in the table of §6.
fn named() -> Vec<&'static str> {
    let section = DOCUMENT.split("\n## 6.").nth(1).unwrap();
    let table = section.split("\n\n").nth(1).unwrap();
    table.split('`').skip(1).step_by(2).collect()
}

/// Returns every source file below `folder`, with its text.
fn sources(folder: PathBuf) -> Vec<(PathBuf, String)> {
    let (mut folders, mut sources) = (vec![folder], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                sources.push((path, text));
            }
        }
    }
    sources
}

#[test]
fn every_name_of_the_table_exists() {
    let pipeline = Path::new(env!("CARGO_MANIFEST_DIR"));
    let sources = sources(pipeline.to_owned());
    let targets = pipeline.join("../fuzz/fuzz_targets");
    let named = named();
    assert!(named.len() > 10, "{named:?}");
    for name in named {
        let is_file = sources.iter().any(|(path, _)| path.ends_with(name));
        let is_test = sources.iter().any(|(_, text)| text.contains(&format!("fn {name}()")));
        let is_target = targets.join(name).with_extension("rs").exists();
        assert!(is_file || is_test || is_target, "{name}");
    }
}
