//! §12.1 Stanza `argon2id`: parameters of the password hash, and the content key wrapped under it.
//!
//! ```text
//!  0 salt (32) | 32 memory_kib u32 | 36 passes u32 | 40 lanes u32 | 44 reserved (4)
//! 48 commitment (32) | 80 wrapped (48)
//! ```
//!
//! Structure and limits are checked by every reader. Running Argon2id takes the feature `argon2id`.

use nom::number::streaming::le_u32;

use super::stanza::Stanza;
use crate::crypto::WRAPPED_BODY_LEN as BODY_LEN;
use crate::limits::{ARGON2ID_LANES_MAX, ARGON2ID_MEMORY_KIB_MAX, ARGON2ID_PASSES_MAX};
use crate::wire::outcome::{Step, array, fail};
use crate::{Detail, Error, Offset};

const WRAPPED_LEN: usize = 48;

/// The body of an `argon2id` stanza, without a copy (§12.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Argon2idView<'a> {
    /// The salt of the password hash.
    pub salt: [u8; 32],
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over the memory.
    pub passes: u32,
    /// Parallel lanes.
    pub lanes: u32,
    /// The commitment to the key.
    pub commitment: [u8; 32],
    /// The wrapped content key and its tag, 48 bytes.
    pub wrapped: &'a [u8],
    pub(super) body: &'a [u8; BODY_LEN],
    /// The offset of the stanza.
    pub(super) offset: Offset,
}

/// What Argon2id costs: memory, passes over it, and lanes (§12.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Argon2idParams {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over the memory.
    pub passes: u32,
    /// Parallel lanes.
    pub lanes: u32,
}

impl Argon2idParams {
    /// The parameters for writers on every machine: 256 MiB, 3 passes, 4 lanes.
    pub const RECOMMENDED: Self = Self::new(262_144, 3, 4);

    /// Returns parameters. They are checked when they are used.
    #[must_use]
    pub const fn new(memory_kib: u32, passes: u32, lanes: u32) -> Self {
        Self { memory_kib, passes, lanes }
    }

    /// Checks the limits of the format (§14).
    pub(super) fn check(&self, offset: Offset) -> Result<(), Error> {
        let error = Error::new(Detail::LimitArgon2id, offset);
        let bounds = [
            (self.lanes, 1, ARGON2ID_LANES_MAX),
            (self.passes, 1, ARGON2ID_PASSES_MAX),
            (self.memory_kib, self.lanes.saturating_mul(8), ARGON2ID_MEMORY_KIB_MAX),
        ];
        match bounds.into_iter().find(|&(value, low, high)| !(low..=high).contains(&value)) {
            Some((value, low, high)) => Err(error.between(value.into(), low.into(), high.into())),
            None => Ok(()),
        }
    }
}

impl<'a> Argon2idView<'a> {
    /// Parses the body of an `argon2id` stanza.
    ///
    /// # Errors
    ///
    /// - `malformed.envelope` if the body is not 128 bytes long or has a reserved byte set.
    /// - `limit.argon2id` if a parameter is outside the limits (§14).
    pub fn parse(stanza: &Stanza<'a>) -> Result<Self, Error> {
        let wrong = Error::new(Detail::MalformedEnvelope, stanza.offset);
        //= spec/stream-v2.md#sv2-env-011
        //# A reader MUST reject with `malformed.envelope` an `argon2id` body that is not 128 bytes
        //# long or whose bytes 44..48 are not zero.
        let body: &[u8; BODY_LEN] =
            stanza.body.try_into().map_err(|_| wrong.exactly(stanza.body.len() as u64, BODY_LEN as u64))?;
        let Ok((_, fields)) = fields(body) else { return Err(wrong) };
        if fields.reserved != 0 {
            return Err(wrong.exactly(fields.reserved.into(), 0));
        }
        //= spec/stream-v2.md#sv2-env-012
        //# A reader MUST reject with `limit.argon2id` parameters outside §14, before it runs
        //# Argon2id.
        fields.params.check(stanza.offset)?;
        let Fields {
            salt, params: Argon2idParams { memory_kib, passes, lanes }, commitment, wrapped, ..
        } = fields;
        let offset = stanza.offset;
        Ok(Self { salt, memory_kib, passes, lanes, commitment, wrapped, body, offset })
    }

    /// Returns the parameters.
    #[must_use]
    pub const fn params(&self) -> Argon2idParams {
        Argon2idParams::new(self.memory_kib, self.passes, self.lanes)
    }
}

/// The fields of a body, before they are checked.
struct Fields<'a> {
    salt: [u8; 32],
    params: Argon2idParams,
    reserved: u32,
    commitment: [u8; 32],
    wrapped: &'a [u8],
}

fn fields(input: &[u8]) -> Step<'_, Fields<'_>> {
    let (rest, salt) = array(input)?;
    let (rest, memory_kib) = le_u32(rest)?;
    let (rest, passes) = le_u32(rest)?;
    let (rest, lanes) = le_u32(rest)?;
    let (rest, reserved) = le_u32(rest)?;
    let (wrapped, commitment) = array(rest)?;
    if wrapped.len() != WRAPPED_LEN {
        return fail(input, Detail::MalformedEnvelope);
    }
    let params = Argon2idParams::new(memory_kib, passes, lanes);
    Ok((&[], Fields { salt, params, reserved, commitment, wrapped }))
}

const _: () = assert!(48 + 32 + WRAPPED_LEN == BODY_LEN);

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::envelope::write_envelope;
    use alloc::vec::Vec;

    pub(in crate::envelope) fn argon2id_body(memory_kib: u32, passes: u32, lanes: u32) -> Vec<u8> {
        let mut body = [0x11; 128].to_vec();
        body[32..36].copy_from_slice(&memory_kib.to_le_bytes());
        body[36..40].copy_from_slice(&passes.to_le_bytes());
        body[40..44].copy_from_slice(&lanes.to_le_bytes());
        body[44..48].fill(0);
        body
    }

    #[test]
    fn argon2id_parameters_out_of_range_are_refused() {
        for (memory, passes, lanes, fits) in [
            (1 << 20, 16, 16, true),
            (8, 1, 1, true),
            ((1 << 20) + 1, 3, 4, false),
            (65_536, 17, 4, false),
            (65_536, 0, 4, false),
            (65_536, 3, 17, false),
            (65_536, 3, 0, false),
            (31, 3, 4, false),
        ] {
            let body = argon2id_body(memory, passes, lanes);
            let expected = if fits { None } else { Some(Detail::LimitArgon2id) };
            let found = write_envelope(&[(1, &body), (0xFFFF, &[0; 4])]).err().map(|error| error.detail());
            assert_eq!(found, expected, "{memory} {passes} {lanes}");
        }
    }
}
