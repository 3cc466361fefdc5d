//! Generates all files of `vectors/`.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::cases;
use crate::cases::export::Blobs;
use crate::generator::primitives::sha256_hex;
use crate::golden::published::{PUBLISHED, published_lines};
use crate::golden::trace;
use crate::golden::tree::Tree;
use crate::golden::waivers;
use crate::vector::{Entry, Manifest};

/// Files that are written by hand. They exist only in `vectors/`.
const BY_HAND: [(&str, &[u8]); 7] = [
    (PUBLISHED, include_bytes!("../../vectors/PUBLISHED")),
    ("README.md", include_bytes!("../../vectors/README.md")),
    ("VERSION", include_bytes!("../../vectors/VERSION")),
    ("schema/manifest.schema.json", include_bytes!("../../vectors/schema/manifest.schema.json")),
    ("schema/protocol.schema.json", include_bytes!("../../vectors/schema/protocol.schema.json")),
    ("schema/report.schema.json", include_bytes!("../../vectors/schema/report.schema.json")),
    ("schema/vector.schema.json", include_bytes!("../../vectors/schema/vector.schema.json")),
];

/// Generates every file.
#[must_use]
pub fn generate() -> Tree {
    let mut tree = Tree::new();
    let mut entries = Vec::new();
    let mut blobs = Blobs::new();
    let mut abouts = Vec::new();
    let since: BTreeMap<&str, &str> = published_lines(include_str!("../../vectors/PUBLISHED"))
        .map(|(id, version, ..)| (id, version))
        .collect();
    for (area, vector) in cases::all(&mut blobs) {
        let about = vector.about().clone();
        let file = format!("{}/{area}/{}.json", about.operation, about.id);
        let bytes = json(&vector);
        abouts.push(about.clone());
        let since = since.get(about.id.as_str()).copied().unwrap_or(version()).to_owned();
        entries.push(Entry {
            id: about.id,
            file: file.clone(),
            sha256: sha256_hex(&bytes),
            since,
            operation: about.operation,
            level: about.level,
            features: about.features,
        });
        tree.insert(file, bytes);
    }
    entries.sort_by(|a, b| a.id.cmp(&b.id));
    tree.extend(blobs);
    tree.extend(BY_HAND.map(|(path, bytes)| (path.to_owned(), bytes.to_vec())));
    let trace = trace::tests(abouts.iter(), &waivers::all());
    tree.insert(trace::TRACE.to_owned(), trace.into_bytes());
    tree.insert("manifest.json".to_owned(), json(&manifest(entries)));
    tree
}

/// Returns the version of the suite.
#[must_use]
pub fn version() -> &'static str {
    include_str!("../../vectors/VERSION").trim()
}

fn manifest(vectors: Vec<Entry>) -> Manifest {
    Manifest {
        version: version().to_owned(),
        format_version: 1,
        vectors,
        waivers: waivers::all(),
        one_sided: waivers::one_sided(),
    }
}

/// Returns pretty JSON with a line feed at the end.
fn json(value: &impl Serialize) -> Vec<u8> {
    match serde_json::to_vec_pretty(value) {
        Ok(mut bytes) => {
            bytes.push(b'\n');
            bytes
        }
        Err(error) => unreachable!("vectors are plain data: {error}"),
    }
}
