// The segment header (§6) and its checks without the key: steps 1 to 8 of §15.1.
import { ascii, equal, view } from './bytes.js';
import { crc32c } from './crc32c.js';
import { StreamError } from './errors.js';
import { hmac } from './hash.js';
import { lastSegmentIndex, type StreamHeader } from './header.js';
import type { StreamKeys } from './keys.js';
import * as limits from './limits.js';

export const SEGMENT_MAGIC = ascii('SV2S');
export const KIND_DATA = 0;
export const KIND_INDEX = 1;
export const KIND_FINAL = 2;
export const FLAG_REKEY = 1;
export const FLAG_RUN_START = 2;

/** The fields of a segment header (§6). */
export interface SegmentHeader {
  /** The 96 bytes as they stand in the stream. */
  readonly bytes: Uint8Array;
  readonly index: number;
  readonly kind: number;
  readonly codec: number;
  readonly digestAlg: number;
  readonly runStart: boolean;
  readonly keyEpoch: number;
  readonly dataFrames: number;
  readonly plaintextLen: number;
  readonly payloadLen: number;
  readonly wireLen: number;
  readonly runSalt: Uint8Array;
  readonly wireCrc: number;
  readonly tag: Uint8Array;
  /** The length of the plaintext of the terminator (§8.3). */
  readonly terminatorLen: number;
}

/** The place of a segment, for its errors (SV2-ERR-001). */
export interface Place {
  /** The offset of the segment header in the stream. */
  readonly offset: number;
  /** The number of segments before it. */
  readonly segment: number;
}

/** The first 56 bytes of a segment header, part of the associated data of its frames. */
export function boundPrefix(header: SegmentHeader): Uint8Array {
  return header.bytes.subarray(0, 56);
}

export function keyEpochOf(epochSegments: number, index: number): number {
  return epochSegments === 0 ? 0 : Math.floor(index / epochSegments);
}

/** Whether §13 calls for REKEY. */
export function isRekey(epochSegments: number, index: number): boolean {
  return keyEpochOf(epochSegments, index) !== 0 && index % epochSegments === 0;
}

/** The length of the plaintext of a terminator (§8.3). */
export function terminatorLen(kind: number, runStart: boolean, uniform: boolean): number {
  if (kind === KIND_FINAL) return 76;
  if (kind === KIND_INDEX || runStart || uniform) return 52;
  return 0;
}

export function wireLen(payloadLen: number, dataFrames: number, terminator: number): number {
  return payloadLen + limits.FRAME_OVERHEAD * (dataFrames + 2) + limits.DIGEST_LEN + terminator;
}

/** The most entries of an index segment: n of §11. */
export function indexEntriesMax(segmentSize: number): number {
  return Math.min(limits.INDEX_ENTRIES_MAX, Math.floor((segmentSize - 24) / 24));
}

/** Parses a segment header: steps 1 to 8 of §15.1. `bytes` may be shorter than a header. */
export function parseSegmentHeader(
  stream: StreamHeader, bytes: Uint8Array, place: Place,
): SegmentHeader {
  if (bytes.length < limits.SEGMENT_HEADER_LEN) {
    const end = place.offset + bytes.length;
    throw new StreamError('truncated', 'a segment header is not whole', end, place.segment);
  }
  const header = bytes.slice(0, limits.SEGMENT_HEADER_LEN);
  checkDamage(header, place);
  const fields = readFields(stream, header);
  checkSupported(fields, place);
  checkLimits(stream, fields, place);
  checkRules(stream, fields, place);
  return fields;
}

function fail(code: string, message: string, place: Place, field: number): never {
  throw new StreamError(code, message, place.offset + field, place.segment);
}

function checkDamage(header: Uint8Array, place: Place): void {
  if (!equal(header.subarray(0, 4), SEGMENT_MAGIC)) {
    fail('malformed.magic', 'not a segment', place, 0);
  }
  if (crc32c(header.subarray(0, 92)) !== view(header).getUint32(92, true)) {
    fail('malformed.header_crc', 'a segment header is damaged', place, 92);
  }
  for (const at of [14, 15]) {
    if (header[at] !== 0) fail('malformed.reserved', 'a reserved byte is set', place, at);
  }
}

function readFields(stream: StreamHeader, header: Uint8Array): SegmentHeader {
  const data = view(header);
  const kind = header[8];
  const runStart = (header[12] & FLAG_RUN_START) !== 0;
  return {
    bytes: header,
    index: data.getUint32(4, true),
    kind,
    codec: header[9],
    digestAlg: data.getUint16(10, true),
    runStart,
    keyEpoch: data.getUint32(16, true),
    dataFrames: data.getUint32(20, true),
    plaintextLen: data.getUint32(28, true),
    payloadLen: data.getUint32(32, true),
    wireLen: data.getUint32(36, true),
    runSalt: header.subarray(40, 56),
    wireCrc: data.getUint32(56, true),
    tag: header.subarray(60, 92),
    terminatorLen: terminatorLen(kind, runStart, stream.uniform),
  };
}

function checkSupported(header: SegmentHeader, place: Place): void {
  if (header.kind > KIND_FINAL) fail('unsupported.kind', 'a kind not assigned', place, 8);
  if (header.codec > 2) fail('unsupported.codec', 'a codec not assigned', place, 9);
  if (header.digestAlg !== 1 && header.digestAlg !== 2) {
    fail('unsupported.digest_alg', 'a digest algorithm not assigned', place, 10);
  }
  const flags = view(header.bytes).getUint16(12, true);
  if (flags & ~(FLAG_REKEY | FLAG_RUN_START)) {
    fail('unsupported.flags', 'a flag not assigned', place, 12);
  }
}

function checkLimits(stream: StreamHeader, header: SegmentHeader, place: Place): void {
  if (header.kind !== KIND_FINAL && header.index > lastSegmentIndex(stream.epochSegments)) {
    fail('limit.segment_index', 'too many segments', place, 4);
  }
  if (header.keyEpoch > limits.KEY_EPOCH_MAX) {
    fail('limit.key_epoch', 'too many key epochs', place, 16);
  }
  if (header.plaintextLen > stream.segmentSize) {
    fail('limit.plaintext_len', 'more plaintext than a segment may have', place, 28);
  }
  if (header.payloadLen > stream.segmentSize) {
    fail('limit.payload_len', 'more payload than a segment may have', place, 32);
  }
}

function checkRules(stream: StreamHeader, header: SegmentHeader, place: Place): void {
  const { kind, index } = header;
  if (kind === KIND_INDEX && stream.uniform) {
    fail('malformed.kind', 'an index segment in a stream with UNIFORM', place, 8);
  }
  if (header.codec !== 0 && (kind !== KIND_DATA || stream.uniform)) {
    fail('malformed.codec', 'a codec where none is allowed', place, 9);
  }
  if (index === 0 && !header.runStart) {
    fail('malformed.flags', 'segment 0 without RUN_START', place, 12);
  }
  const rekey = (header.bytes[12] & FLAG_REKEY) !== 0;
  if (rekey !== isRekey(stream.epochSegments, index)) {
    fail('malformed.flags', 'REKEY differs from the rule', place, 12);
  }
  if (header.keyEpoch !== keyEpochOf(stream.epochSegments, index)) {
    fail('malformed.key_epoch', 'not the epoch of this segment_index', place, 16);
  }
  if ((kind === KIND_DATA) !== (header.plaintextLen !== 0)) {
    fail('malformed.plaintext_len', 'not a length of this kind', place, 28);
  }
  if (!payloadFits(stream, header)) {
    fail('malformed.payload_len', 'not a length of this kind and codec', place, 32);
  }
  checkDerived(stream, header, place);
}

function payloadFits(stream: StreamHeader, header: SegmentHeader): boolean {
  const { kind, codec, payloadLen, plaintextLen } = header;
  if (kind === KIND_FINAL) return payloadLen === 0;
  if (kind === KIND_INDEX) {
    const entries = (payloadLen - 24) / 24;
    return Number.isInteger(entries) && entries >= 1 &&
      entries <= indexEntriesMax(stream.segmentSize);
  }
  if (codec === 0) return payloadLen === plaintextLen;
  return payloadLen > 0 && payloadLen < plaintextLen;
}

function checkDerived(stream: StreamHeader, header: SegmentHeader, place: Place): void {
  const { dataFrames, payloadLen } = header;
  if (dataFrames !== Math.ceil(payloadLen / stream.frameSize)) {
    fail('malformed.data_frames', 'not the number that the payload takes', place, 20);
  }
  if (view(header.bytes).getUint32(24, true) !== dataFrames + 2) {
    fail('malformed.frame_count', 'not two more than data_frames', place, 24);
  }
  if (header.wireLen !== wireLen(payloadLen, dataFrames, header.terminatorLen)) {
    fail('malformed.wire_len', 'not the length of these frames', place, 36);
  }
}

/** Step 9: verifies segment_tag (SV2-SEG-023). */
export function checkSegmentTag(keys: StreamKeys, header: SegmentHeader, place: Place): void {
  if (!segmentTagFits(keys, header.bytes)) {
    fail('auth.segment_tag', 'not a segment of this stream', place, 60);
  }
}

export function segmentTagFits(keys: StreamKeys, bytes: Uint8Array): boolean {
  return equal(hmac(keys.segment, bytes.subarray(0, 60)), bytes.subarray(60, 92));
}

/** The number of entries of an index segment. */
export function indexEntries(header: SegmentHeader): number {
  return header.payloadLen / 24 - 1;
}

/** What a writer chooses for a segment header. The other fields follow. */
export interface SegmentFields {
  index: number;
  kind: number;
  codec: number;
  digestAlg: number;
  runStart: boolean;
  plaintextLen: number;
  payloadLen: number;
  runSalt: Uint8Array;
}

/** A segment header of which wire_crc32c, segment_tag and header_crc32c are still zero. */
export function beginSegmentHeader(stream: StreamHeader, fields: SegmentFields): SegmentHeader {
  const bytes = new Uint8Array(limits.SEGMENT_HEADER_LEN);
  const data = view(bytes);
  const rekey = isRekey(stream.epochSegments, fields.index) ? FLAG_REKEY : 0;
  const dataFrames = Math.ceil(fields.payloadLen / stream.frameSize);
  const terminator = terminatorLen(fields.kind, fields.runStart, stream.uniform);
  bytes.set(SEGMENT_MAGIC, 0);
  data.setUint32(4, fields.index, true);
  bytes[8] = fields.kind;
  bytes[9] = fields.codec;
  data.setUint16(10, fields.digestAlg, true);
  data.setUint16(12, rekey | (fields.runStart ? FLAG_RUN_START : 0), true);
  data.setUint32(16, keyEpochOf(stream.epochSegments, fields.index), true);
  data.setUint32(20, dataFrames, true);
  data.setUint32(24, dataFrames + 2, true);
  data.setUint32(28, fields.plaintextLen, true);
  data.setUint32(32, fields.payloadLen, true);
  data.setUint32(36, wireLen(fields.payloadLen, dataFrames, terminator), true);
  bytes.set(fields.runSalt, 40);
  return readFields(stream, bytes);
}

/** Completes a segment header when its wire is known, and parses it again as a check. */
export function finishSegmentHeader(
  stream: StreamHeader, keys: StreamKeys, header: SegmentHeader, wire: Uint8Array,
): SegmentHeader {
  const bytes = header.bytes.slice();
  view(bytes).setUint32(56, crc32c(wire), true);
  bytes.set(hmac(keys.segment, bytes.subarray(0, 60)), 60);
  view(bytes).setUint32(92, crc32c(bytes.subarray(0, 92)), true);
  return parseSegmentHeader(stream, bytes, { offset: 0, segment: header.index });
}
