//! The vectors in the repository are exactly the generator's output.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use stream_v2_conformance::generator::example;
use stream_v2_conformance::golden::check::check;
use stream_v2_conformance::golden::generate::generate;
use stream_v2_conformance::golden::tree::Tree;
use stream_v2_conformance::operations::Vector;
use stream_v2_conformance::operations::write::WriteExpect;
use stream_v2_conformance::vector::{Entry, Manifest};

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

fn tree() -> &'static Tree {
    static TREE: OnceLock<Tree> = OnceLock::new();
    TREE.get_or_init(generate)
}

fn vector(file: &str) -> serde_json::Result<Vector> {
    serde_json::from_slice(&tree()[file])
}

fn write_tree(folder: &Path) -> io::Result<()> {
    for (path, bytes) in tree() {
        let file = folder.join(path);
        if let Some(parent) = file.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(file, bytes)?;
    }
    Ok(())
}

#[test]
fn the_worked_example_has_the_published_values() {
    let text = example::markdown();
    for value in [
        "fb99d7c529ac5af627205b971f00ddb7ea6e2a62d4c0886466e047fd099e8dec",
        "dc753f57bc62cb67870521c5ef1e919c7b00a013205ea33d8058b3438a53c8d8",
        "045fae50e1b8cd803a52921fe2d81e5853cd8eeb9bdb20268c66fcf4decff3bb",
        "cd84b6117422872a127f9abc5938213cd925c250222b74c638ddd8a7860346c3",
        "stream, length      10868",
        "53f0df9c36f62744dc496520d70bca130866ccb801de17828d0fe8c67f5867a8",
    ] {
        assert!(text.contains(value), "{value}");
    }
    for keyword in ["MUST", "SHALL", "SHOULD", "RECOMMENDED", "MAY", "REQUIRED", "OPTIONAL"] {
        assert!(!text.contains(keyword), "{keyword}");
    }
}

#[test]
fn the_worked_example_is_a_vector() {
    let Vector::Write(vector) = vector("write/stream/write-worked-example.json").expect("a vector") else {
        panic!("not a write vector")
    };
    let WriteExpect::Accept { output } = vector.expect else { panic!("not accepted") };
    assert_eq!(output.len, 10_868);
    assert_eq!(output.sha256, "53f0df9c36f62744dc496520d70bca130866ccb801de17828d0fe8c67f5867a8");
}

#[test]
fn vectors_have_no_fields_but_the_documented_ones() {
    let manifest: Manifest = serde_json::from_slice(&tree()["manifest.json"]).expect("a manifest");
    for Entry { file, .. } in &manifest.vectors {
        let mut again = serde_json::to_vec_pretty(&vector(file).expect(file)).expect("JSON");
        again.push(b'\n');
        assert!(again == tree()[file], "{file}");
    }
    assert!(manifest.vectors.len() > 500);
}

#[test]
fn all_files_together_stay_small() {
    let len: usize = tree().values().map(Vec::len).sum();
    assert!(len < 9 << 20, "{len} bytes");
}

#[test]
fn the_repository_holds_what_is_generated() {
    let findings =
        check(tree(), &repository("vectors"), &repository("spec/stream-v2.md")).expect("readable files");
    assert_eq!(findings, Vec::<String>::new());
}

#[test]
fn altered_missing_and_stray_files_are_found() {
    let folder = tempfile::tempdir().expect("a folder");
    write_tree(folder.path()).expect("a tree");
    let altered = folder.path().join("read/accept/accept-empty.json");
    let text = fs::read_to_string(&altered).expect("a vector").replace("accept-empty", "accept-emptz");
    fs::write(&altered, text).expect("a file");
    fs::remove_file(folder.path().join("manifest.json")).expect("a file");
    fs::write(folder.path().join("read/stray.json"), "{}").expect("a file");
    let findings = check(tree(), folder.path(), &repository("spec/stream-v2.md")).expect("readable files");
    assert_eq!(
        findings,
        [
            "manifest.json: missing",
            "read/accept/accept-empty.json: differs from what is generated",
            "read/stray.json: stray",
        ]
    );
}

#[test]
fn another_appendix_is_found() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = fs::read_to_string(repository("spec/stream-v2.md")).expect("the specification");
    let specification = folder.path().join("stream-v2.md");
    fs::write(&specification, text.replace("53f0df9c", "53f0df9d")).expect("a file");
    let findings = check(tree(), &repository("vectors"), &specification).expect("readable files");
    assert_eq!(findings, ["specification: Appendix A differs from what `sv2-vectors example` prints"]);
}
