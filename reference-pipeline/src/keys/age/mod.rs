//! §12.2 Recipients and identities of age, and the age files that stanzas hold. Feature `age`.
//!
//! The crate `age` makes and parses headers. The payload, which is the content key, is sealed and
//! opened by the format crate alone.

mod file;
mod hybrid;
mod identity;
mod identity_file;
mod locked;
mod plugin;
mod recipient;
mod ssh;

pub(super) use file::{AgeFile, wrap};
pub(super) use identity::Row;
pub use identity::{Identity, LineError};
pub use identity_file::{AGE_TEXT_LEN_MAX, IdentityFile, IdentityFileError};
pub use plugin::{PluginUi, Plugins};
pub use recipient::{Recipient, RecipientError};
