"""Section 19: what of an interrupted writer's output is committed."""
import struct
from typing import NamedTuple

from crc32c import crc32c

from . import digest, envelope, frames, header, segment
from .covering import Covering
from .errors import StreamError, check
from .journal import ENCRYPT, Journal
from .keys import equal

DURABLE_BYTES_MAX = 2**28


class Recovered(NamedTuple):
    segments: int
    plaintext_len: int
    stream_len: int
    sealed: bool
    journal: str


def recover(output, journal, content_key, context=b""):
    """Steps 3 to 7 of section 19.2, and 19.3; None where nothing was committed. Raises StreamError."""
    walk, _journal, fate = look(output, journal, content_key, context)
    return walk and walk.found(fate)


def look(output, journal, content_key, context):
    """The walk after the last committed segment, the journal where there is one of this stream, and what became of it."""
    if _nothing_committed(output):
        return None, None, None
    walk = Walk(output, content_key, context)
    read, fate, usable = None, "none", False
    if journal is not None:
        try:
            read = Journal(journal, ENCRYPT, walk.raw_header, walk.keys)
        except StreamError as error:
            fate = error.kind
        else:
            fate, usable = ("damaged", False) if read.damaged else ("used", True)
            if usable and read.commit and not walk.confirm(read.commit):
                fate, usable, walk.lost = "lost", False, True
    error = walk.to_the_end()
    _refuse_what_no_crash_leaves(error)
    deep = len(output) - walk.at > DURABLE_BYTES_MAX
    if error and walk.at < len(output) and (deep or not usable) and walk.segment_after(walk.at):
        raise StreamError("malformed.damaged", walk.at, walk.count)
    return walk, read, fate


def recover_keyless(output):
    """Section 19.8."""
    walk = Walk(output, None)
    error = walk.to_the_end()
    _refuse_what_no_crash_leaves(error)
    if error and walk.at < len(output) and walk.segment_after(walk.at):
        raise StreamError("malformed.damaged", walk.at, walk.count)
    return walk.found("none")


def _nothing_committed(output):
    """Step 3: also tells somebody else's file."""
    if len(output) <= len(header.MAGIC):
        return all(found in (0, right) for found, right in zip(output, header.MAGIC))
    if not output.startswith(header.MAGIC):
        return False
    if len(output) < header.LENGTH:
        return True
    try:
        return len(output) < header.parse(output[:header.LENGTH]).body
    except StreamError as error:
        return len(output) == header.LENGTH and error.kind.startswith("malformed")


def _refuse_what_no_crash_leaves(error):
    """SV2-RES-016."""
    if error and error.kind.split(".")[0] in ("order", "unsupported", "limit", "trailing"):
        raise error


class Walk:
    """Goes over whole segments, one after the other."""

    def __init__(self, output, content_key, context=b""):
        self.output = output
        check(len(output) >= header.LENGTH, "truncated", len(output))
        self.raw_header = output[:header.LENGTH]
        self.head = header.parse(self.raw_header)
        body = self.head.body
        if self.head.envelope_len:
            check(len(output) >= body, "truncated", len(output))
            stanzas, crc = output[header.LENGTH:body - 4], output[body - 4:body]
            check(struct.unpack("<I", crc)[0] == crc32c(stanzas), "malformed.envelope_crc", body - 4)
            envelope.check_stanzas(stanzas)
        self.keys = content_key and header.verify(self.raw_header, self.head, content_key, context)
        self.at, self.count, self.total, self.transcript = body, 0, 0, digest.START
        self.before = self.data_before = None
        self.data_at, self.confirmed = 0, None
        self.covering = Covering(self.head)
        self.sealed = self.lost = False

    def found(self, journal):
        return Recovered(self.count, self.total, self.at, self.sealed, journal)

    def to_the_end(self):
        """Accepts segment after segment; gives the error that stopped it."""
        while not self.sealed:
            try:
                self._accept(*self._open(self.at, self.count))
            except StreamError as error:
                error.segments = self.count
                return error
        if self.at < len(self.output):
            return StreamError("trailing", self.at, self.count)
        return None

    def confirm(self, commit):
        """Step 6. False where the output ends before the commit does."""
        at = self.head.body + commit.position
        try:
            s, _, terminator, payload = self._open(at, commit.segment_index, known=False)
            check(s.tag == commit.segment_tag and s.kind != segment.FINAL, "malformed.damaged", at)
            self._check_alone(s, terminator)
        except StreamError as error:
            if error.kind == "truncated":
                return False
            raise StreamError("malformed.damaged", at, commit.segment_index) from error
        if not self.head.uniform:
            self._headers_before(at, commit.segment_index)
            self.covering.follow(s, at)
        self.confirmed = payload if s.kind == segment.DATA else None
        self.at, self.count = at + segment.LENGTH + s.wire_len, commit.segment_index + 1
        self.total, self.transcript, self.before = commit.plaintext_len, commit.transcript, s
        if s.kind == segment.DATA:
            self.data_before, self.data_at = s, at
        elif self.data_before is not None:
            self._refuse_damaged_data()
        return True

    def _headers_before(self, end, count):
        """Of a stream without UNIFORM: what index segments must say, and the data segment before the commit."""
        at = self.head.body
        while at < end and self.count < count:
            try:
                raw = self.output[at:at + segment.LENGTH]
                s = segment.parse(raw, self.head, at, (0,))
                segment.verify(raw, self.keys, at)
                check(s.index == self.count, "order.segment_index", at + 4)
                self._check_order(s, at)
            except StreamError as error:
                if error.kind.startswith(("malformed", "auth")):
                    raise StreamError("malformed.damaged", at, self.count) from error
                raise
            self.covering.follow(s, at)
            if s.kind == segment.DATA:
                self.total, self.data_before, self.data_at = self.total + s.plaintext_len, s, at
            self.before, self.count, at = s, self.count + 1, at + segment.LENGTH + s.wire_len
        check((at, self.count) == (end, count), "malformed.damaged", end)

    def _refuse_damaged_data(self):
        """The data segment before the index segment of the last commit, with which the source is compared."""
        s, at = self.data_before, self.data_at
        try:
            self._open(at, s.index, known=False)
        except StreamError as error:
            raise StreamError("malformed.damaged", at, s.index) from error

    def plaintext(self, at, s):
        """Of a data segment that was checked before."""
        wire_at = at + segment.LENGTH
        found = frames.check_headers(self.output[wire_at:wire_at + s.wire_len], s, self.head, wire_at)
        payload, _, _ = frames.open_all(self.keys.aead(self.head.suite, s.key_epoch, s.run_salt), s, found)
        return payload

    def plaintexts_from_the_start(self):
        """Of all committed data segments: for a source that is a pipe."""
        at = self.head.body
        while at < self.at:
            s = segment.parse(self.output[at:at + segment.LENGTH], self.head, at, (0,))
            if s.kind == segment.DATA:
                yield self.plaintext(at, s)
            at += segment.LENGTH + s.wire_len

    def segment_after(self, at):
        """SV2-RES-010 and 015: whether a segment header that verifies begins after byte `at`."""
        # Only with the key is the length believed that a torn segment says of itself.
        here = self._verifies(at) if self.keys else None
        here = here + at + segment.LENGTH if here is not None else at + 1
        while (here := self.output.find(segment.MAGIC, here)) >= 0:
            if self._verifies(here) is not None:
                return True
            here += 1
        return False

    def _verifies(self, at):
        """wire_len, where a segment header stands."""
        raw = self.output[at:at + segment.LENGTH]
        if len(raw) < segment.LENGTH:
            return None
        try:
            s = segment.parse(raw, self.head, at, (0,))
            if self.keys:
                segment.verify(raw, self.keys, at)
        except StreamError:
            return None
        return s.wire_len

    def _open(self, at, count, known=True):
        """One segment by section 15.1: the header, D and the terminator; without the key, the header alone."""
        end = len(self.output)
        check(end - at >= segment.LENGTH, "truncated", end)
        raw = self.output[at:at + segment.LENGTH]
        s = segment.parse(raw, self.head, at, (0,))
        if self.keys:
            segment.verify(raw, self.keys, at)
        check(s.index == count, "order.segment_index", at + 4)
        if known:
            self._check_order(s, at)
        wire_at = at + segment.LENGTH
        check(end - wire_at >= s.wire_len, "truncated", end)
        wire = self.output[wire_at:wire_at + s.wire_len]
        check(crc32c(wire) == s.wire_crc, "malformed.wire_crc", at + 56)
        found = frames.check_headers(wire, s, self.head, wire_at)
        if not self.keys:
            return s, None, None, None
        cipher = self.keys.aead(self.head.suite, s.key_epoch, s.run_salt)
        payload, digest_plain, terminator = frames.open_all(cipher, s, found)
        d = digest.digest(s, [frame for _, frame in found[:-2]], self.keys)
        check(equal(digest_plain, digest.digest_plaintext(s.digest_alg, d)), "auth.digest", found[-2][0])
        return s, d, terminator, payload

    def _check_order(self, s, at):
        before, head = self.before, self.head
        if before is not None:
            check(s.run_start != (s.run_salt == before.run_salt), "order.run", at + 12)
        if s.kind == segment.DATA:
            full = self.data_before is None or self.data_before.plaintext_len == head.segment_size
            check(full or not head.uniform, "order.uniform", at + 28)
            check(self.total + s.plaintext_len <= head.plaintext_len, "limit.stream_plaintext_len", at + 28)
        self.covering.check_order(s, at)

    def _check_alone(self, s, terminator):
        proves = s.run_start or s.kind == segment.INDEX
        check(proves or not any(terminator), "malformed.terminator", None)

    def _accept(self, s, d, terminator, payload):
        frame_at = self.at + segment.LENGTH + s.wire_len - s.terminator_len(self.head) - segment.OVERHEAD
        if self.keys and s.kind == segment.FINAL:
            last = self.covering.last_at
            index_at = None if last is None else last - self.head.body
            expected = digest.trailer(self.total, self.at - self.head.body, index_at, self.transcript)
            check(equal(terminator, expected), "auth.trailer", frame_at)
            check(self.head.plaintext_len in (header.UNKNOWN, self.total), "auth.trailer", frame_at)
        elif self.keys:
            if s.run_start or s.kind == segment.INDEX:
                check(equal(terminator, self.transcript), "order.transcript", frame_at)
            self._check_alone(s, terminator)
            if s.kind == segment.INDEX:
                payload_at = self.at + segment.LENGTH + 8
                check(payload == self.covering.payload(self.at), "malformed.index", payload_at)
            self.transcript = digest.chain(self.keys, self.transcript, s.index, d)
        self.covering.follow(s, self.at)
        begin, self.at = self.at, self.at + segment.LENGTH + s.wire_len
        self.count, self.before, self.sealed = self.count + 1, s, s.kind == segment.FINAL
        if s.kind == segment.DATA:
            self.total, self.data_before, self.data_at = self.total + s.plaintext_len, s, begin
