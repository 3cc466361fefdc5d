// What may stand after a torn segment (SV2-RES-010, SV2-RES-015).
import type { RandomAccess } from './access.js';
import { concat, view } from './bytes.js';
import { looksLikeSegment } from './beginning.js';
import { StreamError } from './errors.js';
import type { StreamHeader } from './header.js';
import type { StreamKeys } from './keys.js';
import * as limits from './limits.js';
import { parseSegmentHeader, segmentTagFits } from './segment.js';

const PIECE = 2 ** 20;
const FIRST = 0x53;

/** Whether a segment header that `accepts` begins at `from` or later. */
async function findsHeader(
  output: RandomAccess, from: number, accepts: (header: Uint8Array) => boolean,
): Promise<boolean> {
  const overlap = limits.SEGMENT_HEADER_LEN - 1;
  for (let at = from; at < output.size; at += PIECE) {
    const piece = await output.read(at, PIECE + overlap);
    for (let i = piece.indexOf(FIRST); i >= 0 && i < PIECE; i = piece.indexOf(FIRST, i + 1)) {
      const candidate = piece.subarray(i, i + limits.SEGMENT_HEADER_LEN);
      if (looksLikeSegment(candidate) && accepts(candidate)) return true;
    }
  }
  return false;
}

/** With the key: a segment with a valid tag after `offset`, where the torn one begins. */
export async function segmentFollows(
  output: RandomAccess, offset: number, keys: StreamKeys,
): Promise<boolean> {
  const header = await output.read(offset, limits.SEGMENT_HEADER_LEN);
  let from = offset + 1;
  if (looksLikeSegment(header) && segmentTagFits(keys, header)) {
    // An authentic header says where its wire ends. The bytes inside were written as its wire.
    from = offset + limits.SEGMENT_HEADER_LEN + view(header).getUint32(36, true);
  }
  return findsHeader(output, from, (candidate) => segmentTagFits(keys, candidate));
}

/** Without the key: a header that passes steps 1 to 8 after `offset`. */
export async function headerFollows(
  output: RandomAccess, offset: number, stream: StreamHeader,
): Promise<boolean> {
  return findsHeader(output, offset + 1, (candidate) => {
    try {
      parseSegmentHeader(stream, concat(candidate), { offset: 0, segment: 0 });
      return true;
    } catch (error) {
      if (error instanceof StreamError) return false;
      throw error;
    }
  });
}
