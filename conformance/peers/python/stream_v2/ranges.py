"""Section 15.5: a range reader of a sealed stream."""
from . import codec, header, lengths, opening, segment
from .by_arithmetic import ByArithmetic
from .by_headers import ByHeaders
from .by_index import ByIndex
from .errors import StreamError, check
from .in_order import InOrder


class Sealed:
    """A stream with a verified final segment, and the opening of its segments.

    For `runs_max` see SV2-RNG-009."""

    def __init__(self, data, content_key, context, runs_max):
        opening.check_key(content_key)
        self.data, self.head = data, opening.stream_header(data)
        if content_key is None:
            raise StreamError("unsupported.envelope", header.LENGTH) if self.head.envelope_len else StreamError("misuse")
        self.keys = header.verify(data[:header.LENGTH], self.head, content_key, context)
        self._links_left, self._in_order = runs_max, InOrder(self.head, self.keys)
        self._open_final()

    def header_at(self, at):
        return opening.segment_header(self.data, at, self.head, self.keys, codec.AVAILABLE)

    def _open_final(self):
        at, body = len(self.data) - segment.FINAL_LEN, self.head.body
        try:
            check(at >= body, "truncated", len(self.data))
            s = self.header_at(at)
            check(s.kind == segment.FINAL, "order.segment_index", at + 4)
        except StreamError:
            self._what_stands_there()
            raise
        with counted(s.index):
            position = at - body
            if self.head.uniform:
                check(s.index == -(-position // lengths.full_len(self.head)), "order.segment_index", at + 4)
            wire = opening.wire_of(self.data, at, s)
            _, _, self._trailer = opening.open_wire(wire, at, s, self.head, self.keys)
            self.final_at, self.count, self.trailer_at = at, s.index, at + s.terminator_at(self.head)
            self._final = s
            self._check_trailer(s, position)

    def _check_trailer(self, s, position):
        """Checks SV2-FIN-005, SV2-FIN-002, SV2-FIN-006, and that it is possible (SV2-RNG-001)."""
        fields = opening.check_trailer(s, self._trailer, self.head, self.trailer_at)
        self.total, named_position, self.distance, self.transcript, self.run_salt, self.first = fields
        self.check_trailer(named_position == position)
        if self.head.uniform:
            self.check_trailer(lengths.uniform_position(self.total, self.head) == (position, s.index))
        else:
            self.check_trailer(self.distance <= position)
        self._check_end()

    def check_trailer(self, fits):
        if not fits:
            raise StreamError("auth.trailer", self.trailer_at, self.count)

    def _what_stands_there(self):
        """Walks over headers without opening a frame (SV2-RNG-010)."""
        at, count = self._last_full_segment()
        before, from_the_start = None, count == 0
        while True:
            with counted(count):
                s = self.header_at(at)
                check(s.index == count, "order.segment_index", at + 4)
                opening.check_run(s, before if from_the_start else None, at)
                opening.wire_of(self.data, at, s)
            at, count, before = at + s.end, count + 1, s
            if s.kind == segment.FINAL:
                raise StreamError("trailing", at, count)

    def _last_full_segment(self):
        """Returns where to begin, and its segment_index."""
        body = self.head.body
        if self.head.uniform:
            size = lengths.full_len(self.head)
            for index in range((len(self.data) - body) // size, 0, -1):
                try:
                    s = self.header_at(body + index * size)
                except StreamError:
                    continue
                if (s.kind, s.index, s.plaintext_len) == (segment.DATA, index, self.head.segment_size):
                    return body + index * size, index
        return body, 0

    def may_read_link(self, at):
        """Checks SV2-RNG-009."""
        if self._links_left is not None:
            check(self._links_left > 0, "limit.policy", at)
            self._links_left -= 1

    def link_of(self, s, at):
        """Returns R of the segment before, from a segment that is read for its link."""
        return opening.open_terminator(self.data, at, s, self.head, self.keys)[32:]

    def open(self, s, at):
        """Performs steps 11 to 16. Returns payload, D and the plaintext of the terminator."""
        wire = opening.wire_of(self.data, at, s)
        payload, d, terminator = opening.open_wire(wire, at, s, self.head, self.keys)
        opening.check_terminator(s, terminator, at + s.terminator_at(self.head))
        return payload, d, terminator

    def plaintext(self, s, at):
        """Performs steps 10 to 17 of a data segment, except for its place."""
        in_turn = self._in_order.is_turn(s, at)
        if in_turn:
            self._in_order.admit(s, at)
        payload, d, terminator = self.open(s, at)
        if in_turn:
            self._in_order.follow(s, at, d, terminator)
        plaintext = codec.decompress(s, payload, self.head.segment_size, at + segment.LENGTH + 8)
        if in_turn:
            self._check_end()
        return plaintext

    def _check_end(self):
        """Checks the final segment like a sequential reader, if all segments were seen."""
        if self._in_order.count == self.count:
            with counted(self.count):
                self._in_order.admit_final(self._final, self.final_at)
            self.check_trailer(self._in_order.fits(self._trailer))


class counted:
    """Gives the errors inside it this number of segments before them."""

    def __init__(self, segments):
        self._segments = segments

    def __enter__(self):
        return self

    def __exit__(self, _type, error, _traceback):
        if isinstance(error, StreamError) and error.segments is None:
            error.segments = self._segments


class RangeReader:
    """Reads ranges of the plaintext into a sink with read(), segment after segment.

    After an error it always raises the same one."""

    def __init__(self, data, content_key=None, context=b"", runs_max=None):
        self._stream = Sealed(data, content_key, context, runs_max)
        self.plaintext_len, self.error = self._stream.total, None
        places = (ByArithmetic if self._stream.head.uniform else
                  ByIndex if self._stream.distance else ByHeaders)
        self._places = places(self._stream, counted)
        self.by = places.NAME

    def read(self, offset, length, sink):
        if self.error:
            raise self.error
        begin, end = min(offset, self.plaintext_len), min(offset + length, self.plaintext_len)
        try:
            if begin < end:
                self._read(begin, end, sink)
        except StreamError as error:
            self.error = error
            raise

    def _read(self, begin, end, sink):
        for place in self._places.wanted(begin, end):
            with counted(place.index):
                s = self._stream.header_at(place.at)
                check(s.kind == segment.DATA and s.index == place.index, "order.segment_index", place.at + 4)
                self._places.check(s, place)
                plaintext = self._stream.plaintext(s, place.at)
            sink(plaintext[max(0, begin - place.begins):end - place.begins])
