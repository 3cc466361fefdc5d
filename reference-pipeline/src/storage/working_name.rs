//! The base name for `.partial` and `.journal`: that of the output, or a shorter one if there is no
//! room.

use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

/// The longest ending: `.journal.new`.
pub(super) const SUFFIX_LEN_MAX: usize = 12;
/// `~`, and half of a SHA-256 in hexadecimal.
const DIGEST_LEN: usize = 33;

/// Returns the path of `target`, or a shorter one to which each ending can be added.
///
/// The shorter one consists of the beginning of its name and a digest of it. Different names have
/// different digests, so two outputs never share one.
pub(super) fn working_name(target: &Path, name_len_max: Option<usize>) -> PathBuf {
    let (Some(name), Some(max)) = (target.file_name(), name_len_max) else { return target.into() };
    if name.len() + SUFFIX_LEN_MAX <= max {
        return target.into();
    }
    let mut short = beginning(name, max.saturating_sub(SUFFIX_LEN_MAX + DIGEST_LEN));
    short.push("~");
    short.push(digest(name));
    target.with_file_name(short)
}

/// Returns half of the SHA-256 of a name.
fn digest(name: &OsStr) -> String {
    let digest = Sha256::digest(name.as_encoded_bytes());
    digest.iter().take(16).fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// Returns at most so many bytes of a name. Bytes that are not text are left out.
fn beginning(name: &OsStr, len: usize) -> OsString {
    let name = name.to_str().unwrap_or_default();
    name[..name.floor_char_boundary(len)].into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(target: &str) -> String {
        working_name(Path::new(target), Some(255)).into_os_string().into_string().unwrap()
    }

    #[test]
    fn names_with_room_for_the_endings_stay() {
        let longest = "a".repeat(243);
        assert_eq!(name(&longest), longest);
        assert_eq!(working_name(Path::new(&"a".repeat(999)), None).as_os_str().len(), 999);
    }

    //= spec/stream-v2.md#sv2-res-032
    //= type=test
    //# An owner of an output in a folder MUST use the names and the lock of this table, in the
    //# folder of the result.
    #[test]
    fn a_shortened_name_is_that_of_the_specification() {
        let (zeros, short) = ("0".repeat(243), "0".repeat(203));
        let expected = format!("folder/backup-{short}~5745a8e0382bf51562a653a3234899d8");
        assert_eq!(name(&format!("folder/backup-{zeros}")), expected);
    }

    #[test]
    fn longer_names_become_short_and_differ() {
        for len in [244, 255, 300] {
            let long = "a".repeat(len);
            let (one, other) = (name(&format!("folder/{long}")), name(&format!("folder/{long}b")));
            assert!(one.starts_with("folder/aaa") && one.len() == "folder/".len() + 243, "{one}");
            assert_ne!(one, other);
        }
    }

    #[test]
    fn names_are_cut_between_characters() {
        let long = name(&"ä".repeat(127));
        assert_eq!((long.len(), long.chars().filter(|char| *char == 'ä').count()), (243, 105));
    }
}
