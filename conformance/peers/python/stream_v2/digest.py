"""Section 8: digest, transcript, link; section 9: trailer."""
import hashlib
import struct

from .keys import hmac

START = bytes(32)
NO_RUN = bytes(20)                      # R_(-1)
TRAILER = struct.Struct("<QQQ32s16sI")


def digest(segment, data_frames, keys):
    """Returns D_i over whole data frames."""
    if segment.digest_alg == 1:
        tags = b"".join(frame[-16:] for frame in data_frames)
        return hmac(keys.digest(segment.key_epoch), segment.bound + tags)
    return hashlib.sha3_256(segment.bound + b"".join(data_frames)).digest()


def digest_plaintext(digest_alg, d):
    return struct.pack("<HH", digest_alg, 32) + d


def chain(keys, transcript, index, d):
    return hmac(keys.chain, transcript + struct.pack("<I", index) + d)


def run(run_salt, first):
    """Returns R of a segment that a run with this salt and this first segment sealed."""
    return run_salt + struct.pack("<I", first)


def split_run(link):
    """Returns the (run_salt, first) that a link names."""
    return link[:16], int.from_bytes(link[16:], "little")


def run_after(before, s):
    """Returns R_i, from R_(i-1)."""
    return run(s.run_salt, s.index if s.run_start else split_run(before)[1])


def link_fits(link, index):
    """Checks SV2-DIG-007, and SV2-FIN-005 for the link of a trailer."""
    return link == NO_RUN if index == 0 else split_run(link)[1] < index


class History:
    """T and R after the segments so far."""

    def __init__(self, transcript=START, link=NO_RUN):
        self.transcript, self.link = transcript, link

    @property
    def proof(self):
        """Returns the content of the next segment's terminator, if it holds a T."""
        return self.transcript + self.link

    def follow(self, s, d, keys):
        """Adds data or index segment s with the digest d."""
        self.transcript, self.link = chain(keys, self.transcript, s.index, d), run_after(self.link, s)

    def trailer(self, total, position, last_index_position):
        distance = 0 if last_index_position is None else position - last_index_position
        return struct.pack("<QQQ", total, position, distance) + self.proof
