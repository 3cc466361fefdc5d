"""Section 15.5: a range of a stream with UNIFORM, whose places are known."""
from typing import NamedTuple

from . import lengths, segment
from .errors import check
from .runs import Runs


class Place(NamedTuple):
    index: int
    at: int
    begins: int                 # in the plaintext


class ByArithmetic:
    NAME = "arithmetic"

    def __init__(self, stream, counted):
        self._stream, self._counted, self._runs = stream, counted, Runs(stream)
        self._size, self._len = stream.head.segment_size, lengths.full_len(stream.head)

    def wanted(self, begin, end):
        self._find_runs(begin // self._size)
        return (self._place(index) for index in range(begin // self._size, -(-end // self._size)))

    def _place(self, index):
        return Place(index, self._stream.head.body + index * self._len, index * self._size)

    def check(self, s, place):
        self._runs.check(s, place.at)
        right = min(self._size, self._stream.total - place.begins)
        check(s.plaintext_len == right, "order.uniform", place.at + 28)

    def _find_runs(self, lowest):
        while self._runs.first > lowest:
            place = self._place(self._runs.first)
            with self._counted(place.index):
                self._stream.may_read_link(place.at)
                s = self._stream.header_at(place.at)
                check(s.kind == segment.DATA and s.index == place.index, "order.segment_index", place.at + 4)
                self.check(s, place)
                self._runs.add(self._stream.link_of(s, place.at))
