// Transcript, links and terminators (§8.2, §8.3), and the trailer (§9): step 16 of §15.1.
import { concat, equal, isZero, le32, le64, view } from './bytes.js';
import { StreamError } from './errors.js';
import { hmac } from './hash.js';
import { isUnknownLen, type StreamHeader } from './header.js';
import type { StreamKeys } from './keys.js';
import { KIND_DATA, KIND_INDEX, type Place, type SegmentHeader } from './segment.js';
import { terminatorOffset } from './wire.js';

/** T and R after a segment (§8.2, §8.3). */
export interface History {
  readonly transcript: Uint8Array;
  /** 20 bytes: run_salt and first. */
  readonly run: Uint8Array;
}

export const NO_HISTORY: History = {
  transcript: new Uint8Array(32),
  run: new Uint8Array(20),
};

/** T and R after a data or index segment. */
export function extendHistory(
  keys: StreamKeys, before: History, header: SegmentHeader, digest: Uint8Array,
): History {
  const message = concat(before.transcript, le32(header.index), digest);
  return { transcript: hmac(keys.chain, message), run: extendRun(before.run, header) };
}

/** R after a data or index segment. */
export function extendRun(run: Uint8Array, header: SegmentHeader): Uint8Array {
  const first = header.runStart ? le32(header.index) : run.subarray(16);
  return concat(header.runSalt, first);
}

/** Whether the terminator of a segment holds T and R of the segment before. */
export function holdsLink(header: SegmentHeader): boolean {
  return header.kind === KIND_INDEX || (header.kind === KIND_DATA && header.runStart);
}

/** The terminator of a data or index segment (§8.3). */
export function encodeTerminator(
  stream: StreamHeader, header: SegmentHeader, before: History,
): Uint8Array {
  if (holdsLink(header)) return concat(before.transcript, before.run);
  return new Uint8Array(stream.uniform ? 52 : 0);
}

/** A link: the run that holds the segments from `first` on. */
export interface Link {
  readonly salt: Uint8Array;
  readonly first: number;
}

export function readLink(bytes: Uint8Array): Link {
  return { salt: bytes.subarray(0, 16), first: view(bytes).getUint32(16, true) };
}

/** Whether SV2-DIG-007 or SV2-FIN-005 allow a link in a segment. */
export function linkFits(link: Uint8Array, index: number): boolean {
  return index === 0 ? isZero(link) : readLink(link).first < index;
}

/** SV2-DIG-006 and SV2-DIG-007. */
export function checkTerminatorAlone(
  stream: StreamHeader, header: SegmentHeader, terminator: Uint8Array, place: Place,
): void {
  const fits = holdsLink(header)
    ? linkFits(terminator.subarray(32), header.index)
    : isZero(terminator);
  if (fits) return;
  const offset = terminatorOffset(stream, header, place);
  throw new StreamError('malformed.terminator', 'not a terminator', offset, place.segment);
}

/** SV2-DIG-005. */
export function checkTranscript(
  stream: StreamHeader, header: SegmentHeader, terminator: Uint8Array, place: Place,
  before: History,
): void {
  if (!holdsLink(header)) return;
  if (equal(terminator, concat(before.transcript, before.run))) return;
  const offset = terminatorOffset(stream, header, place);
  throw new StreamError('order.transcript', 'another history', offset, place.segment);
}

/** SV2-DIG-005 for the link alone, as SV2-RNG-007 says. */
export function checkLink(
  stream: StreamHeader, header: SegmentHeader, terminator: Uint8Array, place: Place,
  run: Uint8Array,
): void {
  if (equal(terminator.subarray(32), run)) return;
  const offset = terminatorOffset(stream, header, place);
  throw new StreamError('order.transcript', 'another run', offset, place.segment);
}

/** The fields of the trailer (§9). */
export interface Trailer {
  readonly total: bigint;
  readonly position: bigint;
  readonly distance: bigint;
  readonly transcript: Uint8Array;
  readonly run: Uint8Array;
}

export function readTrailer(bytes: Uint8Array): Trailer {
  const data = view(bytes);
  return {
    total: data.getBigUint64(0, true),
    position: data.getBigUint64(8, true),
    distance: data.getBigUint64(16, true),
    transcript: bytes.subarray(24, 56),
    run: bytes.subarray(56, 76),
  };
}

export function encodeTrailer(
  total: number | bigint, position: number | bigint, distance: number | bigint,
  history: History,
): Uint8Array {
  return concat(le64(total), le64(position), le64(distance), history.transcript, history.run);
}

export function trailerError(
  stream: StreamHeader, header: SegmentHeader, place: Place, message: string,
): StreamError {
  const offset = terminatorOffset(stream, header, place);
  return new StreamError('auth.trailer', message, offset, place.segment);
}

/** SV2-FIN-005 and SV2-FIN-002. */
export function checkTrailerAlone(
  stream: StreamHeader, header: SegmentHeader, terminator: Uint8Array, place: Place,
): void {
  const trailer = readTrailer(terminator);
  if (!linkFits(trailer.run, header.index)) {
    throw trailerError(stream, header, place, 'not a link');
  }
  if (!isUnknownLen(stream) && trailer.total !== stream.plaintextLen) {
    throw trailerError(stream, header, place, 'not the declared length');
  }
}
