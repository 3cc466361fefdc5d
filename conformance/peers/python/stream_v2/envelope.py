"""Section 12: the stanzas of an envelope. `unlocking.py` unwraps a content key."""
import struct

from .errors import check
from .header import LENGTH

ARGON2ID, AGE, KEY, PADDING = 1, 2, 3, 0xFFFF
BODY_LEN, MEMORY_KIB_MAX, PASSES_MAX, LANES_MAX = 128, 2**20, 16, 16


def check_stanzas(raw, at=LENGTH):
    """Checks SV2-ENV-003 to 006, 011 and 012, stanza after stanza. `at` is the first offset."""
    here, last, types = 0, 0, set()
    while here < len(raw):
        start = at + here
        check(len(raw) - here >= 4, "malformed.envelope", start)
        kind, length = struct.unpack_from("<HH", raw, here)
        check(here + 4 + length <= len(raw), "malformed.envelope", start)
        body = raw[here + 4:here + 4 + length]
        check(kind != 0 and kind >= last, "malformed.envelope", start)
        check(kind != last or kind not in (ARGON2ID, AGE, PADDING), "malformed.envelope", start)
        check(ARGON2ID not in types or kind == PADDING, "malformed.envelope", start)
        if kind == ARGON2ID:
            _check_argon2id(body, start)
        if kind == PADDING:
            check(not any(body), "malformed.envelope", start)
        types.add(kind)
        here, last = here + 4 + length, kind


def stanzas_of(raw, at=LENGTH):
    """Yields (offset, type, body) of stanzas that are checked."""
    here = 0
    while here < len(raw):
        kind, length = struct.unpack_from("<HH", raw, here)
        yield at + here, kind, raw[here + 4:here + 4 + length]
        here += 4 + length


def _check_argon2id(body, start):
    check(len(body) == BODY_LEN and body[44:48] == bytes(4), "malformed.envelope", start)
    memory, passes, lanes = struct.unpack_from("<III", body, 32)
    allowed = 1 <= passes <= PASSES_MAX and 1 <= lanes <= LANES_MAX and 8 * lanes <= memory <= MEMORY_KIB_MAX
    check(allowed, "limit.argon2id", start)
