// Lengths of streams and of their plaintexts (§14.1).
import { misuse } from './errors.js';
import { lastSegmentIndex, type StreamHeader } from './header.js';
import * as limits from './limits.js';
import { indexEntriesMax } from './segment.js';

/** A stream without codecs, without flushes, and without UNIFORM of one run. */
export type LengthParameters = Pick<
  StreamHeader, 'segmentSize' | 'frameSize' | 'epochSegments' | 'bodyOffset' | 'uniform'
> & { readonly index: boolean };

/**
 * The length of a stream, from that of its plaintext (SV2-LEN-001). A length that cannot occur is
 * misuse.
 */
export function streamLength(plaintext: number, p: LengthParameters): number {
  if (!Number.isSafeInteger(plaintext) || plaintext < 0) throw misuse('not a length');
  const { segmentSize, bodyOffset } = p;
  const full = Math.floor(plaintext / segmentSize);
  const rest = plaintext % segmentSize;
  const segments = full + (rest > 0 ? 1 : 0);
  const indexes = p.index ? Math.ceil(segments / indexEntriesMax(segmentSize)) : 0;
  if (segments + indexes > lastSegmentIndex(p.epochSegments) + 1) throw misuse('too long');
  const perSegment = p.uniform ? 52 : 0;
  const first = !p.uniform && segments > 0 ? 52 : 0;
  const data = full * (segmentLength(segmentSize, p) + perSegment) +
    (rest > 0 ? segmentLength(rest, p) + perSegment : 0);
  return bodyOffset + data + first + indexLength(segments, p) + limits.FINAL_SEGMENT_LEN;
}

/** d(p) of §14.1: a segment without a terminator. */
function segmentLength(payload: number, p: LengthParameters): number {
  return 132 + payload + 24 * (Math.ceil(payload / p.frameSize) + 2);
}

/** I of §14.1 */
function indexLength(segments: number, p: LengthParameters): number {
  if (!p.index) return 0;
  const most = indexEntriesMax(p.segmentSize);
  const rest = segments % most;
  const one = (entries: number): number => 52 + segmentLength(24 + 24 * entries, p);
  return Math.floor(segments / most) * one(most) + (rest > 0 ? one(rest) : 0);
}

/**
 * The length of a plaintext, from that of its stream (SV2-LEN-001). It is arithmetic on a claim:
 * only the final segment proves it (SV2-LEN-002). A length that cannot occur is misuse.
 */
export function plaintextLength(stream: number, p: LengthParameters): number {
  // The length of a stream grows strictly with its plaintext, so this search has one answer.
  let low = 0;
  let high = Math.max(0, stream - p.bodyOffset - limits.FINAL_SEGMENT_LEN);
  while (low < high) {
    const middle = low + Math.ceil((high - low) / 2);
    if (fits(middle, stream, p)) low = middle;
    else high = middle - 1;
  }
  if (!Number.isSafeInteger(stream) || streamLength(low, p) !== stream) {
    throw misuse('a stream cannot have this length');
  }
  return low;
}

function fits(plaintext: number, stream: number, p: LengthParameters): boolean {
  const segments = Math.ceil(plaintext / p.segmentSize);
  if (segments > lastSegmentIndex(p.epochSegments) + 1) return false;
  try {
    return streamLength(plaintext, p) <= stream;
  } catch {
    return false;
  }
}
