//! Files of identities, which are read line by line.

use std::fmt;

use super::locked::LockedFile;
use super::{Identity, LineError, Plugins, ssh};
use crate::keys::Passphrase;

/// Largest file of identities or recipients, in bytes.
pub const AGE_TEXT_LEN_MAX: usize = 1 << 20;

/// The identities of a file: lines of age, a private key of OpenSSH, or an age file with a
/// passphrase that holds such lines.
///
/// # Examples
///
/// ```
/// use stream_v2_pipeline::{Credentials, Identity, IdentityFile, Passphrase};
///
/// let line = Identity::generate().text().ok_or("it has a text")?;
/// let passphrase = Passphrase::asked(|| Ok(b"from a terminal".to_vec().into()));
/// let file = IdentityFile::parse(line.as_bytes(), passphrase, None)?;
/// let identities = file.into_identities();
/// let credentials = identities.into_iter().fold(Credentials::new(), Credentials::with_identity);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct IdentityFile {
    identities: Vec<Identity>,
    skipped: Vec<(usize, LineError)>,
}

/// The reason why a file has no identities that can be used. It holds nothing of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum IdentityFileError {
    /// The file is longer than [`AGE_TEXT_LEN_MAX`], so it is another file.
    TooLong,
    /// The file is not UTF-8, so it is another file, or damaged.
    NotText,
    /// The line of this number, from 1, is damaged.
    Line(usize, LineError),
    /// The private key of OpenSSH cannot be used.
    Ssh(LineError),
    /// No line is an identity. There are so many lines of other kinds, and the first is this one.
    NoIdentity(Option<(usize, LineError)>),
    /// The file is an age file, and not one with a passphrase.
    NoPassphrase,
    /// The file begins like an age file, and is damaged.
    Damaged,
}

impl IdentityFile {
    /// Reads a file of identities. `plugins` allows those that a plugin handles.
    ///
    /// If the file is encrypted, `passphrase` is used when an identity is needed, and not before.
    /// Lines of unknown kinds are skipped ([`skipped`](Self::skipped)).
    ///
    /// # Errors
    ///
    /// - the reason why the file has no identities, or which of its lines is damaged.
    pub fn parse(
        bytes: &[u8],
        passphrase: Passphrase,
        plugins: Option<&Plugins>,
    ) -> Result<Self, IdentityFileError> {
        if bytes.len() > AGE_TEXT_LEN_MAX {
            return Err(IdentityFileError::TooLong);
        }
        if LockedFile::is_age_file(bytes) {
            let file = LockedFile::new(bytes, passphrase, plugins)?;
            return Ok(Self { identities: vec![Identity::of_locked(file)], skipped: Vec::new() });
        }
        Self::parse_text(bytes, plugins)
    }

    pub(super) fn parse_text(bytes: &[u8], plugins: Option<&Plugins>) -> Result<Self, IdentityFileError> {
        let text = std::str::from_utf8(bytes).map_err(|_| IdentityFileError::NotText)?;
        if ssh::Identity::is_private_key(text) {
            let identity = ssh::Identity::parse(text).map_err(IdentityFileError::Ssh)?;
            return Ok(Self { identities: vec![Identity::of_ssh(identity)], skipped: Vec::new() });
        }
        let mut file = Self { identities: Vec::new(), skipped: Vec::new() };
        for (number, line) in (1..).zip(text.lines()) {
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            match Identity::parse(line, plugins) {
                Ok(identity) => file.identities.push(identity),
                Err(LineError::Damaged) => return Err(IdentityFileError::Line(number, LineError::Damaged)),
                Err(other) => file.skipped.push((number, other)),
            }
        }
        if file.identities.is_empty() {
            return Err(IdentityFileError::NoIdentity(file.skipped.into_iter().next()));
        }
        Ok(file)
    }

    /// Returns the identities, in the order of their lines.
    #[must_use]
    pub fn into_identities(self) -> Vec<Identity> {
        self.identities
    }

    /// Returns the lines that were skipped, by their numbers from 1, and why.
    #[must_use]
    pub fn skipped(&self) -> &[(usize, LineError)] {
        &self.skipped
    }
}

impl fmt::Display for IdentityFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => write!(f, "it is longer than the {AGE_TEXT_LEN_MAX} bytes that are allowed"),
            Self::NotText => f.write_str("it is not text in UTF-8"),
            Self::Line(line, error) => write!(f, "line {line}: {error}"),
            Self::Ssh(error) => error.fmt(f),
            Self::NoIdentity(None) => f.write_str("it has no line with an identity"),
            Self::NoIdentity(Some((line, error))) => {
                write!(f, "it has no identity that can be used; line {line}: {error}")
            }
            Self::NoPassphrase => f.write_str("it is an age file, but not one with a passphrase"),
            Self::Damaged => f.write_str("it begins like an age file, and is damaged"),
        }
    }
}

impl std::error::Error for IdentityFileError {}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;

    use proptest::prelude::*;

    use super::*;

    fn parsed(text: &str) -> Result<IdentityFile, IdentityFileError> {
        let unasked = Passphrase::asked(|| Err(ErrorKind::NotConnected.into()));
        IdentityFile::parse(text.as_bytes(), unasked, None)
    }

    fn line() -> String {
        Identity::generate().text().unwrap().to_string()
    }

    #[test]
    fn lines_are_read_one_by_one() {
        let (first, second) = (line(), Identity::generate_hybrid().unwrap().text().unwrap());
        let plugin = "AGE-PLUGIN-NOTHERE-10QHTZ6YX";
        let file = parsed(&format!("# c\r\n\n{first}\r\nAGE-NEW-1X\n{plugin}\n  {}\n", *second)).unwrap();
        assert_eq!(file.skipped(), [(4, LineError::Unknown), (5, LineError::Plugin("nothere".into()))]);
        let texts: Vec<String> =
            file.into_identities().iter().map(|identity| identity.text().unwrap().to_string()).collect();
        assert_eq!(texts, [first, second.to_string()]);
    }

    #[test]
    fn fault_is_named_without_content() {
        let said = |text: &str| parsed(text).unwrap_err().to_string();
        insta::assert_snapshot!(said(""), @"it has no line with an identity");
        insta::assert_snapshot!(said("# a\nhello"), @"it has no identity that can be used; line 2: it begins like no identity");
        insta::assert_snapshot!(said("AGE-PLUGIN-NOTHERE-10QHTZ6YX"), @"it has no identity that can be used; line 1: the plugin age-plugin-nothere handles this identity");
        insta::assert_snapshot!(said("\nAGE-SECRET-KEY-1QQ"), @"line 2: a character of the identity is damaged or missing");
        insta::assert_snapshot!(said("age-encryption.org/v1\n-> X25519 a\nAAAA\n--- AAAA\n"), @"it is an age file, but not one with a passphrase");
        insta::assert_snapshot!(said("-----BEGIN AGE ENCRYPTED FILE-----\nA"), @"it begins like an age file, and is damaged");
        insta::assert_snapshot!(said(&"#\n".repeat(1 << 20)), @"it is longer than the 1048576 bytes that are allowed");
        let unasked = Passphrase::asked(|| Err(ErrorKind::NotConnected.into()));
        assert_eq!(IdentityFile::parse(b"\xff", unasked, None).unwrap_err(), IdentityFileError::NotText);
    }

    proptest! {
        #[test]
        fn one_changed_character_is_refused_and_never_shown(at in 16usize..74, change in 1usize..31) {
            const CHARACTERS: &[u8; 32] = b"QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L";
            let good = line();
            let mut damaged = good.clone().into_bytes();
            let value = CHARACTERS.iter().position(|character| *character == damaged[at]).unwrap();
            damaged[at] = CHARACTERS[(value + change) % 32];
            let damaged = String::from_utf8(damaged).unwrap();
            let error = parsed(&format!("# one\n{damaged}")).unwrap_err();
            prop_assert_eq!(&error, &IdentityFileError::Line(2, LineError::Damaged));
            let said = format!("{error} {error:?}");
            prop_assert!(!said.contains(&damaged[20..30]));
            let shown = format!("{:?}", parsed(&good));
            prop_assert!(!shown.contains(&good[20..30]));
        }
    }
}
