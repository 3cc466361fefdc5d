//! The vectors of a folder.

use std::io;
use std::path::Path;

use crate::folder::Folder;
use crate::generator::primitives::sha256_hex;
use crate::operations::Vector;
use crate::vector::{Entry, Manifest, Stored};

/// A folder of vectors and its content.
#[derive(Debug)]
pub struct Suite {
    /// The files.
    pub folder: Folder,
    /// The list of all vectors.
    pub manifest: Manifest,
    /// The vectors, in the order of the manifest.
    pub vectors: Vec<Vector>,
}

impl Suite {
    /// Loads `manifest.json` and every vector that it lists, and checks their hashes.
    ///
    /// The message of an error names the file.
    ///
    /// # Errors
    ///
    /// - if a file cannot be read.
    /// - if a file does not follow the schema.
    /// - if a file has another hash.
    pub fn load(folder: &Path) -> io::Result<Self> {
        let folder = Folder::new(folder);
        let manifest: Manifest = folder.parse("manifest.json", &folder.read("manifest.json")?)?;
        let vector = |entry: &Entry| {
            let bytes = folder.read(&entry.file)?;
            if sha256_hex(&bytes) != entry.sha256 {
                return Err(folder.wrong(&entry.file, "its SHA-256 is not that of the manifest"));
            }
            folder.parse(&entry.file, &bytes)
        };
        let vectors = manifest.vectors.iter().map(vector).collect::<io::Result<_>>()?;
        Ok(Self { folder, manifest, vectors })
    }

    /// Returns the bytes that a vector holds or names, and checks their hash.
    ///
    /// # Errors
    ///
    /// - if [`Folder::bytes`] fails.
    pub fn bytes(&self, stored: &Stored) -> io::Result<Vec<u8>> {
        self.folder.bytes(stored)
    }

    /// Returns the vector with an id.
    #[must_use]
    pub fn find(&self, id: &str) -> Option<&Vector> {
        self.vectors.iter().find(|vector| vector.about().id == id)
    }
}
