"""Section 15.1 for bytes with random access: steps of the stream header and of one segment."""
import struct

from crc32c import crc32c

from . import digest, envelope, frames, header, segment
from .errors import StreamError, check
from .keys import equal


def check_key(content_key):
    """Checks SV2-KEY-001."""
    if content_key is not None and len(content_key) != 32:
        raise StreamError("misuse")


def envelope_checked(raw, head):
    """Performs step 9 of the header, without unwrapping. `raw` is the envelope and its CRC."""
    stanzas, stored = raw[:-4], struct.unpack("<I", raw[-4:])[0]
    check(crc32c(stanzas) == stored, "malformed.envelope_crc", header.LENGTH + head.envelope_len)
    envelope.check_stanzas(stanzas)


def stream_header(data):
    """Performs steps 1 to 9."""
    check(len(data) >= header.LENGTH, "truncated", len(data))
    head = header.parse(data[:header.LENGTH])
    if head.envelope_len:
        check(len(data) >= head.body, "truncated", len(data))
        envelope_checked(data[header.LENGTH:head.body], head)
    return head


def segment_header(data, at, head, keys, codecs):
    """Performs steps 1 to 9 of the segment at byte `at`. Step 9 needs the keys."""
    check(len(data) - at >= segment.LENGTH, "truncated", len(data))
    raw = data[at:at + segment.LENGTH]
    s = segment.parse(raw, head, at, codecs)
    if keys:
        segment.verify(raw, keys, at)
    return s


def wire_of(data, at, s):
    """Performs step 11."""
    check(len(data) - at >= s.end, "truncated", len(data))
    return data[at + segment.LENGTH:at + s.end]


def check_wire(wire, at, s, head):
    """Performs steps 12 and 13. Returns the frames as (offset, bytes)."""
    check(crc32c(wire) == s.wire_crc, "malformed.wire_crc", at + 56)
    return frames.check_headers(wire, s, head, at + segment.LENGTH)


def open_wire(wire, at, s, head, keys):
    """Performs steps 12 to 15. Returns payload, D and the plaintext of the terminator."""
    found = check_wire(wire, at, s, head)
    cipher = keys.aead(head.suite, s.key_epoch, s.run_salt)
    payload, digest_plain, terminator = frames.open_all(cipher, s, found)
    d = digest.digest(s, [frame for _, frame in found[:-2]], keys)
    check(equal(digest_plain, digest.digest_plaintext(s.digest_alg, d)), "auth.digest", found[-2][0])
    return payload, d, terminator


def open_terminator(data, at, s, head, keys):
    """Performs steps 11, 13, 14 and 16 of the terminator frame alone (SV2-RNG-006).

    Returns its plaintext."""
    begin, length = at + s.terminator_at(head), s.terminator_len(head)
    check(len(data) - begin >= length + segment.OVERHEAD, "truncated", len(data))
    frame = data[begin:begin + length + segment.OVERHEAD]
    frames.check_header(frame, frames.TERMINATOR, length, begin)
    cipher = keys.aead(head.suite, s.key_epoch, s.run_salt)
    terminator = frames.open_one(cipher, s, s.frame_count - 1, frame, begin)
    check_terminator(s, terminator, begin)
    return terminator


def check_terminator(s, terminator, frame_at):
    """Checks SV2-DIG-006 and SV2-DIG-007, as far as a data or index segment shows by itself."""
    fits = digest.link_fits(terminator[32:], s.index) if s.proves else not any(terminator)
    check(fits, "malformed.terminator", frame_at)


def check_proof(s, terminator, history, frame_at):
    """Checks SV2-DIG-005."""
    check(not s.proves or equal(terminator, history.proof), "order.transcript", frame_at)


def check_trailer(s, trailer, head, frame_at):
    """Checks SV2-FIN-005, then SV2-FIN-002.

    Returns its fields: total, position, distance, T, run_salt, first."""
    fields = digest.TRAILER.unpack(trailer)
    check(digest.link_fits(trailer[56:], s.index), "auth.trailer", frame_at)
    check(head.plaintext_len in (header.UNKNOWN, fields[0]), "auth.trailer", frame_at)
    return fields


def check_run(s, before, at):
    """Checks SV2-ORD-002 and SV2-ORD-003."""
    if before is not None:
        check(s.run_start != (s.run_salt == before.run_salt), "order.run", at + 12)
