//! Secrets and their origin: the text of key files, passphrases, identities of age, random bytes
//! from the operating system, and how they open streams and wrap content keys.

#[cfg(feature = "age")]
mod age;
#[cfg(feature = "age")]
mod by_identity;
mod credentials;
mod key_file;
mod opened;
mod passphrase;
mod recipients;
pub(crate) mod salts;
mod tries;

#[cfg(feature = "age")]
pub use self::age::{
    AGE_TEXT_LEN_MAX, Identity, IdentityFile, IdentityFileError, LineError, PluginUi, Plugins, Recipient,
    RecipientError,
};
pub use credentials::Credentials;
pub use key_file::{KEY_FILE_LEN_MAX, KeyFile, KeyFileError, LineFault, Part};
pub(crate) use opened::Opened;
pub use opened::OpenedBy;
pub use passphrase::Passphrase;
pub use recipients::Recipients;
#[cfg(feature = "fixed-salts")]
pub use salts::Salts;
