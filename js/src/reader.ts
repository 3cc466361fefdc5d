// The sequential reader (§15.1 to §15.4).
import { EMPTY, equal } from './bytes.js';
import { ChunkReader, type ByteStream } from './chunks.js';
import { decompress } from './codec/index.js';
import { StreamError } from './errors.js';
import { parseStreamHeader } from './header.js';
import * as limits from './limits.js';
import { OrderState } from './order.js';
import {
  checkSegmentTag, KIND_DATA, KIND_FINAL, KIND_INDEX, parseSegmentHeader,
  type Place, type SegmentHeader,
} from './segment.js';
import {
  checkTerminatorAlone, checkTrailerAlone, checkTranscript, encodeTrailer, extendHistory,
  NO_HISTORY, trailerError, type History,
} from './transcript.js';
import { checkDetached, unlock, type Brought, type Unlocked } from './unlock.js';
import { openWire, payloadOffset, type KeyedStream, type OpenedWire } from './wire.js';

export interface ReaderOptions extends Brought {
  /** Release the committed prefix of a stream that is not sealed (§15.4). */
  salvage?: boolean;
  /** Bytes of segments that may be in flight at once. At least one segment always is. */
  bytesInFlight?: number;
  segmentsInFlight?: number;
}

/** A segment that is being opened, with what step 16 compares it with. */
interface Pending {
  readonly header: SegmentHeader;
  readonly place: Place;
  readonly opened: Promise<OpenedWire>;
  /** What an index segment, or the counts of a trailer, have to be. */
  readonly expected: { index: Uint8Array; total: number; position: number; distance: number };
}

/** A failure that waits until the segments before it were released. */
type Queued = Pending | { readonly failure: unknown };

/** Whether a payload of an index segment is the expected one (SV2-IDX-004). */
export function checkIndexPayload(payload: Uint8Array, expected: Uint8Array, place: Place): void {
  if (equal(payload, expected)) return;
  const offset = payloadOffset(place);
  throw new StreamError('malformed.index', 'not what the segments are', offset, place.segment);
}

/**
 * Reads a stream from its beginning to its end.
 *
 * `next()` gives the plaintext of one segment after the other, and null after the final segment
 * was verified and the end of the input was seen (SV2-REL-004). After an error every call throws
 * that error (SV2-REL-003).
 */
export class StreamReader {
  private readonly input: ChunkReader;
  private stream: Unlocked | null = null;
  private order!: OrderState;
  private history: History = NO_HISTORY;
  private readonly queue: Queued[] = [];
  private inFlight = 0;
  private readEnded = false;
  private ended = false;
  private error: unknown = null;

  constructor(input: ByteStream, private readonly options: ReaderOptions) {
    this.input = new ChunkReader(input);
  }

  /** What opened the stream, once its header was read. */
  get unlocked(): Unlocked | null {
    return this.stream;
  }

  /** Plaintext bytes of the segments whose headers were read. */
  get position(): number {
    return this.stream ? this.stream.header.bodyOffset + this.order.position : 0;
  }

  /** Reads the stream header and the envelope, and unlocks them. */
  async open(): Promise<Unlocked> {
    if (this.error) throw this.error;
    if (this.stream) return this.stream;
    try {
      return await this.openHeader();
    } catch (error) {
      this.error = error;
      throw error;
    }
  }

  private async openHeader(): Promise<Unlocked> {
    if (this.options.detachedEnvelope) checkDetached(this.options.detachedEnvelope);
    const header = parseStreamHeader(await this.input.take(limits.STREAM_HEADER_LEN));
    const envelope = header.envelopeLen === 0 ? EMPTY
      : await this.input.take(header.envelopeLen + 4);
    this.stream = await unlock(header, envelope, this.options);
    this.order = new OrderState(header);
    return this.stream;
  }

  async next(): Promise<Uint8Array | null> {
    const stream = await this.open();
    try {
      while (!this.ended) {
        await this.fill(stream);
        const plaintext = await this.finish(stream, this.queue.shift() as Queued);
        if (plaintext) return plaintext;
      }
      return null;
    } catch (error) {
      this.error = error;
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.input.close();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    try {
      for (;;) {
        const plaintext = await this.next();
        if (plaintext === null) return;
        yield plaintext;
      }
    } finally {
      await this.close();
    }
  }

  /** Reads segments until enough are in flight. */
  private async fill(stream: Unlocked): Promise<void> {
    const { bytesInFlight = 2 ** 25, segmentsInFlight = 8 } = this.options;
    while (!this.readEnded && this.queue.length < segmentsInFlight) {
      if (this.queue.length > 0 && this.inFlight >= bytesInFlight) return;
      try {
        this.queue.push(await this.readSegment(stream));
      } catch (failure) {
        this.readEnded = true;
        this.queue.push({ failure });
      }
    }
  }

  /** Steps 1 to 11, and the beginning of step 12. */
  private async readSegment(stream: Unlocked): Promise<Pending> {
    const { order } = this;
    const { place } = order;
    const bytes = await this.input.take(limits.SEGMENT_HEADER_LEN);
    if (bytes.length < limits.SEGMENT_HEADER_LEN) {
      throw this.truncated(place.offset + bytes.length, place);
    }
    const header = parseSegmentHeader(stream.header, bytes, place);
    checkSegmentTag(stream.keys, header, place);
    order.check(header);
    const wire = await this.input.take(header.wireLen);
    if (wire.length < header.wireLen) {
      throw this.truncated(place.offset + limits.SEGMENT_HEADER_LEN + wire.length, place);
    }
    const expected = {
      index: header.kind === KIND_INDEX ? order.index.payload(order.position) : EMPTY,
      total: order.total,
      position: order.position,
      distance: order.index.distance(order.position),
    };
    if (header.kind === KIND_FINAL) this.readEnded = true;
    else order.add(header);
    this.inFlight += header.wireLen + header.plaintextLen;
    const opened = openWire(stream, header, wire, place);
    // The failure is reported when its turn comes.
    opened.catch(() => undefined);
    return { header, place, opened, expected };
  }

  private truncated(offset: number, place: Place): StreamError {
    const code = this.options.salvage ? 'truncated.unsealed' : 'truncated';
    return new StreamError(code, 'the input ends too early', offset, place.segment);
  }

  /** Steps 12 to 18 of one segment. Returns its plaintext, or null if it has none. */
  private async finish(stream: Unlocked, queued: Queued): Promise<Uint8Array | null> {
    if ('failure' in queued) throw queued.failure;
    const { header, place, expected } = queued;
    const opened = await queued.opened;
    this.inFlight -= header.wireLen + header.plaintextLen;
    if (header.kind === KIND_FINAL) {
      this.checkFinal(stream, queued, opened);
      await this.checkEnd(place, header);
      this.ended = true;
      return null;
    }
    checkTerminatorAlone(stream.header, header, opened.terminator, place);
    checkTranscript(stream.header, header, opened.terminator, place, this.history);
    if (header.kind === KIND_INDEX) checkIndexPayload(opened.payload, expected.index, place);
    const plaintext = header.kind === KIND_DATA
      ? decompress(stream.header, header, opened.payload, place) : null;
    this.history = extendHistory(stream.keys, this.history, header, opened.digest);
    return plaintext;
  }

  private checkFinal(stream: KeyedStream, pending: Pending, opened: OpenedWire): void {
    const { header, place, expected } = pending;
    checkTrailerAlone(stream.header, header, opened.terminator, place);
    const { total, position, distance } = expected;
    if (!equal(opened.terminator, encodeTrailer(total, position, distance, this.history))) {
      throw trailerError(stream.header, header, place, 'not what was counted');
    }
  }

  /** Step 18 (SV2-FIN-003). */
  private async checkEnd(place: Place, header: SegmentHeader): Promise<void> {
    const more = await this.input.take(1);
    if (more.length === 0) return;
    const offset = place.offset + limits.SEGMENT_HEADER_LEN + header.wireLen;
    throw new StreamError('trailing', 'bytes after the end', offset, place.segment + 1);
  }
}

/** Verifies all of a stream with the key. Returns the bytes of its plaintext. */
export async function verifyStream(input: ByteStream, options: ReaderOptions): Promise<number> {
  let total = 0;
  for await (const plaintext of new StreamReader(input, options)) total += plaintext.length;
  return total;
}
