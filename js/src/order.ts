// What a sequential reader counts, and the order of segments (§15.2): step 10 of §15.1.
import { concat, equal, le32, le64 } from './bytes.js';
import { StreamError } from './errors.js';
import { isUnknownLen, type StreamHeader } from './header.js';
import * as limits from './limits.js';
import {
  indexEntries, indexEntriesMax, KIND_DATA, KIND_FINAL, KIND_INDEX,
  type Place, type SegmentHeader,
} from './segment.js';

/** What the next index segment has to say (§11). */
export class IndexState {
  /** The position of the last index segment, and the first 16 bytes of its tag. */
  last: { position: number; tag: Uint8Array; full: boolean } | null = null;
  /** Data segments that no index segment covers. */
  uncovered = 0;
  private entries: Uint8Array[] = [];

  constructor(readonly max: number) {}

  addData(header: SegmentHeader): void {
    this.uncovered += 1;
    // More than `max` entries cannot be right, so they need not be kept.
    if (this.entries.length > this.max) return;
    const { plaintextLen, wireLen, tag } = header;
    this.entries.push(concat(le32(plaintextLen), le32(wireLen), tag.subarray(0, 16)));
  }

  addIndex(header: SegmentHeader, position: number): void {
    const full = indexEntries(header) === this.max;
    this.last = { position, tag: header.tag.slice(0, 16), full };
    this.uncovered = 0;
    this.entries = [];
  }

  /** The payload of an index segment that begins at `position` and covers all that is not. */
  payload(position: number): Uint8Array {
    const distance = this.last ? position - this.last.position : 0;
    const previous = this.last?.tag ?? new Uint8Array(16);
    return concat(le64(distance), previous, ...this.entries);
  }

  distance(position: number): number {
    return this.last ? position - this.last.position : 0;
  }

  clone(): IndexState {
    const out = new IndexState(this.max);
    out.last = this.last;
    out.uncovered = this.uncovered;
    out.entries = this.entries.slice();
    return out;
  }
}

/** The counts of a sequential reader before a segment (Appendix D.1). */
export class OrderState {
  nextIndex = 0;
  position = 0;
  total = 0;
  runSalt: Uint8Array | null = null;
  /** A data segment of fewer than S bytes came, in a stream with UNIFORM. */
  short = false;
  readonly index: IndexState;
  private readonly max: number;

  constructor(private readonly stream: StreamHeader, index?: IndexState) {
    this.max = indexEntriesMax(stream.segmentSize);
    this.index = index ?? new IndexState(this.max);
  }

  clone(): OrderState {
    const out = new OrderState(this.stream, this.index.clone());
    out.nextIndex = this.nextIndex;
    out.position = this.position;
    out.total = this.total;
    out.runSalt = this.runSalt;
    out.short = this.short;
    return out;
  }

  /** The place of the next segment. */
  get place(): Place {
    return { offset: this.stream.bodyOffset + this.position, segment: this.nextIndex };
  }

  /** Step 10: SV2-ORD-001 to SV2-ORD-004, SV2-HDR-018, SV2-IDX-005. */
  check(header: SegmentHeader): void {
    this.checkIndexAndRun(header);
    if (header.kind === KIND_DATA && this.short) {
      this.fail('order.uniform', 'data after a segment that is not full', 28);
    }
    if (header.kind === KIND_DATA && this.exceedsDeclared(header)) {
      this.fail('limit.stream_plaintext_len', 'more plaintext than declared', 28);
    }
    this.checkIndexOrder(header);
  }

  /** SV2-ORD-001 to SV2-ORD-003. */
  checkIndexAndRun(header: SegmentHeader): void {
    if (header.index !== this.nextIndex) {
      this.fail('order.segment_index', `segment ${header.index} in place ${this.nextIndex}`, 4);
    }
    if (this.runSalt === null) return;
    const sameRun = equal(header.runSalt, this.runSalt);
    if (sameRun === header.runStart) this.fail('order.run', 'a run that does not follow', 12);
  }

  private exceedsDeclared(header: SegmentHeader): boolean {
    if (isUnknownLen(this.stream)) return false;
    return BigInt(this.total + header.plaintextLen) > this.stream.plaintextLen;
  }

  private checkIndexOrder(header: SegmentHeader): void {
    const { last, uncovered } = this.index;
    if (!last) return;
    const late = header.kind === KIND_DATA && (!last.full || uncovered >= this.max);
    const open = header.kind === KIND_FINAL && uncovered > 0;
    if (late || open) this.fail('order.index', 'an index segment is missing', 4);
  }

  private fail(code: string, message: string, field: number): never {
    const { offset, segment } = this.place;
    throw new StreamError(code, message, offset + field, segment);
  }

  /** Counts a segment without what an index segment would say about it. */
  skip(header: SegmentHeader): void {
    this.total += header.plaintextLen;
    this.runSalt = header.runSalt;
    this.nextIndex = header.index + 1;
    this.position += limits.SEGMENT_HEADER_LEN + header.wireLen;
  }

  /** Counts a data or index segment. */
  add(header: SegmentHeader): void {
    if (header.kind === KIND_DATA) {
      if (this.stream.uniform) this.short ||= header.plaintextLen < this.stream.segmentSize;
      else this.index.addData(header);
    }
    if (header.kind === KIND_INDEX) this.index.addIndex(header, this.position);
    this.skip(header);
  }
}
