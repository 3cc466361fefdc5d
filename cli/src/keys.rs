//! The keys of the command: key files, from a file or standard input, and passphrases. The library
//! parses the text of key files (Appendix C).

use std::fs::File;
use std::io::Read;
use std::path::Path;

use stream_v2::Options;
use stream_v2::key::{Credentials, Passphrase, Recipients};
use stream_v2::pipeline::{KEY_FILE_LEN_MAX, KeyFile as Text, KeyFileError, LineFault};
use zeroize::Zeroizing;

use crate::args::{KeyArgs, RewrapArgs};
use crate::failure::{Failure, note};
use crate::input::waiting::WaitingInput;
use crate::passphrase;
use crate::stdio::{is_standard_input, standard_input};

/// The keys of a run: a key file, a passphrase, or both.
pub(crate) struct Keys {
    pub(crate) file: Option<KeyFile>,
    passphrase: Option<Passphrase>,
}

impl Keys {
    /// Reads the keys that the options name to open `input`.
    ///
    /// If they bring nothing, a passphrase is asked for once the stream turns out to need one.
    pub(crate) fn of(key: &KeyArgs, input: &Path, quiet: bool) -> Result<Self, Failure> {
        let passphrase = match &key.passphrase_file {
            Some(path) => Some(Passphrase::new(passphrase::read(path)?)),
            None if key.passphrase || !key.has_any() && passphrase::can_ask() => {
                Some(Passphrase::asked(passphrase::ask))
            }
            None => None,
        };
        let without_file = passphrase.is_some() && key.key_file().is_none();
        let file = if without_file { None } else { Some(KeyFile::of(key, input, quiet)?) };
        Ok(Self { file, passphrase })
    }

    /// Reads the keys that the options name to encrypt `input`.
    pub(crate) fn for_writing(key: &KeyArgs, input: &Path, quiet: bool) -> Result<Self, Failure> {
        let passphrase = match &key.passphrase_file {
            Some(path) => Some(passphrase::read(path)?),
            None if key.passphrase => Some(passphrase::ask_for_new()?),
            None => None,
        };
        if passphrase.is_some() && key.key_file().is_some() {
            return Err(Failure::usage("a passphrase cannot be combined with a key file")
                .hint("encrypt for one of them: whoever has the key file would not need the passphrase"));
        }
        let passphrase = passphrase.map(Passphrase::new);
        let file = if passphrase.is_some() { None } else { Some(KeyFile::of(key, input, quiet)?) };
        Ok(Self { file, passphrase })
    }

    /// Returns the id of the key file.
    pub(crate) fn key_id(&self) -> Option<[u8; 16]> {
        self.file.as_ref().map(|file| file.text.key_id)
    }

    /// Returns what opens a stream.
    pub(crate) fn credentials(&self) -> Credentials {
        let files = self.file.iter().map(|file| file.text.clone());
        let credentials = files.fold(Credentials::new(), Credentials::with_key_file);
        self.passphrase.iter().cloned().fold(credentials, Credentials::with_passphrase)
    }

    /// Returns the options of a stream for these keys.
    ///
    /// The key file is the content key of the stream, unless `wraps`.
    pub(crate) fn options(&self, wraps: bool) -> Options {
        match &self.file {
            Some(file) if !wraps => Options::new(&file.text.key).key_id(file.text.key_id),
            file => {
                let files = file.iter().map(|file| file.text.clone());
                let recipients = files.fold(Recipients::new(), Recipients::with_key_file);
                let passphrase = self.passphrase.iter().cloned();
                Options::for_recipients(passphrase.fold(recipients, Recipients::with_passphrase))
            }
        }
    }
}

/// Returns for whom the options of `sv2 rewrap` want the new envelope to be.
pub(crate) fn new_recipients(args: &RewrapArgs) -> Result<Recipients, Failure> {
    if !args.has_new() {
        return Err(Failure::usage("nothing new: no option names a key or a passphrase for the envelope")
            .hint("name a key file with --new-key-file FILE; -p asks for a new passphrase"));
    }
    let passphrase = match &args.new_passphrase_file {
        Some(path) => Some(passphrase::read(path)?),
        None if args.passphrase => Some(passphrase::ask_for_new()?),
        None => None,
    };
    let recipients = passphrase.map(Passphrase::new).into_iter();
    let recipients = recipients.fold(Recipients::new(), Recipients::with_passphrase);
    args.new_key_file.iter().try_fold(recipients, |recipients, path| {
        Ok(recipients.with_key_file(KeyFile::read(path, args.quiet)?.text))
    })
}

/// A key file, and its name.
pub(crate) struct KeyFile {
    pub(crate) text: Text,
    /// The name in messages.
    pub(crate) name: String,
}

impl KeyFile {
    /// Reads the key file that an option or the environment names. `input` is the input of the run.
    fn of(key: &KeyArgs, input: &Path, quiet: bool) -> Result<Self, Failure> {
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
    fn read(path: &Path, quiet: bool) -> Result<Self, Failure> {
        let standard = is_standard_input(path);
        let name = if standard { "standard input".into() } else { path.display().to_string() };
        let failed = |error| Failure::io(format!("{name}: the key file cannot be read: {error}"));
        let file = if standard { standard_input()? } else { File::open(path).map_err(failed)? };
        if !quiet && open_to_others(&file) {
            note(format_args!(
                "warning: {name}: other users can read this key; chmod 600 {name} keeps them out"
            ));
        }
        // Allocated once and never moved, so that no copy of the key remains.
        let mut text = Zeroizing::new(Vec::with_capacity(KEY_FILE_LEN_MAX + 1));
        WaitingInput::new(file).take(KEY_FILE_LEN_MAX as u64 + 1).read_to_end(&mut text).map_err(failed)?;
        let text = Text::parse(&text).map_err(|fault| refused(&name, &fault))?;
        Ok(Self { text, name })
    }
}

/// Returns true if a name is the text of a key file, or the digits of a key, which must not be
/// shown.
fn looks_like_key(name: &str) -> bool {
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
