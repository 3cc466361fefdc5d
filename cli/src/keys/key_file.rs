//! Key files, from a file or standard input. The library parses their text (Appendix C).

use std::fs::File;
use std::io::Read;
use std::path::Path;

use stream_v2::pipeline::{KEY_FILE_LEN_MAX, KeyFile as Text, KeyFileError, LineFault};
use zeroize::Zeroizing;

use crate::args::KeyArgs;
use crate::failure::{Failure, note};
use crate::input::waiting::WaitingInput;
use crate::stdio::{is_standard_input, standard_input};

/// A key file, and its name.
pub(crate) struct KeyFile {
    pub(crate) text: Text,
    /// The name in messages.
    pub(crate) name: String,
}

impl KeyFile {
    /// Reads the key file that an option or the environment names. `input` is the input of the run.
    pub(super) fn of(key: &KeyArgs, input: &Path, quiet: bool) -> Result<Self, Failure> {
        let Some(path) = key.key_file() else {
            return Err(Failure::usage("no key: name a key file with -k FILE, or with SV2_KEY_FILE")
                .hint("sv2 keygen -o FILE makes one; -p asks for a passphrase instead"));
        };
        if looks_like_key(&path.to_string_lossy()) {
            return Err(Failure::usage("the key itself was given in the place of the name of its file")
                .hint("write it to a file that only you can read, and name that file"));
        }
        if is_standard_input(path) && is_standard_input(input) {
            return Err(Failure::usage("standard input cannot be both the key file and INPUT")
                .hint("name a file for one of them"));
        }
        Self::read(path, quiet)
    }

    /// Reads a key file. Warns on standard error, unless `quiet`, if other users may read it.
    pub(super) fn read(path: &Path, quiet: bool) -> Result<Self, Failure> {
        let standard = is_standard_input(path);
        let name = if standard { "standard input".into() } else { path.display().to_string() };
        let failed = |error| Failure::io(format!("{name}: the key file cannot be read: {error}"));
        let file = if standard { standard_input()? } else { File::open(path).map_err(failed)? };
        warn_if_open_to_others(&file, &name, quiet);
        // Allocated once and never moved, so that no copy of the key remains.
        let mut text = Zeroizing::new(Vec::with_capacity(KEY_FILE_LEN_MAX + 1));
        WaitingInput::new(file).take(KEY_FILE_LEN_MAX as u64 + 1).read_to_end(&mut text).map_err(failed)?;
        let text = Text::parse(&text).map_err(|fault| refused(&name, &fault))?;
        Ok(Self { text, name })
    }
}

/// Returns true if a name is the text of a key file, or the digits of a key, which must not be
/// shown.
pub(super) fn looks_like_key(name: &str) -> bool {
    const KEY_DIGITS: usize = 64;
    name.contains("sv2-key-") && name.contains(char::is_whitespace)
        || name.split(|char: char| !char.is_ascii_hexdigit()).any(|digits| digits.len() >= KEY_DIGITS)
}

fn refused(name: &str, fault: &KeyFileError) -> Failure {
    if let KeyFileError::Line { fault: LineFault::Id, .. } = fault {
        return Failure::usage(format!("{name}: the key file is damaged: {fault}"))
            .hint("use a copy of the key file; data encrypted with a damaged key cannot be decrypted with the right one");
    }
    Failure::usage(format!("{name}: not a key file: {fault}")).hint("sv2 keygen -o FILE makes one")
}

/// Warns on standard error, unless `quiet`, if other users may read a file with a secret.
pub(super) fn warn_if_open_to_others(file: &File, name: &str, quiet: bool) {
    if !quiet && open_to_others(file) {
        note(format_args!("warning: {name}: other users can read this key; chmod 600 {name} keeps them out"));
    }
}

#[cfg(unix)]
fn open_to_others(file: &File) -> bool {
    use std::os::unix::fs::MetadataExt;
    file.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn open_to_others(_: &File) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::looks_like_key;

    #[test]
    fn a_key_is_not_taken_for_a_name() {
        let digits = "0f".repeat(32);
        for key in [digits.clone(), format!("sv2-key-2 00 {digits}"), "sv2-key-1 x".into()] {
            assert!(looks_like_key(&key), "{key}");
        }
        for name in ["backup.key", "-", "/keys/sv2-key-1", "0123456789abcdef"] {
            assert!(!looks_like_key(name), "{name}");
        }
    }
}
