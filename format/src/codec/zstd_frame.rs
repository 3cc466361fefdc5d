//! §10 The header of a Zstandard frame (RFC 8878, 3.1.1.1), as far as a reader checks it itself.

use super::Fault;

/// Bytes of the magic number, 0xFD2FB528 in little-endian order.
const MAGIC: [u8; 4] = [0x28, 0xB5, 0x2F, 0xFD];

/// Returns the fault of a frame header: what must not be given to a decoder.
///
/// ```text
/// 0 magic (4) | 4 descriptor u8 | Window_Descriptor (0 or 1) | Dictionary_ID (0, 1, 2 or 4)
///   | Frame_Content_Size (0, 1, 2, 4 or 8)
/// ```
pub(super) fn check(payload: &[u8], plaintext_len: usize, window_max: u32) -> Result<(), Fault> {
    let Header { window, dictionary, content } = read(payload).ok_or(Fault::Payload)?;
    //= spec/stream-v2.md#sv2-cod-005
    //# A reader MUST reject with `limit.codec_window` a Zstandard frame whose window is above S.
    if window > window_max.into() {
        return Err(Fault::Window(window));
    }
    let fits = content.is_none_or(|content| content == plaintext_len as u64);
    if dictionary == 0 && fits { Ok(()) } else { Err(Fault::Payload) }
}

/// What a frame header says.
#[derive(Debug, PartialEq, Eq)]
struct Header {
    /// Bytes.
    window: u64,
    /// The Dictionary_ID, or 0.
    dictionary: u64,
    /// The Frame_Content_Size, if it is there.
    content: Option<u64>,
}

/// Returns `None` if this is no frame header.
fn read(payload: &[u8]) -> Option<Header> {
    let mut rest = payload.strip_prefix(&MAGIC)?;
    let descriptor = little_endian(&mut rest, 1)?;
    let reserved = descriptor & 0b1000 != 0;
    if reserved {
        return None;
    }
    let single_segment = descriptor & 0b10_0000 != 0;
    let window = if single_segment { None } else { Some(window(little_endian(&mut rest, 1)?)) };
    let dictionary = little_endian(&mut rest, [0, 1, 2, 4][(descriptor & 0b11) as usize])?;
    let (len, above) = match (descriptor >> 6, single_segment) {
        (0, false) => (0, 0),
        (0, true) => (1, 0),
        (1, _) => (2, 256),
        (2, _) => (4, 0),
        _ => (8, 0),
    };
    let content = little_endian(&mut rest, len)?.saturating_add(above);
    Some(Header { window: window.unwrap_or(content), dictionary, content: (len > 0).then_some(content) })
}

/// Returns the bytes of the window that a Window_Descriptor states.
const fn window(descriptor: u64) -> u64 {
    let base = 1 << (10 + (descriptor >> 3));
    base + base / 8 * (descriptor & 0b111)
}

/// Takes an integer of `len` bytes, of at most 8.
fn little_endian(rest: &mut &[u8], len: usize) -> Option<u64> {
    let (bytes, after) = rest.split_at_checked(len)?;
    *rest = after;
    Some(bytes.iter().rev().fold(0, |value, &byte| value << 8 | u64::from(byte)))
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;

    /// Returns a header with this descriptor, and what follows it.
    fn header(rest: &[u8]) -> Vec<u8> {
        [&MAGIC[..], rest].concat()
    }

    fn said(rest: &[u8]) -> Option<(u64, u64, Option<u64>)> {
        read(&header(rest)).map(|header| (header.window, header.dictionary, header.content))
    }

    #[test]
    fn windows_and_lengths_are_those_of_the_rfc() {
        for (rest, window, content) in [
            (&[0x00, 0x00][..], 1024, None),
            (&[0x00, 0x11], 4096 + 512, None),
            (&[0x00, 0xFF], (1 << 41) + 7 * (1 << 38), None),
            (&[0x20, 200], 200, Some(200)),
            (&[0x40, 0x00, 1, 0], 1024, Some(257)),
            (&[0x60, 0x00, 0x10], 4096 + 256, Some(4096 + 256)),
            (&[0xA0, 0, 0, 1, 0], 1 << 16, Some(1 << 16)),
            (&[0xE0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], u64::MAX, Some(u64::MAX)),
        ] {
            assert_eq!(said(rest), Some((window, 0, content)), "{rest:x?}");
        }
    }

    #[test]
    fn dictionaries_have_up_to_four_bytes() {
        assert_eq!(said(&[0x01, 0x00, 7]), Some((1024, 7, None)));
        assert_eq!(said(&[0x02, 0x00, 1, 2]), Some((1024, 0x0201, None)));
        assert_eq!(said(&[0x03, 0x00, 1, 2, 3, 4]), Some((1024, 0x0403_0201, None)));
        assert_eq!(check(&header(&[0x01, 0x00, 7]), 9, 1024), Err(Fault::Payload));
        assert_eq!(check(&header(&[0x01, 0x00, 0]), 9, 1024), Ok(()));
    }

    #[test]
    fn each_cut_header_is_refused() {
        for whole in [&header(&[0x03, 0x00, 0, 0, 0, 0])[..], &header(&[0xE0, 1, 0, 0, 0, 0, 0, 0, 0])] {
            for len in 0..whole.len() {
                assert_eq!(check(&whole[..len], 1, u32::MAX), Err(Fault::Payload), "{len}");
            }
            assert_eq!(check(whole, 1, u32::MAX), Ok(()));
        }
        assert_eq!(check(&header(&[0x08, 0x00]), 1, u32::MAX), Err(Fault::Payload), "a reserved bit");
    }

    #[test]
    fn the_window_is_refused_before_the_rest() {
        assert_eq!(check(&header(&[0x01, 0x08, 7]), 1, 1024), Err(Fault::Window(2048)));
        assert_eq!(check(&header(&[0x20, 9]), 9, 8), Err(Fault::Window(9)));
        assert_eq!(check(&header(&[0x20, 9]), 8, 9), Err(Fault::Payload));
    }
}
