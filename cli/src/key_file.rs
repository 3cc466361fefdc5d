//! Key files: one line with the id and the 32 bytes of a content key, in hex, below comments.
//!
//! ```text
//! # Stream V2 content key, made by sv2 keygen. Whoever has it can decrypt; without it nobody can.
//! # key id: 00112233445566778899aabbccddeeff
//! sv2-key-1 00112233445566778899aabbccddeeff <64 hex digits>
//! ```

use std::fs::File;
use std::io::Read;
use std::path::Path;

use stream_v2_pipeline::ContentKey;
use zeroize::Zeroizing;

use crate::args::Secret;
use crate::input::WaitingInput;
use crate::report::{Failure, note};
use crate::standard::{is_standard_input, standard_input};

const VERSION_WORD: &str = "sv2-key-1";
/// No key file is longer, in bytes.
const LEN_MAX: usize = 4096;

/// A content key and its id.
pub(crate) struct KeyFile {
    pub(crate) key_id: [u8; 16],
    pub(crate) key: ContentKey,
    /// How messages call it.
    pub(crate) name: String,
}

impl KeyFile {
    /// Reads the key file that was named, by option or environment. `input` is what the run reads beside it.
    pub(crate) fn of(secret: &Secret, input: &Path, quiet: bool) -> Result<Self, Failure> {
        let Some(path) = secret.key_file() else {
            return Err(Failure::usage("no key: name a key file with -k FILE, or with SV2_KEY_FILE")
                .hint("sv2 keygen -o FILE makes one"));
        };
        if is_standard_input(path) && is_standard_input(input) {
            return Err(Failure::usage("standard input cannot be both the key file and INPUT")
                .hint("name a file for one of them"));
        }
        Self::read(path, quiet)
    }

    /// Reads a key file; warns on standard error, unless `quiet`, if others may read it too.
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
        // Made once and never moved, so that no copy of the key stays behind.
        let mut text = Zeroizing::new(Vec::with_capacity(LEN_MAX + 1));
        WaitingInput::new(file).take(LEN_MAX as u64 + 1).read_to_end(&mut text).map_err(failed)?;
        let (key_id, key) = parse(&text).map_err(|fault| {
            Failure::usage(format!("{name}: not a key file: {fault}")).hint("sv2 keygen -o FILE makes one")
        })?;
        Ok(Self { key_id, key, name })
    }
}

/// Reads the id and the key from the text of a key file. What is wrong is said without showing any of it.
fn parse(text: &[u8]) -> Result<([u8; 16], ContentKey), String> {
    if text.len() > LEN_MAX {
        return Err(format!("it is longer than the {LEN_MAX} bytes that are allowed"));
    }
    let text = std::str::from_utf8(text).map_err(|_| "it is not text".to_owned())?;
    let mut lines =
        (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'));
    let (number, line) =
        lines.next().ok_or_else(|| format!("it has no line that begins with {VERSION_WORD}"))?;
    let words: Vec<&str> = line.split_whitespace().collect();
    let [VERSION_WORD, key_id, key] = words[..] else {
        return Err(format!("line {number} is not `{VERSION_WORD} ID KEY`, {}", found(&words)));
    };
    if let Some((other, _)) = lines.next() {
        return Err(format!("line {other} follows the key in line {number}; one key is allowed"));
    }
    let (mut id_bytes, mut key_bytes) = ([0; 16], Zeroizing::new([0; 32]));
    decode(key_id, &mut id_bytes).map_err(|fault| format!("line {number}: the id {fault}"))?;
    decode(key, &mut *key_bytes).map_err(|fault| format!("line {number}: the key {fault}"))?;
    Ok((id_bytes, ContentKey::new(*key_bytes)))
}

/// What a line is instead of a key, without showing it.
fn found(words: &[&str]) -> String {
    match words.first() {
        Some(&VERSION_WORD) => format!("it has {} words; 3 are allowed", words.len()),
        Some(word) if word.starts_with("sv2-key-") => "it is of another version of sv2".into(),
        _ => "it begins with something else".into(),
    }
}

/// Writes the text of a key file.
pub(crate) fn key_text(key_id: &[u8; 16], key: &[u8; 32]) -> Zeroizing<String> {
    let key_id = hex::encode(key_id);
    let key = Zeroizing::new(hex::encode(key));
    // Long enough from the beginning: growing would leave a copy of the key behind.
    let mut text = Zeroizing::new(String::with_capacity(LEN_MAX));
    text.push_str(
        "# Stream V2 content key, made by sv2 keygen. Whoever has it can decrypt; without it nobody can.\n",
    );
    text.push_str(&format!("# key id: {key_id}\n{VERSION_WORD} {key_id} "));
    text.push_str(&key);
    text.push('\n');
    text
}

/// Decodes as many hex digits as `bytes` has room for.
fn decode(digits: &str, bytes: &mut [u8]) -> Result<(), String> {
    hex::decode_to_slice(digits, bytes).map_err(|fault| match fault {
        hex::FromHexError::InvalidHexCharacter { index, .. } => {
            format!("has something else than a hex digit at place {}", index + 1)
        }
        _ => format!("has {} hex digits, allowed is {}", digits.len(), 2 * bytes.len()),
    })
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
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let (key_id, _) = parse(key_text(&[0xAB; 16], &[0xCD; 32]).as_bytes()).unwrap();
        assert_eq!(key_id, [0xAB; 16]);
    }

    #[test]
    fn other_files_are_told_what_is_wrong_and_never_shown() {
        let fault = |text: &str| parse(text.as_bytes()).err().unwrap();
        let (id, key) = ("ab".repeat(16), "ab".repeat(32));
        insta::assert_snapshot!(fault(""), @"it has no line that begins with sv2-key-1");
        insta::assert_snapshot!(fault("# only\n\nhello world\n"), @"line 3 is not `sv2-key-1 ID KEY`, it begins with something else");
        insta::assert_snapshot!(fault(&format!("sv2-key-1 {id}")), @"line 1 is not `sv2-key-1 ID KEY`, it has 2 words; 3 are allowed");
        insta::assert_snapshot!(fault(&format!("sv2-key-2 {id} {key}")), @"line 1 is not `sv2-key-1 ID KEY`, it is of another version of sv2");
        insta::assert_snapshot!(fault(&format!("sv2-key-1 {id} abcd")), @"line 1: the key has 4 hex digits, allowed is 64");
        insta::assert_snapshot!(fault(&format!("sv2-key-1 {id} {}zz", &key[2..])), @"line 1: the key has something else than a hex digit at place 63");
        insta::assert_snapshot!(fault(&format!("sv2-key-1 {} {key}", &id[1..])), @"line 1: the id has 31 hex digits, allowed is 32");
        insta::assert_snapshot!(fault(&"#\n".repeat(4096)), @"it is longer than the 4096 bytes that are allowed");
        let good = key_text(&[1; 16], &[2; 32]);
        insta::assert_snapshot!(fault(&format!("{}{}", *good, *good)), @"line 6 follows the key in line 3; one key is allowed");
        assert_eq!(parse(b"\xff\xfe").err().unwrap(), "it is not text");
    }
}
