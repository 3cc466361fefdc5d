"""Section 18: a journal, read and written."""
import os
import struct
from typing import NamedTuple

from crc32c import crc32c

from .digest import split_run
from .errors import check
from .keys import equal, hmac

MAGIC = bytes.fromhex("8953564A 0D0A1A0A")
VERSION, HEADER_LEN, RECORD_LEN = 3, 212, 136
ENCRYPT, DECRYPT = 1, 2
COMMIT, ENDING = 1, 2
RECORD = struct.Struct("<QB3sIQQ32s32sI32sI")
PLAINTEXT_MAX, POSITION_MAX = 2**26, 2**27         # for each segment


class Record(NamedTuple):
    sequence: int
    record_type: int
    reserved: bytes
    segment_index: int
    position: int
    plaintext_len: int
    segment_tag: bytes
    transcript: bytes
    run_first: int
    record_mac: bytes
    record_crc: int


class Journal:
    """The valid records of a journal."""

    def __init__(self, raw, role, stream_header, keys):
        """Performs SV2-JRN-006 in its order. Offsets count from the start of the journal."""
        check(len(raw) >= HEADER_LEN, "journal.header", len(raw))
        check(raw[:8] == MAGIC, "journal.header", 0)
        check(struct.unpack_from("<I", raw, 208)[0] == crc32c(raw[:208]), "journal.header", 208)
        version, found_role = struct.unpack_from("<HB", raw, 8)
        check(version == VERSION, "journal.header", 8)
        check(found_role in (ENCRYPT, DECRYPT), "journal.header", 10)
        check(raw[11:16] == bytes(5), "journal.header", 11)
        check(found_role == role, "journal.header", 10)
        check(raw[16:128] == stream_header[:112], "journal.foreign", 16)
        check(equal(hmac(keys.journal, raw[:176]), raw[176:208]), "journal.mac", 176)
        self.source_len = struct.unpack_from("<Q", raw, 144)[0]
        self.records = _records(raw, keys)
        tail = len(raw) - HEADER_LEN - RECORD_LEN * len(self.records)
        self.damaged = tail > RECORD_LEN                # a crash leaves one record at most
        commits = [record for record in self.records if record.record_type == COMMIT]
        self.commit = commits[-1] if commits else None
        self.has_ending = len(commits) < len(self.records)


class JournalWriter:
    """The journal of a writer without known source facts. `out` collects the journal."""

    def __init__(self, stream_header, keys):
        bound = MAGIC + struct.pack("<HB5x", VERSION, ENCRYPT) + stream_header
        bound += struct.pack("<Qq", 2**64 - 1, -2**63) + os.urandom(16)
        self._keys, self._header_mac, self._sequence = keys, hmac(keys.journal, bound), 0
        self.out = bytearray(_closed(bound + self._header_mac))

    def commit(self, s, position, total, history):
        _salt, first = split_run(history.link)
        self._append(COMMIT, s.index, position, total, s.tag, history.transcript, first)

    def ending(self, index, position, total, history):
        self._append(ENDING, index, position, total, bytes(32), history.transcript, 0)

    def _append(self, record_type, index, position, total, tag, transcript, run_first):
        bound = struct.pack("<QB3xIQQ", self._sequence, record_type, index, position, total) + tag + transcript
        bound += struct.pack("<I", run_first)
        self.out += _closed(bound + hmac(self._keys.journal, self._header_mac + bound))
        self._sequence += 1


def _closed(data):
    return data + struct.pack("<I", crc32c(data))


def _records(raw, keys):
    """Checks SV2-JRN-007."""
    records = []
    for at in range(HEADER_LEN, len(raw) - RECORD_LEN + 1, RECORD_LEN):
        piece = raw[at:at + RECORD_LEN]
        record = Record._make(RECORD.unpack(piece))
        before = records[-1] if records else None
        believed = (
            record.record_crc == crc32c(piece[:132])
            and equal(hmac(keys.journal, raw[176:208] + piece[:100]), record.record_mac)
            and record.record_type in (COMMIT, ENDING)
            and record.reserved == bytes(3)
            and record.plaintext_len <= (record.segment_index + 1) * PLAINTEXT_MAX
            and record.position <= (record.segment_index + 1) * POSITION_MAX
            and record.run_first <= (record.segment_index if record.record_type == COMMIT else 0)
            and (before is None or _follows(record, before))
        )
        if not believed:
            break
        records.append(record)
    return records


def _follows(record, before):
    return (record.sequence == before.sequence + 1 and record.segment_index >= before.segment_index
            and record.position >= before.position and record.plaintext_len >= before.plaintext_len)
