// The final segment of a stream that is read by ranges (§15.5, step 2).
import { isZero } from './bytes.js';
import { StreamError } from './errors.js';
import * as limits from './limits.js';
import { OrderState } from './order.js';
import type { Final, RangeContext } from './range-context.js';
import { KIND_FINAL, type Place, type SegmentHeader } from './segment.js';
import { checkTrailerAlone, readLink, readTrailer, trailerError, type Trailer }
  from './transcript.js';

/** The bytes that a data segment of `payload` bytes takes in a stream with UNIFORM (§14.1). */
export function uniformLen(payload: number, frameSize: number): number {
  return payload + 24 * Math.ceil(payload / frameSize) + 232;
}

/** Verifies the final segment, or reports what stands in its place (SV2-RNG-010). */
export async function readFinal(context: RangeContext): Promise<Final> {
  const { header: stream } = context.stream;
  const offset = context.input.size - limits.FINAL_SEGMENT_LEN;
  const header = offset < stream.bodyOffset ? null : await finalHeader(context, offset);
  if (!header) return reportWalk(context);
  const place = { offset, segment: header.index };
  const position = offset - stream.bodyOffset;
  if (stream.uniform) checkUniformIndex(context, header, position, place);
  const opened = await context.openWire(header, place);
  const trailer = readTrailer(opened.terminator);
  checkTrailerAlone(stream, header, opened.terminator, place);
  if (trailer.position !== BigInt(position)) {
    throw trailerError(stream, header, place, 'not at its position');
  }
  checkTrailer(context, header, place, trailer);
  const link = readLink(trailer.run);
  return { header, place, trailer, position, total: Number(trailer.total), link };
}

/** The header of a final segment at `offset`, or null where there is none. */
async function finalHeader(context: RangeContext, offset: number): Promise<SegmentHeader | null> {
  try {
    const header = await context.readHeader({ offset, segment: 0 });
    return header.kind === KIND_FINAL ? header : null;
  } catch (error) {
    if (error instanceof StreamError && error.kind !== 'io') return null;
    throw error;
  }
}

function checkUniformIndex(
  context: RangeContext, header: SegmentHeader, position: number, place: Place,
): void {
  const { segmentSize, frameSize } = context.stream.header;
  if (header.index === Math.ceil(position / uniformLen(segmentSize, frameSize))) return;
  throw new StreamError('order.segment_index', 'not the number of segments before it',
    place.offset + 4, place.segment);
}

/** SV2-FIN-001 of an empty stream, and the faults of a trailer that show by themselves. */
function checkTrailer(
  context: RangeContext, header: SegmentHeader, place: Place, trailer: Trailer,
): void {
  const { header: stream } = context.stream;
  const { total, position, distance, transcript, run } = trailer;
  const fail = (message: string): never => {
    throw trailerError(stream, header, place, message);
  };
  if (header.index === 0) {
    const empty = total === 0n && position === 0n && distance === 0n &&
      isZero(transcript) && isZero(run);
    if (!empty) fail('not an empty stream');
  }
  if (stream.uniform) checkUniformTrailer(context, header, trailer, fail);
  else if (distance > position) fail('a distance that leads out of the body');
  if (total > BigInt(Number.MAX_SAFE_INTEGER)) fail('more plaintext than there can be');
}

function checkUniformTrailer(
  context: RangeContext, header: SegmentHeader, trailer: Trailer, fail: (m: string) => never,
): void {
  const { segmentSize, frameSize } = context.stream.header;
  const size = BigInt(segmentSize);
  const full = trailer.total / size;
  const rest = Number(trailer.total % size);
  const restLen = rest === 0 ? 0 : uniformLen(rest, frameSize);
  const position = full * BigInt(uniformLen(segmentSize, frameSize)) + BigInt(restLen);
  const index = full + (rest === 0 ? 0n : 1n);
  if (trailer.position !== position || BigInt(header.index) !== index) {
    fail('not full segments and a last one');
  }
}

/** SV2-RNG-010: walks over headers to what is wrong, and reports it. */
async function reportWalk(context: RangeContext): Promise<never> {
  const order = new OrderState(context.stream.header);
  const { size } = context.input;
  for (;;) {
    const { place } = order;
    if (place.offset === size) {
      throw new StreamError('truncated', 'no final segment', size, place.segment);
    }
    const header = await context.readHeader(place);
    order.checkIndexAndRun(header);
    const end = place.offset + limits.SEGMENT_HEADER_LEN + header.wireLen;
    if (end > size) throw new StreamError('truncated', 'a wire is not whole', size, place.segment);
    if (header.kind === KIND_FINAL) {
      throw new StreamError('trailing', 'bytes after the end', end, place.segment + 1);
    }
    order.skip(header);
  }
}
