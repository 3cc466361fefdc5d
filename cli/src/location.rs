//! Locations: a path, a stream in a database (`sqlite:PATH?stream=NAME`), or an object in S3
//! (`s3://BUCKET/KEY`).

use std::path::{Path, PathBuf};

use crate::failure::Failure;

const SQLITE: &str = "sqlite:";
const STREAM: &str = "?stream=";
const S3: &str = "s3://";

/// The location of an input or output.
pub(crate) enum Location {
    /// A file, a device, or standard input and output.
    File,
    /// A stream in an SQLite database.
    Sqlite { database: PathBuf, stream: String },
    /// An object in S3.
    S3 { bucket: String, key: String },
}

impl Location {
    /// Returns the path of a database, given with or without `sqlite:`.
    pub(crate) fn database(path: &Path) -> PathBuf {
        path.to_str()
            .and_then(|path| path.strip_prefix(SQLITE))
            .map_or_else(|| path.to_owned(), PathBuf::from)
    }

    /// Parses a location.
    pub(crate) fn of(path: &Path) -> Result<Self, Failure> {
        if let Some(rest) = path.to_str().and_then(|path| path.strip_prefix(S3)) {
            return Self::object(path, rest);
        }
        let Some(rest) = path.to_str().and_then(|path| path.strip_prefix(SQLITE)) else {
            return Ok(Self::File);
        };
        let name = path.display();
        // Paths may contain question marks, too.
        let (database, stream) = match rest.rsplit_once(STREAM) {
            Some((database, stream)) if !database.is_empty() && !stream.is_empty() => (database, stream),
            _ => {
                return Err(Failure::usage(format!("{name}: names no stream in a database")).hint(
                    "a stream in a database is sqlite:PATH?stream=NAME; a file of that name is ./sqlite:...",
                ));
            }
        };
        if let Some(suffix) =
            [".partial", ".journal", ".journal.new"].iter().find(|suffix| stream.ends_with(**suffix))
        {
            return Err(Failure::usage(format!("{name}: names of streams do not end with {suffix}"))
                .hint("that is a partial output; leave out the ending to resume it"));
        }
        Ok(Self::Sqlite { database: database.into(), stream: stream.into() })
    }

    fn object(path: &Path, rest: &str) -> Result<Self, Failure> {
        match rest.split_once('/') {
            Some((bucket, key)) if !bucket.is_empty() && !key.is_empty() => {
                Ok(Self::S3 { bucket: bucket.into(), key: key.into() })
            }
            _ => Err(Failure::usage(format!("{}: names no object in a bucket", path.display()))
                .hint("an object in S3 is s3://BUCKET/KEY; a file of that name is ./s3:/...")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sqlite(path: &str) -> Option<(String, String)> {
        match Location::of(Path::new(path)) {
            Ok(Location::Sqlite { database, stream }) => Some((database.display().to_string(), stream)),
            _ => None,
        }
    }

    #[test]
    fn streams_in_databases_are_told_from_files() {
        assert_eq!(sqlite("sqlite:a.db?stream=b/c&d").unwrap(), ("a.db".into(), "b/c&d".into()));
        assert_eq!(
            sqlite("sqlite:/x?stream=y/a.db?stream=z").unwrap(),
            ("/x?stream=y/a.db".into(), "z".into())
        );
        for none in ["./sqlite:a.db?stream=b", "a.db", "-"] {
            assert!(matches!(Location::of(Path::new(none)), Ok(Location::File)), "{none}");
        }
        for wrong in [
            "sqlite:",
            "sqlite:a.db",
            "sqlite:a.db?stream=",
            "sqlite:?stream=a",
            "sqlite:a.db?stream=b.partial",
        ] {
            assert!(Location::of(Path::new(wrong)).is_err(), "{wrong}");
        }
    }

    #[test]
    fn objects_are_told_from_files() {
        let object = |path: &str| match Location::of(Path::new(path)) {
            Ok(Location::S3 { bucket, key }) => Some((bucket, key)),
            _ => None,
        };
        assert_eq!(object("s3://b/a/b c?d").unwrap(), ("b".into(), "a/b c?d".into()));
        assert_eq!(object("s3://b//").unwrap(), ("b".into(), "/".into()));
        for none in ["./s3://b/k", "s3:/b/k", "s3"] {
            assert!(matches!(Location::of(Path::new(none)), Ok(Location::File)), "{none}");
        }
        for wrong in ["s3://", "s3://b", "s3://b/", "s3:///k"] {
            assert!(Location::of(Path::new(wrong)).is_err(), "{wrong}");
        }
    }
}
