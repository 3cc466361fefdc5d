//! Passphrases: from the terminal, without an echo, and from a file.

use std::fmt;
use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::Path;

use stream_v2::key::Passphrase;
use zeroize::Zeroizing;

use crate::failure::{Failure, say};
use crate::stdio::is_standard_input;
use crate::text::escape::one_line;

/// Largest passphrase, in bytes.
const LEN_MAX: usize = 1024;
/// How often a passphrase is asked for while it is wrong.
const TRIES: u32 = 3;
/// What is drawn for a passphrase: no two of these look alike. 24 of them hold 117 bits.
const ALPHABET: &[u8; 30] = b"abcdefghjkmnpqrstuvwxyz2345679";
const DRAWN: usize = 24;
const GROUP: usize = 4;

/// Reads the one line of a file.
pub(crate) fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, Failure> {
    if is_standard_input(path) {
        return Err(Failure::usage("a passphrase is not read from standard input")
            .hint("name its file; with a shell, --passphrase-file <(COMMAND) runs COMMAND"));
    }
    let name = path.display();
    let failed = |error| {
        Failure::io(format!("{name}: the passphrase cannot be read: {error}"))
            .hint("name a file whose one line is the passphrase")
    };
    // Allocated once and never moved, so that no copy of the passphrase remains.
    let mut text = Zeroizing::new(Vec::with_capacity(LEN_MAX + 3));
    let file = File::open(path).map_err(failed)?;
    file.take(LEN_MAX as u64 + 3).read_to_end(&mut text).map_err(failed)?;
    line(&mut text).map_err(|fault| {
        Failure::usage(format!("{name}: {fault}")).hint("write it as the one line of a file")
    })?;
    Ok(text)
}

/// Takes the end of the line away, and checks that there is one line.
fn line(text: &mut Vec<u8>) -> Result<(), &'static str> {
    if text.last() == Some(&b'\n') {
        text.pop();
        text.pop_if(|last| *last == b'\r');
    }
    match text.len() {
        0 => Err("the passphrase is empty"),
        len if len > LEN_MAX => Err("the passphrase is longer than the 1024 bytes that are allowed"),
        _ if text.contains(&b'\n') => {
            Err("the passphrase is the only line of its file, and there is another one")
        }
        _ => Ok(()),
    }
}

/// Returns the passphrase of a stream, which is asked for when it is needed.
pub(crate) fn of_stream() -> Passphrase {
    asked("Passphrase: ".into(), |error| io::Error::new(error.kind(), NotAsked(error)))
}

/// Returns the passphrase of a file of identities, which is asked for when it is needed.
pub(crate) fn of_file(name: &str) -> Passphrase {
    asked(format!("Passphrase of {}: ", one_line(name)), |error| error)
}

fn asked(question: String, failed: fn(io::Error) -> io::Error) -> Passphrase {
    let mut is_wrong = false;
    Passphrase::asked_up_to(TRIES, move || {
        let again = if is_wrong { "That was not it. " } else { "" };
        is_wrong = true;
        prompt(&format!("{again}{question}")).map_err(failed)
    })
}

/// A passphrase could not be asked for. This is the error of a run.
#[derive(Debug)]
struct NotAsked(io::Error);

impl fmt::Display for NotAsked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for NotAsked {}

/// Returns the failure to report if `error` is that of [`of_stream`].
pub(crate) fn not_asked(error: &io::Error) -> Option<Failure> {
    error.get_ref().filter(|inner| inner.is::<NotAsked>()).map(|_| without(error))
}

fn without(error: &io::Error) -> Failure {
    match error.kind() {
        ErrorKind::Interrupted => Failure::interrupted("interrupted"),
        _ => Failure::usage(format!("no passphrase: {error}")).hint("--passphrase-file reads it from a file"),
    }
}

/// Asks what a plugin wants to know. The answer is not shown.
pub(crate) fn ask_plainly(question: &str) -> io::Result<Zeroizing<Vec<u8>>> {
    prompt(question)
}

/// Asks for a new passphrase, twice. For an empty one it draws one, and shows it.
pub(crate) fn ask_for_new() -> Result<Zeroizing<Vec<u8>>, Failure> {
    let failed = |error: io::Error| without(&error);
    let first = prompt("New passphrase (empty: one is made): ").map_err(failed)?;
    if first.is_empty() {
        let drawn = draw().map_err(failed)?;
        // ASCII only.
        say(&format!("Passphrase: {}\n", String::from_utf8_lossy(&drawn)));
        return Ok(drawn);
    }
    if prompt("The same again: ").map_err(failed)? != first {
        return Err(Failure::usage("the two passphrases differ")
            .hint("nothing was encrypted; run the same command again"));
    }
    Ok(first)
}

/// Draws letters and digits in groups.
fn draw() -> io::Result<Zeroizing<Vec<u8>>> {
    let mut text = Zeroizing::new(Vec::with_capacity(DRAWN + DRAWN / GROUP));
    let mut taken = 0;
    while taken < DRAWN {
        let mut byte = Zeroizing::new([0]);
        getrandom::fill(&mut *byte).map_err(io::Error::other)?;
        let [byte] = *byte;
        // The largest multiple of 30: all letters are equally likely.
        if byte < 240 {
            if taken > 0 && taken % GROUP == 0 {
                text.push(b'-');
            }
            text.push(ALPHABET[usize::from(byte) % ALPHABET.len()]);
            taken += 1;
        }
    }
    Ok(text)
}

#[cfg(not(unix))]
pub(crate) const fn can_ask() -> bool {
    false
}

#[cfg(not(unix))]
fn prompt(_: &str) -> io::Result<Zeroizing<Vec<u8>>> {
    Err(io::Error::new(ErrorKind::Unsupported, "this system has no terminal to ask on"))
}

#[cfg(unix)]
pub(crate) use self::unix::can_ask;
#[cfg(unix)]
use self::unix::prompt;

#[cfg(unix)]
mod unix {
    use std::fs::{File, OpenOptions};
    use std::io::{self, ErrorKind, IsTerminal, Read, Write};

    use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
    use zeroize::Zeroizing;

    use crate::passphrase::LEN_MAX;

    const INTERRUPT: u8 = 3;
    const END: u8 = 4;
    const BACKSPACE: [u8; 2] = [8, 127];
    const ERASE_LINE: u8 = 21;

    /// Returns true if there is a terminal to ask on, although no option says so.
    pub(crate) fn can_ask() -> bool {
        io::stdin().is_terminal() && terminal().is_ok()
    }

    fn terminal() -> io::Result<File> {
        let opened = OpenOptions::new().read(true).write(true).open("/dev/tty");
        opened.map_err(|error| io::Error::new(error.kind(), "there is no terminal to ask on"))
    }

    /// The terminal without an echo, until this is dropped.
    ///
    /// Keys that send signals are read like others, so that no signal leaves the terminal like
    /// that.
    struct Silent<'a> {
        terminal: &'a File,
        before: Termios,
    }

    impl<'a> Silent<'a> {
        fn new(terminal: &'a File) -> io::Result<Self> {
            let before = tcgetattr(terminal)?;
            let mut silent = before.clone();
            silent.local_modes &= !(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG);
            tcsetattr(terminal, OptionalActions::Flush, &silent)?;
            Ok(Self { terminal, before })
        }
    }

    impl Drop for Silent<'_> {
        fn drop(&mut self) {
            let _ = tcsetattr(self.terminal, OptionalActions::Flush, &self.before);
        }
    }

    /// Asks on the terminal, and returns the line that is typed.
    pub(super) fn prompt(question: &str) -> io::Result<Zeroizing<Vec<u8>>> {
        let terminal = terminal()?;
        // What was typed before is dropped. The question comes once nothing typed is shown.
        let silent = Silent::new(&terminal)?;
        (&terminal).write_all(question.as_bytes())?;
        let typed = typed(silent.terminal);
        drop(silent);
        (&terminal).write_all(b"\n")?;
        typed
    }

    fn typed(mut terminal: &File) -> io::Result<Zeroizing<Vec<u8>>> {
        let mut line = Zeroizing::new(Vec::with_capacity(LEN_MAX));
        let mut byte = Zeroizing::new([0]);
        loop {
            match terminal.read(&mut *byte) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            }
            match byte[0] {
                b'\n' | b'\r' => return Ok(line),
                INTERRUPT | END => return Err(ErrorKind::Interrupted.into()),
                ERASE_LINE => line.clear(),
                key if BACKSPACE.contains(&key) => erase(&mut line),
                _ if line.len() == LEN_MAX => return Err(io::Error::other("it is longer than 1024 bytes")),
                key => line.push(key),
            }
        }
    }

    /// Takes the last character away, which may have several bytes.
    fn erase(line: &mut Vec<u8>) {
        while line.pop().is_some_and(|byte| byte & 0xC0 == 0x80) {}
    }

    #[cfg(test)]
    mod tests {
        #[test]
        fn a_character_is_erased_as_a_whole() {
            let mut line = "aé".as_bytes().to_vec();
            crate::passphrase::unix::erase(&mut line);
            assert_eq!(line, b"a");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_passphrase_is_one_line() {
        let one = |text: &[u8]| {
            let mut text = text.to_vec();
            line(&mut text).map(|()| text)
        };
        for text in [&b"a b"[..], b"a b\n", b"a b\r\n"] {
            assert_eq!(one(text).unwrap(), b"a b");
        }
        assert_eq!(one(&[b'a'; 1024]).unwrap().len(), 1024);
        for text in [&b""[..], b"\n", b"a\nb", b"a\n\n", &[b'a'; 1025]] {
            assert!(one(text).is_err(), "{}", text.len());
        }
    }

    #[test]
    fn drawn_passphrases_have_24_characters() {
        let (first, second) = (draw().unwrap(), draw().unwrap());
        assert_ne!(first, second);
        let groups: Vec<&[u8]> = first.split(|byte| *byte == b'-').collect();
        assert_eq!(groups.iter().map(|group| group.len()).collect::<Vec<_>>(), [4; 6]);
        assert!(groups.concat().iter().all(|byte| ALPHABET.contains(byte)));
    }
}
