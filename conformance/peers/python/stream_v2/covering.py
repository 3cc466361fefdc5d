"""Section 11: the required content of the next index segment, and the segments that may follow."""
import struct

from . import segment
from .errors import check


class Covering:
    """Follows headers. `at` counts from the start of the stream or of the body.

    Only distances matter."""

    def __init__(self, head):
        self.most = segment.index_entries_max(head)
        self.entries, self.last_at, self.last_tag, self.last_entries = [], None, bytes(16), 0

    @property
    def ends(self):
        """Returns whether a short index segment is last. Only the final segment may follow."""
        return self.last_at is not None and self.last_entries < self.most

    @property
    def full(self):
        return len(self.entries) == self.most

    def check_order(self, s, at):
        """Checks SV2-IDX-005."""
        if self.last_at is None:
            return
        if s.kind == segment.DATA:
            check(self.last_entries == self.most and not self.full, "order.index", at + 4)
        if s.kind == segment.FINAL:
            check(not self.entries, "order.index", at + 4)

    def payload(self, at):
        """Returns the content of an index segment that begins there."""
        distance = 0 if self.last_at is None else at - self.last_at
        return struct.pack("<Q", distance) + self.last_tag + b"".join(self.entries)

    def follow(self, s, at):
        if s.kind == segment.DATA and len(self.entries) <= self.most:
            self.entries.append(struct.pack("<II", s.plaintext_len, s.wire_len) + s.tag[:16])
        if s.kind == segment.INDEX:
            entries = (s.payload_len - 24) // 24
            self.entries, self.last_at, self.last_tag, self.last_entries = [], at, s.tag[:16], entries
