//! The read vectors, area by area. Each has one fault, with the answer beside it.

mod accept;
pub(crate) mod case;
mod codec;
mod codec_lz4;
mod damage;
mod digest;
mod envelope;
mod envelope_argon2id;
mod epoch;
mod export;
mod finals;
mod frame;
mod header;
mod header_size;
mod index;
mod index_order;
mod key;
mod link;
mod order;
mod salvage;
mod segment;
mod segment_size;
mod segment_tag;
mod suite;

use crate::cases::export::Blobs;
use crate::cases::read::case::Case;
use crate::cases::read::export::export;
use crate::generator::plan::Plan;
use crate::operations::Vector;

/// Returns all read vectors, with their areas.
pub(crate) fn export_all(blobs: &mut Blobs) -> Vec<(String, Vector)> {
    all().iter().map(|case| (case.area().to_owned(), export(case, blobs))).collect()
}

fn all() -> Vec<Case> {
    [
        accept::cases(),
        header::cases(),
        header_size::cases(),
        key::cases(),
        envelope::cases(),
        envelope_argon2id::cases(),
        segment::cases(),
        segment_size::cases(),
        segment_tag::cases(),
        frame::cases(),
        digest::cases(),
        finals::cases(),
        link::cases(),
        order::cases(),
        epoch::cases(),
        suite::cases(),
        codec::cases(),
        codec_lz4::cases(),
        index::cases(),
        index_order::cases(),
        salvage::cases(),
        damage::cases(),
    ]
    .concat()
}

/// Returns `accept-empty`, a stream header and a final segment.
fn empty() -> Plan {
    Plan::flushed(&[])
}

/// Returns `accept-three-segments`, the base of most faults because it is small.
fn three() -> Plan {
    Plan::flushed(&[100, 70, 30])
}

/// Returns `accept-two-frames`, one segment of two equal frames.
fn two_frames() -> Plan {
    Plan::filled(8192, 8192)
}

/// Returns `accept-two-runs`, in which a second run begins at segment 1.
fn two_runs() -> Plan {
    three().runs_at(&[1])
}

/// Returns `accept-uniform`, a full segment and a short one.
fn uniform() -> Plan {
    Plan::filled(4096, 4196).uniform()
}
