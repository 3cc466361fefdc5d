//! The vectors as they are in a folder.

use std::io;
use std::path::Path;

use crate::folder::Folder;
use crate::generator::primitives::sha256_hex;
use crate::operations::Vector;
use crate::vector::{Entry, Manifest, Stored};

/// A folder of vectors, and what it holds.
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
    /// Loads `manifest.json` and every vector that it lists, and compares their hashes.
    ///
    /// # Errors
    ///
    /// When a file cannot be read, is not what the schema says, or has another hash; the message
    /// names the file.
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

    /// The bytes that a vector holds or names, compared with their hash.
    ///
    /// # Errors
    ///
    /// As [`Folder::bytes`].
    pub fn bytes(&self, stored: &Stored) -> io::Result<Vec<u8>> {
        self.folder.bytes(stored)
    }

    /// The vector of an id.
    #[must_use]
    pub fn find(&self, id: &str) -> Option<&Vector> {
        self.vectors.iter().find(|vector| vector.about().id == id)
    }
}
