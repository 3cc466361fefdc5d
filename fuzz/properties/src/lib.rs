//! The properties. Each takes any bytes, and panics if something does not hold that must hold for
//! all of them.
//!
//! A fuzz target is one line that calls one of these. `tests/properties.rs` calls them with every
//! input that a campaign has found.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a property that does not hold is a panic")]

mod capture;
mod compressed;
mod crash;
mod delivery;
mod differential;
mod histories;
mod parse;
mod ranges;
mod read;
mod reader;
mod reseal;
mod schedule;
mod seeds;
mod unlock;
mod write_then_parse;

pub use compressed::compressed;
pub use crash::crash;
pub use delivery::delivery;
pub use differential::differential;
pub use histories::histories;
pub use parse::parse;
pub use ranges::ranges;
pub use read::read;
pub use reseal::reseal;
pub use schedule::schedule;
pub use seeds::{Seed, draw, seeds};
pub use unlock::unlock;
pub use write_then_parse::write_then_parse;

/// A property.
pub type Property = fn(&[u8]);

/// All properties, by the names of their targets.
pub const PROPERTIES: [(&str, Property); 12] = [
    ("compressed", compressed),
    ("crash", crash),
    ("delivery", delivery),
    ("differential", differential),
    ("histories", histories),
    ("parse", parse),
    ("ranges", ranges),
    ("read", read),
    ("reseal", reseal),
    ("schedule", schedule),
    ("unlock", unlock),
    ("write_then_parse", write_then_parse),
];
