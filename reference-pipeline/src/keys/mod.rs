//! Secrets and their origin: the text of key files (Appendix C), and random bytes from the
//! operating system for the salts (§4, §6).

mod key_file;
pub(crate) mod salts;

pub use key_file::{KEY_FILE_LEN_MAX, KeyFile, KeyFileError, LineFault, Part};
#[cfg(feature = "fixed-salts")]
pub use salts::Salts;
