"""Section 15: a sequential, strict, incremental reader."""
import struct
from typing import NamedTuple

from . import codec, digest, header, opening, segment
from .errors import StreamError, check
from .keys import equal


class IndexSeen(NamedTuple):
    """The last index segment: its offset, its tag, and its number of entries."""
    at: int
    tag: bytes
    entries: int


class Reader:
    """Takes bytes in any pieces. `sink` gets the plaintext of each verified segment.

    feed() and finish() raise errors, and the same one from then on.
    """

    def __init__(self, sink, content_key=None, context=b"", salvage=False):
        opening.check_key(content_key)
        self.sink, self.salvage = sink, salvage
        self._content_key, self._context = content_key, context
        self._buffer, self._offset = bytearray(), 0        # _offset: of the first byte in _buffer
        self._state = self._walk()
        self._need = next(self._state)                      # bytes that the next step waits for
        self.error, self.done = None, False
        self.header = None
        # the subject of terminators and the trailer
        self.segments, self.total, self.history = 0, 0, digest.History()
        self._last_index, self._uncovered, self._previous, self._previous_data = None, [], None, None

    def feed(self, data):
        self._refuse_after_error()
        self._buffer += data
        while self._buffer and len(self._buffer) >= self._need:
            piece = bytes(self._buffer[:self._need])
            del self._buffer[:self._need]
            try:
                self._need = self._state.send(piece)
            except StreamError as error:
                self._fail(error)
            self._offset += len(piece)

    def finish(self):
        self._refuse_after_error()
        if not self.done:
            salvaged = self.salvage and self.in_body
            self._fail(StreamError("truncated.unsealed" if salvaged else "truncated",
                                   self._offset + len(self._buffer)))

    in_body = False

    def _refuse_after_error(self):
        if self.error:
            raise self.error

    def _fail(self, error):
        error.segments = self.segments if self.in_body else None
        self.error = error
        self._buffer.clear()
        raise error

    # A generator. It yields the number of bytes that it needs, and is sent exactly these.

    def _walk(self):
        raw = yield header.LENGTH
        self.header = head = header.parse(raw)
        content_key = yield from self._envelope(head)
        self.keys = header.verify(raw, head, content_key, self._context)
        self.in_body = True
        at, kind = head.body, None
        while kind != segment.FINAL:
            raw = yield segment.LENGTH
            current = segment.parse(raw, head, at, codec.AVAILABLE)
            segment.verify(raw, self.keys, at)
            self._check_order(current, at)
            wire = yield current.wire_len
            plaintext = self._open(current, wire, at)
            self.segments += 1
            if plaintext:
                self.sink(plaintext)
            at, kind = at + segment.LENGTH + current.wire_len, current.kind
        self.done = True
        yield 1
        self.done = False
        raise StreamError("trailing", at)

    def _envelope(self, head):
        if head.envelope_len == 0:
            if self._content_key is None:
                raise StreamError("misuse")
            return self._content_key
        raw = yield head.envelope_len + 4
        opening.envelope_checked(raw, head)
        check(self._content_key is not None, "unsupported.envelope", header.LENGTH)
        return self._content_key

    def _check_order(self, s, at):
        """Checks section 15.2, SV2-HDR-018, then SV2-IDX-005."""
        before, data_before, head = self._previous, self._previous_data, self.header
        check(s.index == self.segments, "order.segment_index", at + 4)
        opening.check_run(s, before, at)
        if head.uniform and s.kind == segment.DATA and data_before is not None:
            check(data_before.plaintext_len == head.segment_size, "order.uniform", at + 28)
        if s.kind == segment.DATA and head.plaintext_len != header.UNKNOWN:
            check(self.total + s.plaintext_len <= head.plaintext_len, "limit.stream_plaintext_len", at + 28)
        if self._last_index is not None:
            most, uncovered = segment.index_entries_max(head), len(self._uncovered)
            if s.kind == segment.DATA:
                check(self._last_index.entries == most and uncovered < most, "order.index", at + 4)
            if s.kind == segment.FINAL:
                check(uncovered == 0, "order.index", at + 4)

    def _open(self, s, wire, at):
        """Performs steps 12 to 16, then decodes the codec or the index payload.

        Returns the plaintext of the stream in it."""
        payload, d, terminator = opening.open_wire(wire, at, s, self.header, self.keys)
        frame_at = at + s.terminator_at(self.header)
        plaintext = b""
        if s.kind == segment.FINAL:
            self._check_trailer(s, terminator, frame_at, at)
        else:
            opening.check_terminator(s, terminator, frame_at)
            opening.check_proof(s, terminator, self.history, frame_at)
            plaintext = self._accept(s, payload, at)
            self.history.follow(s, d, self.keys)
        self._previous = s
        return plaintext

    def _check_trailer(self, s, trailer, frame_at, at):
        """Checks SV2-FIN-005, SV2-FIN-002, SV2-FIN-001."""
        opening.check_trailer(s, trailer, self.header, frame_at)
        body = self.header.body
        index_at = None if self._last_index is None else self._last_index.at - body
        expected = self.history.trailer(self.total, at - body, index_at)
        check(equal(trailer, expected), "auth.trailer", frame_at)

    def _accept(self, s, payload, at):
        payload_at = at + segment.LENGTH + 8
        if s.kind == segment.INDEX:
            before = self._last_index
            distance, previous = (at - before.at, before.tag[:16]) if before else (0, bytes(16))
            expected = struct.pack("<Q", distance) + previous + b"".join(self._uncovered)
            check(payload == expected, "malformed.index", payload_at)
            self._last_index, self._uncovered = IndexSeen(at, s.tag, len(self._uncovered)), []
            return b""
        plaintext = codec.decompress(s, payload, self.header.segment_size, payload_at)
        self._uncovered.append(struct.pack("<II", s.plaintext_len, s.wire_len) + s.tag[:16])
        if len(self._uncovered) > segment.index_entries_max(self.header) + 1:
            self._uncovered.pop(0)      # no index can match any more; this bounds memory
        self.total += s.plaintext_len
        self._previous_data = s
        return plaintext


def read_all(data, content_key=None, cut=None, **options):
    """Returns the released plaintext, and the error or None. `cut` is the length of the pieces."""
    out = []
    reader = Reader(out.append, content_key, **options)
    try:
        for here in range(0, len(data), cut or max(1, len(data))):
            reader.feed(data[here:here + (cut or len(data))])
        reader.finish()
    except StreamError as error:
        return b"".join(out), error
    return b"".join(out), None
