//! `sv2 keygen`: makes a key file, or an identity of age.

use std::fmt::Display;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::Path;

use jiff::{Timestamp, Unit};
use stream_v2::key::Identity;
use stream_v2::pipeline::{Disk, KeyFile, Storage};
use zeroize::Zeroizing;

use crate::args::KeygenArgs;
use crate::failure::{CmdResult, Failure, note};
use crate::stdio::{Results, is_standard_output, print, standard_output_failed};

pub(crate) fn run(args: &KeygenArgs) -> CmdResult {
    if args.identity { make_identity(args) } else { make_key(args) }
}

/// Makes an identity of age, in the form of age-keygen. Its recipient goes to standard output,
/// unless the identity itself does.
fn make_identity(args: &KeygenArgs) -> CmdResult {
    let identity = if args.pq { Identity::generate_hybrid() } else { Ok(Identity::generate()) };
    let identity = identity.map_err(not_random)?;
    let recipients = identity.recipients().map_err(not_random)?;
    let recipient = recipients.first().map_or_else(String::new, ToString::to_string);
    let secret = identity.text().unwrap_or_default();
    let created = Timestamp::now().round(Unit::Second).map_err(Failure::io)?;
    let comments = format!("# created: {created}\n# public key: {recipient}\n");
    // The full capacity from the beginning: growing would leave a copy of the identity behind.
    let mut text = Zeroizing::new(String::with_capacity(comments.len() + secret.len() + 1));
    text.push_str(&comments);
    text.push_str(&secret);
    text.push('\n');
    if is_standard_output(&args.output) {
        return Results::open()?.write_all(text.as_bytes()).map_err(standard_output_failed);
    }
    create(&args.output, &text)?;
    let name = args.output.display();
    note(format_args!("{name}: made an identity; keep a copy somewhere safe. Its recipient:"));
    print(recipient)
}

fn make_key(args: &KeygenArgs) -> CmdResult {
    let mut key = Zeroizing::new([0; 32]);
    //= spec/stream-v2.md#sv2-key-001
    //# A content key MUST be 32 bytes that are indistinguishable from random.
    getrandom::fill(&mut *key).map_err(not_random)?;
    let text = KeyFile::text(&key);
    if is_standard_output(&args.output) {
        return Results::open()?.write_all(text.as_bytes()).map_err(standard_output_failed);
    }
    create(&args.output, &text)?;
    let made = KeyFile::parse(text.as_bytes()).map_err(Failure::io)?;
    let name = args.output.display();
    note(format_args!("{name}: made key {}; keep a copy somewhere safe", hex::encode(made.key_id)));
    Ok(())
}

fn not_random(error: impl Display) -> Failure {
    Failure::io(format!("no random bytes from the operating system: {error}"))
        .hint("no key was made; try again, and on another machine if that fails too")
}

/// Creates a new file that only its owner may read.
fn create(path: &Path, text: &str) -> CmdResult {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let name = path.display();
    let mut file = options.open(path).map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => {
            Failure::usage(format!("{name}: already exists, and a key is never overwritten"))
                .hint("choose another name, or move that file away")
        }
        _ => Failure::io(format!("{name}: cannot be created: {error}"))
            .hint("name a file in a folder that exists and that you can write to"),
    })?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(|error| {
        Failure::io(format!("{name}: writing failed: {error}")).hint("the file is incomplete: remove it")
    })?;
    // The file name must survive a power loss, like the data that the key encrypts.
    Disk::default().sync_folder(path).map_err(|error| {
        Failure::io(format!("{name}: its folder could not be made durable: {error}"))
            .hint("the key is whole; sync the file system before you use it")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_random_bytes_there_is_no_key() {
        insta::assert_snapshot!(not_random(getrandom::Error::UNSUPPORTED), @r"
        no random bytes from the operating system: getrandom: this target is not supported
        hint: no key was made; try again, and on another machine if that fails too
        ");
    }
}
