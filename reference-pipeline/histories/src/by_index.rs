//! A range reader that follows index segments (§15.5, step 5).

use crate::range::Range;
use crate::rules::Rule;
use crate::world::{Entries, Kind, Name};

impl Range<'_> {
    /// Follows index segments from the trailer, whose distance leads to the last one, and back.
    pub(crate) fn by_index(mut self) {
        for segment in self.world.segments() {
            self.count.answers += 1;
            let Kind::Index(previous, entries) = segment.kind else { continue };
            let bound = segment.transcript() == self.last.transcript;
            if bound || !self.rules.keep(Rule::LastIndexBound) {
                self.index(previous, entries, self.last.total);
            }
        }
        self.finish();
    }

    /// Reads the segments that an index segment names, before plaintext byte `end`.
    fn index(&mut self, previous: Option<Name>, entries: Entries, end: u8) {
        self.count.states += 1;
        let mut place = end;
        for entry in entries.as_slice().iter().rev() {
            let len = self.world.segment(*entry).kind.plaintext();
            let Some(before) = place.checked_sub(len) else { return };
            place = before;
            self.entry(*entry, len, place);
        }
        let Some(name) = previous else { return };
        for segment in self.world.segments() {
            self.count.answers += 1;
            let Kind::Index(previous, entries) = segment.kind else { continue };
            // An index segment other than the named one must lie further back too.
            if segment.name == name || !self.rules.keep(Rule::NamesCompared) && segment.name < name {
                self.index(previous, entries, place);
            }
        }
    }

    /// Applies SV2-IDX-006, and `malformed.index` for another length than the entry's.
    fn entry(&mut self, name: Name, len: u8, place: u8) {
        for segment in self.world.segments() {
            self.count.answers += 1;
            if segment.kind == Kind::Data(len)
                && (segment.name == name || !self.rules.keep(Rule::NamesCompared))
            {
                self.release(segment.name, place);
            }
        }
    }
}
