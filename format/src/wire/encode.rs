//! The one place where binrw writes: a structure of known length into an array.

use binrw::io::Cursor;
use binrw::meta::{EndianKind, WriteEndian};
use binrw::{BinWrite, Endian};

/// Writes `value`, which takes exactly `N` bytes.
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
