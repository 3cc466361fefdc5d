// Codecs (§10): step 17 of §15.1 for data segments.
import { StreamError } from '../errors.js';
import type { StreamHeader } from '../header.js';
import type { Place, SegmentHeader } from '../segment.js';
import { payloadOffset } from '../wire.js';
import { lz4Decompress } from './lz4.js';
import { readFrameHeader, zstdDecompress } from './zstd.js';

/** The plaintext of a data segment whose payload has been authenticated (SV2-COD-002). */
export function decompress(
  stream: StreamHeader, header: SegmentHeader, payload: Uint8Array, place: Place,
): Uint8Array {
  if (header.codec === 0) return payload;
  if (header.codec === 1) checkWindow(stream, payload, place);
  try {
    if (header.codec === 1) return zstdDecompress(payload, header.plaintextLen);
    return lz4Decompress(payload, header.plaintextLen);
  } catch (error) {
    throw malformed(place, error);
  }
}

function malformed(place: Place, cause: unknown): StreamError {
  const message = (cause as Error).message;
  const offset = payloadOffset(place);
  return new StreamError('malformed.codec_payload', message, offset, place.segment, { cause });
}

/** SV2-COD-005: before anything is decompressed. */
function checkWindow(stream: StreamHeader, payload: Uint8Array, place: Place): void {
  let window: number;
  try {
    window = readFrameHeader(payload).window;
  } catch (error) {
    throw malformed(place, error);
  }
  if (window <= stream.segmentSize) return;
  const offset = payloadOffset(place);
  throw new StreamError('limit.codec_window', 'a window above S', offset, place.segment);
}
