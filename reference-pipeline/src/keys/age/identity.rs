//! Identities of age: secret keys, and those that plugins handle.

use std::fmt;
use std::io;
use std::str::FromStr;
use std::sync::Arc;

use age_core::format::{FileKey, Stanza};
use age_core::secrecy::ExposeSecret;
use stream_v2_format::crypto::ContentKey;
use stream_v2_format::envelope::AgeView;
use zeroize::Zeroizing;

use super::file::AgeFile;
use super::locked::LockedFile;
use super::plugin::{PluginIdentity, Plugins};
use super::{Recipient, hybrid, ssh};
use crate::keys::salts::draw;

/// An identity of age, which opens what a writer wraps for its recipient (§12.2).
///
/// [`IdentityFile`](super::IdentityFile) reads the identities of a file. Clones share one identity.
/// Anyone who knows a recipient can write streams that its identity opens, so an identity shows
/// nothing about the writer (§21.1).
///
/// # Examples
///
/// ```
/// use stream_v2_pipeline::Identity;
///
/// let identity = Identity::generate_hybrid()?;
/// let text = identity.text().ok_or("it has a text")?;
/// assert!(text.starts_with("AGE-SECRET-KEY-PQ-1"));
/// assert_eq!(Identity::parse(&text, None).ok().and_then(|same| same.text()), Some(text));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Identity(Arc<Kind>);

enum Kind {
    X25519(age::x25519::Identity),
    Hybrid(hybrid::Identity),
    Ssh(ssh::Identity),
    Plugin(PluginIdentity),
    Locked(LockedFile),
}

/// The row of §12.6 in which an identity is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::keys) enum Row {
    Plain,
    Locked,
    Plugin,
}

impl Row {
    pub(in crate::keys) const ALL: [Self; 3] = [Self::Plain, Self::Locked, Self::Plugin];
}

/// The reason why a line is not an identity. It holds nothing of the line.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LineError {
    /// The line begins like no identity.
    Unknown,
    /// The line begins like an identity, and a character of it is damaged or missing.
    Damaged,
    /// The plugin of this name handles the identity, and plugins are not allowed.
    Plugin(String),
    /// The identity is a key of the type `ssh-rsa`.
    SshRsa,
    /// The identity is a key of OpenSSH with a passphrase.
    SshPassphrase,
}

impl Identity {
    /// Draws an X25519 identity.
    #[must_use]
    pub fn generate() -> Self {
        Self::of(Kind::X25519(age::x25519::Identity::generate()))
    }

    /// Draws a hybrid identity: ML-KEM-768 and X25519.
    ///
    /// # Errors
    ///
    /// - any error of the operating system's random generator.
    pub fn generate_hybrid() -> io::Result<Self> {
        let seed = Zeroizing::new(draw()?);
        Ok(Self::of(Kind::Hybrid(hybrid::Identity::of_seed(seed))))
    }

    /// Reads a line such as `AGE-SECRET-KEY-1…`. `plugins` allows those that a plugin handles.
    ///
    /// # Errors
    ///
    /// - the reason why the line is not an identity.
    pub fn parse(line: &str, plugins: Option<&Plugins>) -> Result<Self, LineError> {
        let line = line.trim();
        let begins =
            |with: &str| line.get(..with.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(with));
        if begins("AGE-SECRET-KEY-PQ-1") {
            let identity = hybrid::Identity::parse(line).ok_or(LineError::Damaged)?;
            return Ok(Self::of(Kind::Hybrid(identity)));
        }
        if begins("AGE-SECRET-KEY-1") {
            let identity = age::x25519::Identity::from_str(line).map_err(|_| LineError::Damaged)?;
            return Ok(Self::of(Kind::X25519(identity)));
        }
        if begins("AGE-PLUGIN-") {
            let (name, identity) = PluginIdentity::parse(line).ok_or(LineError::Damaged)?;
            let plugins = plugins.ok_or(LineError::Plugin(name))?;
            return Ok(Self::of(Kind::Plugin(identity(plugins.clone()))));
        }
        Err(LineError::Unknown)
    }

    pub(super) fn of_ssh(identity: ssh::Identity) -> Self {
        Self::of(Kind::Ssh(identity))
    }

    pub(super) fn of_locked(file: LockedFile) -> Self {
        Self::of(Kind::Locked(file))
    }

    fn of(kind: Kind) -> Self {
        Self(Arc::new(kind))
    }

    /// Returns the line of the identity, if it has one. It is a secret.
    #[must_use]
    pub fn text(&self) -> Option<Zeroizing<String>> {
        match &*self.0 {
            Kind::X25519(identity) => {
                let text = identity.to_string();
                Some(Zeroizing::new(text.expose_secret().to_owned()))
            }
            Kind::Hybrid(identity) => Some(identity.text()),
            _ => None,
        }
    }

    /// Returns the recipients that this identity opens. A passphrase is asked for if it has one.
    ///
    /// # Errors
    ///
    /// - any error of asking for a passphrase, and `InvalidData` if it is wrong.
    pub fn recipients(&self) -> io::Result<Vec<Recipient>> {
        Ok(vec![match &*self.0 {
            Kind::X25519(identity) => Recipient::of_x25519(identity.to_public()),
            Kind::Hybrid(identity) => Recipient::of_hybrid(identity.recipient()),
            Kind::Ssh(identity) => Recipient::of_ssh(identity.recipient().clone()),
            Kind::Plugin(identity) => Recipient::of_plugin(identity.clone()),
            Kind::Locked(file) => {
                let identities = file.identities()?.ok_or(io::ErrorKind::InvalidData)?;
                let recipients = identities.iter().map(Self::recipients).collect::<io::Result<Vec<_>>>()?;
                return Ok(recipients.concat());
            }
        }])
    }

    /// Returns the content key in an `age` stanza, if that is for this identity.
    ///
    /// [`Credentials::open`](crate::Credentials::open) does this in the right order. The content
    /// key may be that of another stream.
    ///
    /// # Errors
    ///
    /// - any error of asking for a passphrase.
    pub fn unwrap(&self, stanza: AgeView<'_>) -> io::Result<Option<ContentKey>> {
        AgeFile::parse(stanza).map_or(Ok(None), |file| file.unwrap(self))
    }

    /// Returns whether a passphrase was brought for this file of identities, and is not its own.
    #[must_use]
    pub fn has_wrong_passphrase(&self) -> bool {
        matches!(&*self.0, Kind::Locked(file) if file.is_wrong())
    }

    pub(in crate::keys) fn row(&self) -> Row {
        match &*self.0 {
            Kind::Plugin(_) => Row::Plugin,
            Kind::Locked(_) => Row::Locked,
            Kind::X25519(_) | Kind::Hybrid(_) | Kind::Ssh(_) => Row::Plain,
        }
    }

    /// Returns the file key, if one of the stanzas is for this identity.
    pub(super) fn unwrap_stanzas(&self, stanzas: &[Stanza]) -> io::Result<Option<FileKey>> {
        let by = |identity: &dyn age::Identity| identity.unwrap_stanzas(stanzas).and_then(Result::ok);
        Ok(match &*self.0 {
            Kind::X25519(identity) => by(identity),
            Kind::Hybrid(identity) => by(identity),
            Kind::Ssh(identity) => by(identity),
            Kind::Plugin(identity) => identity.unwrap_stanzas(stanzas),
            Kind::Locked(file) => {
                for identity in file.identities()?.unwrap_or_default() {
                    if let Some(file_key) = identity.unwrap_stanzas(stanzas)? {
                        return Ok(Some(file_key));
                    }
                }
                None
            }
        })
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Identity(secret)")
    }
}

impl fmt::Display for LineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str("it begins like no identity"),
            Self::Damaged => f.write_str("a character of the identity is damaged or missing"),
            Self::Plugin(name) => write!(f, "the plugin age-plugin-{name} handles this identity"),
            Self::SshRsa => f.write_str("keys of the type ssh-rsa are not supported"),
            Self::SshPassphrase => f.write_str("the key of OpenSSH has a passphrase"),
        }
    }
}

impl std::error::Error for LineError {}
