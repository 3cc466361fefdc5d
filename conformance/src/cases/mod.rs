//! The vectors, declared by hand: a family for each operation.

mod crash;
pub(crate) mod export;
mod range;
mod read;
mod recover;
mod resume;
mod rewrap;
mod unwrap;
mod write;

use crate::cases::export::Blobs;
use crate::operations::Vector;

/// Returns all vectors, with their folders below that of their operation. Large inputs and outputs
/// go to `blobs`.
pub(crate) fn all(blobs: &mut Blobs) -> Vec<(String, Vector)> {
    let mut vectors = read::export_all(blobs);
    vectors.extend(range::export_all(blobs));
    let in_area = |area: &'static str| move |vector| (area.to_owned(), vector);
    vectors.extend(write::export_all(blobs).into_iter().map(in_area("stream")));
    vectors.extend(recover::export_all(blobs).into_iter().map(in_area("output")));
    vectors.extend(crash::export_all(blobs).into_iter().map(in_area("output")));
    vectors.extend(resume::export_all(blobs).into_iter().map(in_area("output")));
    vectors.extend(unwrap::export_all(blobs));
    vectors.extend(rewrap::export_all(blobs));
    vectors
}
