"""Section 12.2: age files (c2sp.org/age), their recipients, and the identities that open them."""
import base64
import binascii
import hashlib
import hmac as standard_hmac
import os
import re

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand

from .errors import StreamError
from .keys import equal

STANZAS_MAX = 256
CONTENT_KEY_LEN = 32
BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
ARGUMENTS = re.compile(rb"-> ([!-~]+(?: [!-~]+)*)")


class AgeFile:
    """An age file in binary form, with stanzas as (arguments, body)."""

    def __init__(self, stanzas, signed, mac, payload):
        self.stanzas, self.signed, self.mac, self.payload = stanzas, signed, mac, payload

    @classmethod
    def parse(cls, data):
        """Returns None if this is not an age file that a reader may parse (SV2-ENV-022)."""
        header = re.split(rb"^---", data, maxsplit=1, flags=re.M)[0]
        if len(re.findall(rb"^-> ", header, re.M)) > STANZAS_MAX:
            return None
        try:
            return cls._parsed(data)
        except ValueError:
            return None

    @classmethod
    def _parsed(cls, data):
        line, rest = _line(data)
        _require(line == b"age-encryption.org/v1")
        stanzas = []
        while not rest.startswith(b"---"):
            line, rest = _line(rest)
            arguments, text = ARGUMENTS.fullmatch(line), b""
            _require(arguments)
            while True:
                line, rest = _line(rest)
                _require(len(line) <= 64)
                text += line
                if len(line) < 64:
                    break
            stanzas.append((arguments[1].split(b" "), unbase64(text)))
        # SV2-ENV-021: no scrypt is run for anyone.
        _require(stanzas and all(arguments[0] != b"scrypt" for arguments, _ in stanzas))
        signed = data[:len(data) - len(rest) + 3]
        line, payload = _line(rest)
        _require(line[3:4] == b" ")
        return cls(stanzas, signed, unbase64(line[4:]), payload)

    def open(self, identity):
        """Returns the plaintext if it is a content key, or None (SV2-ENV-015)."""
        for stanza in self.stanzas:
            try:
                file_key = identity.file_key(*stanza)
            except (InvalidTag, ValueError):
                file_key = None
            if file_key is not None:
                return self._plaintext(file_key)
        return None

    def _plaintext(self, file_key):
        mac = standard_hmac.digest(_hkdf(file_key, b"", b"header"), self.signed, "sha256")
        nonce, chunk = self.payload[:16], self.payload[16:]
        if not equal(mac, self.mac) or len(chunk) != CONTENT_KEY_LEN + 16:
            return None
        try:
            # The only chunk is number 0, and the last one.
            return ChaCha20Poly1305(_hkdf(file_key, nonce, b"payload")).decrypt(bytes(11) + b"\1", chunk, b"")
        except InvalidTag:
            return None


def encrypt(plaintext, recipients):
    """Returns an age file. Hybrid recipients are mixed with no others."""
    keys = [unbech32(text) for text in recipients]
    kinds = {prefix for prefix, _ in keys}
    if len(kinds) != 1:
        raise StreamError("misuse")
    file_key, nonce = os.urandom(16), os.urandom(16)
    wrap = {"age": X25519.wrap, "age1pq": Hybrid.wrap}[kinds.pop()]
    header = b"age-encryption.org/v1\n" + b"".join(wrap(key, file_key) for _, key in keys) + b"---"
    mac = standard_hmac.digest(_hkdf(file_key, b"", b"header"), header, "sha256")
    chunk = ChaCha20Poly1305(_hkdf(file_key, nonce, b"payload")).encrypt(bytes(11) + b"\1", plaintext, b"")
    return header + b" " + _base64(mac) + b"\n" + nonce + chunk


def _stanza(arguments, body):
    text = _base64(body)
    lines = [text[at:at + 64] for at in range(0, len(text) + 1, 64)]
    return b"-> " + b" ".join(arguments) + b"\n" + b"".join(line + b"\n" for line in lines)


def _base64(data):
    return base64.b64encode(data).rstrip(b"=")


def _line(data):
    line, end, rest = data.partition(b"\n")
    _require(end)
    return line, rest


def _require(holds):
    if not holds:
        raise ValueError("not an age file")


def unbase64(text, length=None):
    """Decodes canonical base64 without padding."""
    try:
        found = base64.b64decode(text + b"=" * (-len(text) % 4), validate=True)
    except binascii.Error as error:
        raise ValueError("not base64") from error
    _require(_base64(found) == text and length in (None, len(found)))
    return found


def unbech32(text):
    """Decodes Bech32 (BIP 173) of any length. Returns prefix and bytes."""
    _require(text in (text.lower(), text.upper()))
    prefix, one, data = text.lower().rpartition("1")
    _require(one and len(data) >= 6 and all(letter in BECH32 for letter in data))
    digits = [BECH32.index(letter) for letter in data]
    values = [ord(letter) >> 5 for letter in prefix] + [0] + [ord(letter) & 31 for letter in prefix] + digits
    _require(_polymod(values) == 1)
    number, bits = 0, 5 * (len(digits) - 6)
    for digit in digits[:-6]:
        number = number << 5 | digit
    _require(bits % 8 < 5 and number & ((1 << bits % 8) - 1) == 0)
    return prefix, (number >> bits % 8).to_bytes(bits // 8, "big")


def _polymod(values):
    sum_ = 1
    for value in values:
        top, sum_ = sum_ >> 25, (sum_ & 0x1FFFFFF) << 5 ^ value
        for bit, word in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            sum_ ^= word if top >> bit & 1 else 0
    return sum_


def _hkdf(key, salt, info):
    return HKDF(hashes.SHA256(), 32, salt, info).derive(key)


def _opened(key, body, nonce=bytes(12)):
    _require(len(body) == 32)
    return ChaCha20Poly1305(key).decrypt(nonce, body, b"")


class X25519:
    """An identity of age."""
    INFO = b"age-encryption.org/v1/X25519"

    def __init__(self, secret):
        self.key = X25519PrivateKey.from_private_bytes(secret)
        self.public = self.key.public_key().public_bytes_raw()

    def shared(self, share):
        """Fails for a share of low order."""
        return self.key.exchange(X25519PublicKey.from_public_bytes(share))

    def file_key(self, arguments, body):
        if arguments[0] != b"X25519":
            return None
        _require(len(arguments) == 2)
        share = unbase64(arguments[1], 32)
        return _opened(_hkdf(self.shared(share), share + self.public, self.INFO), body)

    @classmethod
    def wrap(cls, recipient, file_key):
        """Returns the stanza for a recipient."""
        _require(len(recipient) == 32)
        ephemeral = cls(os.urandom(32))
        key = _hkdf(ephemeral.shared(recipient), ephemeral.public + recipient, cls.INFO)
        return _stanza([b"X25519", _base64(ephemeral.public)], ChaCha20Poly1305(key).encrypt(bytes(12), file_key, b""))


class Ssh:
    """An Ed25519 key of OpenSSH."""
    INFO = b"age-encryption.org/v1/ssh-ed25519"

    def __init__(self, text):
        key = serialization.load_ssh_private_key(text.encode(), None)
        wire = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
        self.blob = base64.b64decode(wire.split(b" ")[1])
        self.x25519 = X25519(hashlib.sha512(key.private_bytes_raw()).digest()[:32])

    def file_key(self, arguments, body):
        if arguments[0] != b"ssh-ed25519":
            return None
        _require(len(arguments) == 3)
        if unbase64(arguments[1], 4) != hashlib.sha256(self.blob).digest()[:4]:
            return None
        share = unbase64(arguments[2], 32)
        tweak = X25519(_hkdf(b"", self.blob, self.INFO))
        shared = tweak.shared(self.x25519.shared(share))
        return _opened(_hkdf(shared, share + self.x25519.public, self.INFO), body)


class Hybrid:
    """X-Wing, and HPKE (RFC 9180) in base mode with HKDF-SHA256 and ChaCha20Poly1305."""
    INFO = b"age-encryption.org/mlkem768x25519"
    SUITE = b"HPKE" + bytes.fromhex("647a00010003")
    CIPHERTEXT_LEN = 1088

    def __init__(self, seed):
        expanded = hashlib.shake_256(seed).digest(96)
        self.ml_kem, self.x25519 = MLKEM768PrivateKey.from_seed_bytes(expanded[:64]), X25519(expanded[64:])

    def file_key(self, arguments, body):
        if arguments[0] != b"mlkem768x25519":
            return None
        _require(len(arguments) == 2)
        encapsulated = unbase64(arguments[1], self.CIPHERTEXT_LEN + 32)
        first, share = self.ml_kem.decapsulate(encapsulated[:-32]), encapsulated[-32:]
        key, nonce = self._schedule(first + self.x25519.shared(share) + share + self.x25519.public)
        return _opened(key, body, nonce)

    @classmethod
    def wrap(cls, recipient, file_key):
        """Returns the stanza for a recipient: a key of ML-KEM, then one of X25519."""
        public, ephemeral = recipient[-32:], X25519(os.urandom(32))
        first, ciphertext = MLKEM768PublicKey.from_public_bytes(recipient[:-32]).encapsulate()
        key, nonce = cls._schedule(first + ephemeral.shared(public) + ephemeral.public + public)
        body = ChaCha20Poly1305(key).encrypt(nonce, file_key, b"")
        return _stanza([b"mlkem768x25519", _base64(ciphertext + ephemeral.public)], body)

    @classmethod
    def _schedule(cls, secrets):
        """Returns key and nonce for the secrets, the share and the public key of X25519."""
        shared = hashlib.sha3_256(secrets + rb"\.//^" + b"\\").digest()
        context = b"\0" + cls._extract(b"", b"psk_id_hash", b"") + cls._extract(b"", b"info_hash", cls.INFO)
        secret = cls._extract(shared, b"secret", b"")
        return cls._expand(secret, b"key", context, 32), cls._expand(secret, b"base_nonce", context, 12)

    @classmethod
    def _extract(cls, salt, label, data):
        return standard_hmac.digest(salt, b"HPKE-v1" + cls.SUITE + label + data, "sha256")

    @classmethod
    def _expand(cls, secret, label, context, length):
        info = length.to_bytes(2, "big") + b"HPKE-v1" + cls.SUITE + label + context
        return HKDFExpand(hashes.SHA256(), length, info).derive(secret)


def identity(text):
    """Reads an identity: a line of age, or a private key of OpenSSH."""
    if text.startswith("-----BEGIN OPENSSH PRIVATE KEY-----"):
        return Ssh(text)
    prefix, secret = unbech32(text)
    _require(len(secret) == 32)
    return {"age-secret-key-": X25519, "age-secret-key-pq-": Hybrid}[prefix](secret)
