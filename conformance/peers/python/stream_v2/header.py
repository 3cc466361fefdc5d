"""Section 4: the stream header."""
import struct
from dataclasses import dataclass

from crc32c import crc32c

from .errors import check, check_zero
from .keys import KeySchedule, equal, hmac

MAGIC = bytes.fromhex("89535632 0D0A1A0A")
LENGTH = 128
UNKNOWN = 2**64 - 1
UNIFORM = 1
SEGMENT_SIZE_MAX, ENVELOPE_LEN_MAX, SUITE2_BYTES_MAX, KEY_EPOCH_MAX = 2**26, 65532, 2**40, 65535
LAYOUT = struct.Struct("<8sHHHBBIIQ32s16s")         # the 80 bytes that every key is bound to


@dataclass
class HeaderV1:
    stream_salt: bytes
    suite: int = 1
    flags: int = 0
    frame_size_log2: int = 16
    segment_size: int = 2**20
    epoch_segments: int = 0
    plaintext_len: int = UNKNOWN
    key_id: bytes = bytes(16)
    envelope_len: int = 0

    @property
    def frame_size(self):
        return 1 << self.frame_size_log2

    @property
    def uniform(self):
        return bool(self.flags & UNIFORM)

    @property
    def body(self):
        """Returns the offset of position 0."""
        return LENGTH + (self.envelope_len + 4 if self.envelope_len else 0)

    @property
    def last_segment_index(self):
        """Returns the largest index of a data or index segment (section 14)."""
        return min(2**32, 65536 * self.epoch_segments or 2**32) - 2

    def epoch_of(self, segment_index):
        return segment_index // self.epoch_segments if self.epoch_segments else 0

    def rekeys_at(self, segment_index):
        return self.epoch_of(segment_index) != 0 and segment_index % self.epoch_segments == 0

    def prefix(self):
        return LAYOUT.pack(MAGIC, 1, self.suite, self.flags, self.frame_size_log2, 0, self.segment_size,
                           self.epoch_segments, self.plaintext_len, self.stream_salt, self.key_id)

    def encode(self, content_key, context=b""):
        prefix = self.prefix()
        keys = KeySchedule(content_key, prefix, self.stream_salt, context)
        raw = prefix + hmac(keys.header, prefix) + struct.pack("<IQ", self.envelope_len, 0)
        return raw + struct.pack("<I", crc32c(raw)), keys


def parse(raw):
    """Performs steps 2 to 8 of section 15.1 for 128 bytes."""
    check(raw[:8] == MAGIC, "malformed.magic", 0)
    check(struct.unpack_from("<I", raw, 124)[0] == crc32c(raw[:124]), "malformed.header_crc", 124)
    (_, version, suite, flags, log2, _, size, epoch, plaintext_len, salt, key_id) = LAYOUT.unpack_from(raw)
    envelope_len, = struct.unpack_from("<I", raw, 112)
    check(version == 1, "unsupported.version", 8)
    check_zero(raw, 15, 16, "malformed.reserved")
    check_zero(raw, 116, 124, "malformed.reserved")
    check(suite in (1, 2), "unsupported.suite", 10)
    check(flags & ~UNIFORM == 0, "unsupported.flags", 12)
    check(12 <= log2 <= 24, "limit.frame_size", 14)
    check(1 << log2 <= size <= SEGMENT_SIZE_MAX, "limit.segment_size", 16)
    check(suite != 2 or 0 < epoch * size <= SUITE2_BYTES_MAX, "limit.epoch_segments", 20)
    check(envelope_len <= ENVELOPE_LEN_MAX, "limit.envelope_len", 112)
    check(size % (1 << log2) == 0, "malformed.segment_size", 16)
    check(envelope_len == 0 or envelope_len % 8 == 4, "malformed.envelope_len", 112)
    return HeaderV1(salt, suite, flags, log2, size, epoch, plaintext_len, key_id, envelope_len)


def verify(raw, header, content_key, context):
    """Performs step 10. Returns the keys of the stream, or raises `key.header_tag`."""
    keys = KeySchedule(content_key, raw[:80], header.stream_salt, context)
    check(equal(hmac(keys.header, raw[:80]), raw[80:112]), "key.header_tag", 80)
    return keys
