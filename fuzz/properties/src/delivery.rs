//! The same input, cut into reads in any way, gives the same result, the same bytes and the same
//! error (SV2-RDR-002).

use std::io::{self, ErrorKind, Read};

use crate::reader::{answer, repaired};

/// Takes 16 bytes that choose the cuts, and then the input.
pub fn delivery(data: &[u8]) {
    let Some((cuts, input)) = data.split_first_chunk::<16>() else { return };
    let input = repaired(cuts[0], input);
    for salvage in [false, true] {
        let whole = answer(&input[..], 1, salvage);
        let pieces = Pieces { input: &input, cuts: cuts.iter().cycle() };
        assert_eq!(answer(pieces, 2, salvage), whole);
    }
}

/// Returns as many bytes as the next cut has, and reports an interruption for a cut of 0.
struct Pieces<'a> {
    input: &'a [u8],
    cuts: std::iter::Cycle<std::slice::Iter<'a, u8>>,
}

impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let cut = match self.cuts.next() {
            // An input of interruptions alone never ends.
            Some(0) if self.cuts.clone().take(16).any(|cut| *cut != 0) => {
                return Err(ErrorKind::Interrupted.into());
            }
            Some(cut @ 0..=200) => usize::from(*cut).max(1),
            _ => 5000,
        };
        let most = cut.min(buffer.len());
        self.input.read(&mut buffer[..most])
    }
}
