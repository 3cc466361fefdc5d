//! The search: every readable byte of the process against every half of every key, plain and padded
//! for HMAC.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;

/// Bytes of a needle: half a key, the size of a register.
const LEN: usize = 16;
const PIECE: usize = 1 << 20;
/// The forms of a key: plain, and under the two pads of HMAC.
const PADS: [(u8, &str); 3] = [(0, ""), (0x36, ", as HMAC's inner pad"), (0x5C, ", as HMAC's outer pad")];

/// A masked secret of 32 bytes, which the search does not find here.
pub struct Hidden {
    /// The name of the secret in reports.
    pub name: String,
    masked: [u8; 32],
}

/// Masks 32 bytes.
pub(crate) fn mask(mut bytes: [u8; 32]) -> [u8; 32] {
    (0..).zip(&mut bytes).for_each(|(at, byte)| *byte ^= mask_at(at));
    bytes
}

/// Writes a secret into `secret` without any other copy.
pub fn unmask(masked: &[u8; 32], secret: &mut [u8; 32]) {
    (0..).zip(masked).zip(secret).for_each(|((at, masked), byte)| *byte = masked ^ mask_at(at));
}

fn mask_at(at: u8) -> u8 {
    at.wrapping_mul(29) ^ 0xA7
}

impl Hidden {
    /// Creates it from a secret that is already masked.
    #[must_use]
    pub fn masked(name: &str, masked: [u8; 32]) -> Self {
        Self { name: name.to_owned(), masked }
    }

    /// Returns one byte under a pad. The plain bytes never exist together in one place.
    fn byte(&self, place: usize, pad: u8) -> u8 {
        self.masked[place] ^ mask_at(u8::try_from(place).unwrap()) ^ pad
    }

    fn starts(&self, bytes: &[u8], begin: usize, pad: u8) -> bool {
        (begin..begin + LEN).zip(bytes).all(|(place, &byte)| byte == self.byte(place, pad))
    }
}

/// A pattern to search for.
struct Needle<'a> {
    secret: &'a Hidden,
    begin: usize,
    pad: (u8, &'static str),
}

/// Returns which of these secrets are in the memory of this process, and where.
#[must_use]
pub fn found(secrets: &[Hidden]) -> Vec<String> {
    let mut by_first_byte: Vec<Vec<Needle<'_>>> = (0..256).map(|_| Vec::new()).collect();
    for secret in secrets {
        for pad in PADS {
            for begin in [0, LEN] {
                by_first_byte[usize::from(secret.byte(begin, pad.0))].push(Needle { secret, begin, pad });
            }
        }
    }
    let mut memory = File::open("/proc/self/mem").unwrap();
    let mut piece = vec![0; PIECE + LEN];
    let mut reports = Vec::new();
    for (range, name) in mappings() {
        for at in range.clone().step_by(PIECE) {
            let len = usize::try_from(range.end - at).unwrap().min(piece.len());
            memory.seek(SeekFrom::Start(at)).unwrap();
            // The mapping is gone or unreadable.
            if memory.read_exact(&mut piece[..len]).is_err() {
                continue;
            }
            search(&piece[..len], &by_first_byte, |place, needle| {
                let (address, half) = (at + place as u64, needle.begin / LEN);
                let Needle { secret, pad, .. } = needle;
                reports.push(format!("{}{}, half {half}: {address:#x} in {name}", secret.name, pad.1));
            });
        }
    }
    reports.dedup();
    reports
}

fn search<'a>(bytes: &[u8], needles: &'a [Vec<Needle<'a>>], mut hit: impl FnMut(usize, &Needle<'a>)) {
    for (place, window) in bytes.windows(LEN).enumerate() {
        for needle in &needles[usize::from(window[0])] {
            if needle.secret.starts(window, needle.begin, needle.pad.0) {
                hit(place, needle);
            }
        }
    }
}

/// Returns the readable mappings, as addresses and name.
fn mappings() -> Vec<(Range<u64>, String)> {
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let hex = |digits| u64::from_str_radix(digits, 16).unwrap();
    maps.lines()
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            let (begin, end) = words.next()?.split_once('-')?;
            let readable = words.next()?.starts_with('r');
            let name = words.nth(3).unwrap_or("anonymous memory");
            (readable && !name.starts_with("[v")).then(|| (hex(begin)..hex(end), name.to_owned()))
        })
        .collect()
}
