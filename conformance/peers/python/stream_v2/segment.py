"""Section 6: the segment header. Section 13: epochs. Section 14: limits."""
import struct
from dataclasses import dataclass

from crc32c import crc32c

from .errors import check, check_zero
from .header import KEY_EPOCH_MAX
from .keys import equal, hmac

MAGIC = b"SV2S"
LENGTH = 96
DATA, INDEX, FINAL = 0, 1, 2
REKEY, RUN_START = 1, 2
OVERHEAD, DIGEST_LEN, TRAILER_LEN, PROOF_LEN = 24, 36, 76, 52
LAYOUT = struct.Struct("<4sIBBHHHIIIIII16s")        # the bound prefix
FINAL_LEN = 256
CODECS = (0, 1, 2)


@dataclass
class Segment:
    index: int
    kind: int
    codec: int
    digest_alg: int
    flags: int
    key_epoch: int
    data_frames: int
    frame_count: int
    plaintext_len: int
    payload_len: int
    wire_len: int
    run_salt: bytes
    wire_crc: int = 0
    tag: bytes = b""
    bound: bytes = b""

    @property
    def run_start(self):
        return bool(self.flags & RUN_START)

    @property
    def end(self):
        """Returns the bytes from its beginning to its end."""
        return LENGTH + self.wire_len

    @property
    def proves(self):
        """Returns whether its terminator holds T and a link."""
        return self.kind == INDEX or (self.kind == DATA and self.run_start)

    def terminator_at(self, header):
        """Returns the offset of its terminator frame from its own beginning."""
        return self.end - self.terminator_len(header) - OVERHEAD

    def terminator_len(self, header):
        """Returns the length of its terminator (section 8.3)."""
        if self.kind == FINAL:
            return TRAILER_LEN
        return PROOF_LEN if self.run_start or self.kind == INDEX or header.uniform else 0


def index_entries_max(header):
    return min(65536, (header.segment_size - 24) // 24)


def build(header, index, kind, plaintext_len, payload_len, run_salt, run_start, digest_alg, codec=0):
    """Returns a segment with all derived fields, and its bound prefix."""
    flags = (REKEY if header.rekeys_at(index) else 0) | (RUN_START if run_start else 0)
    data_frames = -(-payload_len // header.frame_size)
    s = Segment(index, kind, codec, digest_alg, flags, header.epoch_of(index), data_frames,
                data_frames + 2, plaintext_len, payload_len, 0, run_salt)
    s.wire_len = payload_len + OVERHEAD * s.frame_count + DIGEST_LEN + s.terminator_len(header)
    s.bound = LAYOUT.pack(MAGIC, index, kind, codec, digest_alg, flags, 0, s.key_epoch, data_frames,
                          s.frame_count, plaintext_len, payload_len, s.wire_len, run_salt)
    return s


def encode(segment, keys, wire):
    raw = segment.bound + struct.pack("<I", crc32c(wire))
    segment.tag = hmac(keys.segment, raw)
    raw += segment.tag
    return raw + struct.pack("<I", crc32c(raw))


def is_intact(raw):
    """Whether the checksum of a segment header matches."""
    return struct.unpack_from("<I", raw, 92)[0] == crc32c(raw[:92])


def parse(raw, header, at, codecs=CODECS):
    """Performs steps 2 to 8 of section 15.1. `at` is the offset of the segment."""
    check(raw[:4] == MAGIC, "malformed.magic", at)
    check(is_intact(raw), "malformed.header_crc", at + 92)
    (_, index, kind, codec, alg, flags, _, epoch, data_frames, frame_count,
     plaintext_len, payload_len, wire_len, salt) = LAYOUT.unpack_from(raw)
    s = Segment(index, kind, codec, alg, flags, epoch, data_frames, frame_count, plaintext_len, payload_len,
                wire_len, salt, struct.unpack_from("<I", raw, 56)[0], raw[60:92], raw[:56])
    check_zero(raw, 14, 16, "malformed.reserved", at)
    check(kind in (DATA, INDEX, FINAL), "unsupported.kind", at + 8)
    check(codec in codecs, "unsupported.codec", at + 9)
    check(alg in (1, 2), "unsupported.digest_alg", at + 10)
    check(flags & ~(REKEY | RUN_START) == 0, "unsupported.flags", at + 12)

    check(kind == FINAL or index <= header.last_segment_index, "limit.segment_index", at + 4)
    check(epoch <= KEY_EPOCH_MAX, "limit.key_epoch", at + 16)
    check(plaintext_len <= header.segment_size, "limit.plaintext_len", at + 28)
    check(payload_len <= header.segment_size, "limit.payload_len", at + 32)

    check(kind != INDEX or not header.uniform, "malformed.kind", at + 8)
    check(codec == 0 or (kind == DATA and not header.uniform), "malformed.codec", at + 9)
    check(index != 0 or s.run_start, "malformed.flags", at + 12)
    check(bool(flags & REKEY) == header.rekeys_at(index), "malformed.flags", at + 12)
    check(epoch == header.epoch_of(index), "malformed.key_epoch", at + 16)
    check((plaintext_len > 0) == (kind == DATA), "malformed.plaintext_len", at + 28)
    check(_payload_len_fits(s, header), "malformed.payload_len", at + 32)
    check(data_frames == -(-payload_len // header.frame_size), "malformed.data_frames", at + 20)
    check(frame_count == data_frames + 2, "malformed.frame_count", at + 24)
    derived = payload_len + OVERHEAD * frame_count + DIGEST_LEN + s.terminator_len(header)
    check(wire_len == derived, "malformed.wire_len", at + 36)
    return s


def _payload_len_fits(s, header):
    if s.kind == FINAL:
        return s.payload_len == 0
    if s.kind == INDEX:
        entries, rest = divmod(s.payload_len - 24, 24)
        return rest == 0 and 1 <= entries <= index_entries_max(header)
    if s.codec == 0:
        return s.payload_len == s.plaintext_len
    return 0 < s.payload_len < s.plaintext_len


def verify(raw, keys, at):
    """Performs step 9."""
    check(equal(hmac(keys.segment, raw[:60]), raw[60:92]), "auth.segment_tag", at + 60)
