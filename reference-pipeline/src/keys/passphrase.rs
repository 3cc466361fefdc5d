//! Passphrases, which are asked for when a stanza needs one.

use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use zeroize::Zeroizing;

type Ask = dyn FnMut() -> io::Result<Zeroizing<Vec<u8>>> + Send;

/// A passphrase that is known, or that is asked for when it is needed (§12.1).
///
/// Clones share it. Once it has opened something, or was wrong as often as it may be, it is not
/// asked for again.
#[derive(Clone)]
pub struct Passphrase(Arc<Mutex<State>>);

enum State {
    Known(Zeroizing<Vec<u8>>),
    Asked { ask: Box<Ask>, tries: u32 },
}

impl Passphrase {
    /// Takes the bytes of a passphrase.
    #[must_use]
    pub fn new(bytes: Zeroizing<Vec<u8>>) -> Self {
        Self(Arc::new(Mutex::new(State::Known(bytes))))
    }

    /// Calls `ask` when the passphrase is needed.
    ///
    /// After an error it is asked for again.
    #[must_use]
    pub fn asked(ask: impl FnMut() -> io::Result<Zeroizing<Vec<u8>>> + Send + 'static) -> Self {
        Self::asked_up_to(1, ask)
    }

    /// Calls `ask` when the passphrase is needed, and again as long as it is wrong, up to `tries`
    /// times.
    #[must_use]
    pub fn asked_up_to(
        tries: u32,
        ask: impl FnMut() -> io::Result<Zeroizing<Vec<u8>>> + Send + 'static,
    ) -> Self {
        Self(Arc::new(Mutex::new(State::Asked { ask: Box::new(ask), tries })))
    }

    /// Calls `with` with the passphrase until it returns something, or all tries are used.
    ///
    /// # Errors
    ///
    /// - any error of the function that asks.
    pub(super) fn find<T>(&self, mut with: impl FnMut(&[u8]) -> Option<T>) -> io::Result<Option<T>> {
        // A panic of the function that asks leaves the state as it was.
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let (ask, tries) = match &mut *state {
                State::Known(bytes) => return Ok(with(bytes)),
                State::Asked { ask, tries } => (ask, tries),
            };
            let bytes = ask()?;
            *tries = tries.saturating_sub(1);
            let is_last = *tries == 0;
            let found = with(&bytes);
            if found.is_some() || is_last {
                *state = State::Known(bytes);
                return Ok(found);
            }
        }
    }
}

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passphrase(secret)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers(
        tries: u32,
        mut given: impl Iterator<Item = Option<&'static str>> + Send + 'static,
    ) -> Passphrase {
        Passphrase::asked_up_to(tries, move || {
            let answer = given.next().unwrap().ok_or(io::ErrorKind::BrokenPipe)?;
            Ok(answer.as_bytes().to_vec().into())
        })
    }

    fn found(passphrase: &Passphrase, right: &str) -> io::Result<bool> {
        passphrase.find(|bytes| (bytes == right.as_bytes()).then_some(())).map(|found| found.is_some())
    }

    #[test]
    fn passphrase_is_asked_for_once_and_never_shown() {
        let passphrase = answers(1, [None, Some("two")].into_iter());
        assert_eq!(found(&passphrase, "two").unwrap_err().kind(), io::ErrorKind::BrokenPipe);
        for passphrase in [passphrase.clone(), passphrase] {
            assert!(found(&passphrase, "two").unwrap());
            assert_eq!(format!("{passphrase:?}"), "Passphrase(secret)");
        }
    }

    #[test]
    fn passphrase_is_asked_for_until_it_is_right() {
        let passphrase = answers(3, [Some("one"), Some("two")].into_iter());
        assert!(found(&passphrase, "two").unwrap());
        // It was right once, so it is the one that the caller means.
        assert!(!found(&passphrase, "one").unwrap());
        let passphrase = answers(2, [Some("one"), Some("two")].into_iter());
        assert!(!found(&passphrase, "three").unwrap());
        assert!(!found(&passphrase, "one").unwrap() && found(&passphrase, "two").unwrap());
    }
}
