//! Plaintexts that are described instead of stored.

use serde::{Deserialize, Serialize};

/// A plaintext as a recipe.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pattern {
    /// The rule for byte i.
    pub pattern: PatternKind,
    /// Length in bytes.
    pub len: usize,
}

/// The existing recipes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PatternKind {
    /// Byte i is i mod 251.
    #[serde(rename = "i mod 251")]
    Mod251,
    /// Every byte is 0x41.
    #[serde(rename = "0x41")]
    LetterA,
}

impl Pattern {
    /// Returns the recipe of `len` bytes of i mod 251.
    #[must_use]
    pub fn counting(len: usize) -> Self {
        Self { pattern: PatternKind::Mod251, len }
    }

    /// Returns the recipe of `len` bytes of 0x41.
    #[must_use]
    pub fn constant(len: usize) -> Self {
        Self { pattern: PatternKind::LetterA, len }
    }

    /// Returns the bytes.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        (0..251_u8)
            .cycle()
            .take(self.len)
            .map(|byte| if self.pattern == PatternKind::LetterA { 0x41 } else { byte })
            .collect()
    }
}

/// Returns bytes that count up from `first`.
pub(crate) fn counting<const N: usize>(first: u8) -> [u8; N] {
    let mut bytes = [first; N];
    bytes.iter_mut().zip(0_u8..).for_each(|(byte, step)| *byte = byte.wrapping_add(step));
    bytes
}
