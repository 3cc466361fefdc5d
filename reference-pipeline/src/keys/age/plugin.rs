//! Plugins of age: programs `age-plugin-NAME` that handle recipients and identities of their own.
//!
//! A plugin starts because a recipient or an identity of the caller names it, and never because an
//! envelope does (SV2-ENV-026). It inherits the environment of the process.

use std::fmt::{self, Write as _};
use std::io;
use std::str::FromStr;
use std::sync::Arc;

use age::Callbacks;
use age::plugin::{IdentityPluginV1, RecipientPluginV1};
use age_core::format::{FileKey, Stanza};
use age_core::secrecy::SecretString;
use zeroize::Zeroizing;

/// Characters of a text of a plugin that are shown.
const TEXT_LEN_MAX: usize = 1024;

/// Allows recipients and identities that plugins handle, and answers what plugins ask.
///
/// Without it they are refused, so that no program starts.
#[derive(Clone)]
pub struct Plugins(Arc<dyn PluginUi>);

/// Shows messages of plugins to the user, and asks the user for them.
///
/// `plugin` is the name of the program without its path. In `text` the control characters are
/// escaped. An answer of `None` tells the plugin that the user cannot be asked.
pub trait PluginUi: Send + Sync {
    /// Shows a message, such as a request to touch a key.
    fn message(&self, plugin: &str, text: &str);

    /// Asks a question with one or two answers, and returns whether the first one was chosen.
    fn confirm(&self, plugin: &str, text: &str, yes: &str, no: Option<&str>) -> Option<bool> {
        let _ = (plugin, text, yes, no);
        None
    }

    /// Asks for a text that is not secret.
    fn public(&self, plugin: &str, text: &str) -> Option<String> {
        let _ = (plugin, text);
        None
    }

    /// Asks for a secret, such as a PIN.
    fn secret(&self, plugin: &str, text: &str) -> Option<Zeroizing<String>> {
        let _ = (plugin, text);
        None
    }
}

impl Plugins {
    /// Allows plugins. `ui` shows what they say.
    #[must_use]
    pub fn new(ui: impl PluginUi + 'static) -> Self {
        Self(Arc::new(ui))
    }

    fn say(&self, plugin: &str, text: &str) {
        self.0.message(&program(plugin), &escaped(text));
    }

    fn callbacks(&self, plugin: &str) -> Asked {
        Asked { plugin: program(plugin), ui: self.0.clone() }
    }
}

impl fmt::Debug for Plugins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Plugins")
    }
}

/// A recipient `age1NAME1…` of a plugin.
#[derive(Clone)]
pub(super) struct PluginRecipient {
    pub(super) recipient: age::plugin::Recipient,
    pub(super) plugins: Plugins,
}

impl PluginRecipient {
    /// Finds the program, which starts when it wraps.
    pub(super) fn as_age(&self) -> io::Result<Box<dyn age::Recipient>> {
        let name = self.recipient.plugin();
        allowed(name)?;
        let callbacks = self.plugins.callbacks(name);
        let found = RecipientPluginV1::new(name, std::slice::from_ref(&self.recipient), &[], callbacks);
        found.map(|plugin| Box::new(plugin) as _).map_err(|_| not_found(name))
    }
}

/// An identity `AGE-PLUGIN-NAME-1…`. Its text may be a secret.
#[derive(Clone)]
pub(super) struct PluginIdentity {
    name: String,
    text: Zeroizing<String>,
    plugins: Plugins,
}

impl PluginIdentity {
    /// Reads a line, and returns the name of the plugin, and the identity once plugins are there.
    pub(super) fn parse(line: &str) -> Option<(String, impl FnOnce(Plugins) -> Self)> {
        let name = age::plugin::Identity::from_str(line).ok()?.plugin().to_owned();
        let text = Zeroizing::new(line.to_owned());
        Some((name.clone(), |plugins| Self { name, text, plugins }))
    }

    /// Starts the plugin, and returns the file key if it unwraps one of the stanzas.
    ///
    /// A plugin that is missing or fails unwraps nothing, and the user is told.
    pub(super) fn unwrap_stanzas(&self, stanzas: &[Stanza]) -> Option<FileKey> {
        let failed = |text: &str| self.plugins.say(&self.name, text);
        if let Err(error) = allowed(&self.name) {
            failed(&error.to_string());
            return None;
        }
        let identity = age::plugin::Identity::from_str(&self.text).ok()?;
        let callbacks = self.plugins.callbacks(&self.name);
        let Ok(plugin) = IdentityPluginV1::new(&self.name, &[identity], callbacks) else {
            failed(&not_found(&self.name).to_string());
            return None;
        };
        match age::Identity::unwrap_stanzas(&plugin, stanzas)? {
            Ok(file_key) => Some(file_key),
            Err(age::DecryptError::Plugin(errors)) => {
                failed(&escaped_errors(&errors));
                None
            }
            Err(_) => {
                failed("it has failed");
                None
            }
        }
    }

    /// Finds the program, which wraps for the recipient of this identity.
    pub(super) fn as_age(&self) -> io::Result<Box<dyn age::Recipient>> {
        allowed(&self.name)?;
        let identity = age::plugin::Identity::from_str(&self.text).map_err(io::Error::other)?;
        let callbacks = self.plugins.callbacks(&self.name);
        let found = RecipientPluginV1::new(&self.name, &[], &[identity], callbacks);
        found.map(|plugin| Box::new(plugin) as _).map_err(|_| not_found(&self.name))
    }
}

/// Refuses to start plugins that would print file keys to standard error.
fn allowed(name: &str) -> io::Result<()> {
    if std::env::var_os("AGEDEBUG").is_none() {
        return Ok(());
    }
    let program = program(name);
    Err(io::Error::new(
        io::ErrorKind::PermissionDenied,
        format!("{program} is not started, because AGEDEBUG is set: keys would be printed"),
    ))
}

fn not_found(name: &str) -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, format!("{} is not on the PATH", program(name)))
}

fn program(name: &str) -> String {
    format!("age-plugin-{name}")
}

/// What plugins ask, with their texts escaped.
#[derive(Clone)]
struct Asked {
    plugin: String,
    ui: Arc<dyn PluginUi>,
}

impl Callbacks for Asked {
    fn display_message(&self, message: &str) {
        self.ui.message(&self.plugin, &escaped(message));
    }

    fn confirm(&self, message: &str, yes: &str, no: Option<&str>) -> Option<bool> {
        let no = no.map(escaped);
        self.ui.confirm(&self.plugin, &escaped(message), &escaped(yes), no.as_deref())
    }

    fn request_public_string(&self, description: &str) -> Option<String> {
        self.ui.public(&self.plugin, &escaped(description))
    }

    fn request_passphrase(&self, description: &str) -> Option<SecretString> {
        let secret = self.ui.secret(&self.plugin, &escaped(description))?;
        Some(SecretString::from(secret.as_str()))
    }
}

/// Returns the messages of a plugin that has failed.
pub(super) fn escaped_errors(errors: &[impl fmt::Display]) -> String {
    // The crate marks the direction of what it inserts. A terminal needs no marks.
    let unmarked = |error: &_| ToString::to_string(error).replace(['\u{2068}', '\u{2069}'], "");
    let texts: Vec<String> = errors.iter().map(|error| escaped(&unmarked(error))).collect();
    texts.join("; ")
}

/// Escapes characters that could control a terminal or the order of a line, and cuts long texts.
fn escaped(text: &str) -> String {
    let mut shown = String::new();
    for character in text.chars().take(TEXT_LEN_MAX) {
        let reorders = matches!(
            character,
            '\u{061C}' | '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}'
        );
        if character.is_control() || reorders {
            let _ = write!(shown, "{}", character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_plugins_cannot_control_a_terminal() {
        assert_eq!(escaped("touch\u{1b}[2J\n\u{202e}x\u{9b}"), r"touch\u{1b}[2J\n\u{202e}x\u{9b}");
        assert_eq!(escaped("Berühren"), "Berühren");
        assert_eq!(escaped(&"a".repeat(5000)).len(), 1024);
    }
}
