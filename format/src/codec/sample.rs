//! §10 Whether it is worth trying to compress a segment, from a few of its bytes.

/// Pieces of a sample, and bytes of each.
const PIECES: usize = 8;
const PIECE: usize = 1024;

/// Returns true if the plaintext looks like random bytes: what is encrypted, or compressed already.
///
/// Each value is about as frequent as any other in a sample of 8 KiB. Only such plaintext pays for
/// a second look. Text, tables and programs do not look like that.
pub(super) fn is_flat(plaintext: &[u8]) -> bool {
    if plaintext.len() < PIECES * PIECE {
        return false;
    }
    let mut counts = [0_u64; 256];
    let last = plaintext.len() - PIECE;
    for piece in 0..PIECES {
        let begin = last / (PIECES - 1) * piece;
        for &byte in &plaintext[begin..begin + PIECE] {
            counts[usize::from(byte)] += 1;
        }
    }
    // The sum of (count - mean)² / mean over the values. For random bytes it is 255 on average,
    // with a standard deviation of 22.6.
    let mean = counts.iter().sum::<u64>() / 256;
    let squares: u64 = counts.iter().map(|&count| count.abs_diff(mean).pow(2)).sum();
    squares / mean < 512
}

/// Copies a contiguous piece of the middle, which an encoder can try.
pub(super) fn middle(plaintext: &[u8]) -> &[u8] {
    let begin = plaintext.len() / 2;
    &plaintext[begin..plaintext.len().min(begin + PIECES * PIECE)]
}
