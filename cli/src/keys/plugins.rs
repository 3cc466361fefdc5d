//! What plugins of age say and ask, on the terminal.

use stream_v2::key::{PluginUi, Plugins};
use zeroize::Zeroizing;

use crate::failure::note;
use crate::passphrase;

/// Allows the plugins that recipients and identities of the user name.
pub(super) fn allowed() -> Plugins {
    Plugins::new(Terminal)
}

/// The library escapes what plugins say.
struct Terminal;

impl PluginUi for Terminal {
    fn message(&self, plugin: &str, text: &str) {
        note(format_args!("{plugin}: {text}"));
    }

    fn confirm(&self, plugin: &str, text: &str, yes: &str, no: Option<&str>) -> Option<bool> {
        let answers = no.map_or_else(|| format!("1 {yes}"), |no| format!("1 {yes}, 2 {no}"));
        match &passphrase::ask_plainly(&format!("{plugin}: {text} [{answers}]: ")).ok()?[..] {
            b"1" => Some(true),
            b"2" if no.is_some() => Some(false),
            _ => None,
        }
    }

    fn public(&self, plugin: &str, text: &str) -> Option<String> {
        let answer = passphrase::ask_plainly(&format!("{plugin}: {text}: ")).ok()?;
        String::from_utf8(answer.to_vec()).ok()
    }

    fn secret(&self, plugin: &str, text: &str) -> Option<Zeroizing<String>> {
        let answer = passphrase::ask_plainly(&format!("{plugin}: {text}: ")).ok()?;
        std::str::from_utf8(&answer).ok().map(|text| Zeroizing::new(text.to_owned()))
    }
}
