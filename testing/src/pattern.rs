//! Bytes to encrypt.

/// Returns bytes that identify their place.
pub fn plaintext(len: usize) -> Vec<u8> {
    (0..len).map(|place| u8::try_from(place % 251).unwrap()).collect()
}
