//! Where a path goes there may be the name of a stream in a database: `sqlite:PATH?stream=NAME`.

use std::path::{Path, PathBuf};

use crate::report::Failure;

const SQLITE: &str = "sqlite:";
const STREAM: &str = "?stream=";

/// What an input or output names.
pub(crate) enum Place {
    /// A file, a device, or standard input and output.
    File,
    /// A stream in an SQLite database.
    Sqlite { database: PathBuf, stream: String },
}

impl Place {
    /// The path of a database, given with or without `sqlite:`.
    pub(crate) fn database(path: &Path) -> PathBuf {
        path.to_str()
            .and_then(|path| path.strip_prefix(SQLITE))
            .map_or_else(|| path.to_owned(), PathBuf::from)
    }

    /// Reads what was given.
    pub(crate) fn of(path: &Path) -> Result<Self, Failure> {
        let Some(rest) = path.to_str().and_then(|path| path.strip_prefix(SQLITE)) else {
            return Ok(Self::File);
        };
        let name = path.display();
        // Paths may have question marks, too.
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
                .hint("that is what an interrupted run has left; leave the ending out to go on with it"));
        }
        Ok(Self::Sqlite { database: database.into(), stream: stream.into() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sqlite(path: &str) -> Option<(String, String)> {
        match Place::of(Path::new(path)) {
            Ok(Place::Sqlite { database, stream }) => Some((database.display().to_string(), stream)),
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
            assert!(matches!(Place::of(Path::new(none)), Ok(Place::File)), "{none}");
        }
        for wrong in [
            "sqlite:",
            "sqlite:a.db",
            "sqlite:a.db?stream=",
            "sqlite:?stream=a",
            "sqlite:a.db?stream=b.partial",
        ] {
            assert!(Place::of(Path::new(wrong)).is_err(), "{wrong}");
        }
    }
}
