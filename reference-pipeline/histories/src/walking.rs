//! A range reader that walks over headers, in a sealed stream and in an unsealed one (§15.5, step
//! 4).

use crate::findings::{Claim, Count, Findings};
use crate::range::Range;
use crate::reached::{Reached, first_is_before};
use crate::rules::{Rule, Rules};
use crate::world::{Segment, World};

/// Applies SV2-RNG-007. The header has the next index (SV2-ORD-001).
fn believes(rules: Rules, here: &Reached, header: &Segment) -> bool {
    let same = header.salt == here.run.salt;
    let order = match here.index {
        0 => header.starts,
        _ if header.starts => !same,
        _ => same || !rules.keep(Rule::WalkSameRun),
    };
    let starts_later = header.starts && here.index > 0;
    let link = !starts_later || header.link == here.run || !rules.keep(Rule::WalkLinks);
    order && link && (!starts_later || first_is_before(header.link, header.index))
}

impl Range<'_> {
    /// Walks, and reads every segment as soon as its place and run are known.
    pub(crate) fn by_walking(mut self) {
        if self.last.index > 0 && first_is_before(self.last.link, self.last.index) {
            self.walk(Reached::START, &mut Vec::new());
        }
        self.finish();
    }

    fn walk(&mut self, here: Reached, headers: &mut Vec<(Segment, u8)>) {
        let (world, named) = (self.world, self.last.link);
        for header in world.at(here.index) {
            self.count.answers += 1;
            // The run that the trailer names holds all segments from its first one on
            // (SV2-RNG-005).
            let of_named = header.index < named.first
                || header.salt == named.salt
                    && (header.index != named.first
                        || header.starts
                        || !self.rules.keep(Rule::StartDemanded));
            if !believes(self.rules, &here, header) || self.rules.keep(Rule::WalkToTrailer) && !of_named {
                continue;
            }
            let after = here.after(world.layout, header);
            // If all headers were walked over, they end with the total (SV2-RNG-001).
            if after.index == self.last.index && after.total != self.last.total {
                continue;
            }
            self.count.states += 1;
            headers.push((*header, here.total));
            // The walk may end here. Wanted segments before this one were read by the same walk
            // before, and are read here if the walk could not end earlier.
            match header.index {
                index if index == named.first => self.wanted_of(headers),
                index if index > named.first => self.wanted_of(&headers[usize::from(index)..]),
                _ => {}
            }
            if after.index < self.last.index {
                self.walk(after, headers);
            }
            headers.pop();
        }
    }

    /// Reads wanted segments. The storage may have changed since their headers were read.
    fn wanted_of(&mut self, headers: &[(Segment, u8)]) {
        let world = self.world;
        for (header, place) in headers.iter().filter(|(header, _)| header.kind.is_data()) {
            for segment in world.at(header.index) {
                self.count.answers += 1;
                let same = segment.salt == header.salt && segment.starts == header.starts;
                if segment.kind.is_data() && (same || !self.rules.keep(Rule::ComparedAgain)) {
                    self.release(segment.name, *place);
                }
            }
        }
    }
}

/// Walks without a final segment. The segments that it reads are a prefix of one history.
pub(crate) fn unsealed(world: &World, rules: Rules, count: &mut Count, found: &mut Findings) {
    fn walk(world: &World, rules: Rules, here: Reached, count: &mut Count, found: &mut Findings) {
        for header in world.at(here.index) {
            count.answers += 1;
            if believes(rules, &here, header) {
                count.states += 1;
                let after = here.after(world.layout, header);
                if after.transcript != header.transcript() {
                    found.note(Claim::Unsealed, world);
                }
                walk(world, rules, after, count, found);
            }
        }
    }
    walk(world, rules, Reached::START, count, found);
}
