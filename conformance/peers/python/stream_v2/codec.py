"""Section 10: codecs 0 and 1.

Codec 2 is left out. No package at hand accepts exactly the blocks that section 10 allows."""
import zstandard

from .errors import check

NONE, ZSTANDARD = 0, 1
AVAILABLE = (NONE, ZSTANDARD)
FEATURES = ["codec-zstd"]
ZSTANDARD_MAGIC = b"\x28\xb5\x2f\xfd"


def decompress(segment, payload, window_max, at):
    """Returns the plaintext of a payload. `at` is the offset of the payload."""
    if segment.codec == NONE:
        return payload
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
