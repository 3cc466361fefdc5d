//! Files of identities and recipients of age.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use stream_v2::key::{
    AGE_TEXT_LEN_MAX, Identity, IdentityFile, IdentityFileError, LineError, Recipient, RecipientError,
};
use zeroize::Zeroizing;

use super::key_file::warn_if_open_to_others;
use super::plugins;
use crate::args::{KeyArgs, RecipientArgs};
use crate::failure::{Failure, note};
use crate::input::waiting::WaitingInput;
use crate::passphrase;
use crate::stdio::{is_standard_input, standard_input};
use crate::text::size::count;

/// Reads the files of identities that the options name. `input` is the input of the run.
pub(super) fn identities(
    key: &KeyArgs,
    input: &Path,
    quiet: bool,
) -> Result<Vec<(Identity, String)>, Failure> {
    let mut identities = Vec::new();
    for path in &key.identity {
        if path.to_string_lossy().to_ascii_uppercase().starts_with("AGE-SECRET-KEY-") {
            return Err(Failure::usage("the identity itself was given in the place of the name of its file")
                .hint("write it to a file that only you can read, and name that file"));
        }
        let (text, name) = read(path, input, "identity file", |file, name| {
            warn_if_open_to_others(file, name, quiet);
        })?;
        let file = IdentityFile::parse(&text, passphrase::of_file(&name), Some(&plugins::allowed()))
            .map_err(|error| not_identities(&name, &error))?;
        for (line, error) in file.skipped().iter().filter(|_| !quiet) {
            note(format_args!("warning: {name}: line {line} is skipped: {error}"));
        }
        identities.extend(file.into_identities().into_iter().map(|identity| (identity, name.clone())));
    }
    Ok(identities)
}

/// Reads the recipients that the options name, themselves and in files.
pub(super) fn recipients(to: &RecipientArgs, input: &Path) -> Result<Vec<Recipient>, Failure> {
    let plugins = plugins::allowed();
    let mut recipients = Vec::new();
    for text in &to.recipient {
        let recipient = Recipient::parse(text, Some(&plugins));
        recipients.push(recipient.map_err(|error| not_a_recipient("-r", &error))?);
    }
    for path in &to.recipients_file {
        let (text, name) = read(path, input, "recipients file", |_, _| {})?;
        let text = std::str::from_utf8(&text)
            .map_err(|_| Failure::usage(format!("{name}: not a recipients file: it is not text in UTF-8")))?;
        let before = recipients.len();
        for (number, line) in (1..).zip(text.lines()) {
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            let recipient = Recipient::parse(line, Some(&plugins));
            let place = format!("{name}: line {number}");
            recipients.push(recipient.map_err(|error| not_a_recipient(&place, &error))?);
        }
        if recipients.len() == before {
            return Err(Failure::usage(format!("{name}: not a recipients file: it has no recipient"))
                .hint("it has one recipient on each line, such as age1…"));
        }
    }
    refuse_mixed(&recipients)?;
    Ok(recipients)
}

/// Refuses hybrid recipients beside others. Those of plugins are known only when they wrap.
fn refuse_mixed(recipients: &[Recipient]) -> Result<(), Failure> {
    let has = |safe| recipients.iter().any(|recipient| recipient.is_post_quantum() == Some(safe));
    if !(has(true) && has(false)) {
        return Ok(());
    }
    Err(Failure::usage("hybrid recipients (age1pq…) cannot be combined with others")
        .hint("a quantum computer could open what is wrapped for the others; use one kind for all"))
}

/// Reads a file, and returns its bytes and its name in messages.
fn read(
    path: &Path,
    input: &Path,
    what: &str,
    check: impl FnOnce(&File, &str),
) -> Result<(Zeroizing<Vec<u8>>, String), Failure> {
    let standard = is_standard_input(path);
    if standard && is_standard_input(input) {
        return Err(Failure::usage(format!("standard input cannot be both the {what} and INPUT"))
            .hint("name a file for one of them"));
    }
    let name = if standard { "standard input".into() } else { path.display().to_string() };
    let failed = |error| Failure::io(format!("{name}: the {what} cannot be read: {error}"));
    let file = if standard { standard_input()? } else { File::open(path).map_err(failed)? };
    check(&file, &name);
    // Most files are smaller. A larger one leaves copies of its text behind when the buffer grows.
    let capacity = file.metadata().map_or(0, |metadata| metadata.len()).clamp(1 << 16, LEN_MAX);
    let mut text = Zeroizing::new(Vec::with_capacity(usize::try_from(capacity).unwrap_or_default() + 1));
    WaitingInput::new(file).take(LEN_MAX + 1).read_to_end(&mut text).map_err(failed)?;
    if text.len() > AGE_TEXT_LEN_MAX {
        return Err(Failure::usage(format!("{name}: not an {what}: {}", IdentityFileError::TooLong)));
    }
    Ok((text, name))
}

const LEN_MAX: u64 = AGE_TEXT_LEN_MAX as u64;

fn not_identities(name: &str, error: &IdentityFileError) -> Failure {
    let failure = Failure::usage(format!("{name}: not an identity file: {error}"));
    match error {
        IdentityFileError::Ssh(LineError::SshPassphrase) => failure.hint(
            "ssh-keygen -p removes the passphrase of a copy; or use an identity of sv2 keygen --identity",
        ),
        IdentityFileError::Line(_, LineError::Damaged) => failure.hint("use a copy of the identity file"),
        _ => failure.hint("sv2 keygen --identity -o FILE makes one"),
    }
}

fn not_a_recipient(place: &str, error: &RecipientError) -> Failure {
    let failure = Failure::usage(format!("{place}: not a recipient: {error}"));
    match error {
        RecipientError::Identity => failure.hint("pass the file of an identity with -i"),
        RecipientError::SshRsa => failure.hint("use a key of the type ssh-ed25519, or an identity of age"),
        _ => failure.hint("a recipient looks like age1…; -R FILE reads recipients from a file"),
    }
}

/// Describes what was tried on a stream in vain.
pub(super) fn tried(identities: usize, key_file: bool, passphrase: bool) -> String {
    let identities = (identities > 0).then(|| match identities {
        1 => "1 identity".into(),
        many => format!("{many} identities"),
    });
    let key_file = key_file.then(|| count(1, "key file"));
    let passphrase = passphrase.then(|| count(1, "passphrase"));
    let all: Vec<String> = [identities, key_file, passphrase].into_iter().flatten().collect();
    format!("tried {}", all.join(", "))
}

#[cfg(test)]
mod tests {
    use super::tried;

    #[test]
    fn tries_are_counted() {
        assert_eq!(tried(2, true, false), "tried 2 identities, 1 key file");
        assert_eq!(tried(1, false, true), "tried 1 identity, 1 passphrase");
    }
}
