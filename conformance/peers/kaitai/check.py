"""Tests the parser that is compiled from spec/stream-v2.ksy with the vectors: check.py VECTORS"""

import json
import pathlib
import sys
from io import BytesIO

from kaitaistruct import KaitaiStream, KaitaiStructError, ValidationFailedError
from stream_v2 import StreamV2

# Facts outside the description: keys, checksums, the order of segments, and sealed content.
UNSEEN = (
    "auth.", "key.", "order.", "misuse", "limit.policy", "limit.stream_plaintext_len", "limit.codec_window",
    "malformed.codec_payload", "malformed.envelope_crc", "malformed.header_crc", "malformed.index",
    "malformed.terminator", "malformed.wire_crc", "unsupported.envelope",
)  # fmt: skip
# The description covers each stanza alone, not which stanzas may be together.
STANZAS_BESIDE_EACH_OTHER = "malformed.envelope"


class Suite:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)

    def load(self, path):
        return json.loads((self.folder / path).read_text())

    def bytes(self, stored):
        return bytes.fromhex(stored["hex"]) if "hex" in stored else (self.folder / stored["blob"]).read_bytes()


def parse(data, structure=StreamV2):
    """Returns the parsed structure, or None if it is refused."""
    try:
        return structure(KaitaiStream(BytesIO(data)))
    except (KaitaiStructError, ValidationFailedError, EOFError, ValueError):
        return None


def read_vector(suite, vector):
    """Returns why the parser is wrong about the vector, or None."""
    expect = vector.get("expect") or {"result": "accept"}
    stream = parse(suite.bytes(vector["input"]))
    if expect["result"] == "accept":
        return "refused" if stream is None else described(vector, stream)
    # Such a stream may have another fault that is seen. Many vectors test which comes first.
    unseen = any(error.startswith(UNSEEN) or error == STANZAS_BESIDE_EACH_OTHER for error in expect["error"])
    return f"parsed, and it is {expect['error']}" if stream is not None and not unseen else None


def described(vector, stream):
    data = [segment for segment in stream.segments if segment.header.kind == StreamV2.SegmentKind.data]
    found = sum(segment.header.plaintext_len for segment in data)
    wanted = vector["plaintext"]["len"]
    if found != wanted:
        return f"{found} bytes of plaintext, and there are {wanted}"
    if any(len(segment.wire.frames) != segment.header.frame_count for segment in stream.segments):
        return "other frames"
    return None


def journal_vector(suite, vector):
    found = parse(suite.bytes(vector["journal"]), StreamV2.Journal)
    said = vector["expect"].get("journal")
    if said == "used" and found is None:
        return "a journal that is to be used is refused"
    if said == "used" and len(found.records) != (len(suite.bytes(vector["journal"])) - 212) // 136:
        return "other records"
    return None


def main():
    suite = Suite(sys.argv[1])
    wrong = checked = 0
    for entry in suite.load("manifest.json")["vectors"]:
        vector = suite.load(entry["file"])
        if entry["operation"] == "read":
            why = read_vector(suite, vector)
        elif entry["operation"] == "range" and vector["made"]["base"] is None:
            why = "refused" if parse(suite.bytes(vector["input"])) is None else None
        elif vector.get("journal"):
            why = journal_vector(suite, vector)
        else:
            continue
        checked += 1
        if why:
            wrong += 1
            print(f"{entry['id']}: {why}")
    print(f"spec/stream-v2.ksy: {checked} vectors, {wrong} wrong")
    sys.exit(1 if wrong or checked < 500 else 0)


main()
