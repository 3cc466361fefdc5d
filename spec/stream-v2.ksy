# Stream V2, its layout: spec/stream-v2.md is the authority, and this is its Appendix B. What takes a key, a checksum or the segments
# before is not here.
meta:
  id: stream_v2
  title: Stream V2
  file-extension: sv2
  license: MIT OR Apache-2.0
  endian: le
doc: An encrypted stream of segments, each sealed, checked and committed on its own.
seq:
  - id: header
    type: stream_header
  - id: envelope
    type: envelope
    if: header.envelope_len != 0
  - id: segments
    type: segment
    repeat: until
    repeat-until: _.header.kind == segment_kind::final
  - id: trailing
    size: 0
    valid:
      expr: _io.eof
    doc: A byte after the final segment is `trailing` (SV2-FIN-003).
types:
  stream_header:
    doc: §4. 128 bytes.
    seq:
      - id: magic
        contents: [0x89, S, V, 0x32, 0x0D, 0x0A, 0x1A, 0x0A]
      - id: version
        type: u2
        valid: 1
      - id: suite
        type: u2
        enum: suite
        valid:
          in-enum: true
      - id: flags
        type: u2
        valid:
          max: 1
        doc: Bit 0 is UNIFORM.
      - id: frame_size_log2
        type: u1
        valid:
          min: 12
          max: 24
      - id: reserved_15
        contents: [0]
      - id: segment_size
        type: u4
        valid:
          expr: _ >= frame_size and _ <= 0x4000000 and _ % frame_size == 0
        doc: S, the most plaintext bytes in a data segment.
      - id: epoch_segments
        type: u4
        valid:
          expr: suite != suite::aes_256_gcm or (_ >= 1 and _ <= 0x10000000000 / segment_size)
      - id: plaintext_len
        type: u8
        doc: 2^64 - 1 stands for unknown.
      - id: stream_salt
        size: 32
      - id: key_id
        size: 16
      - id: header_tag
        size: 32
      - id: envelope_len
        type: u4
        valid:
          expr: _ == 0 or (_ <= 65532 and _ % 8 == 4)
      - id: reserved_116
        contents: [0, 0, 0, 0, 0, 0, 0, 0]
      - id: header_crc32c
        type: u4
        doc: CRC-32C of bytes 0 to 124.
    instances:
      frame_size:
        value: 1 << frame_size_log2
        doc: F, the plaintext bytes of a full data frame.
      uniform:
        value: (flags & 1) == 1
  envelope:
    doc: §12. Stanzas, and their checksum.
    seq:
      - id: stanzas
        size: _root.header.envelope_len
        type: stanzas
      - id: stanzas_crc32c
        type: u4
  stanzas:
    seq:
      - id: stanza
        type: stanza
        repeat: eos
  stanza:
    seq:
      - id: stanza_type
        type: u2
        valid:
          expr: _ != 0
        doc: 1 is argon2id, 2 is age, 3 is key, 0xFFFF is padding; others are skipped.
      - id: body_len
        type: u2
      - id: body
        size: body_len
        type:
          switch-on: stanza_type
          cases:
            1: argon2id
            0xFFFF: padding
  argon2id:
    doc: §12.1. 128 bytes.
    seq:
      - id: salt
        size: 32
      - id: memory_kib
        type: u4
        valid:
          max: 0x100000
      - id: passes
        type: u4
        valid:
          min: 1
          max: 16
      - id: lanes
        type: u4
        valid:
          expr: _ >= 1 and _ <= 16 and memory_kib >= 8 * _
      - id: reserved
        contents: [0, 0, 0, 0]
      - id: commitment
        size: 32
      - id: wrapped
        size: 48
      - id: end
        size: 0
        valid:
          expr: _io.eof
  padding:
    seq:
      - id: zero
        type: u1
        valid: 0
        repeat: eos
  segment:
    seq:
      - id: header
        type: segment_header
      - id: wire
        size: header.wire_len
        type: wire(header)
  segment_header:
    doc: §6. 96 bytes.
    seq:
      - id: magic
        contents: SV2S
      - id: segment_index
        type: u4
      - id: kind
        type: u1
        enum: segment_kind
        valid:
          expr: >-
            _ == segment_kind::data
            or (_ == segment_kind::index and not _root.header.uniform)
            or _ == segment_kind::final
      - id: codec
        type: u1
        enum: codec
        valid:
          expr: >-
            _ == codec::none
            or ((_ == codec::zstd or _ == codec::lz4) and kind == segment_kind::data and not _root.header.uniform)
      - id: digest_alg
        type: u2
        enum: digest_alg
        valid:
          in-enum: true
      - id: flags
        type: u2
        valid:
          expr: _ <= 3 and (segment_index != 0 or (_ & 2) == 2) and ((_ & 1) == 1) == begins_epoch
        doc: Bit 0 is REKEY, bit 1 RUN_START.
      - id: reserved
        contents: [0, 0]
      - id: key_epoch
        type: u4
        valid:
          expr: _ == epoch and _ <= 65535 and (kind == segment_kind::final or segment_index <= last_segment)
      - id: data_frames
        type: u4
      - id: frame_count
        type: u4
        valid:
          expr: _ == data_frames + 2
      - id: plaintext_len
        type: u4
        valid:
          expr: _ <= _root.header.segment_size and (_ > 0) == (kind == segment_kind::data)
      - id: payload_len
        type: u4
        valid:
          expr: _ <= _root.header.segment_size and data_frames == (_ + frame_size - 1) / frame_size and fits
      - id: wire_len
        type: u4
        valid:
          expr: _ == payload_len + 24 * frame_count + 36 + terminator_len
      - id: run_salt
        size: 16
      - id: wire_crc32c
        type: u4
      - id: segment_tag
        size: 32
      - id: header_crc32c
        type: u4
        doc: CRC-32C of bytes 0 to 92.
    instances:
      frame_size:
        value: _root.header.frame_size
      epoch_segments:
        value: _root.header.epoch_segments
      run_start:
        value: (flags & 2) == 2
      begins_epoch:
        value: epoch_segments != 0 and segment_index != 0 and segment_index % epoch_segments == 0
        doc: §13. Where REKEY is set.
      epoch:
        value: 'epoch_segments == 0 ? 0 : segment_index / epoch_segments'
      last_segment:
        value: '(epoch_segments == 0 or epoch_segments >= 65536 ? 0x100000000 : 65536 * epoch_segments) - 2'
        doc: §14. The last index of a data or index segment.
      entries_max:
        value: '(_root.header.segment_size - 24) / 24 < 65536 ? (_root.header.segment_size - 24) / 24 : 65536'
        doc: §11. The most entries of an index segment.
      fits:
        value: >-
          kind == segment_kind::final ? payload_len == 0
          : kind == segment_kind::index
          ? payload_len >= 48 and payload_len % 24 == 0 and (payload_len - 24) / 24 <= entries_max
          : codec == codec::none ? payload_len == plaintext_len
          : payload_len > 0 and payload_len < plaintext_len
        doc: Whether a segment of this kind and codec can have this payload_len.
      terminator_len:
        value: 'kind == segment_kind::final ? 76 : kind == segment_kind::index or run_start or _root.header.uniform ? 52 : 0'
        doc: §8.3. Bytes of the terminator's plaintext.
  wire:
    doc: §7. Data frames, one digest frame, one terminator frame.
    params:
      - id: header
        type: segment_header
    seq:
      - id: frames
        type: frame(_index)
        repeat: expr
        repeat-expr: header.frame_count
      - id: end
        size: 0
        valid:
          expr: _io.eof
  frame:
    params:
      - id: index
        type: s4
    seq:
      - id: frame_type
        type: u1
        enum: frame_type
        valid:
          expr: _ == expected
      - id: reserved
        contents: [0, 0, 0]
      - id: len
        type: u4
        valid:
          expr: _ == expected_len
        doc: Plaintext bytes sealed in the frame.
      - id: ciphertext
        size: len
      - id: tag
        size: 16
    instances:
      after:
        value: _parent.header.data_frames - index
        doc: Data frames from this one on; 0 for the digest frame.
      expected:
        value: 'after > 0 ? frame_type::data : after == 0 ? frame_type::digest : frame_type::terminator'
      expected_len:
        value: >-
          after > 1 ? _parent.header.frame_size
          : after == 1 ? _parent.header.payload_len - index * _parent.header.frame_size
          : after == 0 ? 36
          : _parent.header.terminator_len
  history:
    doc: §8.3. The plaintext of the terminator of an index segment and of a segment with RUN_START, 52 bytes.
    seq:
      - id: transcript
        size: 32
      - id: link
        type: link
  link:
    doc: §8.3. Names the run of the segment before, 20 bytes.
    seq:
      - id: run_salt
        size: 16
      - id: first
        type: u4
        doc: The index of the first segment of that run.
  trailer:
    doc: §9. The plaintext of the final segment's terminator, 76 bytes.
    seq:
      - id: plaintext_len
        type: u8
      - id: position
        type: u8
      - id: index_distance
        type: u8
      - id: transcript
        size: 32
      - id: link
        type: link
  index:
    doc: §11. The payload of an index segment.
    seq:
      - id: distance
        type: u8
      - id: previous
        size: 16
      - id: entries
        type: index_entry
        repeat: eos
  index_entry:
    seq:
      - id: plaintext_len
        type: u4
      - id: wire_len
        type: u4
      - id: tag_prefix
        size: 16
  journal:
    doc: §18. A file of its own beside an output.
    seq:
      - id: header
        type: journal_header
      - id: records
        type: journal_record
        repeat: expr
        repeat-expr: (_io.size - 212) / 136
        doc: What is left after the last whole record is a torn tail.
  journal_header:
    doc: §18.1. 212 bytes.
    seq:
      - id: magic
        contents: [0x89, S, V, J, 0x0D, 0x0A, 0x1A, 0x0A]
      - id: journal_version
        type: u2
        valid: 3
      - id: role
        type: u1
        enum: journal_role
        valid:
          in-enum: true
      - id: reserved
        contents: [0, 0, 0, 0, 0]
      - id: stream_header
        size: 128
      - id: source_len
        type: u8
        doc: 2^64 - 1 stands for unknown.
      - id: source_mtime
        type: s8
        doc: Nanoseconds since 1970; -2^63 stands for unknown.
      - id: journal_salt
        size: 16
      - id: header_mac
        size: 32
      - id: header_crc32c
        type: u4
        doc: CRC-32C of bytes 0 to 208.
  journal_record:
    doc: §18.2. 136 bytes.
    seq:
      - id: sequence
        type: u8
      - id: record_type
        type: u1
        enum: journal_record_type
      - id: reserved
        size: 3
      - id: segment_index
        type: u4
      - id: position
        type: u8
      - id: plaintext_len
        type: u8
      - id: segment_tag
        size: 32
      - id: transcript
        size: 32
      - id: run_first
        type: u4
        doc: Of a commit, the index of the first segment of its run; otherwise 0.
      - id: record_mac
        size: 32
      - id: record_crc32c
        type: u4
        doc: CRC-32C of bytes 0 to 132.
enums:
  suite:
    1: xchacha20_poly1305
    2: aes_256_gcm
  segment_kind:
    0: data
    1: index
    2: final
  codec:
    0: none
    1: zstd
    2: lz4
  digest_alg:
    1: hmac_sha3_256_tags
    2: sha3_256_frames
  frame_type:
    1: data
    2: digest
    3: terminator
  journal_role:
    1: encrypt
    2: decrypt
  journal_record_type:
    1: commit
    2: ending
