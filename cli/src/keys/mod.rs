//! The keys of the command: key files, passphrases, and identities and recipients of age.

mod age;
mod key_file;
mod plugins;

use std::path::Path;

use stream_v2::Options;
use stream_v2::key::{Credentials, Identity, OpenedBy, Passphrase, Recipient, Recipients};

use self::age::recipients;
pub(crate) use self::key_file::KeyFile;
use crate::args::{KeyArgs, RecipientArgs, RewrapArgs};
use crate::failure::Failure;
use crate::passphrase;

/// The keys of a run.
#[derive(Default)]
pub(crate) struct Keys {
    pub(crate) file: Option<KeyFile>,
    passphrase: Option<Passphrase>,
    /// Each with the name of its file in messages.
    identities: Vec<(Identity, String)>,
    recipients: Vec<Recipient>,
}

impl Keys {
    /// Reads the keys that the options name to open `input`.
    ///
    /// If they bring nothing, a passphrase is asked for once the stream turns out to need one.
    pub(crate) fn of(key: &KeyArgs, input: &Path, quiet: bool) -> Result<Self, Failure> {
        let passphrase = match &key.passphrase_file {
            Some(path) => Some(Passphrase::new(passphrase::read(path)?)),
            None if key.passphrase || !key.has_any() && passphrase::can_ask() => {
                Some(passphrase::of_stream())
            }
            None => None,
        };
        let identities = age::identities(key, input, quiet)?;
        let without_file = (passphrase.is_some() || !identities.is_empty()) && key.key_file().is_none();
        let file = if without_file { None } else { Some(KeyFile::of(key, input, quiet)?) };
        Ok(Self { file, passphrase, identities, recipients: Vec::new() })
    }

    /// Reads the keys that the options name to encrypt `input`.
    pub(crate) fn for_writing(
        (key, to): (&KeyArgs, &RecipientArgs),
        input: &Path,
        quiet: bool,
    ) -> Result<Self, Failure> {
        let for_age = !key.identity.is_empty() || to.has_any();
        let other = [(key.key_file().is_some(), "a key file"), (for_age, "recipients")];
        let other = other.into_iter().find_map(|(is_there, what)| is_there.then_some(what));
        if let Some(other) = other.filter(|_| key.has_passphrase()) {
            return Err(Failure::usage(format!("a passphrase cannot be combined with {other}"))
                .hint("encrypt for one of them: whoever opens the other would not need the passphrase"));
        }
        let passphrase = match &key.passphrase_file {
            Some(path) => Some(passphrase::read(path)?),
            None if key.passphrase => Some(passphrase::ask_for_new()?),
            None => None,
        };
        let passphrase = passphrase.map(Passphrase::new);
        let identities = age::identities(key, input, quiet)?;
        let recipients = recipients(to, input)?;
        let without_file = (passphrase.is_some() || for_age) && key.key_file().is_none();
        let file = if without_file { None } else { Some(KeyFile::of(key, input, quiet)?) };
        Ok(Self { file, passphrase, identities, recipients })
    }

    /// Returns the id of the key file.
    pub(crate) fn key_id(&self) -> Option<[u8; 16]> {
        self.file.as_ref().map(|file| file.text.key_id)
    }

    /// Returns whether there are identities.
    pub(crate) const fn has_identities(&self) -> bool {
        !self.identities.is_empty()
    }

    /// Returns true if a stream is for recipients or identities of age, among others.
    pub(crate) const fn is_for_age(&self) -> bool {
        !self.recipients.is_empty() || !self.identities.is_empty()
    }

    /// Returns what opens a stream.
    pub(crate) fn credentials(&self) -> Credentials {
        let files = self.file.iter().map(|file| file.text.clone());
        let credentials = files.fold(Credentials::new(), Credentials::with_key_file);
        let identities = self.identities.iter().map(|(identity, _)| identity.clone());
        let credentials = identities.fold(credentials, Credentials::with_identity);
        self.passphrase.iter().cloned().fold(credentials, Credentials::with_passphrase)
    }

    /// Returns the options of a stream for these keys.
    pub(crate) fn options(&self) -> Options {
        let files = self.file.iter().map(|file| file.text.clone());
        let to = files.fold(Recipients::new(), Recipients::with_key_file);
        let to = self.recipients.iter().cloned().fold(to, Recipients::with_recipient);
        let identities = self.identities.iter().map(|(identity, _)| identity.clone());
        let to = identities.fold(to, Recipients::with_identity);
        let passphrase = self.passphrase.iter().cloned();
        Options::for_recipients(passphrase.fold(to, Recipients::with_passphrase))
    }

    /// Describes what was tried on a stream in vain, such as "tried 2 identities, 1 key file".
    pub(crate) fn tried(&self) -> String {
        age::tried(self.identities.len(), self.file.is_some(), self.passphrase.is_some())
    }

    /// Returns the names of files of identities whose passphrase was wrong.
    pub(crate) fn wrongly_unlocked(&self) -> impl Iterator<Item = &str> {
        let wrong = self.identities.iter().filter(|(identity, _)| identity.has_wrong_passphrase());
        wrong.map(|(_, name)| &name[..])
    }

    /// Returns what opened a stream, in one word and in words for the user.
    pub(crate) fn opener(&self, by: OpenedBy) -> Opener {
        let file = || self.file.as_ref().map_or_else(String::new, |file| format!(" {}", file.name));
        let (kind, shown, key_id) = match by {
            OpenedBy::KeyFile(id) => ("key_file", format!("the key file{}", file()), Some(id)),
            OpenedBy::KeyStanza(id) => ("key_stanza", format!("the key file{}", file()), Some(id)),
            OpenedBy::Identity(index) => {
                let name = self.identities.get(index).map_or("", |(_, name)| name);
                ("identity", format!("an identity of {name}"), None)
            }
            OpenedBy::Passphrase => ("passphrase", "the passphrase".into(), None),
            _ => ("content_key", "the content key".into(), None),
        };
        Opener { kind, shown, key_id }
    }
}

/// Returns for whom the options of `sv2 rewrap` want the new envelope to be.
pub(crate) fn new_recipients(args: &RewrapArgs) -> Result<Recipients, Failure> {
    if !args.has_new() {
        return Err(Failure::usage("nothing new: no option names a key, recipient or passphrase for the envelope")
            .hint("name recipients with -r or -R FILE, or a key file with --new-key-file FILE; -p asks for a new passphrase"));
    }
    let passphrase = match &args.new_passphrase_file {
        Some(path) => Some(passphrase::read(path)?),
        None if args.passphrase => Some(passphrase::ask_for_new()?),
        None => None,
    };
    let to = passphrase.map(Passphrase::new).into_iter();
    let to = to.fold(Recipients::new(), Recipients::with_passphrase);
    let input = args.stream.as_deref().unwrap_or(Path::new(""));
    let to = recipients(&args.to, input)?.into_iter().fold(to, Recipients::with_recipient);
    args.new_key_file
        .iter()
        .try_fold(to, |to, path| Ok(to.with_key_file(KeyFile::read(path, args.quiet)?.text)))
}

/// What opened a stream.
pub(crate) struct Opener {
    /// The word in JSON.
    pub(crate) kind: &'static str,
    /// The words in messages.
    pub(crate) shown: String,
    /// The id of the key file that opened it.
    pub(crate) key_id: Option<[u8; 16]>,
}

impl Opener {
    /// Returns whether it shows that the writer had a secret.
    pub(crate) fn shows_origin(&self) -> bool {
        self.kind != "identity"
    }
}
