"""Section 8: digest, transcript; section 9: trailer."""
import hashlib
import struct

from .keys import hmac

START = bytes(32)


def digest(segment, data_frames, keys):
    """D_i over whole data frames."""
    if segment.digest_alg == 1:
        tags = b"".join(frame[-16:] for frame in data_frames)
        return hmac(keys.digest(segment.key_epoch), segment.bound + tags)
    return hashlib.sha3_256(segment.bound + b"".join(data_frames)).digest()


def digest_plaintext(digest_alg, d):
    return struct.pack("<HH", digest_alg, 32) + d


def chain(keys, transcript, index, d):
    return hmac(keys.chain, transcript + struct.pack("<I", index) + d)


def trailer(total, position, last_index_position, transcript):
    distance = 0 if last_index_position is None else position - last_index_position
    return struct.pack("<QQQ", total, position, distance) + transcript
