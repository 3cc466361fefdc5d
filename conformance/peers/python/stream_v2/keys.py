"""Section 5: the key schedule. Section 7: the AEADs that use its keys."""
import functools
import hashlib
import hmac as _hmac
import struct

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

XCHACHA, AES_GCM = 1, 2
equal = _hmac.compare_digest


def hmac(key, message):
    return _hmac.new(key, message, hashlib.sha3_256).digest()      # block size 136, from hashlib


def expand(prk, info):
    return hmac(prk, info + b"\x01")


class KeySchedule:
    """All keys of one stream. Epoch keys are derived on demand and remembered in order."""

    def __init__(self, content_key, header80, stream_salt, context=b""):
        bound = header80 + struct.pack("<Q", len(context)) + context
        self._hash = hashlib.sha3_256(bound).digest()
        prk = hmac(stream_salt, content_key)
        self.header, self.chain, self.journal, self.segment, e0 = (
            expand(prk, self.bind(label)) for label in (b"header", b"chain", b"journal", b"segment", b"epoch"))
        self._epoch, self._e = 0, e0
        self._e0 = e0

    def bind(self, label):
        return b"stream-v2\0" + label + b"\0" + self._hash

    def _epoch_key(self, epoch):
        if epoch < self._epoch:
            self._epoch, self._e = 0, self._e0
        while self._epoch < epoch:
            self._e = expand(self._e, self.bind(b"rekey"))
            self._epoch += 1
        return self._e

    def digest(self, epoch):
        return expand(self._epoch_key(epoch), self.bind(b"digest"))

    def aead(self, suite, epoch, run_salt):
        key = expand(self._epoch_key(epoch), self.bind(b"aead"))
        if suite == XCHACHA:
            return FrameCipher(ChaCha20Poly1305(hchacha20(key, run_salt)), suite)
        return FrameCipher(AESGCM(expand(key, self.bind(b"run") + run_salt)), suite)


class FrameCipher:
    """Seals and opens frames of one run and epoch."""

    def __init__(self, aead, suite):
        self._aead, self._suite = aead, suite

    def _nonce(self, segment_index, frame_index):
        order = "<II" if self._suite == XCHACHA else ">II"
        return bytes(4) + struct.pack(order, segment_index, frame_index)

    def seal(self, segment_index, frame_index, plaintext, associated):
        return self._aead.encrypt(self._nonce(segment_index, frame_index), plaintext, associated)

    def open(self, segment_index, frame_index, sealed, associated):
        """Returns the plaintext, or None."""
        try:
            return self._aead.decrypt(self._nonce(segment_index, frame_index), sealed, associated)
        except InvalidTag:
            return None


@functools.lru_cache(64)
def hchacha20(key, nonce16):
    """Derives a subkey (draft-irtf-cfrg-xchacha-03, section 2.2)."""
    x = list(struct.unpack("<16I", b"expand 32-byte k" + key + nonce16))

    def rotate(v, n):
        return (v << n | v >> (32 - n)) & 0xFFFFFFFF

    def quarter(a, b, c, d):
        for first, second, third, n in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
            x[first] = (x[first] + x[second]) & 0xFFFFFFFF
            x[third] = rotate(x[third] ^ x[first], n)

    for _ in range(10):
        for i in range(4):
            quarter(i, 4 + i, 8 + i, 12 + i)
        for i in range(4):
            quarter(i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4)
    return struct.pack("<8I", *x[:4], *x[12:])

