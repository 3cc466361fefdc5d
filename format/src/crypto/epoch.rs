//! §13 Key epochs: E_i follows from E_(i-1), in one direction only.

use alloc::vec::Vec;

use super::key_schedule::StreamKeys;
use super::mac::Secret;
use crate::KeyEpoch;

/// The distance between the epochs whose E is kept, if any are: 8 KiB for all of them (§15.5).
const KEPT_EVERY: u32 = 256;

/// Walks the chain of epoch secrets and remembers its position.
pub(super) struct EpochChain {
    reached: KeyEpoch,
    secret: Reached,
    /// E_256, E_512 and so on, as far as they were reached, for readers that go back.
    ///
    /// A writer that drops epochs keeps none.
    kept: Option<Vec<Secret>>,
}

/// The place of E of the reached epoch.
enum Reached {
    /// The stream's keys hold E.
    Zero,
    /// E is the one of the kept secrets with this index.
    Kept(usize),
    Here(Secret),
}

impl EpochChain {
    pub(super) const fn new() -> Self {
        Self { reached: KeyEpoch(0), secret: Reached::Zero, kept: None }
    }

    /// Keeps secrets from now on, so that going back to an epoch takes at most 255 steps.
    pub(super) fn keep(&mut self) {
        self.kept.get_or_insert_default();
    }

    /// Returns K_aead and K_digest of `epoch`.
    ///
    /// This takes at most 65,535 steps, because `epoch` is bounded (§14).
    pub(super) fn keys(&mut self, stream: &StreamKeys, epoch: KeyEpoch) -> (Secret, Secret) {
        self.start(epoch);
        while self.reached < epoch {
            let next = stream.next_epoch(self.secret(stream));
            self.reached = KeyEpoch(self.reached.0 + 1);
            self.secret = Reached::Here(next);
            self.keep_reached();
        }
        let secret = self.secret(stream);
        (stream.aead(secret), stream.digest(secret))
    }

    /// Goes to the nearest epoch, at or before `epoch`, whose E is available.
    fn start(&mut self, epoch: KeyEpoch) {
        let kept = self.kept.as_ref().map_or(0, Vec::len);
        let place = kept.min((epoch.0 / KEPT_EVERY) as usize);
        let nearest = KeyEpoch(KEPT_EVERY.saturating_mul(u32::try_from(place).unwrap_or(0)));
        if self.reached > epoch || self.reached < nearest {
            self.reached = nearest;
            self.secret = place.checked_sub(1).map_or(Reached::Zero, Reached::Kept);
        }
    }

    /// Keeps E of the reached epoch, if it is the next one to keep.
    fn keep_reached(&mut self) {
        let Some(kept) = &mut self.kept else { return };
        if u64::from(self.reached.0) == u64::from(KEPT_EVERY) * (kept.len() as u64 + 1)
            && let Reached::Here(secret) = core::mem::replace(&mut self.secret, Reached::Kept(kept.len()))
        {
            kept.push(secret);
        }
    }

    fn secret<'a>(&'a self, stream: &'a StreamKeys) -> &'a Secret {
        match &self.secret {
            Reached::Zero => &stream.epoch_zero,
            Reached::Kept(place) => {
                self.kept.as_ref().and_then(|kept| kept.get(*place)).unwrap_or(&stream.epoch_zero)
            }
            Reached::Here(secret) => secret,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::ContentKey;
    use crate::wire::StreamParams;

    /// The keys of an epoch are the same in any order, with and without kept secrets.
    #[test]
    fn going_back_gives_the_same_keys_in_few_steps() {
        let stream = StreamKeys::derive(&StreamParams::new([1; 32]), &ContentKey::new([2; 32]), b"");
        let (mut keeping, mut plain) = (EpochChain::new(), EpochChain::new());
        keeping.keep();
        for epoch in [0, 3, 255, 256, 257, 1030, 1029, 512, 511, 769, 256, 1, 0, 1024, 1300].map(KeyEpoch) {
            let (aead, digest) = keeping.keys(&stream, epoch);
            let mut fresh = EpochChain::new();
            for chain in [&mut plain, &mut fresh] {
                let expected = chain.keys(&stream, epoch);
                assert_eq!((aead.bytes(), digest.bytes()), (expected.0.bytes(), expected.1.bytes()));
            }
        }
        assert_eq!(keeping.kept.as_ref().map(Vec::len), Some(5));
        assert!(plain.kept.is_none());
        // Going back begins at the nearest kept secret.
        keeping.start(KeyEpoch(1023));
        assert_eq!(keeping.reached, KeyEpoch(768));
    }
}
