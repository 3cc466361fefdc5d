//! §12.1 and §12.5: bodies that wrap a content key, under a password or under another key.

use argon2::{Algorithm, Argon2, Block, Params, Version};

use super::envelope::Argon2id;
use crate::generator::primitives::{expand, hmac, seal_xchacha};

/// The labels of the two keys that come from a root: of the commitment, and of the wrapping.
pub(crate) type Labels = [&'static str; 2];

pub(crate) const KEY_LABELS: Labels = ["key commitment", "key wrap"];
pub(crate) const PASSWORD_LABELS: Labels = ["argon2id commitment", "argon2id wrap"];

/// A content key to be wrapped.
#[derive(Clone)]
pub(crate) struct Wrapping {
    /// Bytes 0..48 of the body.
    pub(crate) prefix: Vec<u8>,
    pub(crate) root: [u8; 32],
    pub(crate) labels: Labels,
    pub(crate) content_key: [u8; 32],
}

impl Wrapping {
    /// Wraps for a `key` stanza (§12.5).
    pub(crate) fn by_key(key: &[u8; 32], id: [u8; 16], salt: [u8; 32], content_key: [u8; 32]) -> Self {
        let prefix = [&id[..], &salt].concat();
        Self { prefix, root: hmac(&salt, &[key]), labels: KEY_LABELS, content_key }
    }

    /// Wraps for an `argon2id` stanza (§12.1).
    pub(crate) fn by_password(
        password: &[u8],
        costs: &Argon2id,
        salt: [u8; 32],
        content_key: [u8; 32],
    ) -> Self {
        let root = argon2(Algorithm::Argon2id, Version::V0x13, password, costs, &salt);
        let prefix = costs.prefix(&salt);
        Self { prefix, root, labels: PASSWORD_LABELS, content_key }
    }

    /// Returns the 128 bytes of the body.
    pub(crate) fn body(&self) -> Vec<u8> {
        self.body_with(|_| ())
    }

    /// Returns a body whose commitment is altered before the content key is wrapped. The AEAD then
    /// opens, and only a comparison shows that the commitment is wrong.
    pub(crate) fn body_with(&self, alter: impl FnOnce(&mut [u8; 32])) -> Vec<u8> {
        let [commitment, wrap] = derived(&self.root, self.labels, &self.prefix);
        let mut commitment = hmac(&commitment, &[&self.prefix]);
        alter(&mut commitment);
        let associated_data = [&self.prefix[..], &commitment].concat();
        let mut wrapped = self.content_key;
        let tag = seal_xchacha(&wrap, [0; 24], &associated_data, &mut wrapped);
        [&associated_data[..], &wrapped, &tag].concat()
    }
}

/// Returns the keys of the commitment and of the wrapping. `prefix` is bytes 0..48 of the body.
pub(crate) fn derived(root: &[u8; 32], labels: Labels, prefix: &[u8]) -> [[u8; 32]; 2] {
    labels.map(|label| expand(root, &[b"stream-v2\0", label.as_bytes(), b"\0", prefix].concat()))
}

/// Returns 32 bytes of Argon2 (RFC 9106).
pub(crate) fn argon2(
    algorithm: Algorithm,
    version: Version,
    password: &[u8],
    costs: &Argon2id,
    salt: &[u8; 32],
) -> [u8; 32] {
    let mut memory = vec![Block::new(); costs.memory_kib as usize];
    let mut root = [0; 32];
    let Ok(params) = Params::new(costs.memory_kib, costs.passes, costs.lanes, Some(32)) else {
        unreachable!("vectors that run Argon2 have parameters that it takes")
    };
    match Argon2::new(algorithm, version, params).hash_password_into_with_memory(
        password,
        salt,
        &mut root,
        &mut memory,
    ) {
        Ok(()) => root,
        Err(error) => unreachable!("a short password and a salt of 32 bytes: {error}"),
    }
}

/// Returns the id of a key (Appendix C).
pub(crate) fn key_id(key: &[u8; 32]) -> [u8; 16] {
    let mut id = [0; 16];
    id.copy_from_slice(&hmac(key, &[b"stream-v2\0key id"])[..16]);
    id
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generator::plaintext::counting;

    /// Appendix C has the id of the key 00 01 02 … 1f.
    #[test]
    fn key_id_is_that_of_the_appendix() {
        assert_eq!(hex::encode(key_id(&counting(0))), "43c782a23b430b542589b1dca35d8b2a");
    }

    /// Computed with the Argon2 of its authors, hashlib and libsodium.
    #[test]
    fn bodies_are_those_of_other_libraries() {
        let key = counting(0x80);
        let by_key = Wrapping::by_key(&key, key_id(&key), counting(0x40), counting(0)).body();
        assert_eq!(
            hex::encode(&by_key[48..]),
            "0bfa55605a92ecf43c875e2b90ecf9b100b108ca2ebbe306e558825968e1ac14\
             7aff178bab3be4c773ae1f277cf11b61885754e89ca899179b7a0a52bd791297\
             251642b6d12684c8bae7bb663ff0329c"
        );
        let costs = Argon2id { memory_kib: 64, passes: 3, lanes: 4, reserved: 0 };
        let password = b"correct horse battery staple";
        let by_password = Wrapping::by_password(password, &costs, counting(0x40), counting(0)).body();
        assert_eq!(
            hex::encode(&by_password[48..]),
            "cd8a6411a21793c3c55a055b06640bbaf41f55dc9b6097a956a7f57e46d6c414\
             e73ea6d5e7f1df25e01272ce73066030845412b71a7206b9efa78100627c025d\
             ad059ebf284c4bc956adb4565b903bad"
        );
    }
}
