// The stream header (§4) and its checks without the key: steps 1 to 8 of §15.1.
import { concat, equal, isZero, view } from './bytes.js';
import { crc32c } from './crc32c.js';
import { StreamError, misuse } from './errors.js';
import * as limits from './limits.js';

export const STREAM_MAGIC = Uint8Array.of(0x89, 0x53, 0x56, 0x32, 0x0d, 0x0a, 0x1a, 0x0a);
export const FLAG_UNIFORM = 1;

/** The fields of a stream header (§4). */
export interface StreamHeader {
  /** The 128 bytes as they stand in the stream. */
  readonly bytes: Uint8Array;
  readonly suite: 1 | 2;
  readonly uniform: boolean;
  readonly frameSizeLog2: number;
  /** F */
  readonly frameSize: number;
  /** S */
  readonly segmentSize: number;
  readonly epochSegments: number;
  /** 2^64 - 1 means unknown. */
  readonly plaintextLen: bigint;
  readonly streamSalt: Uint8Array;
  readonly keyId: Uint8Array;
  readonly headerTag: Uint8Array;
  readonly envelopeLen: number;
  /** The offset at which the body begins (§3). */
  readonly bodyOffset: number;
}

/** Parses a stream header: steps 1 to 8 of §15.1. `bytes` may be longer than the header. */
export function parseStreamHeader(bytes: Uint8Array): StreamHeader {
  if (bytes.length < limits.STREAM_HEADER_LEN) {
    throw new StreamError('truncated', 'the stream header is not whole', bytes.length);
  }
  const header = bytes.slice(0, limits.STREAM_HEADER_LEN);
  checkFixedParts(header);
  const fields = readFields(header);
  checkFields(fields);
  return fields;
}

function checkFixedParts(header: Uint8Array): void {
  const data = view(header);
  if (!equal(header.subarray(0, 8), STREAM_MAGIC)) {
    throw new StreamError('malformed.magic', 'not a stream', 0);
  }
  if (crc32c(header.subarray(0, 124)) !== data.getUint32(124, true)) {
    throw new StreamError('malformed.header_crc', 'the stream header is damaged', 124);
  }
  if (data.getUint16(8, true) !== 1) {
    throw new StreamError('unsupported.version', 'a version other than 1', 8);
  }
  for (const at of [15, 116, 117, 118, 119, 120, 121, 122, 123]) {
    if (header[at] !== 0) throw new StreamError('malformed.reserved', 'a reserved byte is set', at);
  }
  const suite = data.getUint16(10, true);
  if (suite !== 1 && suite !== 2) {
    throw new StreamError('unsupported.suite', 'a suite that is not implemented', 10);
  }
  if (data.getUint16(12, true) & ~FLAG_UNIFORM) {
    throw new StreamError('unsupported.flags', 'a flag that is not assigned', 12);
  }
}

function readFields(header: Uint8Array): StreamHeader {
  const data = view(header);
  const envelopeLen = data.getUint32(112, true);
  return {
    bytes: header,
    suite: data.getUint16(10, true) as 1 | 2,
    uniform: (data.getUint16(12, true) & FLAG_UNIFORM) !== 0,
    frameSizeLog2: header[14],
    frameSize: 2 ** header[14],
    segmentSize: data.getUint32(16, true),
    epochSegments: data.getUint32(20, true),
    plaintextLen: data.getBigUint64(24, true),
    streamSalt: header.subarray(32, 64),
    keyId: header.subarray(64, 80),
    headerTag: header.subarray(80, 112),
    envelopeLen,
    bodyOffset: limits.STREAM_HEADER_LEN + (envelopeLen === 0 ? 0 : envelopeLen + 4),
  };
}

function checkFields(header: StreamHeader): void {
  const { frameSizeLog2, frameSize, segmentSize, epochSegments, envelopeLen } = header;
  if (frameSizeLog2 < limits.FRAME_SIZE_LOG2_MIN || frameSizeLog2 > limits.FRAME_SIZE_LOG2_MAX) {
    throw new StreamError('limit.frame_size', 'a frame size out of bounds', 14);
  }
  if (segmentSize < frameSize || segmentSize > limits.SEGMENT_SIZE_MAX) {
    throw new StreamError('limit.segment_size', 'a segment size out of bounds', 16);
  }
  if (header.suite === 2 && !suite2EpochFits(epochSegments, segmentSize)) {
    throw new StreamError('limit.epoch_segments', 'too many bytes under one key', 20);
  }
  if (envelopeLen > limits.ENVELOPE_LEN_MAX) {
    throw new StreamError('limit.envelope_len', 'an envelope that is too long', 112);
  }
  if (segmentSize % frameSize !== 0) {
    throw new StreamError('malformed.segment_size', 'not a multiple of the frame size', 16);
  }
  if (envelopeLen !== 0 && envelopeLen % 8 !== 4) {
    throw new StreamError('malformed.envelope_len', 'not 4 more than a multiple of 8', 112);
  }
}

function suite2EpochFits(epochSegments: number, segmentSize: number): boolean {
  return epochSegments !== 0 && epochSegments * segmentSize <= limits.SUITE2_RUN_BYTES_MAX;
}

/** What a writer chooses for a stream header. */
export interface StreamParameters {
  suite: 1 | 2;
  uniform: boolean;
  frameSizeLog2: number;
  segmentSize: number;
  epochSegments: number;
  plaintextLen: bigint;
  streamSalt: Uint8Array;
  keyId: Uint8Array;
  envelopeLen: number;
}

/** The first 80 bytes of a stream header, over which the keys are derived (§5). */
export function encodeHeaderStart(parameters: StreamParameters): Uint8Array {
  const out = new Uint8Array(80);
  const data = view(out);
  out.set(STREAM_MAGIC, 0);
  data.setUint16(8, 1, true);
  data.setUint16(10, parameters.suite, true);
  data.setUint16(12, parameters.uniform ? FLAG_UNIFORM : 0, true);
  out[14] = parameters.frameSizeLog2;
  data.setUint32(16, parameters.segmentSize, true);
  data.setUint32(20, parameters.epochSegments, true);
  data.setBigUint64(24, parameters.plaintextLen, true);
  out.set(parameters.streamSalt, 32);
  out.set(parameters.keyId, 64);
  return out;
}

/** Completes a stream header. A fault of the parameters is misuse. */
export function encodeStreamHeader(
  start: Uint8Array, headerTag: Uint8Array, envelopeLen: number,
): StreamHeader {
  const tail = new Uint8Array(16);
  view(tail).setUint32(0, envelopeLen, true);
  const bytes = concat(start, headerTag, tail);
  view(bytes).setUint32(124, crc32c(bytes.subarray(0, 124)), true);
  try {
    return parseStreamHeader(bytes);
  } catch (error) {
    throw misuse(`parameters that no stream has: ${(error as Error).message}`);
  }
}

/** The last segment_index of a data or index segment (§14). */
export function lastSegmentIndex(epochSegments: number): number {
  if (epochSegments === 0) return limits.SEGMENT_INDEX_MAX;
  return Math.min(2 ** 32, 65_536 * epochSegments) - 2;
}

export function isUnknownLen(header: StreamHeader): boolean {
  return header.plaintextLen === limits.UNKNOWN_LEN;
}

export function hasKeyId(header: StreamHeader): boolean {
  return !isZero(header.keyId);
}
