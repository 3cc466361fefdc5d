// Sealing one segment after the other (§6 to §9, §11): the state of a writer.
import { EMPTY } from './bytes.js';
import { StreamError } from './errors.js';
import { isUnknownLen, lastSegmentIndex } from './header.js';
import { OrderState } from './order.js';
import {
  beginSegmentHeader, finishSegmentHeader, KIND_DATA, KIND_FINAL, KIND_INDEX, type SegmentHeader,
} from './segment.js';
import {
  encodeTerminator, encodeTrailer, extendHistory, NO_HISTORY, type History,
} from './transcript.js';
import { sealWire, type KeyedStream } from './wire.js';

/** Where a run begins: after which segments, and under which salt. */
export interface RunStart {
  /** Random for each run, and never read from storage (SV2-SEG-026, SV2-JRN-004). */
  readonly runSalt: Uint8Array;
  readonly digestAlg: 1 | 2;
  /** Whether this writer writes index segments (§11). */
  readonly index: boolean;
  readonly order?: OrderState;
  readonly history?: History;
}

export interface SealedSegment {
  readonly header: SegmentHeader;
  readonly wire: Uint8Array;
}

/**
 * Seals the segments of one run. Each segment_index is sealed once (SV2-FRM-008): after a failure
 * the sealer is of no use, and another run has to begin.
 */
export class Sealer {
  readonly order: OrderState;
  history: History;
  private first = true;
  private failed = false;
  private runSalt: Uint8Array;

  constructor(private readonly stream: KeyedStream, private readonly run: RunStart) {
    this.order = run.order ?? new OrderState(stream.header);
    this.history = run.history ?? NO_HISTORY;
    this.runSalt = run.runSalt;
  }

  get canTakeData(): boolean {
    return this.order.nextIndex <= lastSegmentIndex(this.stream.header.epochSegments);
  }

  /** Begins another run, as after a resume. For test vectors, which have several runs. */
  beginRun(runSalt: Uint8Array): void {
    this.runSalt = runSalt;
    this.first = true;
  }

  /** Whether an index segment has to come before another data segment (SV2-IDX-001). */
  get indexIsDue(): boolean {
    return this.run.index && this.order.index.uncovered >= this.order.index.max;
  }

  /** Whether an index segment has to come before the final segment. */
  get indexIsOpen(): boolean {
    return this.run.index && this.order.index.uncovered > 0;
  }

  async sealData(plaintext: Uint8Array): Promise<SealedSegment> {
    this.checkIndexLimit();
    return this.seal(KIND_DATA, plaintext, plaintext.length);
  }

  async sealIndex(): Promise<SealedSegment> {
    return this.seal(KIND_INDEX, this.order.index.payload(this.order.position), 0);
  }

  async sealFinal(): Promise<SealedSegment> {
    return this.seal(KIND_FINAL, EMPTY, 0);
  }

  /** SV2-EPO-002. With index segments, one more segment_index is needed after the data. */
  private checkIndexLimit(): void {
    const last = lastSegmentIndex(this.stream.header.epochSegments);
    if (this.order.nextIndex + (this.run.index ? 1 : 0) <= last) return;
    throw new StreamError('limit.segment_index', 'the stream has no room for more');
  }

  private async seal(
    kind: number, payload: Uint8Array, plaintextLen: number,
  ): Promise<SealedSegment> {
    if (this.failed) throw new StreamError('misuse', 'this run has failed (SV2-FRM-008)');
    // Until this segment is complete, the run counts as failed.
    this.failed = true;
    const { header: stream, keys } = this.stream;
    const begun = beginSegmentHeader(stream, {
      index: this.order.nextIndex,
      kind,
      codec: 0,
      digestAlg: this.run.digestAlg,
      runStart: this.first,
      plaintextLen,
      payloadLen: payload.length,
      runSalt: this.runSalt,
    });
    const terminator = kind === KIND_FINAL ? this.trailer()
      : encodeTerminator(stream, begun, this.history);
    const { wire, digest } = await sealWire(this.stream, begun, payload, terminator);
    const header = finishSegmentHeader(stream, keys, begun, wire);
    if (kind !== KIND_FINAL) {
      this.order.add(header);
      this.history = extendHistory(keys, this.history, header, digest);
    }
    this.first = false;
    this.failed = false;
    return { header, wire };
  }

  private trailer(): Uint8Array {
    const { total, position, index } = this.order;
    return encodeTrailer(total, position, index.distance(position), this.history);
  }

  /** Plaintext bytes that the stream can still take (SV2-HDR-017). */
  get room(): number {
    const { header } = this.stream;
    if (isUnknownLen(header)) return Infinity;
    return Number(header.plaintextLen) - this.order.total;
  }
}
