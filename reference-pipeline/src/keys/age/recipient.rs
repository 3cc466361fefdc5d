//! Recipients of age: public keys, and those that plugins handle.

use std::fmt;
use std::io;
use std::str::FromStr;

use super::plugin::{PluginIdentity, PluginRecipient, Plugins};
use super::{hybrid, ssh};

/// A recipient of age, for whom a writer wraps content keys (§12.2).
///
/// | text | recipient |
/// |---|---|
/// | `age1…` | X25519 |
/// | `age1pq1…` | hybrid: ML-KEM-768 and X25519 |
/// | `age1tag1…`, `age1tagpq1…` | a hardware key, P-256; hybrid with ML-KEM-768 |
/// | `ssh-ed25519 …` | a key of OpenSSH |
/// | `age1NAME1…` | that of a plugin, with [`Plugins`] |
///
/// Hybrid recipients are combined only with other hybrid recipients.
///
/// # Examples
///
/// ```
/// use stream_v2_pipeline::{Identity, Recipient};
///
/// let identity = Identity::generate();
/// let recipient: Recipient = identity.recipients()?.remove(0).to_string().parse()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Recipient(Kind);

#[derive(Clone)]
enum Kind {
    X25519(age::x25519::Recipient),
    Hybrid(Box<hybrid::Recipient>),
    Tag(age::tag::Recipient),
    TagPq(Box<age::tagpq::Recipient>),
    Ssh(ssh::Recipient),
    Plugin(PluginRecipient),
    PluginIdentity(PluginIdentity),
}

/// The reason why a text is not a recipient. It holds nothing of the text.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RecipientError {
    /// The text begins like no recipient.
    Unknown,
    /// The text begins like a recipient, and a character of it is damaged or missing.
    Damaged,
    /// The text is an identity, which is a secret.
    Identity,
    /// The recipient is a key of the type `ssh-rsa`.
    SshRsa,
    /// The plugin of this name handles the recipient, and plugins are not allowed.
    Plugin(String),
}

impl Recipient {
    /// Reads a recipient. `plugins` allows those that a plugin handles.
    ///
    /// # Errors
    ///
    /// - the reason why the text is not a recipient.
    pub fn parse(text: &str, plugins: Option<&Plugins>) -> Result<Self, RecipientError> {
        let text = text.trim();
        if text.starts_with("ssh-") {
            return ssh::Recipient::parse(text).map(|key| Self(Kind::Ssh(key)));
        }
        let prefix = text.get(..4).unwrap_or_default();
        if text.get(..4).is_some_and(|prefix| prefix.eq_ignore_ascii_case("AGE-")) {
            return Err(RecipientError::Identity);
        }
        if !prefix.eq_ignore_ascii_case("age1") {
            return Err(RecipientError::Unknown);
        }
        if let Some(native) = Self::native(text) {
            return Ok(native);
        }
        let recipient = age::plugin::Recipient::from_str(text).map_err(|_| RecipientError::Damaged)?;
        match (recipient.plugin(), plugins) {
            // The crate would look for a program if a native recipient has a wrong length.
            ("pq" | "tag" | "tagpq", _) => Err(RecipientError::Damaged),
            (name, None) => Err(RecipientError::Plugin(name.into())),
            (_, Some(plugins)) => {
                let plugins = plugins.clone();
                Ok(Self(Kind::Plugin(PluginRecipient { recipient, plugins })))
            }
        }
    }

    fn native(text: &str) -> Option<Self> {
        let kind = if let Ok(key) = text.parse() {
            Kind::X25519(key)
        } else if let Some(key) = hybrid::Recipient::parse(text) {
            Kind::Hybrid(Box::new(key))
        } else if let Ok(key) = text.parse() {
            Kind::Tag(key)
        } else {
            Kind::TagPq(Box::new(text.parse().ok()?))
        };
        Some(Self(kind))
    }

    pub(super) const fn of_x25519(key: age::x25519::Recipient) -> Self {
        Self(Kind::X25519(key))
    }

    pub(super) fn of_hybrid(key: hybrid::Recipient) -> Self {
        Self(Kind::Hybrid(Box::new(key)))
    }

    pub(super) const fn of_ssh(key: ssh::Recipient) -> Self {
        Self(Kind::Ssh(key))
    }

    pub(super) const fn of_plugin(identity: PluginIdentity) -> Self {
        Self(Kind::PluginIdentity(identity))
    }

    /// Returns what the crate wraps for. A plugin is looked for, and does not start yet.
    pub(super) fn as_age(&self) -> io::Result<Box<dyn age::Recipient + '_>> {
        Ok(match &self.0 {
            Kind::X25519(key) => Box::new(key.clone()),
            Kind::Hybrid(key) => key.clone(),
            Kind::Tag(key) => Box::new(key.clone()),
            Kind::TagPq(key) => key.clone(),
            Kind::Ssh(key) => Box::new(key.clone()),
            Kind::Plugin(plugin) => plugin.as_age()?,
            Kind::PluginIdentity(plugin) => plugin.as_age()?,
        })
    }

    /// Returns whether what is wrapped for this recipient is safe from a quantum computer.
    ///
    /// Returns `None` if only a plugin knows.
    #[must_use]
    pub const fn is_post_quantum(&self) -> Option<bool> {
        match &self.0 {
            Kind::Hybrid(_) | Kind::TagPq(_) => Some(true),
            Kind::X25519(_) | Kind::Tag(_) | Kind::Ssh(_) => Some(false),
            Kind::Plugin(_) | Kind::PluginIdentity(_) => None,
        }
    }
}

impl FromStr for Recipient {
    type Err = RecipientError;

    /// Reads a recipient that no plugin handles.
    fn from_str(text: &str) -> Result<Self, RecipientError> {
        Self::parse(text, None)
    }
}

/// The text of the recipient. If only the identity of a plugin is known, it is a placeholder.
impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::X25519(key) => key.fmt(f),
            Kind::Hybrid(key) => key.fmt(f),
            Kind::Tag(key) => key.fmt(f),
            Kind::TagPq(key) => key.fmt(f),
            Kind::Ssh(key) => key.fmt(f),
            Kind::Plugin(plugin) => plugin.recipient.fmt(f),
            Kind::PluginIdentity(_) => f.write_str("(recipient of a plugin)"),
        }
    }
}

impl fmt::Debug for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Recipient({self})")
    }
}

impl fmt::Display for RecipientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str("it begins like no recipient"),
            Self::Damaged => f.write_str("a character of the recipient is damaged or missing"),
            Self::Identity => f.write_str("it is an identity, which is a secret, and not a recipient"),
            Self::SshRsa => f.write_str("keys of the type ssh-rsa are not supported"),
            Self::Plugin(name) => write!(f, "the plugin age-plugin-{name} handles this recipient"),
        }
    }
}

impl std::error::Error for RecipientError {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::{Identity, PluginUi};

    struct Silent;

    impl PluginUi for Silent {
        fn message(&self, _: &str, _: &str) {}
    }

    const PLUGIN: &str = "age1nothere10q2j4a0e";

    #[test]
    fn texts_are_read_and_written() {
        let identities = [Identity::generate(), Identity::generate_hybrid().unwrap()];
        for (identity, is_safe) in identities.iter().zip([false, true]) {
            let recipient = identity.recipients().unwrap().remove(0);
            assert_eq!(recipient.is_post_quantum(), Some(is_safe));
            let text = recipient.to_string();
            assert_eq!(format!(" {text}\n").parse::<Recipient>().unwrap().to_string(), text);
            let mut damaged = text.clone().into_bytes();
            damaged[40] = if damaged[40] == b'q' { b'p' } else { b'q' };
            let damaged = String::from_utf8(damaged).unwrap();
            assert_eq!(damaged.parse::<Recipient>().err(), Some(RecipientError::Damaged));
        }
        let tag = "age1tag1qt8lw0ual6avlwmwatk888yqnmdamm7xfd0wak53ut6elz5c4swx2yqdj4e";
        assert_eq!(tag.parse::<Recipient>().unwrap().to_string(), tag);
    }

    #[test]
    fn other_texts_are_refused_without_showing_them() {
        let fault = |text: &str| text.parse::<Recipient>().unwrap_err();
        assert_eq!(fault(""), RecipientError::Unknown);
        assert_eq!(fault("hello"), RecipientError::Unknown);
        assert_eq!(fault("é"), RecipientError::Unknown);
        assert_eq!(fault("age1"), RecipientError::Damaged);
        assert_eq!(fault("age1pq1qqqqqq"), RecipientError::Damaged);
        assert_eq!(fault("ssh-dss AAAA"), RecipientError::Unknown);
        let identity = Identity::generate().text().unwrap();
        assert_eq!(fault(&identity), RecipientError::Identity);
        assert_eq!(fault(&identity.to_lowercase()), RecipientError::Identity);
        assert!(!fault(&identity).to_string().contains(&identity[20..30]));
    }

    #[test]
    fn plugins_are_the_choice_of_the_caller() {
        assert_eq!(PLUGIN.parse::<Recipient>().err(), Some(RecipientError::Plugin("nothere".into())));
        let recipient = Recipient::parse(PLUGIN, Some(&Plugins::new(Silent))).unwrap();
        assert_eq!((recipient.to_string(), recipient.is_post_quantum()), (PLUGIN.into(), None));
        assert_eq!(recipient.as_age().err().unwrap().kind(), io::ErrorKind::NotFound);
    }
}
