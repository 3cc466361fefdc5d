#!/usr/bin/env python3
"""A conformance adapter to copy. It checks stream headers (§4) and skips what follows them.

FILL IN marks the places for your implementation. The protocol: conformance/PROTOCOL.md
"""
import hashlib
import json
import sys

# FILL IN: the name, and each operation and feature that you add. Remove "deliveries" when your
# reader takes its input in pieces, and "again" when it can be asked again after an error.
HELLO = {"protocol": 1, "name": "my-sv2", "language": "Python", "version": "0.0.1",
         "operations": ["read"], "features": [], "reports": ["kind", "detail", "offset", "segment"],
         "deliveries": False, "again": False}


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (crc & 1) * 0x82F63B78
    return crc ^ 0xFFFFFFFF


def header_fault(h):
    """Applies steps 1 to 8 of §15.1 in their order. Returns error and offset of the first fault."""
    if len(h) < 128:
        return "truncated", len(h)
    number = lambda at, size: int.from_bytes(h[at:at + size], "little")
    suite, frame, segment, epoch, envelope = number(10, 2), 1 << h[14], number(16, 4), number(20, 4), number(112, 4)
    reserved = next((at for at in (15, *range(116, 124)) if h[at]), None)
    checks = [
        (h[:8] != b"\x89SV2\r\n\x1a\n", "malformed.magic", 0),
        (crc32c(h[:124]) != number(124, 4), "malformed.header_crc", 124),
        (number(8, 2) != 1, "unsupported.version", 8),
        (reserved is not None, "malformed.reserved", reserved),
        (suite not in (1, 2), "unsupported.suite", 10),
        (number(12, 2) > 1, "unsupported.flags", 12),
        (not 12 <= h[14] <= 24, "limit.frame_size", 14),
        (not frame <= segment <= 1 << 26, "limit.segment_size", 16),
        (suite == 2 and not 0 < epoch * segment <= 1 << 40, "limit.epoch_segments", 20),
        (envelope > 65532, "limit.envelope_len", 112),
        (segment % frame != 0, "malformed.segment_size", 16),
        (envelope != 0 and envelope % 8 != 4, "malformed.envelope_len", 112),
    ]
    return next(((error, offset) for fails, error, offset in checks if fails), None)


def read(request):
    # FILL IN: give the stream, request["keys"] and request["mode"] to your reader in place of this.
    released, fault = b"", header_fault(bytes.fromhex(request["input"])[:128])
    if fault is None:
        return {"skipped": "only stream headers are checked so far"}
    error, offset = fault
    return {"result": "unsupported" if error.startswith("unsupported") else "reject",
            "error": error, "offset": offset, "segment": None,
            "released_len": len(released), "released_sha256": hashlib.sha256(released).hexdigest()}


OPERATIONS = {"hello": lambda _: HELLO, "read": read}  # FILL IN: the functions of your operations
for line in sys.stdin:
    request = json.loads(line)
    if request["op"] == "bye":
        break
    answer = OPERATIONS.get(request["op"], lambda _: {"skipped": "no such operation"})(request)
    print(json.dumps({"id": request.get("id")} | answer), flush=True)
