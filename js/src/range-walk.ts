// Reading ranges by walking over headers (§15.5 step 4, SV2-RNG-007).
import { StreamError } from './errors.js';
import { OrderState } from './order.js';
import {
  checkKindAndIndex, checkRun, type Final, type Finder, type RangeContext, type Wanted,
} from './range-context.js';
import type { SegmentHeader } from './segment.js';
import { checkLink, extendRun, NO_HISTORY, readLink, trailerError, type Link }
  from './transcript.js';

export class WalkFinder implements Finder {
  private readonly order: OrderState;
  private run = NO_HISTORY.run;
  /** Position and first plaintext byte of each segment that was walked over. */
  private readonly positions: number[] = [];
  private readonly starts: number[] = [];
  /** The runs that were walked over, in ascending order. */
  private readonly runs: Link[] = [];
  private readonly runFirsts: number[] = [];

  constructor(private readonly context: RangeContext, private readonly final: Final) {
    this.order = new OrderState(context.stream.header);
  }

  async prepare(_from: number, to: number): Promise<void> {
    while (this.order.total < to || this.order.nextIndex <= this.final.link.first) {
      await this.walkOver();
    }
  }

  async find(at: number): Promise<Wanted> {
    const index = lastAtMost(this.starts, at);
    const run = this.runOf(index);
    const position = this.positions[index];
    const place = this.context.place(position, index);
    return {
      index,
      position,
      start: this.starts[index],
      check: (header) => {
        checkKindAndIndex(header, index, place);
        checkRun(header, run, place);
      },
    };
  }

  private runOf(index: number): Link {
    return this.runs[lastAtMost(this.runFirsts, index)];
  }

  private async walkOver(): Promise<void> {
    const { order, context, final } = this;
    const { place } = order;
    const header = await context.readHeader(place);
    checkKindAndIndex(header, order.nextIndex, place);
    if (header.index >= final.link.first) checkRun(header, final.link, place);
    order.checkIndexAndRun(header);
    if (header.runStart && header.index !== 0) {
      context.countLink(place);
      const terminator = await context.readTerminator(header, place);
      checkLink(context.stream.header, header, terminator, place, this.run);
    }
    this.add(header);
    this.compareWithTrailer();
  }

  private add(header: SegmentHeader): void {
    this.positions.push(this.order.position);
    this.starts.push(this.order.total);
    this.run = extendRun(this.run, header);
    if (header.runStart) {
      this.runs.push(readLink(this.run));
      this.runFirsts.push(header.index);
    }
    this.order.skip(header);
  }

  /** The faults of the final segment that are found later (§15.5). */
  private compareWithTrailer(): void {
    const { order, final } = this;
    const { nextIndex, position, total } = order;
    const fail = (message: string): never => {
      throw trailerError(this.context.stream.header, final.header, final.place, message);
    };
    if (position > final.position) fail('headers lead beyond its position');
    if (position === final.position) {
      if (nextIndex !== final.header.index) {
        throw new StreamError('order.segment_index', 'not the number of segments before it',
          final.place.offset + 4, final.place.segment);
      }
      if (total !== final.total) fail('another total');
      return;
    }
    if (nextIndex >= final.header.index) fail('not at the end of the last segment');
    if (total >= final.total) fail('the total is reached before its position');
  }
}

/** The last place of an ascending list that is not above `value`. */
export function lastAtMost(list: number[], value: number): number {
  let low = 0;
  let high = list.length - 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (list[middle] <= value) low = middle;
    else high = middle - 1;
  }
  return low;
}
