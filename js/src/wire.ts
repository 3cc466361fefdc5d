// The wire of a segment (§7, §8.1): opening it (steps 12 to 15 of §15.1), and sealing it.
import { concat, equal, isZero, le16, view } from './bytes.js';
import { crc32c } from './crc32c.js';
import { StreamError } from './errors.js';
import { hmac, sha3 } from './hash.js';
import type { StreamHeader } from './header.js';
import type { StreamKeys } from './keys.js';
import * as limits from './limits.js';
import { boundPrefix, type Place, type SegmentHeader } from './segment.js';
import type { Ciphers, FrameCipher } from './suites.js';

const FRAME_DATA = 1;
const FRAME_DIGEST = 2;
const FRAME_TERMINATOR = 3;

/** What the frames of a segment hold. */
export interface OpenedWire {
  readonly payload: Uint8Array;
  /** D (§8.1) */
  readonly digest: Uint8Array;
  /** The plaintext of the terminator (§8.3). */
  readonly terminator: Uint8Array;
}

/** A stream of which the key is known. */
export interface KeyedStream {
  readonly header: StreamHeader;
  readonly keys: StreamKeys;
  readonly ciphers: Ciphers;
}

/** The place of a frame in the wire. */
interface Frame {
  readonly at: number;
  readonly type: number;
  readonly len: number;
}

function frameAt(stream: StreamHeader, header: SegmentHeader, frame: number): Frame {
  const { dataFrames, payloadLen } = header;
  const size = stream.frameSize;
  if (frame < dataFrames) {
    const at = frame * (size + limits.FRAME_OVERHEAD);
    return { at, type: FRAME_DATA, len: Math.min(size, payloadLen - frame * size) };
  }
  const digestAt = payloadLen + dataFrames * limits.FRAME_OVERHEAD;
  if (frame === dataFrames) return { at: digestAt, type: FRAME_DIGEST, len: limits.DIGEST_LEN };
  const at = digestAt + limits.FRAME_OVERHEAD + limits.DIGEST_LEN;
  return { at, type: FRAME_TERMINATOR, len: header.terminatorLen };
}

/** The length of the digest and the terminator frame together, with which a wire ends. */
export function lastFramesLen(header: SegmentHeader): number {
  return 2 * limits.FRAME_OVERHEAD + limits.DIGEST_LEN + header.terminatorLen;
}

/** The length of the terminator frame, with which a wire ends. */
export function terminatorFrameLen(header: SegmentHeader): number {
  return limits.FRAME_OVERHEAD + header.terminatorLen;
}

/** The offset in the stream of the first byte of a frame. */
function frameOffset(place: Place, frame: Frame): number {
  return place.offset + limits.SEGMENT_HEADER_LEN + frame.at;
}

/** The offset that errors of the terminator have (SV2-ERR-001). */
export function terminatorOffset(
  stream: StreamHeader, header: SegmentHeader, place: Place,
): number {
  return frameOffset(place, frameAt(stream, header, header.dataFrames + 1));
}

/** The offset that errors of a payload have: the ciphertext of the first frame. */
export function payloadOffset(place: Place): number {
  return place.offset + limits.SEGMENT_HEADER_LEN + limits.FRAME_HEADER_LEN;
}

/** Step 12. */
export function checkWireCrc(header: SegmentHeader, wire: Uint8Array, place: Place): void {
  if (crc32c(wire) !== header.wireCrc) {
    const offset = place.offset + 56;
    throw new StreamError('malformed.wire_crc', 'a wire is damaged', offset, place.segment);
  }
}

/** Step 13 for the frames from `first` on. `wire` begins with frame `first`. */
export function checkFrameHeaders(
  stream: StreamHeader, header: SegmentHeader, wire: Uint8Array, place: Place, first = 0,
): void {
  const start = frameAt(stream, header, first).at;
  const data = view(wire);
  for (let i = first; i < header.dataFrames + 2; i += 1) {
    const frame = frameAt(stream, header, i);
    const at = frame.at - start;
    const offset = frameOffset(place, frame);
    if (wire[at] !== frame.type) {
      throw new StreamError('malformed.frame_type', `frame ${i}`, offset, place.segment);
    }
    if (!isZero(wire.subarray(at + 1, at + 4))) {
      throw new StreamError('malformed.frame_reserved', `frame ${i}`, offset, place.segment);
    }
    if (data.getUint32(at + 4, true) !== frame.len) {
      throw new StreamError('malformed.frame_len', `frame ${i}`, offset, place.segment);
    }
  }
}

async function openFrame(
  cipher: FrameCipher, header: SegmentHeader, index: number, frame: Frame, bytes: Uint8Array,
): Promise<Uint8Array | null> {
  const aad = concat(boundPrefix(header), bytes.subarray(0, limits.FRAME_HEADER_LEN));
  const end = frame.len + limits.FRAME_OVERHEAD;
  return cipher.open(index, aad, bytes.subarray(limits.FRAME_HEADER_LEN, end));
}

/** Step 14 for the frames from `first` on: their plaintexts. The first fault is reported. */
async function openFrames(
  s: KeyedStream, header: SegmentHeader, wire: Uint8Array, place: Place, first: number,
  take: (index: number, plaintext: Uint8Array) => void,
): Promise<void> {
  const cipher = await s.ciphers.of(header.keyEpoch, header.runSalt, header.index);
  const start = frameAt(s.header, header, first).at;
  const opened: Promise<boolean>[] = [];
  for (let i = first; i < header.dataFrames + 2; i += 1) {
    const frame = frameAt(s.header, header, i);
    opened.push(
      openFrame(cipher, header, i, frame, wire.subarray(frame.at - start)).then((plaintext) => {
        if (plaintext) take(i, plaintext);
        return plaintext !== null;
      }),
    );
  }
  const failed = (await Promise.all(opened)).indexOf(false);
  if (failed >= 0) {
    const offset = frameOffset(place, frameAt(s.header, header, first + failed));
    throw new StreamError('auth.frame', `frame ${first + failed}`, offset, place.segment);
  }
}

/** Opens a whole wire: steps 12 to 15. */
export async function openWire(
  s: KeyedStream, header: SegmentHeader, wire: Uint8Array, place: Place,
): Promise<OpenedWire> {
  checkWireCrc(header, wire, place);
  checkFrameHeaders(s.header, header, wire, place);
  const payload = new Uint8Array(header.payloadLen);
  const ends: Uint8Array[] = [];
  await openFrames(s, header, wire, place, 0, (i, plaintext) => {
    if (i < header.dataFrames) payload.set(plaintext, i * s.header.frameSize);
    else ends[i - header.dataFrames] = plaintext;
  });
  const digest = wireDigest(s, header, wire);
  if (!equal(ends[0], encodeDigest(header.digestAlg, digest))) {
    const offset = frameOffset(place, frameAt(s.header, header, header.dataFrames));
    throw new StreamError('auth.digest', 'another digest', offset, place.segment);
  }
  return { payload, digest, terminator: ends[1] };
}

/** Opens the digest and terminator frames alone (§19.3). `end` is the end of the wire. */
export async function openLastFrames(
  s: KeyedStream, header: SegmentHeader, end: Uint8Array, place: Place,
): Promise<{ digest: Uint8Array; terminator: Uint8Array }> {
  checkFrameHeaders(s.header, header, end, place, header.dataFrames);
  const ends: Uint8Array[] = [];
  await openFrames(s, header, end, place, header.dataFrames, (i, plaintext) => {
    ends[i - header.dataFrames] = plaintext;
  });
  const start = encodeDigest(header.digestAlg, new Uint8Array(0));
  if (!equal(ends[0].subarray(0, 4), start)) {
    const offset = frameOffset(place, frameAt(s.header, header, header.dataFrames));
    throw new StreamError('auth.digest', 'another digest', offset, place.segment);
  }
  return { digest: ends[0].subarray(4), terminator: ends[1] };
}

/** Opens the terminator frame alone (SV2-RNG-006): steps 11, 13 and 14 of it. */
export async function openTerminator(
  s: KeyedStream, header: SegmentHeader, bytes: Uint8Array, place: Place,
): Promise<Uint8Array> {
  const last = header.dataFrames + 1;
  if (bytes.length < terminatorFrameLen(header)) {
    const end = frameOffset(place, frameAt(s.header, header, last)) + bytes.length;
    throw new StreamError('truncated', 'a wire is not whole', end, place.segment);
  }
  checkFrameHeaders(s.header, header, bytes, place, last);
  let terminator = bytes;
  await openFrames(s, header, bytes, place, last, (_, plaintext) => {
    terminator = plaintext;
  });
  return terminator;
}

/** D of a segment (§8.1). */
function wireDigest(s: KeyedStream, header: SegmentHeader, wire: Uint8Array): Uint8Array {
  const dataEnd = header.payloadLen + header.dataFrames * limits.FRAME_OVERHEAD;
  if (header.digestAlg === 2) return sha3(boundPrefix(header), wire.subarray(0, dataEnd));
  const tags = new Uint8Array(header.dataFrames * limits.TAG_LEN);
  for (let i = 0; i < header.dataFrames; i += 1) {
    const { at, len } = frameAt(s.header, header, i);
    const tagAt = at + limits.FRAME_HEADER_LEN + len;
    tags.set(wire.subarray(tagAt, tagAt + limits.TAG_LEN), i * limits.TAG_LEN);
  }
  return hmac(s.keys.epoch(header.keyEpoch).digest, boundPrefix(header), tags);
}

function encodeDigest(digestAlg: number, digest: Uint8Array): Uint8Array {
  return concat(le16(digestAlg), le16(32), digest);
}

/** Seals the frames of a segment. The terminator is given, the digest is computed. */
export async function sealWire(
  s: KeyedStream, header: SegmentHeader, payload: Uint8Array, terminator: Uint8Array,
): Promise<{ wire: Uint8Array; digest: Uint8Array }> {
  const wire = new Uint8Array(header.wireLen);
  const cipher = await s.ciphers.of(header.keyEpoch, header.runSalt, header.index);
  const seal = async (i: number, plaintext: Uint8Array): Promise<void> => {
    const frame = frameAt(s.header, header, i);
    wire[frame.at] = frame.type;
    view(wire).setUint32(frame.at + 4, frame.len, true);
    const headerEnd = frame.at + limits.FRAME_HEADER_LEN;
    const aad = concat(boundPrefix(header), wire.subarray(frame.at, headerEnd));
    wire.set(await cipher.seal(i, aad, plaintext), headerEnd);
  };
  const data: Promise<void>[] = [];
  for (let i = 0; i < header.dataFrames; i += 1) {
    const from = i * s.header.frameSize;
    data.push(seal(i, payload.subarray(from, from + s.header.frameSize)));
  }
  await Promise.all(data);
  const digest = wireDigest(s, header, wire);
  await seal(header.dataFrames, encodeDigest(header.digestAlg, digest));
  await seal(header.dataFrames + 1, terminator);
  return { wire, digest };
}
