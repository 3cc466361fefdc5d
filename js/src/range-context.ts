// What the three ways of reading ranges share (§15.5).
import { equal } from './bytes.js';
import type { RandomAccess } from './access.js';
import { StreamError } from './errors.js';
import * as limits from './limits.js';
import {
  checkSegmentTag, KIND_DATA, parseSegmentHeader, type Place, type SegmentHeader,
} from './segment.js';
import { checkTerminatorAlone, readLink, type Link, type Trailer } from './transcript.js';
import { openTerminator, openWire, terminatorFrameLen, type KeyedStream, type OpenedWire }
  from './wire.js';

/** The final segment that a reader has verified. */
export interface Final {
  readonly header: SegmentHeader;
  readonly place: Place;
  readonly trailer: Trailer;
  readonly position: number;
  readonly total: number;
  readonly link: Link;
}

/** Where a wanted segment is, and what its plaintext covers. */
export interface Wanted {
  readonly index: number;
  readonly position: number;
  /** The offset of its first byte in the plaintext. */
  readonly start: number;
  /** Step 10, in the form of the table in §15.5. */
  readonly check: (header: SegmentHeader) => void;
}

/** Finds the segments of a stream. */
export interface Finder {
  /** Makes all checks that come before a range is released. */
  prepare(from: number, to: number): Promise<void>;
  /** The segment that holds a byte of the plaintext. */
  find(at: number): Promise<Wanted>;
}

/** Reads headers and wires, and counts the links that were read. */
export class RangeContext {
  private linksRead = 0;

  constructor(
    readonly stream: KeyedStream,
    readonly input: RandomAccess,
    private readonly runsMax: number,
  ) {}

  place(position: number, segment: number): Place {
    return { offset: this.stream.header.bodyOffset + position, segment };
  }

  /** Steps 1 to 9 of a segment header. */
  async readHeader(place: Place): Promise<SegmentHeader> {
    const bytes = await this.input.read(place.offset, limits.SEGMENT_HEADER_LEN);
    const header = parseSegmentHeader(this.stream.header, bytes, place);
    checkSegmentTag(this.stream.keys, header, place);
    return header;
  }

  /** Steps 11 to 15 of a segment. */
  async openWire(header: SegmentHeader, place: Place): Promise<OpenedWire> {
    const offset = place.offset + limits.SEGMENT_HEADER_LEN;
    const wire = await this.input.read(offset, header.wireLen);
    if (wire.length < header.wireLen) {
      throw new StreamError('truncated', 'a wire is not whole', offset + wire.length,
        place.segment);
    }
    return openWire(this.stream, header, wire, place);
  }

  /** SV2-RNG-009, before a segment is read for its link. */
  countLink(place: Place): void {
    this.linksRead += 1;
    if (this.linksRead <= this.runsMax) return;
    throw new StreamError('limit.policy', 'more runs than the caller allows', place.offset,
      place.segment);
  }

  /** The terminator of a segment that is read for its link (SV2-RNG-006). */
  async readTerminator(header: SegmentHeader, place: Place): Promise<Uint8Array> {
    const length = terminatorFrameLen(header);
    const end = place.offset + limits.SEGMENT_HEADER_LEN + header.wireLen;
    const bytes = await this.input.read(end - length, length);
    const terminator = await openTerminator(this.stream, header, bytes, place);
    checkTerminatorAlone(this.stream.header, header, terminator, place);
    return terminator;
  }
}

/** In place of SV2-ORD-001 (SV2-RNG-001). */
export function checkKindAndIndex(
  header: SegmentHeader, index: number, place: Place, kind = KIND_DATA,
): void {
  if (header.kind === kind && header.index === index) return;
  throw new StreamError('order.segment_index', `another segment than ${index}`,
    place.offset + 4, place.segment);
}

/** SV2-RNG-005 */
export function checkRun(header: SegmentHeader, run: Link, place: Place): void {
  const startMissing = header.index === run.first && !header.runStart;
  if (!startMissing && equal(header.runSalt, run.salt)) return;
  throw new StreamError('order.run', 'a segment of another run', place.offset + 12,
    place.segment);
}

export function linkOf(terminator: Uint8Array): Link {
  return readLink(terminator.subarray(32));
}
