//! The verbs: one file for each.

pub(crate) mod cat;
pub(crate) mod decrypt;
pub(crate) mod encrypt;
pub(crate) mod inspect;
pub(crate) mod keygen;
pub(crate) mod list;
pub(crate) mod recover;
pub(crate) mod uploads;
pub(crate) mod verify;
