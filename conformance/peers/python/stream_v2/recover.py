"""Section 19: the committed part of an interrupted writer's output."""
import copy
from typing import NamedTuple

from . import codec, digest, header, opening, segment
from .covering import Covering
from .errors import StreamError, check
from .journal import ENCRYPT, MAGIC as JOURNAL_MAGIC, Journal
from .keys import equal

DURABLE_BYTES_MAX = 2**28
BEGINNING_LEN_MAX = 65_664


class Recovered(NamedTuple):
    segments: int
    plaintext_len: int
    stream_len: int
    sealed: bool
    journal: str


def recover(output, journal, content_key, context=b""):
    """Performs steps 3 to 7 of section 19.2, and 19.3.

    Returns None if nothing was committed. Raises StreamError."""
    walk, _journal, fate = look(output, journal, content_key, context)
    return walk and walk.found(fate)


def look(output, journal, content_key, context):
    """Returns the walk after the last committed segment, the journal if this stream has one, and
    the fate of the journal."""
    if _nothing_committed(output):
        return None, None, None
    check(output.startswith(header.MAGIC), "malformed.magic", 0)                # SV2-RES-014
    walk = Walk(output, content_key, context)
    read, fate, usable = None, "none", False
    if journal is not None:
        check(journal.startswith(JOURNAL_MAGIC), "misuse", None)
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
    """Performs section 19.8."""
    walk = Walk(output, None)
    error = walk.to_the_end()
    _refuse_what_no_crash_leaves(error)
    if error and walk.at < len(output) and walk.segment_after(walk.at):
        raise StreamError("malformed.damaged", walk.at, walk.count)
    return walk.found("none")


def _nothing_committed(output):
    """Performs step 3. A foreign file is distinguished as well."""
    if len(output) <= len(header.MAGIC):
        return all(found in (0, right) for found, right in zip(output, header.MAGIC))
    if not output.startswith(header.MAGIC):
        return False
    if len(output) < header.LENGTH:
        return True
    try:
        head = header.parse(output[:header.LENGTH])
        if len(output) < head.body:
            return True
        opening.stream_header(output)
        return False
    except StreamError as error:
        return error.kind.startswith("malformed") and _holds_no_segment(output)


def _holds_no_segment(output):
    """A loss of power tears the envelope with the stream header."""
    starts = range(header.LENGTH, len(output) - segment.LENGTH + 1)
    return len(output) <= BEGINNING_LEN_MAX and not any(
        output.startswith(segment.MAGIC, at) and segment.is_intact(output[at:at + segment.LENGTH])
        for at in starts)


def _refuse_what_no_crash_leaves(error):
    """Checks SV2-RES-016."""
    if error and error.kind.split(".")[0] in ("order", "unsupported", "limit", "trailing"):
        raise error


def _as_damage(error, at, count):
    """Turns a fault of a committed segment into damage, unless it is unsupported (SV2-RES-006)."""
    if not error.kind.startswith("unsupported"):
        return StreamError("malformed.damaged", at, count)
    error.segments = count
    return error


class Walk:
    """Walks over whole segments, one after the other."""

    def __init__(self, output, content_key, context=b""):
        opening.check_key(content_key)
        self.output, self.head = output, opening.stream_header(output)
        self.raw_header = output[:header.LENGTH]
        self.keys = content_key and header.verify(self.raw_header, self.head, content_key, context)
        self.confirmed, self.lost = None, False
        self.begin()

    def begin(self):
        """Before segment 0."""
        self.at, self.count, self.total, self.history = self.head.body, 0, 0, digest.History()
        self.before, self.data_before, self.data_at = None, None, 0
        self.covering, self.sealed = Covering(self.head), False

    def found(self, journal):
        return Recovered(self.count, self.total, self.at, self.sealed, journal)

    def to_the_end(self):
        """Accepts segment after segment, and returns the error that stopped it."""
        while not self.sealed:
            try:
                self.step()
            except StreamError as error:
                error.segments = self.count
                return error
        if self.at < len(self.output):
            return StreamError("trailing", self.at, self.count)
        return None

    def step(self):
        """Accepts one more segment, with its plaintext, by the checks of a sequential reader."""
        s = self.header_at(self.at)
        check(s.index == self.count, "order.segment_index", self.at + 4)
        self._check_order(s, self.at)
        return s, self._accept(s)

    def confirm(self, commit):
        """Performs step 6. Returns False if the output ends before the commit does."""
        at = self.head.body + commit.position
        try:
            s = self.header_at(at)
            check(s.index == commit.segment_index and s.kind != segment.FINAL, "order.segment_index", at + 4)
            check(equal(s.tag, commit.segment_tag), "auth.segment_tag", at + 60)
            payload, _, terminator = self._open(s, at)
        except StreamError as error:
            if error.kind == "truncated":
                return False
            raise _as_damage(error, at, commit.segment_index) from error
        link = digest.run(s.run_salt, commit.run_first)         # SV2-JRN-011
        if not self.head.uniform:
            self._headers_before(s, at, link, terminator)
            self.covering.follow(s, at)
        self.confirmed = payload if s.kind == segment.DATA else None
        self.at, self.count = at + s.end, commit.segment_index + 1
        self.total, self.history, self.before = commit.plaintext_len, digest.History(commit.transcript, link), s
        if s.kind == segment.DATA:
            self.data_before, self.data_at = s, at
        elif self.data_before is not None:
            self.plaintext(self.data_at, self.data_before)      # with which the source is compared
        return True

    def _headers_before(self, committed, end, link, terminator):
        """Walks over the headers before the commit, for a stream without UNIFORM.

        This gives the required index content, and the data segment before the commit."""
        at, runs = self.head.body, digest.NO_RUN
        while at < end and self.count < committed.index:
            try:
                s = self.header_at(at)
                check(s.index == self.count, "order.segment_index", at + 4)
                self._check_header_before(s, at, runs, None)
            except StreamError as error:
                raise _as_damage(error, at, self.count) from error
            runs = digest.run_after(runs, s)
            self._follow(s, at)
            at += s.end
        try:
            check((at, self.count) == (end, committed.index), "order.segment_index", end + 4)
            self._check_header_before(committed, end, runs, terminator)
            check(digest.run_after(runs, committed) == link, "order.run", end + 12)
        except StreamError as error:
            raise _as_damage(error, end, committed.index) from error

    def _check_header_before(self, s, at, runs, terminator):
        """Checks SV2-RNG-007, and the rest of section 15.2. `runs` is R of the segment before."""
        self._check_order(s, at)
        if s.run_start and s.index:
            terminator = terminator or opening.open_terminator(self.output, at, s, self.head, self.keys)
            check(equal(terminator[32:], runs), "order.transcript", at + s.terminator_at(self.head))

    def plaintext(self, at, s):
        """Opens a committed data segment. Its damage is found here at the latest (SV2-RES-006)."""
        try:
            return self._open(s, at)[0]
        except StreamError as error:
            raise _as_damage(error, at, s.index) from error

    def plaintexts_from_the_start(self):
        """Yields all committed data segments as (offset in the plaintext, bytes), for a pipe."""
        again = copy.copy(self)
        again.begin()
        while again.at < self.at:
            at, count, total = again.at, again.count, again.total
            try:
                s, payload = again.step()
            except StreamError as error:
                raise _as_damage(error, at, count) from error
            if s.kind == segment.DATA:
                yield total, payload

    def segment_after(self, at):
        """Returns whether a valid segment header begins after byte `at` (SV2-RES-010 and 015)."""
        # The declared length of a torn segment is only believed with the key.
        here = self._verifies(at) if self.keys else None
        here = at + here.end if here is not None else at + 1
        while (here := self.output.find(segment.MAGIC, here)) >= 0:
            if self._verifies(here) is not None:
                return True
            here += 1
        return False

    def _verifies(self, at):
        try:
            return self.header_at(at)
        except StreamError:
            return None

    def header_at(self, at):
        return opening.segment_header(self.output, at, self.head, self.keys, (codec.NONE,))

    def _open(self, s, at):
        """Performs steps 11 to 16, in the form of section 15.5.

        Returns payload, D and the plaintext of the terminator."""
        wire = opening.wire_of(self.output, at, s)
        payload, d, terminator = opening.open_wire(wire, at, s, self.head, self.keys)
        if s.kind != segment.FINAL:
            opening.check_terminator(s, terminator, at + s.terminator_at(self.head))
        return payload, d, terminator

    def _check_order(self, s, at):
        head = self.head
        opening.check_run(s, self.before, at)
        if s.kind == segment.DATA:
            full = self.data_before is None or self.data_before.plaintext_len == head.segment_size
            check(full or not head.uniform, "order.uniform", at + 28)
            check(self.total + s.plaintext_len <= head.plaintext_len, "limit.stream_plaintext_len", at + 28)
        self.covering.check_order(s, at)

    def _accept(self, s):
        """Performs steps 11 to 17, or without the key those that need none.

        Returns the payload if there is a key."""
        at, payload = self.at, None
        if self.keys:
            payload = self._check_content(s, at)
        else:
            opening.check_wire(opening.wire_of(self.output, at, s), at, s, self.head)
        self._follow(s, at)
        self.at, self.sealed = at + s.end, s.kind == segment.FINAL
        return payload

    def _check_content(self, s, at):
        payload, d, terminator = self._open(s, at)
        frame_at = at + s.terminator_at(self.head)
        if s.kind == segment.FINAL:
            last, body = self.covering.last_at, self.head.body
            opening.check_trailer(s, terminator, self.head, frame_at)
            expected = self.history.trailer(self.total, at - body, None if last is None else last - body)
            check(equal(terminator, expected), "auth.trailer", frame_at)
            return payload
        opening.check_proof(s, terminator, self.history, frame_at)
        if s.kind == segment.INDEX:
            check(payload == self.covering.payload(at), "malformed.index", at + segment.LENGTH + 8)
        self.history.follow(s, d, self.keys)
        return payload

    def _follow(self, s, at):
        self.covering.follow(s, at)
        self.count, self.before = self.count + 1, s
        if s.kind == segment.DATA:
            self.total, self.data_before, self.data_at = self.total + s.plaintext_len, s, at
