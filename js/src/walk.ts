// Opening segments one after the other in an output (§19.2, §19.3): steps 1 to 18 of §15.1.
import type { RandomAccess } from './access.js';
import { equal } from './bytes.js';
import { decompress } from './codec/index.js';
import { StreamError } from './errors.js';
import * as limits from './limits.js';
import { OrderState } from './order.js';
import { checkIndexPayload } from './reader.js';
import {
  checkSegmentTag, KIND_DATA, KIND_FINAL, KIND_INDEX, parseSegmentHeader,
  type Place, type SegmentHeader,
} from './segment.js';
import {
  checkTerminatorAlone, checkTrailerAlone, checkTranscript, encodeTrailer, extendHistory,
  NO_HISTORY, trailerError, type History,
} from './transcript.js';
import { lastFramesLen, openLastFrames, openWire, type KeyedStream } from './wire.js';

/** A segment that was opened. */
export interface Walked {
  readonly header: SegmentHeader;
  readonly place: Place;
  /** The plaintext of a data segment that was read whole. */
  readonly plaintext: Uint8Array | null;
}

/** Steps 1 to 9 of a segment header in storage. */
export async function readSegmentHeader(
  s: KeyedStream, input: RandomAccess, place: Place,
): Promise<SegmentHeader> {
  const bytes = await input.read(place.offset, limits.SEGMENT_HEADER_LEN);
  const header = parseSegmentHeader(s.header, bytes, place);
  checkSegmentTag(s.keys, header, place);
  return header;
}

/** Step 11: the wire of a segment. */
export async function readWire(
  input: RandomAccess, header: SegmentHeader, place: Place,
): Promise<Uint8Array> {
  const offset = place.offset + limits.SEGMENT_HEADER_LEN;
  const wire = await input.read(offset, header.wireLen);
  if (wire.length === header.wireLen) return wire;
  throw new StreamError('truncated', 'a wire is not whole', offset + wire.length, place.segment);
}

/** Walks over the segments of an output as a sequential reader does. */
export class Walk {
  order: OrderState;
  history: History = NO_HISTORY;
  /** The final segment, once it was reached and verified. */
  final: SegmentHeader | null = null;
  /** The last segment that was walked over, and the last data segment. */
  last: Walked | null = null;
  lastData: Walked | null = null;

  constructor(readonly s: KeyedStream, readonly input: RandomAccess) {
    this.order = new OrderState(s.header);
  }

  /** The offset at which the part that was walked over ends. */
  get end(): number {
    const length = this.final ? limits.FINAL_SEGMENT_LEN : 0;
    return this.order.place.offset + length;
  }

  get segments(): number {
    return this.order.nextIndex + (this.final ? 1 : 0);
  }

  get atEnd(): boolean {
    return this.final !== null || this.order.place.offset >= this.input.size;
  }

  /** Opens the next segment. `whole`: all of it, and not only its last two frames. */
  async step(whole = true): Promise<Walked> {
    const { place } = this.order;
    const header = await readSegmentHeader(this.s, this.input, place);
    this.order.check(header);
    if (header.kind === KIND_FINAL) return this.stepFinal(header, place);
    const expected = header.kind === KIND_INDEX ? this.order.index.payload(this.order.position)
      : null;
    const opened = whole ? await this.openWhole(header, place) : await this.openEnd(header, place);
    checkTerminatorAlone(this.s.header, header, opened.terminator, place);
    checkTranscript(this.s.header, header, opened.terminator, place, this.history);
    if (expected && opened.payload) checkIndexPayload(opened.payload, expected, place);
    const plaintext = header.kind === KIND_DATA && opened.payload
      ? decompress(this.s.header, header, opened.payload, place) : null;
    return this.add({ header, place, plaintext }, opened.digest);
  }

  private add(walked: Walked, digest: Uint8Array): Walked {
    this.order.add(walked.header);
    this.history = extendHistory(this.s.keys, this.history, walked.header, digest);
    this.keep(walked);
    return walked;
  }

  /** Notes a segment as the last one, without counting it. */
  keep(walked: Walked): void {
    this.last = walked;
    if (walked.header.kind === KIND_DATA) this.lastData = walked;
  }

  private async openWhole(header: SegmentHeader, place: Place) {
    return openWire(this.s, header, await readWire(this.input, header, place), place);
  }

  private async openEnd(header: SegmentHeader, place: Place) {
    const length = lastFramesLen(header);
    const end = place.offset + limits.SEGMENT_HEADER_LEN + header.wireLen;
    const bytes = await this.input.read(end - length, length);
    if (bytes.length < length) {
      throw new StreamError('truncated', 'a wire is not whole', this.input.size, place.segment);
    }
    return { payload: null, ...(await openLastFrames(this.s, header, bytes, place)) };
  }

  private async stepFinal(header: SegmentHeader, place: Place): Promise<Walked> {
    const { terminator } = await this.openWhole(header, place);
    checkTrailerAlone(this.s.header, header, terminator, place);
    const { total, position, index } = this.order;
    const trailer = encodeTrailer(total, position, index.distance(position), this.history);
    if (!equal(terminator, trailer)) {
      throw trailerError(this.s.header, header, place, 'not what was counted');
    }
    this.final = header;
    if (this.end < this.input.size) {
      const segments = place.segment + 1;
      throw new StreamError('trailing', 'bytes after the end', this.end, segments);
    }
    return { header, place, plaintext: null };
  }
}
