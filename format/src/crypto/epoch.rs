//! §13 Key epochs: E_i follows from E_(i-1), in one direction only.

use super::key_schedule::StreamKeys;
use super::mac::Secret;
use crate::KeyEpoch;

/// Walks the chain of epoch secrets and remembers where it stands.
pub(super) struct EpochChain {
    /// `None` stands for E_0, which the stream's keys hold.
    reached: Option<(KeyEpoch, Secret)>,
}

impl EpochChain {
    pub(super) const fn new() -> Self {
        Self { reached: None }
    }

    /// K_aead and K_digest of `epoch`. At most 65,535 steps, because `epoch` is bounded (§14).
    pub(super) fn keys(&mut self, stream: &StreamKeys, epoch: KeyEpoch) -> (Secret, Secret) {
        if self.place() > epoch {
            self.reached = None;
        }
        while self.place() < epoch {
            let next = stream.next_epoch(self.secret(stream));
            self.reached = Some((KeyEpoch(self.place().0 + 1), next));
        }
        let secret = self.secret(stream);
        (stream.aead(secret), stream.digest(secret))
    }

    fn place(&self) -> KeyEpoch {
        self.reached.as_ref().map_or(KeyEpoch(0), |(epoch, _)| *epoch)
    }

    fn secret<'a>(&'a self, stream: &'a StreamKeys) -> &'a Secret {
        self.reached.as_ref().map_or(&stream.epoch_zero, |(_, secret)| secret)
    }
}
