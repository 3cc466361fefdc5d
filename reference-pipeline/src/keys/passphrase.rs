//! Passphrases, which are asked for when a stanza needs one, and once.

use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use zeroize::Zeroizing;

type Ask = dyn FnMut() -> io::Result<Zeroizing<Vec<u8>>> + Send;

/// A passphrase that is known, or that is asked for when it is needed (§12.1).
///
/// Clones share it: it is asked for at most once.
#[derive(Clone)]
pub struct Passphrase(Arc<Mutex<State>>);

enum State {
    Known(Zeroizing<Vec<u8>>),
    Asked(Box<Ask>),
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
        Self(Arc::new(Mutex::new(State::Asked(Box::new(ask)))))
    }

    /// Calls `with` with the passphrase.
    ///
    /// # Errors
    ///
    /// - any error of the function that asks.
    pub(super) fn with<T>(&self, with: impl FnOnce(&[u8]) -> T) -> io::Result<T> {
        // A panic of the function that asks leaves the state as it was.
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let State::Asked(ask) = &mut *state {
            *state = State::Known(ask()?);
        }
        match &*state {
            State::Known(bytes) => Ok(with(bytes)),
            State::Asked(_) => Err(io::ErrorKind::Other.into()),
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

    #[test]
    fn passphrase_is_asked_for_once_and_never_shown() {
        let mut asked = 0;
        let passphrase = Passphrase::asked(move || {
            asked += 1;
            match asked {
                1 => Err(io::ErrorKind::BrokenPipe.into()),
                2 => Ok(b"two".to_vec().into()),
                _ => Ok(b"again".to_vec().into()),
            }
        });
        assert_eq!(passphrase.with(<[u8]>::len).unwrap_err().kind(), io::ErrorKind::BrokenPipe);
        for passphrase in [passphrase.clone(), passphrase] {
            assert_eq!(passphrase.with(<[u8]>::to_vec).unwrap(), b"two");
            assert_eq!(format!("{passphrase:?}"), "Passphrase(secret)");
        }
    }
}
