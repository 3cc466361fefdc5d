//! The text of age files and keys: base64 (RFC 4648) and Bech32 (BIP 173).

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const BECH32: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";

/// Returns base64 without padding.
pub(crate) fn base64(bytes: &[u8]) -> String {
    digits(bytes, 6).into_iter().map(|digit| char::from(BASE64[usize::from(digit)])).collect()
}

/// Returns the bytes of canonical base64 without padding.
pub(crate) fn of_base64(text: &[u8]) -> Option<Vec<u8>> {
    let digit =
        |byte: &u8| BASE64.iter().position(|known| known == byte).and_then(|at| u8::try_from(at).ok());
    let digits: Vec<u8> = text.iter().map(digit).collect::<Option<_>>()?;
    bytes(&digits, 6)
}

/// Returns Bech32 in lower case.
pub(crate) fn bech32(prefix: &str, bytes: &[u8]) -> String {
    let mut data = digits(bytes, 5);
    data.extend(checksum(prefix, &data));
    let text: String = data.into_iter().map(|digit| char::from(BECH32[usize::from(digit)])).collect();
    format!("{prefix}1{text}")
}

/// Returns the bytes of Bech32 of one case with this prefix, which is in lower case.
pub(crate) fn of_bech32(prefix: &str, text: &str) -> Option<Vec<u8>> {
    let lower = text.to_lowercase();
    let (found, data) = lower.rsplit_once('1')?;
    let digit =
        |byte: u8| BECH32.iter().position(|known| *known == byte).and_then(|at| u8::try_from(at).ok());
    let data: Vec<u8> = data.bytes().map(digit).collect::<Option<_>>()?;
    let (data, sum) = data.split_at_checked(data.len().checked_sub(6)?)?;
    let one_case = text == lower || text == text.to_uppercase();
    (one_case && found == prefix && sum == checksum(prefix, data)).then(|| bytes(data, 5))?
}

/// Returns groups of `width` bits, the last one filled with zeros.
fn digits(bytes: &[u8], width: u32) -> Vec<u8> {
    let bits: Vec<u8> = bytes.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1)).collect();
    let digit = |group: &[u8]| {
        let value = group.iter().fold(0, |value, bit| value << 1 | bit);
        value << (width as usize - group.len())
    };
    bits.chunks(width as usize).map(digit).collect()
}

/// Returns the bytes of groups of `width` bits, if what is left is zeros and no whole group.
fn bytes(digits: &[u8], width: u32) -> Option<Vec<u8>> {
    let bits: Vec<u8> =
        digits.iter().flat_map(|digit| (0..width).rev().map(move |bit| digit >> bit & 1)).collect();
    let (whole, rest) = bits.as_chunks::<8>();
    let canonical = rest.len() < width as usize && rest.iter().all(|bit| *bit == 0);
    canonical.then(|| whole.iter().map(|byte| byte.iter().fold(0, |value, bit| value << 1 | bit)).collect())
}

fn checksum(prefix: &str, data: &[u8]) -> [u8; 6] {
    const GENERATOR: [u32; 5] = [0x3B6A_57B2, 0x2650_8E6D, 0x1EA1_19FA, 0x3D42_33DD, 0x2A14_62B3];
    let high = prefix.bytes().map(|byte| byte >> 5);
    let low = prefix.bytes().map(|byte| byte & 31);
    let all = high.chain([0]).chain(low).chain(data.iter().copied()).chain([0; 6]);
    let step = |sum: u32, digit: u8| {
        let next = (sum & 0x01FF_FFFF) << 5 ^ u32::from(digit);
        (0..5).filter(|bit| sum >> (25 + bit) & 1 == 1).fold(next, |next, bit| next ^ GENERATOR[bit])
    };
    let sum = all.fold(1, step) ^ 1;
    std::array::from_fn(|at| (sum >> (5 * (5 - at)) & 31) as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first is RFC 4648's; identity and recipient are those of the specification of age.
    #[test]
    fn published_examples_come_out() {
        assert_eq!(base64(b"foobar"), "Zm9vYmFy");
        assert_eq!(base64(b"foob"), "Zm9vYg");
        assert_eq!(of_base64(b"Zm9vYg").unwrap(), b"foob");
        for wrong in ["Zm9vYh", "Zm9vY", "Zm9v=", "Zm9v\n"] {
            assert_eq!(of_base64(wrong.as_bytes()), None, "{wrong}");
        }
        let identity = "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX";
        assert_eq!(bech32("age-secret-key-", &[0x42; 32]).to_uppercase(), identity);
        assert_eq!(of_bech32("age-secret-key-", identity).unwrap(), [0x42; 32]);
        let damaged = identity.replacen('G', "Q", 3);
        assert_eq!(of_bech32("age-secret-key-", &damaged), None);
        assert_eq!(of_bech32("age-secret-key-pq-", identity), None);
        assert_eq!(of_bech32("age-secret-key-", &identity.replace("KEY", "key")), None);
    }
}
