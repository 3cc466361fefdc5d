"""Section 12.4: replacing the envelope of a stream, in each of its three forms."""
import os
import struct

from crc32c import crc32c
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from . import age, header
from .envelope import AGE, ARGON2ID, KEY, PADDING
from .errors import StreamError
from .keys import expand, hchacha20, hmac
from .segment import FINAL, FINAL_LEN, MAGIC

MEMORY_KIB_MIN, PASSES_MIN = 65536, 3
CLASSES = (1020, 2044, 4092, 8188, 16380, 32764, 65532)


class NewSet:
    """For whom the content key is wrapped. A password is (bytes, memory in KiB, passes, lanes)."""

    def __init__(self, key_files=(), recipients=(), passwords=()):
        self.key_files, self.recipients, self.passwords = key_files, recipients, passwords

    def stanzas(self, content_key):
        """Returns stanzas in the order of their types. Salts are drawn (SV2-ENV-014)."""
        alone = not self.passwords or (len(self.passwords) == 1 and not self.key_files and not self.recipients)
        _allow(alone and (self.passwords or self.recipients or self.key_files))
        stanzas = b""
        for password, memory, passes, lanes in self.passwords:
            # SV2-ENV-029: the parameters are the caller's.
            _allow(memory >= MEMORY_KIB_MIN and passes >= PASSES_MIN)  # SV2-ENV-027
            salt = os.urandom(32)
            prefix = salt + struct.pack("<IIII", memory, passes, lanes, 0)
            derived = Argon2id(salt=salt, length=32, iterations=passes, lanes=lanes, memory_cost=memory)
            labels = b"argon2id commitment", b"argon2id wrap"
            stanzas += _stanza(ARGON2ID, _wrapped(derived.derive(password), labels, prefix, content_key))
        if self.recipients:
            stanzas += _stanza(AGE, age.encrypt(content_key, self.recipients))
        for id_, key in self.key_files:
            salt = os.urandom(32)
            body = _wrapped(hmac(salt, key), (b"key commitment", b"key wrap"), id_ + salt, content_key)
            stanzas += _stanza(KEY, body)
        return stanzas


def _wrapped(root, labels, prefix, content_key):
    """Returns the 128 bytes of a body that begins with `prefix` (sections 12.1 and 12.5)."""
    commitment, wrap = (expand(root, b"stream-v2\0" + label + b"\0" + prefix) for label in labels)
    begin = prefix + hmac(commitment, prefix)
    return begin + ChaCha20Poly1305(hchacha20(wrap, bytes(16))).encrypt(bytes(12), content_key, begin)


def _stanza(kind, body):
    return struct.pack("<HH", kind, len(body)) + body


def rewrap(data, unlocker, new, form, context=b"", detached=None, wraps_brought=False, has_journal=False):
    """Returns the output, and the copy that a tool makes before it overwrites an envelope.

    `form` is "new", "in-place" or "detached".
    """
    # SV2-ENV-028: header_tag is verified by `open`.
    content_key, stanza = unlocker.open(data, context, detached)
    _allow(stanza is not None or wraps_brought)  # SV2-ENV-034
    head = header.parse(data[:header.LENGTH])
    _refuse_unfinished(data, head, has_journal)
    stanzas = new.stanzas(content_key)
    if form == "in-place":
        envelope = _padded_to(stanzas, head.envelope_len)
        # SV2-ENV-031: the copy is a detached envelope. SV2-ENV-030: nothing else changes.
        copy = data[:head.body] if detached is None else detached
        return data[:header.LENGTH] + _closed(envelope) + data[head.body:], copy
    envelope = _padded(stanzas)
    begin = data[:112] + struct.pack("<I", len(envelope)) + bytes(8)
    output = begin + struct.pack("<I", crc32c(begin)) + _closed(envelope)
    return output + (data[head.body:] if form == "new" else b""), None


def _allow(condition):
    if not condition:
        raise StreamError("misuse")


def _refuse_unfinished(data, head, has_journal):
    """SV2-ENV-033: a writer can resume an output that has a journal, or no final segment."""
    end = data[max(head.body, len(data) - FINAL_LEN):]
    _allow(not has_journal and len(end) == FINAL_LEN and end[:4] == MAGIC and end[8] == FINAL)


def _closed(envelope):
    return envelope + struct.pack("<I", crc32c(envelope))


def _padded_to(stanzas, length):
    """Fills an envelope of this length. A `padding` stanza takes at least its 4 bytes."""
    room = length - len(stanzas)
    _allow(room == 0 or room >= 4)
    return stanzas + _stanza(PADDING, bytes(room - 4)) if room else stanzas


def _padded(stanzas):
    """Fills an envelope up to the class of section 12.3."""
    for wanted in (2 * len(stanzas) + 4, len(stanzas) + 4, len(stanzas)):
        for length in CLASSES:
            if length >= wanted:
                return _padded_to(stanzas, length)
    raise StreamError("limit.envelope_len", 112)
