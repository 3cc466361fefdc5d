//! The files of a folder of vectors.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

use crate::generator::primitives::sha256_hex;
use crate::vector::Stored;

/// A folder of vectors.
#[derive(Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// Opens the folder under this name.
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        Self(folder.to_owned())
    }

    /// Returns the bytes that a vector holds or names, and checks their hash.
    ///
    /// # Errors
    ///
    /// - if the blob cannot be read.
    /// - if the bytes are not the ones that the vector names.
    pub fn bytes(&self, stored: &Stored) -> io::Result<Vec<u8>> {
        let place = stored.blob.as_deref().unwrap_or("a vector");
        let bytes = match &stored.hex {
            Some(digits) => hex::decode(digits).map_err(|error| self.wrong(place, &error.to_string()))?,
            None => self.read(place)?,
        };
        if (bytes.len(), &sha256_hex(&bytes)) == (stored.len, &stored.sha256) {
            Ok(bytes)
        } else {
            Err(self.wrong(place, "length or SHA-256 is not what the vector says"))
        }
    }

    /// Returns the same bytes in hex.
    ///
    /// # Errors
    ///
    /// - if [`Folder::bytes`] fails.
    pub fn hex(&self, stored: &Stored) -> io::Result<String> {
        self.bytes(stored).map(hex::encode)
    }

    pub(crate) fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        fs::read(self.0.join(path)).map_err(|error| io::Error::new(error.kind(), format!("{path}: {error}")))
    }

    pub(crate) fn parse<T: DeserializeOwned>(&self, path: &str, bytes: &[u8]) -> io::Result<T> {
        serde_json::from_slice(bytes).map_err(|error| self.wrong(path, &error.to_string()))
    }

    pub(crate) fn wrong(&self, path: &str, what: &str) -> io::Error {
        io::Error::new(io::ErrorKind::InvalidData, format!("{}: {what}", self.0.join(path).display()))
    }
}
