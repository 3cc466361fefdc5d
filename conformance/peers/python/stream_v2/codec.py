"""Section 10: codecs.

LZ4 blocks are decompressed here. No package at hand accepts exactly those that section 10
allows."""
import zstandard

from .errors import check

NONE, ZSTANDARD, LZ4 = 0, 1, 2
AVAILABLE = (NONE, ZSTANDARD, LZ4)
FEATURES = ["codec-zstd", "codec-lz4"]
ZSTANDARD_MAGIC = b"\x28\xb5\x2f\xfd"


def decompress(segment, payload, window_max, at):
    """Returns the plaintext of a payload. `at` is the offset of the payload."""
    if segment.codec == NONE:
        return payload
    if segment.codec == LZ4:
        plaintext = _lz4(payload, segment.plaintext_len)
    else:
        window = _window(payload)
        check(window is not None, "malformed.codec_payload", at)
        check(window <= window_max, "limit.codec_window", at)
        plaintext = _zstd(payload, segment.plaintext_len, window_max)
    check(plaintext is not None and len(plaintext) == segment.plaintext_len, "malformed.codec_payload", at)
    return plaintext


def _window(payload):
    """Returns a frame's window (RFC 8878, 3.1.1.1), or None if its header cannot be read."""
    if payload[:4] != ZSTANDARD_MAGIC or len(payload) < 5:
        return None
    descriptor = payload[4]
    content_size_flag, single_segment, reserved = descriptor >> 6, descriptor >> 5 & 1, descriptor >> 3 & 1
    dictionary_len = (0, 1, 2, 4)[descriptor & 3]
    content_size_len = (single_segment, 2, 4, 8)[content_size_flag]
    dictionary_at = 5 + (1 - single_segment)
    content_size_at = dictionary_at + dictionary_len
    if reserved or len(payload) < content_size_at + content_size_len:
        return None
    if single_segment:
        size = int.from_bytes(payload[content_size_at:content_size_at + content_size_len], "little")
        return size + 256 if content_size_len == 2 else size
    exponent, mantissa = payload[5] >> 3, payload[5] & 7
    base = 1 << (10 + exponent)
    return base + base // 8 * mantissa


def _zstd(payload, size, window_max):
    if zstandard.get_frame_parameters(payload).dict_id != 0:
        return None
    try:
        engine = zstandard.ZstdDecompressor(max_window_size=max(window_max, 1024)).decompressobj()
        plaintext, here = b"", 0
        while here < len(payload) and not engine.eof:       # small pieces bound the output
            plaintext += engine.decompress(payload[here:here + 64])
            here += 64
            if len(plaintext) > size:
                return None
    except zstandard.ZstdError:
        return None
    whole = engine.eof and not engine.unused_data and here >= len(payload)
    return plaintext if whole else None


def _lz4(block, size):
    """Returns the plaintext of an LZ4 block, or None if it is none, or is longer than size."""
    plaintext, here = bytearray(), 0
    try:
        while True:
            token = block[here]
            literals, here = _lz4_len(block, here + 1, token >> 4)
            if here + literals > len(block) or len(plaintext) + literals > size:
                return None
            plaintext += block[here:here + literals]
            here += literals
            if here == len(block):                          # a block ends with literals
                return bytes(plaintext)
            distance = block[here] | block[here + 1] << 8
            length, here = _lz4_len(block, here + 2, token & 15)
            length += 4
            if not 0 < distance <= len(plaintext) or len(plaintext) + length > size:
                return None
            repeated = plaintext[-distance:]
            plaintext += (repeated * (length // distance + 1))[:length]
    except IndexError:
        return None


def _lz4_len(block, here, value):
    """Returns a length of which a token holds `value`, and the place after it."""
    if value == 15:
        while True:
            value += block[here]
            here += 1
            if block[here - 1] < 255:
                break
    return value, here
