"""Section 15.5: a range by index segments, from the last one backwards."""
import struct
from typing import NamedTuple

from . import digest, segment
from .errors import StreamError, check
from .keys import equal


class Entry(NamedTuple):
    index: int
    at: int
    begins: int                 # in the plaintext
    plaintext_len: int
    wire_len: int
    tag: bytes
    named_in: tuple             # the index segment: (segment_index, at)


def malformed(fits, index, at):
    """Returns an error of an index segment, or of a segment that differs from it (SV2-ERR-001)."""
    if not fits:
        raise StreamError("malformed.index", at + segment.LENGTH + 8, index)


class ByIndex:
    NAME = "index"

    def __init__(self, stream, counted):
        self._stream, self._counted = stream, counted
        self._known = []                                    # ascending
        self._begins, self._count = stream.total, stream.count   # what is not covered by known entries
        self._next, self._name = stream.final_at - stream.distance, None

    def wanted(self, begin, end):
        while self._begins > begin:
            self._read_index()
        return (entry for entry in self._known if entry.begins < end and entry.begins + entry.plaintext_len > begin)

    def check(self, s, entry):
        """Checks SV2-IDX-006 and the lengths."""
        check(equal(s.tag[:16], entry.tag), "auth.index", entry.at + 60)
        right = (s.plaintext_len, s.wire_len) == (entry.plaintext_len, entry.wire_len)
        malformed(right, *entry.named_in)

    def _read_index(self):
        """Reads the index segment before the known entries, or the last one at first."""
        at, index, stream = self._next, self._count - 1, self._stream
        with self._counted(index):
            s = stream.header_at(at)
            check(s.kind == segment.INDEX and s.index == index, "order.segment_index", at + 4)
            check(self._name is None or equal(s.tag[:16], self._name), "auth.index", at + 60)
            payload, d, terminator = stream.open(s, at)
            if self._name is None:                          # SV2-IDX-007
                chained = digest.chain(stream.keys, terminator[:32], index, d)
                check(equal(chained, stream.transcript), "auth.index", at + 60)
            malformed(self._take(payload, at, index), index, at)

    def _take(self, payload, at, index):
        """Returns False if the described segments cannot precede this index segment."""
        head = self._stream.head
        distance, name = struct.unpack_from("<Q16s", payload)
        raw = list(struct.iter_unpack("<II16s", payload[24:]))
        count, begins, entry_at, found = index, self._begins, at, []
        for plaintext_len, wire_len, tag in reversed(raw):
            count, begins, entry_at = count - 1, begins - plaintext_len, entry_at - segment.LENGTH - wire_len
            if count < 0 or begins < 0 or entry_at < head.body:
                return False
            found.append(Entry(count, entry_at, begins, plaintext_len, wire_len, tag, (index, at)))
        first = (count, begins, entry_at, name) == (0, 0, head.body, bytes(16))
        if not (first if distance == 0 else head.body <= at - distance < entry_at and count > 0):
            return False
        self._known[:0] = reversed(found)
        self._begins, self._count = begins, count
        self._next, self._name = at - distance, name
        return True
