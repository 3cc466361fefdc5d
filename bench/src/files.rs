//! The AEAD of a suite from file to file. This is an encryption without headers, envelope, CRC,
//! order, journal and durability.

use std::fs::File;
use std::io::Result;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use stream_v2_format::wire::Suite;

use crate::bare::{Aead, FRAME, SEGMENT};

const FRAMES_IN_PIECE: u32 = 4;
/// The bytes that are read and sealed while they are still in the processor's own cache, as in
/// `sv2`.
const PIECE: usize = FRAMES_IN_PIECE as usize * FRAME;

/// The alignment of buffers, as in `sv2`. The kernel copies pages faster to the start of a page.
const PAGE: usize = 1 << 12;

/// Seals `source` into `target`, which is a file or /dev/null, on this many threads.
///
/// Threads take segments of 1 MiB in any order and write each at its place. A last segment that is
/// not full is left out. Returns whether the AEAD accepted everything.
///
/// # Errors
///
/// - if the file system refuses a read or a write.
pub fn seal(suite: Suite, source: &File, target: &File, threads: usize) -> Result<bool> {
    let segments = source.metadata()?.len() / SEGMENT as u64;
    let next = AtomicU64::new(0);
    let seal_some = || -> Result<bool> {
        let Some(aead) = Aead::new(suite) else { return Ok(false) };
        let (mut plaintext, mut sealed) = (vec![0; PIECE + PAGE], vec![0; SEGMENT + PAGE]);
        let (plaintext, sealed) = (page(&mut plaintext, PIECE), page(&mut sealed, SEGMENT));
        loop {
            let segment = next.fetch_add(1, Ordering::Relaxed);
            if segment >= segments {
                return Ok(true);
            }
            let begin = segment * SEGMENT as u64;
            for (out, number) in sealed.chunks_exact_mut(PIECE).zip(0u32..) {
                source.read_exact_at(plaintext, begin + u64::from(number) * PIECE as u64)?;
                if !aead.seal_frames(segment, number * FRAMES_IN_PIECE, plaintext, out) {
                    return Ok(false);
                }
            }
            target.write_all_at(sealed, begin)?;
        }
    };
    thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(seal_some)).collect();
        let here = seal_some()?;
        others.into_iter().try_fold(here, |all, other| Ok(all & other.join().unwrap_or(Ok(false))?))
    })
}

fn page(buffer: &mut [u8], len: usize) -> &mut [u8] {
    let begin = buffer.as_ptr().align_offset(PAGE);
    &mut buffer[begin..][..len]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seals_every_segment_where_it_belongs_on_any_number_of_threads() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("source"), vec![3; 5 * SEGMENT]).unwrap();
        let source = File::open(path("source")).unwrap();
        let [one, three] = [1, 3].map(|threads| {
            let target = path(&threads.to_string());
            assert!(seal(Suite::Aes256Gcm, &source, &File::create(&target).unwrap(), threads).unwrap());
            std::fs::read(target).unwrap()
        });
        assert_eq!(one.len(), 5 * SEGMENT);
        assert!(one.chunks(FRAME).all(|frame| frame[..16] != [3; 16]));
        assert!(one == three);
    }
}
