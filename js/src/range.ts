// The range reader (§15.5).
import type { RandomAccess } from './access.js';
import { EMPTY, equal } from './bytes.js';
import { decompress } from './codec/index.js';
import { misuse } from './errors.js';
import { parseStreamHeader } from './header.js';
import * as limits from './limits.js';
import { OrderState } from './order.js';
import { ArithmeticFinder } from './range-arithmetic.js';
import { RangeContext, type Final, type Finder, type Wanted } from './range-context.js';
import { readFinal } from './range-final.js';
import { IndexFinder } from './range-index.js';
import { WalkFinder } from './range-walk.js';
import type { SegmentHeader } from './segment.js';
import {
  checkTerminatorAlone, checkTranscript, encodeTrailer, extendHistory, NO_HISTORY, trailerError,
  type History,
} from './transcript.js';
import { checkDetached, unlock, type Brought } from './unlock.js';
import type { OpenedWire } from './wire.js';

export interface RangeOptions extends Brought {
  /** How many segments may be read for their link (SV2-RNG-009). */
  runsMax?: number;
}

/** How a reader finds segments (§15.5). */
export type FoundBy = 'arithmetic' | 'index' | 'headers';

/**
 * Reads ranges of the plaintext of a sealed stream. After an error every range has that error
 * (SV2-REL-003).
 */
export class RangeReader {
  private error: unknown = null;
  /** What a sequential reader knows, as far as segments were opened in order (SV2-RNG-001). */
  private readonly seen: OrderState;
  private history: History = NO_HISTORY;

  private constructor(
    private readonly context: RangeContext,
    private readonly final: Final,
    private readonly finder: Finder,
    readonly by: FoundBy,
  ) {
    this.seen = new OrderState(context.stream.header);
  }

  /** Opens a stream: header, envelope and final segment. */
  static async open(input: RandomAccess, options: RangeOptions): Promise<RangeReader> {
    if (options.detachedEnvelope) checkDetached(options.detachedEnvelope);
    const header = parseStreamHeader(await input.read(0, limits.STREAM_HEADER_LEN));
    const envelope = header.envelopeLen === 0 ? EMPTY
      : await input.read(limits.STREAM_HEADER_LEN, header.envelopeLen + 4);
    const stream = await unlock(header, envelope, options);
    const context = new RangeContext(stream, input, options.runsMax ?? Infinity);
    const final = await readFinal(context);
    if (header.uniform) {
      return new RangeReader(context, final, new ArithmeticFinder(context, final), 'arithmetic');
    }
    if (final.trailer.distance !== 0n) {
      return new RangeReader(context, final, new IndexFinder(context, final), 'index');
    }
    return new RangeReader(context, final, new WalkFinder(context, final), 'headers');
  }

  /** The length of the plaintext, from the verified final segment. */
  get plaintextLen(): number {
    return this.final.total;
  }

  /**
   * The plaintext of a range, segment by segment. What is beyond the end is left out
   * (SV2-RNG-011).
   */
  async *range(offset: number, length = Infinity): AsyncGenerator<Uint8Array> {
    if (!(offset >= 0) || !(length >= 0)) throw misuse('a range that is not one');
    if (this.error) throw this.error;
    try {
      const end = Math.min(offset + length, this.final.total);
      if (offset >= end) return;
      await this.finder.prepare(offset, end);
      for (let at = offset; at < end; ) {
        const wanted = await this.finder.find(at);
        const plaintext = await this.open(wanted);
        const part = plaintext.subarray(at - wanted.start, end - wanted.start);
        yield part;
        at += part.length;
      }
    } catch (error) {
      this.error = error;
      throw error;
    }
  }

  /** All bytes of a range in one piece. */
  async read(offset: number, length: number): Promise<Uint8Array> {
    const end = Math.max(offset, Math.min(offset + length, this.final.total));
    const out = new Uint8Array(end - offset);
    let at = 0;
    for await (const part of this.range(offset, length)) {
      out.set(part, at);
      at += part.length;
    }
    return out;
  }

  /** Opens a wanted segment: steps 1 to 17 in the form of §15.5. */
  private async open(wanted: Wanted): Promise<Uint8Array> {
    const { context } = this;
    const stream = context.stream.header;
    const place = context.place(wanted.position, wanted.index);
    const header = await context.readHeader(place);
    wanted.check(header);
    const inOrder = wanted.index === this.seen.nextIndex;
    if (inOrder) this.seen.check(header);
    const opened = await context.openWire(header, place);
    checkTerminatorAlone(stream, header, opened.terminator, place);
    if (inOrder) checkTranscript(stream, header, opened.terminator, place, this.history);
    const plaintext = decompress(stream, header, opened.payload, place);
    if (inOrder) this.addSeen(header, opened);
    return plaintext;
  }

  private addSeen(header: SegmentHeader, opened: OpenedWire): void {
    this.seen.add(header);
    this.history = extendHistory(this.context.stream.keys, this.history, header, opened.digest);
    if (this.seen.nextIndex === this.final.header.index) this.checkFinalAgain();
  }

  /** The checks of a reader that has seen all segments (SV2-RNG-001). */
  private checkFinalAgain(): void {
    const { seen, final } = this;
    seen.checkIndexAndRun(final.header);
    const { total, position, distance, transcript, run } = final.trailer;
    const counted =
      encodeTrailer(seen.total, seen.position, seen.index.distance(seen.position), this.history);
    const trailer = encodeTrailer(total, position, distance, { transcript, run });
    if (equal(trailer, counted)) return;
    throw trailerError(this.context.stream.header, final.header, final.place, 'another history');
  }
}
