//! The common part of the three ways of a range reader (§15.5).

use crate::findings::{Claim, Count, Findings};
use crate::rules::Rules;
use crate::world::{Final, Name, World};

/// A range reader that has verified a final segment.
pub(crate) struct Range<'a> {
    pub(crate) world: &'a World,
    pub(crate) last: &'a Final,
    pub(crate) rules: Rules,
    pub(crate) count: &'a mut Count,
    pub(crate) found: &'a mut Findings,
    /// The places of the sealed history for which the right segment was released.
    released: u64,
}

impl<'a> Range<'a> {
    pub(crate) fn new(
        world: &'a World,
        last: &'a Final,
        rules: Rules,
        count: &'a mut Count,
        found: &'a mut Findings,
    ) -> Self {
        Self { world, last, rules, count, found, released: 0 }
    }

    /// Releases a data segment at a place of the plaintext, and checks the claim.
    pub(crate) fn release(&mut self, name: Name, place: u8) {
        self.count.states += 1;
        if self.world.place_in(self.last.transcript, name) == Some(place) {
            self.released |= 1 << name;
        } else {
            self.found.note(Claim::Released, self.world);
        }
    }

    /// Checks that every segment of the sealed history was released, if the storage answers with
    /// it.
    pub(crate) fn finish(self) {
        let wanted = self.last.transcript.names().filter(|name| self.world.segment(*name).kind.is_data());
        if wanted.fold(0, |all, name| all | 1_u64 << name) & !self.released != 0 {
            self.found.note(Claim::Refused, self.world);
        }
    }
}
