//! The vectors as they stand in a folder.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

use crate::primitives::sha256_hex;
use crate::vector::{Manifest, Stored, Vector};

/// A folder of vectors.
#[derive(Debug)]
pub struct Suite {
    folder: PathBuf,
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
    /// When a file cannot be read, is not what the schema says, or has another hash; the message names the file.
    pub fn load(folder: &Path) -> io::Result<Self> {
        let manifest: Manifest = parse(folder, "manifest.json", &read(folder, "manifest.json")?)?;
        let vector = |entry: &crate::vector::Entry| {
            let bytes = read(folder, &entry.file)?;
            if sha256_hex(&bytes) != entry.sha256 {
                return Err(wrong(folder, &entry.file, "its SHA-256 is not that of the manifest"));
            }
            parse(folder, &entry.file, &bytes)
        };
        let vectors = manifest.vectors.iter().map(vector).collect::<io::Result<_>>()?;
        Ok(Self { folder: folder.to_owned(), manifest, vectors })
    }

    /// The bytes that a vector holds or names, compared with their hash.
    ///
    /// # Errors
    ///
    /// When the blob cannot be read, or the bytes are not those that the vector says.
    pub fn bytes(&self, stored: &Stored) -> io::Result<Vec<u8>> {
        let place = stored.blob.as_deref().unwrap_or("a vector");
        let bytes = match &stored.hex {
            Some(digits) => {
                hex::decode(digits).map_err(|error| wrong(&self.folder, place, &error.to_string()))?
            }
            None => read(&self.folder, place)?,
        };
        if (bytes.len(), &sha256_hex(&bytes)) == (stored.len, &stored.sha256) {
            Ok(bytes)
        } else {
            Err(wrong(&self.folder, place, "length or SHA-256 is not what the vector says"))
        }
    }

    /// The vector of an id.
    #[must_use]
    pub fn find(&self, id: &str) -> Option<&Vector> {
        self.vectors.iter().find(|vector| vector.about().id == id)
    }
}

fn read(folder: &Path, path: &str) -> io::Result<Vec<u8>> {
    fs::read(folder.join(path)).map_err(|error| io::Error::new(error.kind(), format!("{path}: {error}")))
}

fn parse<T: DeserializeOwned>(folder: &Path, path: &str, bytes: &[u8]) -> io::Result<T> {
    serde_json::from_slice(bytes).map_err(|error| wrong(folder, path, &error.to_string()))
}

fn wrong(folder: &Path, path: &str, what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("{}: {what}", folder.join(path).display()))
}
