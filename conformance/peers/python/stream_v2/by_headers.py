"""Section 15.5: a range by walking over headers from segment 0 on."""
from typing import NamedTuple

from . import digest, opening, segment
from .errors import check
from .keys import equal


class Walked(NamedTuple):
    index: int
    at: int
    begins: int                 # in the plaintext
    segment: segment.Segment


class ByHeaders:
    NAME = "headers"

    def __init__(self, stream, counted):
        self._stream, self._counted = stream, counted
        self._walked, self._at, self._total, self._link = [], stream.head.body, 0, digest.NO_RUN

    def wanted(self, begin, end):
        while self._total < end or len(self._walked) <= self._stream.first:
            self._step()
        return (walked for walked in self._walked
                if walked.begins < end and walked.begins + walked.segment.plaintext_len > begin)

    def check(self, s, place):
        """Checks that the run of a place is that of the header passed there."""
        check(s.run_salt == place.segment.run_salt and s.run_start == place.segment.run_start, "order.run", place.at + 12)

    def _step(self):
        index, at, stream = len(self._walked), self._at, self._stream
        with self._counted(index):
            s = stream.header_at(at)
            check(s.kind == segment.DATA and s.index == index, "order.segment_index", at + 4)
            opening.check_run(s, self._walked[-1].segment if self._walked else None, at)
            self._check_last_run(s, at)
            if s.run_start and index > 0:
                stream.may_read_link(at)
                link = stream.link_of(s, at)
                check(equal(link, self._link), "order.transcript", at + s.terminator_at(stream.head))
        self._link = digest.run_after(self._link, s)
        self._walked.append(Walked(index, at, self._total, s))
        self._at, self._total = at + s.end, self._total + s.plaintext_len
        self._check_end()

    def _check_end(self):
        """Checks the final segment once the headers reach its position or its total."""
        stream, count = self._stream, len(self._walked)
        if self._at == stream.final_at:
            with self._counted(stream.count):
                check(count == stream.count, "order.segment_index", stream.final_at + 4)
                stream.check_trailer(self._total == stream.total)
        elif self._at > stream.final_at or self._total >= stream.total:
            stream.check_trailer(False)

    def _check_last_run(self, s, at):
        """Checks SV2-RNG-005 of the run that the trailer names."""
        if s.index >= self._stream.first:
            check(s.run_salt == self._stream.run_salt and (s.index != self._stream.first or s.run_start),
                  "order.run", at + 12)
