"""Section 7: frames."""
import struct

from .errors import check
from .segment import DIGEST_LEN, OVERHEAD

DATA, DIGEST, TERMINATOR = 1, 2, 3


def layout(segment, header):
    """Returns the (frame_type, len) that each frame of a segment must have."""
    full, size = segment.data_frames, header.frame_size
    frames = [(DATA, size)] * full
    if full:
        frames[-1] = (DATA, segment.payload_len - size * (full - 1))
    return frames + [(DIGEST, DIGEST_LEN), (TERMINATOR, segment.terminator_len(header))]


def seal(cipher, segment, frame_index, frame_type, plaintext):
    head = struct.pack("<B3xI", frame_type, len(plaintext))
    return head + cipher.seal(segment.index, frame_index, plaintext, segment.bound + head)


def check_header(raw, frame_type, length, at):
    check(raw[0] == frame_type, "malformed.frame_type", at)
    check(raw[1:4] == bytes(3), "malformed.frame_reserved", at)
    check(raw[4:8] == struct.pack("<I", length), "malformed.frame_len", at)


def check_headers(wire, segment, header, at):
    """Performs step 13. Returns the frames as (offset, bytes)."""
    frames, here = [], 0
    for frame_type, length in layout(segment, header):
        check_header(wire[here:here + 8], frame_type, length, at + here)
        frames.append((at + here, wire[here:here + length + OVERHEAD]))
        here += length + OVERHEAD
    assert here == len(wire)
    return frames


def open_one(cipher, segment, frame_index, frame, at):
    plaintext = cipher.open(segment.index, frame_index, frame[8:], segment.bound + frame[:8])
    check(plaintext is not None, "auth.frame", at)
    return plaintext


def open_all(cipher, segment, frames):
    """Performs step 14. Returns payload, digest and terminator plaintexts."""
    opened = [open_one(cipher, segment, n, frame, at) for n, (at, frame) in enumerate(frames)]
    return b"".join(opened[:-2]), opened[-2], opened[-1]
