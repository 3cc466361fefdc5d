//! The profile files that S3 clients share: sections of `name = value` lines.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// One profile, from the credentials file and the configuration file.
pub(super) struct Profile {
    pub(super) name: String,
    credentials: String,
    config: String,
}

impl Profile {
    /// Reads the files. A file that does not exist counts as empty.
    pub(super) fn read(variable: &impl Fn(&str) -> Option<String>) -> io::Result<Self> {
        let home = variable("HOME").or_else(|| variable("USERPROFILE")).map(PathBuf::from);
        let text = |name: &str, file: &str| -> io::Result<String> {
            let path = match (variable(name), &home) {
                (Some(path), _) => PathBuf::from(path),
                (None, Some(home)) => home.join(".aws").join(file),
                (None, None) => return Ok(String::new()),
            };
            contents(&path)
        };
        Ok(Self {
            name: variable("AWS_PROFILE").unwrap_or_else(|| "default".into()),
            credentials: text("AWS_SHARED_CREDENTIALS_FILE", "credentials")?,
            config: text("AWS_CONFIG_FILE", "config")?,
        })
    }

    /// Returns the value of `name`. The credentials file is preferred.
    pub(super) fn get(&self, name: &str) -> Option<String> {
        let profile = format!("profile {}", self.name);
        let in_config =
            |section: &str| section == profile || (section == "default" && self.name == "default");
        value(&self.credentials, |section| section == self.name, name)
            .or_else(|| value(&self.config, in_config, name))
            .map(str::to_owned)
    }
}

fn contents(path: &Path) -> io::Result<String> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(text),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(String::new()),
        Err(error) => Err(io::Error::new(error.kind(), format!("{}: {error}", path.display()))),
    }
}

/// Returns the last value of `name` in the sections that are meant. Nested settings are indented,
/// and left out.
fn value<'t>(text: &'t str, is_meant: impl Fn(&str) -> bool, name: &str) -> Option<&'t str> {
    let mut meant = false;
    let mut found = None;
    for line in text.lines() {
        if let Some(section) = line.trim().strip_prefix('[') {
            let words: Vec<_> = section.split(']').next().unwrap_or_default().split_whitespace().collect();
            meant = is_meant(&words.join(" "));
        } else if meant && !line.starts_with([' ', '\t', '#', ';']) {
            let setting = line.split_once('=').map(|(key, value)| (key.trim(), value.trim()));
            found = setting
                .filter(|(key, value)| key.eq_ignore_ascii_case(name) && !value.is_empty())
                .map(|(_, value)| value)
                .or(found);
        }
    }
    found
}
