// Whether anything was committed in an output: step 3 of §19.2.
import type { RandomAccess } from './access.js';
import { equal, view } from './bytes.js';
import { crc32c } from './crc32c.js';
import { parseEnvelope } from './envelope.js';
import { StreamError } from './errors.js';
import { parseStreamHeader, STREAM_MAGIC } from './header.js';
import * as limits from './limits.js';
import { SEGMENT_MAGIC } from './segment.js';

/** The longest stream header, envelope and CRC. */
const BEGINNING_MAX = 65_664;

/** Whether nothing was committed. An output that begins in another way is an error. */
export async function isNothingCommitted(output: RandomAccess): Promise<boolean> {
  const start = await output.read(0, Math.min(output.size, BEGINNING_MAX));
  if (start.length <= 8 && start.every((byte, i) => byte === 0 || byte === STREAM_MAGIC[i])) {
    return true;
  }
  if (!equal(start.subarray(0, 8), STREAM_MAGIC)) {
    throw new StreamError('malformed.magic', 'a file of another program', 0);
  }
  if (start.length < limits.STREAM_HEADER_LEN) return true;
  try {
    const header = parseStreamHeader(start);
    if (start.length < header.bodyOffset) return true;
    parseEnvelope(header, start.subarray(limits.STREAM_HEADER_LEN));
    return false;
  } catch (error) {
    if (!(error instanceof StreamError)) throw error;
    if (error.kind !== 'malformed') return false;
    return output.size <= BEGINNING_MAX && !hasSegmentHeader(start);
  }
}

function hasSegmentHeader(bytes: Uint8Array): boolean {
  const last = bytes.length - limits.SEGMENT_HEADER_LEN;
  for (let at = limits.STREAM_HEADER_LEN; at <= last; at += 1) {
    if (looksLikeSegment(bytes.subarray(at))) return true;
  }
  return false;
}

/** Whether bytes begin with the magic of a segment and a correct header_crc32c. */
export function looksLikeSegment(bytes: Uint8Array): boolean {
  if (bytes.length < limits.SEGMENT_HEADER_LEN) return false;
  if (!equal(bytes.subarray(0, 4), SEGMENT_MAGIC)) return false;
  return crc32c(bytes.subarray(0, 92)) === view(bytes).getUint32(92, true);
}
