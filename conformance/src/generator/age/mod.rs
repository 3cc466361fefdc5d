//! §12.2: age files, from fixed keys, as age-encryption.org/v1 describes them.

mod hybrid;
pub(crate) mod keys;
pub(crate) mod text;

use crate::generator::plaintext::counting;
use crate::generator::primitives::{hkdf_sha256, hmac_sha256, seal_chacha};
use text::base64;

/// Characters of a full line of a body.
const LINE_LEN: usize = 64;
/// The nonce of a chunk ends with this if it is the last one.
pub(crate) const FINAL: u8 = 1;

/// An age file under construction. Its payload is one chunk.
#[derive(Clone)]
pub(crate) struct AgeFile {
    pub(crate) version: &'static str,
    /// The text of each stanza.
    pub(crate) stanzas: Vec<String>,
    pub(crate) file_key: [u8; 16],
    pub(crate) nonce: [u8; 16],
    pub(crate) plaintext: Vec<u8>,
    /// The last byte of the nonce of the chunk.
    pub(crate) last: u8,
}

/// Returns the file key of all files here.
pub(crate) fn file_key() -> [u8; 16] {
    counting(0xF0)
}

impl AgeFile {
    pub(crate) fn new(stanzas: Vec<String>, plaintext: &[u8]) -> Self {
        let nonce = counting(0x70);
        Self {
            version: "v1",
            stanzas,
            file_key: file_key(),
            nonce,
            plaintext: plaintext.to_vec(),
            last: FINAL,
        }
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        [self.begin(), self.chunk(0, self.last, &self.plaintext)].concat()
    }

    /// Returns the header and the nonce.
    pub(crate) fn begin(&self) -> Vec<u8> {
        let header = format!("age-encryption.org/{}\n{}---", self.version, self.stanzas.concat());
        let mac = base64(&header_mac(&self.file_key, header.as_bytes()));
        [header.as_bytes(), b" ", mac.as_bytes(), b"\n", &self.nonce].concat()
    }

    /// Returns a chunk of the payload.
    pub(crate) fn chunk(&self, number: u8, last: u8, plaintext: &[u8]) -> Vec<u8> {
        let mut chunk = plaintext.to_vec();
        let key = payload_key(&self.file_key, &self.nonce);
        let tag = seal_chacha(&key, chunk_nonce(number, last), &mut chunk);
        [&chunk[..], &tag].concat()
    }
}

/// Returns the nonce of a chunk.
pub(crate) fn chunk_nonce(number: u8, last: u8) -> [u8; 12] {
    let mut nonce = [0; 12];
    (nonce[10], nonce[11]) = (number, last);
    nonce
}

/// Returns the MAC of a header up to and with its `---`.
pub(crate) fn header_mac(file_key: &[u8; 16], header: &[u8]) -> [u8; 32] {
    hmac_sha256(&hkdf_sha256(file_key, &[], b"header"), header)
}

pub(crate) fn payload_key(file_key: &[u8; 16], nonce: &[u8]) -> [u8; 32] {
    hkdf_sha256(file_key, nonce, b"payload")
}

/// Returns the text of a stanza with these arguments.
pub(crate) fn stanza(arguments: &[&str], body: &[u8]) -> String {
    let mut text = format!("-> {}\n", arguments.join(" "));
    let body = base64(body);
    let (full, rest) = body.split_at(body.len() / LINE_LEN * LINE_LEN);
    for line in full.as_bytes().chunks(LINE_LEN) {
        text.extend(line.iter().copied().map(char::from));
        text.push('\n');
    }
    text + rest + "\n"
}

/// Returns an age file in its armor, which is text.
pub(crate) fn armored(file: &[u8]) -> Vec<u8> {
    let padding = "=".repeat((3 - file.len() % 3) % 3);
    let text = base64(file) + &padding;
    let lines: Vec<&[u8]> = text.as_bytes().chunks(LINE_LEN).collect();
    let body = lines.join(&b'\n');
    [b"-----BEGIN AGE ENCRYPTED FILE-----\n", &body[..], b"\n-----END AGE ENCRYPTED FILE-----\n"].concat()
}
