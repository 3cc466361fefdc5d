//! `spec/concurrency.md` names what there is: the model's properties, tests and files.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use stateright::Model;
use stream_v2_model::Pipeline;

const DOCUMENT: &str = include_str!("../../../spec/concurrency.md");

/// What stands between backticks, in the table of §6.
fn named() -> BTreeSet<&'static str> {
    let table = DOCUMENT.split("## 6.").nth(1).unwrap().split("\n\n").nth(1).unwrap();
    table.split('`').skip(1).step_by(2).collect()
}

/// Every source file of the pipeline, with its text.
fn sources() -> Vec<(PathBuf, String)> {
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("..")];
    let mut sources = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                sources.push((path.clone(), fs::read_to_string(path).unwrap()));
            }
        }
    }
    sources
}

#[test]
fn every_property_of_the_model_is_in_the_table() {
    let named = named();
    for property in Pipeline::new(1, 1, 1).properties() {
        // What is only reachable is no promise.
        let reachable = property.name == "a run is complete";
        assert!(reachable || named.contains(property.name), "{}", property.name);
    }
}

#[test]
fn every_name_of_the_table_is_somewhere() {
    let sources = sources();
    let properties: Vec<_> =
        Pipeline::new(1, 1, 1).properties().into_iter().map(|property| property.name).collect();
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/fuzz_targets");
    for name in named() {
        let is_file = sources.iter().any(|(path, _)| path.ends_with(name));
        let is_test = sources.iter().any(|(_, text)| text.contains(&format!("fn {name}()")));
        let is_target = fuzz.join(name).with_extension("rs").exists();
        assert!(is_file || is_test || is_target || properties.contains(&name), "{name}");
    }
}
