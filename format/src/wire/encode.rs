//! Encodes structures of known length into arrays. Only this file writes with binrw.

use binrw::io::Cursor;
use binrw::meta::{EndianKind, WriteEndian};
use binrw::{BinWrite, Endian};

use super::crc32c::crc32c;

/// Encodes `value`, which takes exactly `N` bytes.
pub(super) fn encode<const N: usize, T>(value: &T) -> [u8; N]
where
    T: for<'a> BinWrite<Args<'a> = ()> + WriteEndian,
{
    debug_assert!(matches!(T::ENDIAN, EndianKind::Endian(Endian::Little)));
    let mut bytes = [0; N];
    let mut cursor = Cursor::new(&mut bytes[..]);
    let written = value.write(&mut cursor);
    debug_assert!(written.is_ok() && cursor.position() == N as u64, "a structure has another length than N");
    bytes
}

/// Returns `bound || mac || CRC-32C(bound || mac)`.
pub(super) fn with_mac_and_crc<const N: usize>(bound: &[u8], mac: &[u8; 32]) -> [u8; N] {
    let mut bytes = [0; N];
    let (head, crc) = bytes.split_at_mut(N - 4);
    let (bound_place, mac_place) = head.split_at_mut(bound.len());
    bound_place.copy_from_slice(bound);
    mac_place.copy_from_slice(mac);
    crc.copy_from_slice(&crc32c(head).to_le_bytes());
    bytes
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Replaces a byte and adjusts the checksum.
    pub(in crate::wire) fn forged<const N: usize>(mut bytes: [u8; N], place: usize, value: u8) -> [u8; N] {
        bytes[place] = value;
        let crc = crc32c(&bytes[..N - 4]).to_le_bytes();
        bytes[N - 4..].copy_from_slice(&crc);
        bytes
    }
}
