"""Section 16: a writer with given salts, for test vectors only (SV2-WRT-006)."""
import struct

from crc32c import crc32c

from . import digest, frames, segment
from .errors import StreamError
from .header import LENGTH, UNKNOWN
from .journal import JournalWriter


class Stopped(Exception):
    """No more bytes reach the output."""


class Writer:
    """Writes a stream with write(), flush() and finish(). `out` collects the stream.

    `run_salts` has the salt of each run by its first segment_index."""

    def __init__(self, header, content_key, run_salts, context=b"", digest_alg=1, envelope=b"", index=False):
        self.header, self.run_salts, self.digest_alg, self.with_index = header, run_salts, digest_alg, index
        header.envelope_len = len(envelope)
        raw, self.keys = header.encode(content_key, context)
        self.out = bytearray(raw)
        if envelope:
            self.out += envelope + struct.pack("<I", crc32c(envelope))
        self._pending, self._run_salt, self._next = bytearray(), None, 0
        self.total, self.history = 0, digest.History()
        self._short, self._entries, self._last_index = False, [], None
        self.journal = self.stop_after = None

    def stop(self, stop_after):
        """Keeps a journal of section 18, and raises `Stopped` after this many bytes of output."""
        self.stop_after = stop_after
        if stop_after >= self.header.body:                  # SV2-JRN-009
            self.journal = JournalWriter(bytes(self.out[:LENGTH]), self.keys)

    def take_up(self, kept, segments, total, history):
        """Resumes the output of an interrupted run."""
        self.out, self._next, self.total, self.history = bytearray(kept), segments, total, history

    def cover(self, covering):
        """Writes index segments if the stream already has one (SV2-IDX-010)."""
        self._entries = covering.entries
        if covering.last_at is not None:
            self._last_index = covering.last_at, covering.last_tag
        if self.with_index and covering.full:
            self._index()

    def write(self, data):
        """Writes plaintext. Bytes beyond plaintext_len of the header are cut off (SV2-HDR-017)."""
        self._pending += data[:max(0, self.header.plaintext_len - self.total - len(self._pending))]
        size = self.header.segment_size
        while len(self._pending) >= size:
            piece = bytes(self._pending[:size])
            del self._pending[:size]
            self._data(piece)

    def flush(self):
        if self._pending:
            piece = bytes(self._pending)
            self._pending.clear()
            self._data(piece)

    def finish(self):
        self.flush()
        if self.header.plaintext_len not in (UNKNOWN, self.total):
            raise StreamError("io.source")
        if self.with_index and self._entries:
            self._index()
        base = self.header.body
        position = len(self.out) - base
        if self.journal:
            self.journal.ending(self._next, position, self.total, self.history)
        index_at = None if self._last_index is None else self._last_index[0] - base
        self._seal(segment.FINAL, 0, b"", self.history.trailer(self.total, position, index_at))
        return bytes(self.out)

    def _data(self, plaintext):
        if self.header.uniform and self._short:
            raise StreamError("misuse", message="UNIFORM: a short segment is the last")
        if self._next + self.with_index > self.header.last_segment_index:      # SV2-IDX-001: an index segment follows
            raise StreamError("limit.segment_index")
        self._short = len(plaintext) < self.header.segment_size
        self.total += len(plaintext)
        s = self._seal(segment.DATA, len(plaintext), plaintext)
        self._entries.append(struct.pack("<II", s.plaintext_len, s.wire_len) + s.tag[:16])
        if self.with_index and len(self._entries) == segment.index_entries_max(self.header):
            self._index()

    def _index(self):
        at = len(self.out)
        distance, previous = (at - self._last_index[0], self._last_index[1]) if self._last_index else (0, bytes(16))
        payload = struct.pack("<Q", distance) + previous + b"".join(self._entries)
        self._entries = []
        self._last_index = at, self._seal(segment.INDEX, 0, payload).tag[:16]

    def _seal(self, kind, plaintext_len, payload, trailer=None):
        """Seals one segment."""
        head, run_start = self.header, self._next in self.run_salts
        self._run_salt = self.run_salts.get(self._next, self._run_salt)
        s = segment.build(head, self._next, kind, plaintext_len, len(payload), self._run_salt,
                          run_start, self.digest_alg)
        cipher = self.keys.aead(head.suite, s.key_epoch, s.run_salt)
        pieces = [payload[here:here + head.frame_size] for here in range(0, len(payload), head.frame_size)]
        sealed = [frames.seal(cipher, s, n, frames.DATA, piece) for n, piece in enumerate(pieces)]
        d = digest.digest(s, sealed, self.keys)
        terminator = trailer
        if terminator is None:
            terminator = self.history.proof if s.proves else bytes(s.terminator_len(head))
        sealed.append(frames.seal(cipher, s, len(sealed), frames.DIGEST,
                                  digest.digest_plaintext(s.digest_alg, d)))
        sealed.append(frames.seal(cipher, s, len(sealed), frames.TERMINATOR, terminator))
        wire = b"".join(sealed)
        position = len(self.out) - head.body
        self.out += segment.encode(s, self.keys, wire) + wire
        if self.stop_after is not None and len(self.out) > self.stop_after:
            del self.out[self.stop_after:]
            raise Stopped
        if kind != segment.FINAL:
            self.history.follow(s, d, self.keys)
            if self.journal:
                self.journal.commit(s, position, self.total, self.history)
        self._next += 1
        return s
