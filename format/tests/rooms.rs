//! The rooms of each crate, the files and folders at the top of its `src`, have no import cycles.
//!
//! The graph is computed from the sources.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod tree;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use tree::repository;

const ROOMS_MAX: usize = 15;

/// Folders that are rooms of a crate, and contain rooms themselves.
const FOLDERS: &[&str] = &["format/src/crypto", "format/src/wire"];

/// A module path below `src`, such as `range/mod.rs`, and its text.
type Source = (String, String);
/// Each room with the rooms that it imports.
type Graph = BTreeMap<String, BTreeSet<String>>;

/// The `src` folders of all members of the workspace.
fn crates() -> Vec<String> {
    let manifest = fs::read_to_string(repository().join("Cargo.toml")).unwrap();
    let members = manifest.split("members = [").nth(1).unwrap().split(']').next().unwrap();
    let members = members.split('"').skip(1).step_by(2).map(|member| format!("{member}/src"));
    members.filter(|folder| repository().join(folder).is_dir()).collect()
}

fn sources(folder: &str) -> Vec<Source> {
    let root = repository().join(folder);
    let name = |path: PathBuf| path.strip_prefix(&root).unwrap().to_string_lossy().into_owned();
    tree::sources(folder).into_iter().map(|(path, text)| (name(path), text)).collect()
}

/// Returns true if the item after an attribute is for tests only.
fn is_for_tests(attribute: &str) -> bool {
    attribute.starts_with("#[cfg(") && ["(test)", "(test,"].iter().any(|word| attribute.contains(word))
}

/// The module that a line declares, up to the end of the line.
fn module_of(line: &str) -> Option<&str> {
    line.split_once("mod ")
        .filter(|(before, _)| before.is_empty() || before.starts_with("pub"))
        .map(|(_, module)| module)
}

/// The text without comments and test modules.
fn code(text: &str) -> String {
    let (mut lines, mut code) = (text.lines().peekable(), String::new());
    while let Some(line) = lines.next() {
        if is_for_tests(line)
            && let Some(module) = lines.next_if(|line| module_of(line).is_some())
        {
            if !module.ends_with(';') {
                lines.by_ref().find(|line| *line == "}");
            }
            continue;
        }
        code += line.split("//").next().unwrap_or_default();
        code.push('\n');
    }
    code
}

/// The names of the test-only modules that have files of their own.
fn test_modules(text: &str) -> impl Iterator<Item = &str> {
    let modules = text.lines().zip(text.lines().skip(1)).filter(|(attribute, _)| is_for_tests(attribute));
    modules.filter_map(|(_, line)| module_of(line)?.strip_suffix(';'))
}

/// Identifiers, `::`, and every other character that is not white space.
fn tokens(code: &str) -> Vec<&str> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let (mut found, mut rest) = (Vec::new(), code.trim_start());
    while let Some(first) = rest.chars().next() {
        let len = match first {
            _ if is_word(first) => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
            _ if rest.starts_with("::") => 2,
            _ => first.len_utf8(),
        };
        found.push(&rest[..len]);
        rest = rest[len..].trim_start();
    }
    found
}

/// Every path of a tree such as `crate::{a::B, c}` at the beginning of `tokens`, and the number of
/// its tokens.
fn paths<'t>(tokens: &[&'t str]) -> (Vec<Vec<&'t str>>, usize) {
    let (mut path, mut at) = (Vec::new(), 0);
    while let Some(&token) = tokens.get(at) {
        match token {
            "{" => {
                let mut found = Vec::new();
                at += 1;
                while let Some(&token) = tokens.get(at).filter(|token| **token != "}") {
                    let (inner, len) = if token == "," { (Vec::new(), 1) } else { paths(&tokens[at..]) };
                    found.extend(inner.into_iter().map(|inner| [path.clone(), inner].concat()));
                    at += len.max(1);
                }
                return (found, at + 1);
            }
            _ => path.push(token),
        }
        at += 1;
        match tokens.get(at) {
            Some(&"::") => at += 1,
            // A new name is treated as a part of the name before it.
            Some(&"as") => at += 1,
            _ => break,
        }
        if tokens.get(at).is_some_and(|token| *token == "," || *token == "}" || *token == ";") {
            break;
        }
    }
    (vec![path], at)
}

/// The module of a file.
fn module(file: &str) -> Vec<&str> {
    let mut module: Vec<&str> = file.trim_end_matches(".rs").split('/').collect();
    if ["mod", "lib", "main"].contains(module.last().unwrap()) {
        module.pop();
    }
    module
}

/// The paths that `code`, a file of the module `own`, names by `crate` or `super`.
fn named<'t>(own: &[&'t str], code: &'t str) -> Vec<Vec<&'t str>> {
    let (tokens, mut found) = (tokens(code), Vec::new());
    for (at, token) in tokens.iter().enumerate() {
        let begins = ["crate", "super"].contains(token) && (at == 0 || tokens[at - 1] != "::");
        if !begins || tokens.get(at + 1) != Some(&"::") {
            continue;
        }
        for path in paths(&tokens[at..]).0 {
            let ups = path.iter().take_while(|name| **name == "super").count();
            let kept = if path[0] == "crate" { 0 } else { own.len().saturating_sub(ups) };
            found.push([&own[..kept], &path[ups.max(usize::from(path[0] == "crate"))..]].concat());
        }
    }
    found
}

/// The imports between the rooms of a crate.
///
/// Items that the root defines are the room `lib`, which knows all others. Re-exported items belong
/// to the room that defines them.
fn graph(folder: &str, sources: &[Source]) -> Graph {
    let within: Vec<&str> =
        folder.split_once("/src/").map_or(Vec::new(), |(_, path)| path.split('/').collect());
    let is_root = |file: &str| ["lib.rs", "main.rs", "mod.rs"].contains(&file);
    let tests: Vec<&str> = sources.iter().flat_map(|(_, text)| test_modules(text)).collect();
    let is_tested = |file: &str| tests.iter().any(|test| module(file).contains(test));
    let files: Vec<(&str, String)> = sources
        .iter()
        .filter(|(file, _)| !file.starts_with("bin/") && !is_tested(file))
        .map(|(file, text)| (file.as_str(), code(text)))
        .collect();
    let room = |file: &str| module(file).first().map_or("lib".to_owned(), |room| (*room).to_owned());
    let rooms: BTreeSet<String> = files.iter().map(|(file, _)| room(file)).collect();
    let mut exported = BTreeMap::new();
    for (_, code) in files.iter().filter(|(file, _)| is_root(file)) {
        let tokens = tokens(code);
        for at in (0..tokens.len()).filter(|at| tokens[*at] == "use") {
            for path in paths(&tokens[at + 1..]).0 {
                exported.insert(path[path.len() - 1].to_owned(), path[0].to_owned());
            }
        }
    }
    let owner = |name: &str| match exported.get(name) {
        _ if rooms.contains(name) => Some(name.to_owned()),
        Some(owner) if rooms.contains(owner) => Some(owner.clone()),
        // A path of another crate.
        Some(_) => None,
        None => Some("lib".to_owned()),
    };
    let mut graph: Graph = rooms.iter().map(|room| (room.clone(), BTreeSet::new())).collect();
    for (file, code) in files.iter().filter(|(file, _)| !is_root(file)) {
        let own = room(file);
        let found = named(&[&within[..], &module(file)].concat(), code);
        let found = found.iter().filter_map(|path| owner(path.strip_prefix(&within[..])?.first()?));
        graph.entry(own.clone()).or_default().extend(found.filter(|found| *found != own));
        graph.entry("lib".to_owned()).or_default().insert(own);
    }
    graph
}

/// The rooms in a cycle, or between two cycles.
///
/// They remain after removing the rooms that import none of the others, or that none of the others
/// imports.
fn knot(graph: &Graph) -> Vec<String> {
    let mut left: BTreeSet<&String> = graph.keys().collect();
    loop {
        let imports = |room: &String| graph[room].iter().any(|other| left.contains(other));
        let is_imported = |room: &String| left.iter().any(|other| graph[*other].contains(room));
        let still: BTreeSet<&String> =
            left.iter().copied().filter(|room| imports(room) && is_imported(room)).collect();
        if still.len() == left.len() {
            return left.into_iter().cloned().collect();
        }
        left = still;
    }
}

#[test]
fn no_crate_has_a_circle_of_rooms() {
    let folders = crates().into_iter().chain(FOLDERS.iter().map(|folder| (*folder).to_owned()));
    for folder in folders {
        let graph = graph(&folder, &sources(&folder));
        let knot = knot(&graph);
        assert!(knot.is_empty(), "{folder}: {knot:?} in {graph:#?}");
    }
}

/// The table of ARCHITECTURE.md lists each room of the pipeline below the rooms that it imports.
#[test]
fn rooms_of_the_pipeline_are_in_order() {
    let text = fs::read_to_string(repository().join("ARCHITECTURE.md")).unwrap();
    let table = text.split("| room in `reference-pipeline/src` |").nth(1).unwrap();
    let rows = table.lines().skip(2).map_while(|line| line.strip_prefix("| `"));
    let order: Vec<&str> = rows
        .map(|row| row.split('`').next().unwrap().trim_end_matches(".rs").trim_end_matches('/'))
        .collect();
    let graph = graph("reference-pipeline/src", &sources("reference-pipeline/src"));
    assert!(graph.len() <= ROOMS_MAX, "{} rooms", graph.len());
    let place = |room: &str| order.iter().position(|other| *other == room).unwrap();
    for (room, imported) in graph.iter().filter(|(room, _)| *room != "lib") {
        for other in imported {
            assert!(place(other) < place(room), "{room} imports {other}");
        }
    }
    assert_eq!(order.len(), graph.len() - 1, "{order:?}");
}

/// The rooms in a cycle of a crate with these files.
fn knot_of(files: &[(&str, &str)]) -> Vec<String> {
    let sources: Vec<Source> =
        files.iter().map(|(file, text)| ((*file).to_owned(), (*text).to_owned())).collect();
    knot(&graph("a/src", &sources))
}

#[test]
fn a_planted_circle_is_found() {
    let lib = ("lib.rs", "mod a;\nmod b;\nmod c;\npub use c::{deep::Name, Other as Renamed};\n");
    let begins = [lib, ("a.rs", "use crate::b::X;\n"), ("c/mod.rs", "use crate::a;\n")];
    let with = |file, text| knot_of(&[&begins[..], &[(file, text)]].concat());
    assert!(with("b.rs", "use std::io;\n").is_empty());
    for circle in [
        "use crate::c::Name;\n",
        "use crate::{\n    b::X,\n    c::{self, deep::{Name as N, Other}},\n};\n",
        "use super::c::Name;\n",
        "fn name() -> crate::c::Name {\n    todo!()\n}\n",
        "use crate::Name;\n",
        "use crate::Renamed;\n",
        "#[cfg(test)]\nmod tests {\n    use super::*;\n}\nuse crate::c;\n",
    ] {
        assert_eq!(with("b.rs", circle), ["a", "b", "c"], "{circle}");
    }
    assert_eq!(with("b/deep.rs", "use super::super::{c};\n"), ["a", "b", "c"]);
    assert_eq!(with("b/mod.rs", "use super::a;\n"), ["a", "b"]);
    assert_eq!(with("b.rs", "use crate::Defined;\n"), ["a", "b", "c", "lib"]);
    for none in [
        "// use crate::c;\n",
        "#[cfg(all(test, unix))]\npub(super) mod tests {\n    use crate::c;\n}\n",
        "use crate::b::c;\n",
    ] {
        assert!(with("b.rs", none).is_empty(), "{none}");
    }
    assert!(with("b/deep.rs", "use super::super::b;\nuse super::c;\n").is_empty());
}
