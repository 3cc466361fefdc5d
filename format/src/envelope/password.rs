//! §12.1 Passwords: runs Argon2id, and wraps and unwraps a content key under its output (feature
//! `argon2id`).

use alloc::vec::Vec;

use argon2::{Algorithm, Argon2, Block, Params, Version};
use zeroize::Zeroize;

use super::argon2id::{Argon2idParams, Argon2idView};
use super::stanza::ENVELOPE_OFFSET;
use super::wrapped::{WrappedKey, not_unwrapped};
use crate::crypto::{ContentKey, WrapLabels, WrapRoot};
use crate::wire::StanzaType;
use crate::{Detail, Error, Misuse, Offset};

const SALT_LEN: usize = 32;
const PREFIX_LEN: usize = 48;
const LABELS: WrapLabels = WrapLabels { commitment: b"argon2id commitment", wrap: b"argon2id wrap" };
/// The least that a writer uses: 64 MiB and 3 passes.
const WRITER_MEMORY_KIB_MIN: u32 = 65_536;
const WRITER_PASSES_MIN: u32 = 3;

/// What a caller lets an envelope cost (SV2-LIM-003).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Argon2idLimits {
    /// Most memory, in KiB.
    pub memory_kib: u32,
    /// Most memory times passes, in KiB. It bounds the time.
    pub work_kib: u64,
}

impl Argon2idLimits {
    /// 1 GiB of memory, and 4 GiB in all passes.
    pub const DEFAULT: Self = Self { memory_kib: 1 << 20, work_kib: 4 << 20 };

    /// Returns the same limits with another one for memory, in KiB.
    #[must_use]
    pub const fn with_memory_kib(self, memory_kib: u32) -> Self {
        Self { memory_kib, ..self }
    }

    /// Returns the same limits with another one for memory times passes, in KiB.
    #[must_use]
    pub const fn with_work_kib(self, work_kib: u64) -> Self {
        Self { work_kib, ..self }
    }

    fn check(&self, params: Argon2idParams, offset: Offset) -> Result<(), Error> {
        let memory = u64::from(params.memory_kib);
        let bounds = [(memory, self.memory_kib.into()), (memory * u64::from(params.passes), self.work_kib)];
        match bounds.into_iter().find(|(value, most)| value > most) {
            Some((value, most)) => Err(Error::new(Detail::LimitPolicy, offset).between(value, 0, most)),
            None => Ok(()),
        }
    }
}

impl Default for Argon2idLimits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// The memory in which Argon2id runs. It is kept for the next run, and overwritten when dropped.
#[derive(Default)]
pub struct Argon2idMemory(Vec<Block>);

impl Argon2idMemory {
    /// Returns no memory. A run reserves what it needs.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Returns so many blocks of 1 KiB, or `None` if there is not that much memory.
    fn blocks(&mut self, memory_kib: u32) -> Option<&mut [Block]> {
        let len = usize::try_from(memory_kib).ok()?;
        if len > self.0.len() {
            // A larger place would leave a copy of the blocks at the old one.
            self.0.iter_mut().zeroize();
            self.0.try_reserve_exact(len).ok()?;
            self.0.resize(len, Block::new());
        }
        self.0.get_mut(..len)
    }
}

impl Drop for Argon2idMemory {
    fn drop(&mut self) {
        self.0.iter_mut().zeroize();
    }
}

impl core::fmt::Debug for Argon2idMemory {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Argon2idMemory({} KiB)", self.0.len())
    }
}

impl Argon2idView<'_> {
    /// Checks what [`unwrap`](Self::unwrap) checks before it runs Argon2id, except for the memory.
    ///
    /// # Errors
    ///
    /// - `limit.argon2id` if a parameter is outside the limits of the format.
    /// - `limit.policy` if the parameters are above `limits`.
    pub fn check_policy(&self, limits: Argon2idLimits) -> Result<(), Error> {
        self.params().check(self.offset)?;
        //= spec/stream-v2.md#sv2-lim-003
        //# A reader MAY refuse with `limit.policy`, before it runs Argon2id, parameters above a
        //# limit of its caller, or memory that it does not get.
        limits.check(self.params(), self.offset)
    }

    /// Returns the content key that is wrapped under `password`.
    ///
    /// # Errors
    ///
    /// - `limit.argon2id` if a parameter is outside the limits of the format.
    /// - `limit.policy` if the parameters are above `limits`, or there is not so much memory.
    /// - `key.envelope` if it is wrapped under another password, or the stanza was altered.
    pub fn unwrap(
        &self,
        password: &[u8],
        limits: Argon2idLimits,
        memory: &mut Argon2idMemory,
    ) -> Result<ContentKey, Error> {
        self.check_policy(limits)?;
        let root = root(password, &self.salt, self.params(), memory, self.offset)?;
        root.unwrap(&LABELS, self.body).ok_or(not_unwrapped())
    }
}

impl WrappedKey {
    /// Wraps `content_key` under `password`, for an `argon2id` stanza (§12.1).
    ///
    /// `salt` comes from the operating system's random generator and is used once (SV2-ENV-014).
    ///
    /// # Errors
    ///
    /// - `misuse` if the parameters are too weak for a writer.
    /// - `limit.argon2id` if a parameter is outside the limits of the format.
    /// - `limit.policy` if there is not so much memory.
    pub fn by_password(
        password: &[u8],
        params: Argon2idParams,
        salt: [u8; SALT_LEN],
        content_key: &ContentKey,
        memory: &mut Argon2idMemory,
    ) -> Result<Self, Error> {
        //= spec/stream-v2.md#sv2-env-027
        //# A writer MUST NOT write an `argon2id` stanza of less than 65,536 KiB of memory or of
        //# fewer than 3 passes.
        if params.memory_kib < WRITER_MEMORY_KIB_MIN || params.passes < WRITER_PASSES_MIN {
            return Err(Error::misuse(Misuse::Argon2idWeak));
        }
        params.check(ENVELOPE_OFFSET)?;
        wrap(password, params, salt, content_key, memory)
    }
}

fn wrap(
    password: &[u8],
    params: Argon2idParams,
    salt: [u8; SALT_LEN],
    content_key: &ContentKey,
    memory: &mut Argon2idMemory,
) -> Result<WrappedKey, Error> {
    let mut prefix = [0; PREFIX_LEN];
    prefix[..32].copy_from_slice(&salt);
    prefix[32..36].copy_from_slice(&params.memory_kib.to_le_bytes());
    prefix[36..40].copy_from_slice(&params.passes.to_le_bytes());
    prefix[40..44].copy_from_slice(&params.lanes.to_le_bytes());
    let root = root(password, &salt, params, memory, ENVELOPE_OFFSET)?;
    let body = root.wrap(&LABELS, &prefix, content_key).ok_or(not_unwrapped())?;
    Ok(WrappedKey::new(StanzaType::Argon2id, body))
}

/// Runs Argon2id with checked parameters.
fn root(
    password: &[u8],
    salt: &[u8; SALT_LEN],
    params: Argon2idParams,
    memory: &mut Argon2idMemory,
    offset: Offset,
) -> Result<WrapRoot, Error> {
    let Argon2idParams { memory_kib, passes, lanes } = params;
    let refused = Error::new(Detail::LimitPolicy, offset).with_found(memory_kib.into());
    let blocks = memory.blocks(memory_kib).ok_or(refused)?;
    let params = Params::new(memory_kib, passes, lanes, Some(32));
    let params = params.map_err(|_| Error::new(Detail::LimitArgon2id, offset))?;
    let argon2id = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let run = |root: &mut [u8; 32]| argon2id.hash_password_into_with_memory(password, salt, root, blocks);
    // Only a password of more than 4 GiB is refused.
    WrapRoot::filled_by(run).map_err(|_| not_unwrapped())
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::String;

    use proptest::prelude::*;

    use super::super::stanza::Stanza;
    use super::*;

    /// The least that the format allows, so that tests do not wait.
    const CHEAP: Argon2idParams = Argon2idParams::new(8, 1, 1);

    fn view(body: &[u8]) -> Result<Argon2idView<'_>, Error> {
        Argon2idView::parse(&Stanza { stanza_type: 1, body, offset: Offset(128) })
    }

    fn unwrap(body: &[u8], password: &[u8]) -> Result<ContentKey, Error> {
        view(body)?.unwrap(password, Argon2idLimits::DEFAULT, &mut Argon2idMemory::new())
    }

    fn wrapped(password: &[u8], params: Argon2idParams) -> WrappedKey {
        wrap(password, params, [7; 32], &ContentKey::new([9; 32]), &mut Argon2idMemory::new()).unwrap()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn wrapped_key_unwraps_under_its_password_only(
            (password, other) in (prop::collection::vec(any::<u8>(), 0..40), prop::collection::vec(any::<u8>(), 0..40)),
            (memory_kib, passes, lanes) in (32u32..100, 1u32..4, 1u32..5),
            salt: [u8; 32],
            content_key: [u8; 32],
        ) {
            prop_assume!(password != other);
            let (params, mut memory) = (Argon2idParams::new(memory_kib, passes, lanes), Argon2idMemory::new());
            let content_key = ContentKey::new(content_key);
            let wrapped = wrap(&password, params, salt, &content_key, &mut memory).unwrap();
            let view = view(wrapped.body()).unwrap();
            prop_assert_eq!((view.params(), view.salt), (params, salt));
            let unwrapped = view.unwrap(&password, Argon2idLimits::DEFAULT, &mut memory).unwrap();
            prop_assert_eq!(unwrapped.id(), content_key.id());
            let error = view.unwrap(&other, Argon2idLimits::DEFAULT, &mut memory).unwrap_err();
            prop_assert_eq!((error.detail(), error.offset()), (Detail::KeyEnvelope, Offset(128)));
        }

        #[test]
        fn any_bytes_unwrap_to_an_error(mut body in prop::collection::vec(any::<u8>(), 128), cheap: bool) {
            if cheap {
                body[32..48].copy_from_slice(&wrapped(b"", CHEAP).body()[32..48]);
            }
            prop_assert_eq!(view(&body).is_ok(), cheap);
            prop_assert!(unwrap(&body, b"password").is_err());
        }
    }

    #[test]
    fn every_altered_bit_is_noticed() {
        let wrapped = wrapped(b"password", CHEAP);
        assert!(unwrap(wrapped.body(), b"password").is_ok());
        // Parameters and reserved bytes have errors of their own.
        for bit in (0..8 * 128).filter(|bit| !(8 * 32..8 * 48).contains(bit)) {
            let mut altered = wrapped.body().to_vec();
            altered[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(unwrap(&altered, b"password").unwrap_err().detail(), Detail::KeyEnvelope, "{bit}");
        }
    }

    //= spec/stream-v2.md#sv2-lim-003
    //= type=test
    //# A reader MAY refuse with `limit.policy`, before it runs Argon2id, parameters above a limit
    //# of its caller, or memory that it does not get.
    #[test]
    fn limits_of_the_caller_refuse_before_a_run() {
        let wrapped = wrapped(b"password", Argon2idParams::new(64, 3, 2));
        let view = view(wrapped.body()).unwrap();
        let mut memory = Argon2idMemory::new();
        let limits = Argon2idLimits::DEFAULT.with_memory_kib(64).with_work_kib(192);
        for refusing in [limits.with_memory_kib(63), limits.with_work_kib(191)] {
            let error = view.unwrap(b"password", refusing, &mut memory).unwrap_err();
            assert_eq!((error.detail(), error.offset()), (Detail::LimitPolicy, Offset(128)));
            assert_eq!(memory.0.len(), 0, "it has not run");
        }
        assert!(view.unwrap(b"password", limits, &mut memory).is_ok());
    }

    //= spec/stream-v2.md#sv2-env-027
    //= type=test
    //# A writer MUST NOT write an `argon2id` stanza of less than 65,536 KiB of memory or of fewer
    //# than 3 passes.
    #[test]
    fn writer_refuses_weak_and_forbidden_parameters() {
        let wrapped = |memory_kib, passes, lanes| {
            let params = Argon2idParams::new(memory_kib, passes, lanes);
            let (key, mut memory) = (ContentKey::new([9; 32]), Argon2idMemory::new());
            WrappedKey::by_password(b"password", params, [7; 32], &key, &mut memory)
        };
        for (memory_kib, passes) in [(65_535, 3), (65_536, 2), (0, 0)] {
            assert_eq!(wrapped(memory_kib, passes, 4).unwrap_err().rule(), Some(Misuse::Argon2idWeak));
        }
        assert_eq!(wrapped(65_536, 17, 4).unwrap_err().detail(), Detail::LimitArgon2id);
        assert_eq!(wrapped(65_536, 3, 0).unwrap_err().detail(), Detail::LimitArgon2id);
        let least = wrapped(65_536, 3, 4).unwrap();
        assert!(unwrap(least.body(), b"password").is_ok());
    }

    /// Computed with the Argon2 of its authors, hashlib and libsodium.
    #[test]
    fn body_is_that_of_other_libraries() {
        let counted = |from: u8| core::array::from_fn(|at| from + u8::try_from(at).unwrap());
        let (params, content_key) = (Argon2idParams::new(64, 3, 4), ContentKey::new(counted(0)));
        let mut memory = Argon2idMemory::new();
        let password = b"correct horse battery staple";
        let wrapped = wrap(password, params, counted(0x40), &content_key, &mut memory).unwrap();
        let hex: String = wrapped.body()[48..].iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(&hex[..64], "cd8a6411a21793c3c55a055b06640bbaf41f55dc9b6097a956a7f57e46d6c414");
        assert_eq!(&hex[64..128], "e73ea6d5e7f1df25e01272ce73066030845412b71a7206b9efa78100627c025d");
        assert_eq!(&hex[128..], "ad059ebf284c4bc956adb4565b903bad");
    }

    #[test]
    fn memory_is_kept_and_shows_no_block() {
        let mut memory = Argon2idMemory::new();
        for memory_kib in [16, 8, 32] {
            assert_eq!(memory.blocks(memory_kib).map(|blocks| blocks.len()), Some(memory_kib as usize));
        }
        assert_eq!(format!("{memory:?}"), "Argon2idMemory(32 KiB)");
    }
}
