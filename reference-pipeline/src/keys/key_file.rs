//! Key files: text with the id and the 32 bytes of a content key (Appendix C).
//!
//! In version 2 the id is derived from the key, so a damaged digit is found before anything is
//! encrypted. No message shows a digit of a key. This module performs no input or output.

use std::fmt;

use stream_v2_format::crypto::ContentKey;
use zeroize::Zeroizing;

/// Largest key file, in bytes.
pub const KEY_FILE_LEN_MAX: usize = 4096;
const VERSION_1: &str = "sv2-key-1";
const VERSION_2: &str = "sv2-key-2";

/// The content of a key file.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct KeyFile {
    /// The id that streams name. In a file of version 2 it follows from the key.
    pub key_id: [u8; 16],
    /// The content key.
    pub key: ContentKey,
}

/// The reason why a text is not a key file. It holds nothing of the text.
///
/// [`Display`](fmt::Display) names the line and its fault. Restore the file from a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyFileError {
    /// The text is longer than [`KEY_FILE_LEN_MAX`], so it is another file.
    TooLong,
    /// The text is not UTF-8, so it is another file, or damaged.
    NotText,
    /// The text is empty, or has only comments.
    NoKey,
    /// Another line follows the line with the key. A file holds one key.
    SecondLine {
        /// Its number, from 1.
        line: usize,
        /// The number of the line with the key.
        key: usize,
    },
    /// The line with the key is wrong.
    Line {
        /// Its number, from 1.
        line: usize,
        /// The fault of the line.
        fault: LineFault,
    },
}

/// The fault of the line that should hold a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LineFault {
    /// The line begins with another word than `sv2-key-1` or `sv2-key-2`.
    Word,
    /// The line has an unknown version. Read it with a newer program.
    Version,
    /// The line has this number of words, and not as many as its version.
    Words(usize),
    /// The id or the key has this number of hex digits.
    Digits(Part, usize),
    /// The id or the key has another character than a hex digit at this place, from 1.
    NoDigit(Part, usize),
    /// The id is not that of the key, so one of the two is damaged.
    Id,
}

/// A part of the line with the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Part {
    /// The id: 32 digits.
    Id,
    /// The key: 64 digits.
    Key,
}

impl KeyFile {
    /// Reads the text of a key file, of version 1 or 2.
    ///
    /// # Errors
    ///
    /// - the first fault of the text.
    pub fn parse(text: &[u8]) -> Result<Self, KeyFileError> {
        if text.len() > KEY_FILE_LEN_MAX {
            return Err(KeyFileError::TooLong);
        }
        let text = std::str::from_utf8(text).map_err(|_| KeyFileError::NotText)?;
        let mut lines =
            (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'));
        let (line, words) = lines.next().ok_or(KeyFileError::NoKey)?;
        let found = parse_line(words).map_err(|fault| KeyFileError::Line { line, fault })?;
        match lines.next() {
            Some((second, _)) => Err(KeyFileError::SecondLine { line: second, key: line }),
            None => Ok(found),
        }
    }

    /// Returns the text of a key file of version 2.
    #[must_use]
    pub fn text(key: &[u8; 32]) -> Zeroizing<String> {
        let content_key = ContentKey::filled_by(|place| {
            place.copy_from_slice(key);
            Ok::<_, std::convert::Infallible>(())
        });
        let key_id = content_key.map_or([0; 16], |key| key.id());
        // The full capacity from the beginning: growing would leave a copy of the key behind.
        let mut text = Zeroizing::new(String::with_capacity(KEY_FILE_LEN_MAX));
        text.push_str(
            "# Stream V2 content key, made by sv2 keygen. Whoever has it can decrypt; without it nobody can.\n",
        );
        text.push_str("# key id: ");
        push_hex(&mut text, &key_id);
        text.push('\n');
        text.push_str(VERSION_2);
        text.push(' ');
        push_hex(&mut text, &key_id);
        text.push(' ');
        push_hex(&mut text, key);
        text.push('\n');
        text
    }
}

fn parse_line(line: &str) -> Result<KeyFile, LineFault> {
    let mut words = line.split_whitespace();
    let version = words.next().unwrap_or_default();
    if version != VERSION_1 && version != VERSION_2 {
        let other = version.starts_with("sv2-key-");
        return Err(if other { LineFault::Version } else { LineFault::Word });
    }
    let (Some(id), Some(key), None) = (words.next(), words.next(), words.next()) else {
        return Err(LineFault::Words(line.split_whitespace().count()));
    };
    let mut key_id = [0; 16];
    decode(id, &mut key_id, Part::Id)?;
    let key = ContentKey::filled_by(|bytes| decode(key, bytes, Part::Key))?;
    //= spec/stream-v2.md#sv2-key-006
    //# A program that reads a key file of version 2 MUST refuse it where ID is not the one that
    //# follows from KEY.
    if version == VERSION_2 && key.id() != key_id {
        return Err(LineFault::Id);
    }
    Ok(KeyFile { key_id, key })
}

/// Decodes as many hex digits as fill `bytes`.
fn decode(digits: &str, bytes: &mut [u8], part: Part) -> Result<(), LineFault> {
    let digits = digits.as_bytes();
    if digits.len() != 2 * bytes.len() {
        return Err(LineFault::Digits(part, digits.len()));
    }
    let digit = |place: usize| {
        let value = char::from(digits[place]).to_digit(16).and_then(|value| u8::try_from(value).ok());
        value.ok_or(LineFault::NoDigit(part, place + 1))
    };
    for (place, byte) in bytes.iter_mut().enumerate() {
        *byte = digit(2 * place)? << 4 | digit(2 * place + 1)?;
    }
    Ok(())
}

pub(super) fn push_hex(text: &mut String, bytes: &[u8]) {
    for nibble in bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]) {
        text.push(char::from_digit(nibble.into(), 16).unwrap_or('?'));
    }
}

impl fmt::Display for KeyFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => write!(f, "it is longer than the {KEY_FILE_LEN_MAX} bytes that are allowed"),
            Self::NotText => f.write_str("it is not text"),
            Self::NoKey => write!(f, "it has no line that begins with {VERSION_2}"),
            Self::SecondLine { line, key } => {
                write!(f, "line {line} follows the key in line {key}; one key is allowed")
            }
            Self::Line {
                line,
                fault: fault @ (LineFault::Word | LineFault::Version | LineFault::Words(_)),
            } => {
                write!(f, "line {line} is not `{VERSION_2} ID KEY`, {fault}")
            }
            Self::Line { line, fault } => write!(f, "line {line}: {fault}"),
        }
    }
}

impl std::error::Error for KeyFileError {}

impl fmt::Display for LineFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Word => f.write_str("it begins with something else"),
            Self::Version => f.write_str("it is of another version of sv2"),
            Self::Words(words) => write!(f, "it has {words} words; 3 are allowed"),
            Self::Digits(part, digits) => {
                write!(f, "{part} has {digits} hex digits, expected {}", part.digits())
            }
            Self::NoDigit(part, place) => {
                write!(f, "{part} has something else than a hex digit at place {place}")
            }
            Self::Id => f.write_str("the id is not that of the key: a digit of one of them is damaged"),
        }
    }
}

impl Part {
    const fn digits(self) -> usize {
        match self {
            Self::Id => 32,
            Self::Key => 64,
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Id => "the id",
            Self::Key => "the key",
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The worked example of Appendix C.
    const EXAMPLE: &str = "sv2-key-2 43c782a23b430b542589b1dca35d8b2a 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

    fn fault(text: &str) -> String {
        KeyFile::parse(text.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn specified_example_is_read_and_written() {
        let key: [u8; 32] = std::array::from_fn(|at| u8::try_from(at).unwrap());
        assert!(KeyFile::text(&key).ends_with(&format!("\n{EXAMPLE}\n")));
        for text in [EXAMPLE.to_owned(), format!("# c\r\n\r\n  {EXAMPLE} \r\n\n"), EXAMPLE.to_uppercase()] {
            let text = text.replace("SV2-KEY-2", "sv2-key-2");
            assert_eq!(KeyFile::parse(text.as_bytes()).unwrap().key_id[..2], [0x43, 0xC7]);
        }
    }

    #[test]
    fn version_1_is_read_with_any_id() {
        let text = format!("sv2-key-1 {} {}", "ab".repeat(16), "cd".repeat(32));
        assert_eq!(KeyFile::parse(text.as_bytes()).unwrap().key_id, [0xAB; 16]);
    }

    //= spec/stream-v2.md#sv2-key-006
    //= type=test
    //# A program that reads a key file of version 2 MUST refuse it where ID is not the one that
    //# follows from KEY.
    proptest! {
        #[test]
        fn one_changed_digit_is_refused_and_never_shown(key: [u8; 32], at in 0usize..96, change in 1u32..16) {
            let text = KeyFile::text(&key);
            let line = text.lines().last().unwrap();
            let id = KeyFile::parse(line.as_bytes()).unwrap().key_id;
            prop_assert_eq!(KeyFile::parse(text.as_bytes()).unwrap().key_id, id);
            let at = VERSION_2.len() + 1 + at + usize::from(at >= 32);
            let mut damaged = line.to_owned();
            let digit = damaged[at..=at].chars().next().unwrap().to_digit(16).unwrap();
            damaged.replace_range(at..=at, &char::from_digit(digit ^ change, 16).unwrap().to_string());
            let error = KeyFile::parse(damaged.as_bytes()).unwrap_err();
            prop_assert_eq!(error, KeyFileError::Line { line: 1, fault: LineFault::Id });
            let said = format!("{error} {error:?}");
            prop_assert!(!said.contains(&damaged[damaged.len() - 8..]));
        }
    }

    #[test]
    fn fault_of_other_file_is_named_without_content() {
        let (id, key) = ("ab".repeat(16), "ab".repeat(32));
        insta::assert_snapshot!(fault(""), @"it has no line that begins with sv2-key-2");
        insta::assert_snapshot!(fault("# only\n\nhello world\n"), @"line 3 is not `sv2-key-2 ID KEY`, it begins with something else");
        insta::assert_snapshot!(fault(&format!("sv2-key-1 {id}")), @"line 1 is not `sv2-key-2 ID KEY`, it has 2 words; 3 are allowed");
        insta::assert_snapshot!(fault(&format!("sv2-key-3 {id} {key}")), @"line 1 is not `sv2-key-2 ID KEY`, it is of another version of sv2");
        insta::assert_snapshot!(fault(&format!("sv2-key-2 {id} {key}")), @"line 1: the id is not that of the key: a digit of one of them is damaged");
        insta::assert_snapshot!(fault(&format!("sv2-key-1 {id} abcd")), @"line 1: the key has 4 hex digits, expected 64");
        insta::assert_snapshot!(fault(&format!("sv2-key-1 {id} {}zz", &key[2..])), @"line 1: the key has something else than a hex digit at place 63");
        insta::assert_snapshot!(fault(&format!("sv2-key-1 {} {key}", &id[1..])), @"line 1: the id has 31 hex digits, expected 32");
        insta::assert_snapshot!(fault(&"#\n".repeat(4096)), @"it is longer than the 4096 bytes that are allowed");
        let good = KeyFile::text(&[2; 32]);
        insta::assert_snapshot!(fault(&format!("{}{}", *good, *good)), @"line 6 follows the key in line 3; one key is allowed");
        assert_eq!(KeyFile::parse(b"\xff\xfe").unwrap_err(), KeyFileError::NotText);
    }
}
