//! The known properties of a source that is a file (§18.1).

use std::fs::Metadata;
use std::time::UNIX_EPOCH;

use super::SourceStamp;

impl SourceStamp {
    /// Returns the length and the modification time of a regular file.
    ///
    /// Anything else has neither.
    #[must_use]
    pub fn of(metadata: &Metadata) -> Self {
        if !metadata.is_file() {
            return Self::default();
        }
        Self { len: Some(metadata.len()), mtime: modified(metadata) }
    }
}

/// Returns nanoseconds since 1970-01-01T00:00:00Z, negative before it.
fn modified(metadata: &Metadata) -> Option<i64> {
    match metadata.modified().ok()?.duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_nanos()).ok(),
        Err(before) => i64::try_from(before.duration().as_nanos()).ok().map(|before| -before),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::time::Duration;

    #[test]
    fn a_stamp_has_nanoseconds_on_both_sides_of_1970() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, b"12345").unwrap();
        let file = File::options().write(true).open(&path).unwrap();
        let offset = Duration::from_millis(1500);
        for (time, expected) in [(UNIX_EPOCH + offset, 1_500_000_000), (UNIX_EPOCH - offset, -1_500_000_000)]
        {
            file.set_modified(time).unwrap();
            let stamp = SourceStamp::of(&file.metadata().unwrap());
            assert_eq!(stamp, SourceStamp { len: Some(5), mtime: Some(expected) });
        }
        assert_eq!(SourceStamp::of(&folder.path().metadata().unwrap()), SourceStamp::default());
    }
}
