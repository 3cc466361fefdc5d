"""Section 12: a content key from an envelope, and the order of section 12.6."""
import struct

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from . import header, opening
from .age import AgeFile
from .envelope import AGE, ARGON2ID, BODY_LEN, KEY, stanzas_of
from .errors import StreamError, check
from .keys import equal, expand, hchacha20, hmac


class Unlocker:
    """Everything that a caller brought, and the caller's limits for Argon2id (SV2-LIM-003)."""

    def __init__(self, content_keys=(), key_files=(), identities=(), passwords=(), memory_kib=None, work_kib=None):
        self.content_keys, self.key_files = content_keys, key_files
        self.identities, self.passwords = identities, passwords
        self.memory_kib, self.work_kib = memory_kib, work_kib

    def open(self, data, context=b"", detached=None):
        """Performs steps 1 to 10. Returns the content key, and the offset of its stanza or None."""
        given = data if detached is None else detached
        head = own = opening.stream_header(given)
        if detached is not None:
            check(len(detached) == head.body, "trailing", head.body)
            own = _own_header(data)
            check(data[:112] == detached[:112], "key.detached_envelope", 0)
        content_key, stanza = self._tried(given, head, context)
        header.verify(data[:header.LENGTH], own, content_key, context)
        return content_key, stanza

    def _tried(self, data, head, context):
        stanzas = list(stanzas_of(data[header.LENGTH:header.LENGTH + head.envelope_len]))
        direct = [key for id_, key in self.key_files if not head.envelope_len or id_ == head.key_id]
        direct = list(self.content_keys) + direct
        for key in direct:
            try:
                header.verify(data[:header.LENGTH], head, key, context)
            except StreamError:
                continue
            return key, None
        keyed = [(at, body) for at, kind, body in stanzas if kind == KEY and len(body) == BODY_LEN]
        aged = [(at, body) for at, kind, body in stanzas if kind == AGE]
        locked = [(at, body) for at, kind, body in stanzas if kind == ARGON2ID]
        attempts = [(at, body, key) for id_, key in self.key_files for wanted in (id_, bytes(16))
                    for at, body in keyed if body[:16] == wanted]
        for at, body, key in attempts:
            content_key = _opened(hmac(body[16:48], key), (b"key commitment", b"key wrap"), body)
            if content_key is not None:
                return content_key, at
        for at, body in aged if self.identities else ():
            file = AgeFile.parse(body)
            for identity in self.identities if file else ():
                content_key = file.open(identity)
                if content_key is not None:
                    return content_key, at
        for password in self.passwords:
            for at, body in locked:
                content_key = _opened(self._root(password, body, at), (b"argon2id commitment", b"argon2id wrap"), body)
                if content_key is not None:
                    return content_key, at
        if attempts or (aged and self.identities) or (locked and self.passwords):
            raise StreamError("key.envelope", header.LENGTH)
        if direct:
            raise StreamError("key.header_tag", 80)
        if head.envelope_len and not keyed and not aged and not locked:
            raise StreamError("unsupported.envelope", header.LENGTH)
        raise StreamError("misuse")

    def _root(self, password, body, at):
        memory, passes, lanes = struct.unpack_from("<III", body, 32)
        within = memory <= (self.memory_kib or memory) and memory * passes <= (self.work_kib or memory * passes)
        check(within, "limit.policy", at)
        return Argon2id(salt=body[:32], length=32, iterations=passes, lanes=lanes, memory_cost=memory).derive(password)


def _own_header(data):
    """Performs steps 1 to 8, and SV2-ENV-001 alone of step 9 (SV2-ENV-035)."""
    check(len(data) >= header.LENGTH, "truncated", len(data))
    head = header.parse(data[:header.LENGTH])
    check(len(data) >= head.body, "truncated", len(data))
    return head


def _opened(root, labels, body):
    """Returns the content key, or None. The commitment comes first (SV2-ENV-013, SV2-ENV-019)."""
    prefix = body[:48]
    commitment, wrap = (expand(root, b"stream-v2\0" + label + b"\0" + prefix) for label in labels)
    if not equal(hmac(commitment, prefix), body[48:80]):
        return None
    try:
        # XChaCha20-Poly1305 with a nonce of zeros.
        return ChaCha20Poly1305(hchacha20(wrap, bytes(16))).decrypt(bytes(12), body[80:], body[:80])
    except InvalidTag:
        return None


def key_id(key):
    """Returns the id of a key (appendix C)."""
    return hmac(key, b"stream-v2\0key id")[:16]
