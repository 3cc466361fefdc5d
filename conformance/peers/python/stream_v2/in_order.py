"""Section 15.5: a range reader that opens all segments in order is a sequential reader."""
from . import digest, opening
from .errors import check
from .keys import equal


class InOrder:
    """Follows data segments that are opened in order.

    A segment that is opened before its turn, or again, changes nothing."""

    def __init__(self, head, keys):
        self._head, self._keys = head, keys
        self._history, self._before, self._at, self._total, self.count = digest.History(), None, head.body, 0, 0

    def is_turn(self, s, at):
        return (s.index, at) == (self.count, self._at)

    def admit(self, s, at):
        """Checks section 15.2 and SV2-HDR-018."""
        opening.check_run(s, self._before, at)
        full = self._before is None or self._before.plaintext_len == self._head.segment_size
        check(full or not self._head.uniform, "order.uniform", at + 28)
        check(self._total + s.plaintext_len <= self._head.plaintext_len, "limit.stream_plaintext_len", at + 28)

    def follow(self, s, at, d, terminator):
        opening.check_proof(s, terminator, self._history, at + s.terminator_at(self._head))
        self._history.follow(s, d, self._keys)
        self._before, self._at, self._total, self.count = s, at + s.end, self._total + s.plaintext_len, self.count + 1

    def admit_final(self, s, at):
        """Checks SV2-ORD-002 and SV2-ORD-003, after the last segment."""
        opening.check_run(s, self._before, at)

    def fits(self, trailer):
        """Checks SV2-FIN-001, after the last segment."""
        return equal(trailer, self._history.trailer(self._total, self._at - self._head.body, None))
