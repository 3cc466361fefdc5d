// Reading ranges by arithmetic, in a stream with UNIFORM (§14.1, §15.5 step 3).
import { StreamError } from './errors.js';
import {
  checkKindAndIndex, checkRun, linkOf, type Final, type Finder, type RangeContext, type Wanted,
} from './range-context.js';
import { uniformLen } from './range-final.js';
import type { Place, SegmentHeader } from './segment.js';
import type { Link } from './transcript.js';

export class ArithmeticFinder implements Finder {
  /** The runs that are known, from the last one down (SV2-RNG-008). */
  private readonly runs: Link[];
  private readonly fullLen: number;

  constructor(private readonly context: RangeContext, private readonly final: Final) {
    const { segmentSize, frameSize } = context.stream.header;
    this.runs = [final.link];
    this.fullLen = uniformLen(segmentSize, frameSize);
  }

  async prepare(from: number): Promise<void> {
    const lowest = Math.floor(from / this.context.stream.header.segmentSize);
    for (;;) {
      const run = this.runs[this.runs.length - 1];
      if (run.first <= lowest) return;
      const place = this.placeOf(run.first);
      this.context.countLink(place);
      const header = await this.context.readHeader(place);
      this.check(header, run.first, run, place);
      this.runs.push(linkOf(await this.context.readTerminator(header, place)));
    }
  }

  async find(at: number): Promise<Wanted> {
    const { segmentSize } = this.context.stream.header;
    const index = Math.floor(at / segmentSize);
    const place = this.placeOf(index);
    const run = this.runs.find((each) => each.first <= index) as Link;
    return {
      index,
      position: index * this.fullLen,
      start: index * segmentSize,
      check: (header) => this.check(header, index, run, place),
    };
  }

  private placeOf(index: number): Place {
    return this.context.place(index * this.fullLen, index);
  }

  private check(header: SegmentHeader, index: number, run: Link, place: Place): void {
    checkKindAndIndex(header, index, place);
    checkRun(header, run, place);
    const { segmentSize } = this.context.stream.header;
    const length = Math.min(segmentSize, this.final.total - index * segmentSize);
    if (header.plaintextLen === length) return;
    throw new StreamError('order.uniform', 'not full, and not the last one',
      place.offset + 28, place.segment);
  }
}
