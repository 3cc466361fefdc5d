// Finding the committed part of an output: steps 3 to 7 of §19.2, §19.3, and §19.8.
import type { RandomAccess } from './access.js';
import { EMPTY, equal, le32, concat } from './bytes.js';
import { isNothingCommitted } from './beginning.js';
import { decompress } from './codec/index.js';
import { parseEnvelope } from './envelope.js';
import { StreamError } from './errors.js';
import { parseStreamHeader, type StreamHeader } from './header.js';
import { checkJournalMagic, readJournal, ROLE_ENCRYPT, type Journal, type JournalRecord }
  from './journal.js';
import * as limits from './limits.js';
import { OrderState } from './order.js';
import {
  KIND_DATA, KIND_FINAL, parseSegmentHeader, type Place, type SegmentHeader,
} from './segment.js';
import { headerFollows, segmentFollows } from './torn.js';
import { checkLink, checkTerminatorAlone, extendRun, NO_HISTORY } from './transcript.js';
import { checkDetached, unlock, type Brought, type Unlocked } from './unlock.js';
import { readSegmentHeader, readWire, Walk } from './walk.js';
import { checkFrameHeaders, checkWireCrc, openTerminator, openWire, terminatorFrameLen }
  from './wire.js';

/** What became of the journal: a detail of §18.3, or one of the other words. */
export type JournalState = 'none' | 'used' | 'damaged' | 'lost' | string;

/** The committed part of an output. */
export interface Recovered {
  readonly stream: Unlocked;
  /** A walk that stands at the end of the committed part. */
  readonly walk: Walk;
  readonly state: JournalState;
  /** The journal, where its header may be used. */
  readonly journal: Journal | null;
  /** The last commit, where it was confirmed. */
  readonly commit: JournalRecord | null;
  /** The plaintext of the segment of the last commit, if that is a data segment. */
  readonly commitPlaintext: { start: number; bytes: Uint8Array } | null;
  /** Whether a journal that is used has an ending record. */
  readonly ending: boolean;
}

/** The checks of a stream header and its envelope, and unlocking it (step 4). */
export async function openHeader(output: RandomAccess, brought: Brought): Promise<Unlocked> {
  if (brought.detachedEnvelope) checkDetached(brought.detachedEnvelope);
  const header = parseStreamHeader(await output.read(0, limits.STREAM_HEADER_LEN));
  return unlock(header, await readEnvelope(output, header), brought);
}

async function readEnvelope(output: RandomAccess, header: StreamHeader): Promise<Uint8Array> {
  if (header.envelopeLen === 0) return EMPTY;
  return output.read(limits.STREAM_HEADER_LEN, header.envelopeLen + 4);
}

/** SV2-ERR-001 */
export function damaged(place: Place, cause?: unknown): StreamError {
  const message = cause instanceof Error ? cause.message : 'a committed segment is damaged';
  return new StreamError('malformed.damaged', message, place.offset, place.segment, { cause });
}

/** Up to the end of the last commit every fault is damage, but for `unsupported` (SV2-RES-006). */
export function asDamage(place: Place, error: unknown): unknown {
  if (!(error instanceof StreamError) || error.kind === 'io') return error;
  return error.kind === 'unsupported' ? error : damaged(place, error);
}

/** Whether a walk ended at a torn tail, and not with an error (SV2-RES-016). */
function isTorn(error: unknown): boolean {
  return error instanceof StreamError && ['truncated', 'malformed', 'auth'].includes(error.kind);
}

/** Finds the committed part. Null: nothing was committed. Changes nothing. */
export async function recover(
  output: RandomAccess, journalBytes: Uint8Array | null, brought: Brought,
): Promise<Recovered | null> {
  if (await isNothingCommitted(output)) return null;
  const stream = await openHeader(output, brought);
  return new Recovery(stream, output, journalBytes).run();
}

class Recovery {
  private readonly walk: Walk;
  private state: JournalState = 'none';
  private journal: Journal | null = null;
  private commitPlaintext: { start: number; bytes: Uint8Array } | null = null;

  constructor(
    private readonly stream: Unlocked,
    private readonly output: RandomAccess,
    private readonly journalBytes: Uint8Array | null,
  ) {
    this.walk = new Walk(stream, output);
  }

  async run(): Promise<Recovered> {
    this.openJournal();
    const commit = this.state === 'used' ? this.journal?.commit ?? null : null;
    const confirmed = commit !== null && (await this.confirm(commit));
    if (commit && !confirmed) this.state = 'lost';
    await this.walkOn(!confirmed);
    await this.readLastData();
    return {
      stream: this.stream,
      walk: this.walk,
      state: this.state,
      journal: this.journal,
      commit: confirmed ? commit : null,
      commitPlaintext: this.commitPlaintext,
      ending: this.state === 'used' && (this.journal?.ending ?? false),
    };
  }

  /** Step 5 */
  private openJournal(): void {
    if (!this.journalBytes) return;
    checkJournalMagic(this.journalBytes);
    const { header, keys } = this.stream;
    try {
      this.journal = readJournal(this.journalBytes, ROLE_ENCRYPT, header, keys);
      this.state = this.journal.damaged ? 'damaged' : 'used';
    } catch (error) {
      if (!(error instanceof StreamError)) throw error;
      this.state = error.code;
    }
  }

  /** Step 6. False: the output ends before the last commit (SV2-RES-007). */
  private async confirm(commit: JournalRecord): Promise<boolean> {
    const offset = this.stream.header.bodyOffset + commit.position;
    const place = { offset, segment: commit.index };
    if (this.output.size < offset + limits.SEGMENT_HEADER_LEN) return false;
    let header: SegmentHeader;
    try {
      header = await readSegmentHeader(this.stream, this.output, place);
      const named = equal(header.tag, commit.tag) && header.index === commit.index;
      if (!named || header.kind === KIND_FINAL) throw damaged(place);
      const end = offset + limits.SEGMENT_HEADER_LEN + header.wireLen;
      if (this.output.size < end) return false;
      await this.openCommitted(header, place, commit);
    } catch (error) {
      throw asDamage(place, error);
    }
    const run = concat(header.runSalt, le32(commit.runFirst));
    const order = this.stream.header.uniform ? this.orderOf(header)
      : await this.walkBefore(commit, run, place);
    this.standAfter(order, header, commit, run);
    return true;
  }

  /** The checks of a range reader for the segment of the last commit. */
  private async openCommitted(header: SegmentHeader, place: Place, commit: JournalRecord) {
    const wire = await readWire(this.output, header, place);
    const opened = await openWire(this.stream, header, wire, place);
    checkTerminatorAlone(this.stream.header, header, opened.terminator, place);
    if (header.kind !== KIND_DATA) {
      this.walk.keep({ header, place, plaintext: null });
      return;
    }
    const bytes = decompress(this.stream.header, header, opened.payload, place);
    this.commitPlaintext = { start: commit.plaintextLen - bytes.length, bytes };
    this.walk.keep({ header, place, plaintext: bytes });
  }

  private orderOf(header: SegmentHeader): OrderState {
    const order = new OrderState(this.stream.header);
    order.short = header.plaintextLen < this.stream.header.segmentSize;
    return order;
  }

  private standAfter(
    order: OrderState, header: SegmentHeader, commit: JournalRecord, run: Uint8Array,
  ): void {
    order.nextIndex = commit.index + 1;
    order.position = commit.position + limits.SEGMENT_HEADER_LEN + header.wireLen;
    order.total = commit.plaintextLen;
    order.runSalt = header.runSalt;
    this.walk.order = order;
    this.walk.history = { transcript: commit.transcript, run };
  }

  /** The headers up to the commit, in a stream that may have index segments (§19.2). */
  private async walkBefore(
    commit: JournalRecord, commitRun: Uint8Array, commitPlace: Place,
  ): Promise<OrderState> {
    const order = new OrderState(this.stream.header);
    let run = NO_HISTORY.run;
    while (order.nextIndex <= commit.index) {
      const { place } = order;
      if (place.offset > commitPlace.offset) throw damaged(commitPlace);
      let header: SegmentHeader;
      try {
        header = await this.walkOver(order, run);
      } catch (error) {
        throw asDamage(place, error);
      }
      const last = header.index === commit.index;
      if (last !== (place.offset === commitPlace.offset)) throw damaged(commitPlace);
      if (last && !equal(header.tag, commit.tag)) throw damaged(commitPlace);
      // After a commit for an index segment, the data segment before it is the last one.
      if (header.kind === KIND_DATA && this.commitPlaintext === null) {
        this.walk.lastData = { header, place, plaintext: null };
      }
      run = extendRun(run, header);
      order.add(header);
    }
    if (!equal(run, commitRun)) throw damaged(commitPlace);
    return order;
  }

  private async walkOver(order: OrderState, run: Uint8Array): Promise<SegmentHeader> {
    const { place } = order;
    const header = await readSegmentHeader(this.stream, this.output, place);
    order.check(header);
    if (header.kind === KIND_FINAL) throw damaged(place);
    if (!header.runStart || header.index === 0) return header;
    const length = terminatorFrameLen(header);
    const end = place.offset + limits.SEGMENT_HEADER_LEN + header.wireLen;
    const bytes = await this.output.read(end - length, length);
    const terminator = await openTerminator(this.stream, header, bytes, place);
    checkTerminatorAlone(this.stream.header, header, terminator, place);
    checkLink(this.stream.header, header, terminator, place, run);
    return header;
  }

  /** Step 7, or the walk of §19.3 from segment 0. */
  private async walkOn(fromStart: boolean): Promise<void> {
    const { walk } = this;
    while (!walk.atEnd) {
      const { place } = walk.order;
      const nearEnd = this.output.size - place.offset <= limits.DURABLE_BYTES_MAX;
      try {
        await walk.step(nearEnd || !fromStart);
      } catch (error) {
        if (!isTorn(error)) throw error;
        await this.checkTorn(place, error);
        return;
      }
    }
  }

  /** SV2-RES-010 */
  private async checkTorn(place: Place, cause: unknown): Promise<void> {
    const far = this.output.size - place.offset > limits.DURABLE_BYTES_MAX;
    if (this.state === 'used' && !far) return;
    if (await segmentFollows(this.output, place.offset, this.stream.keys)) {
      throw damaged(place, cause);
    }
  }

  /** The last committed data segment is read completely, for the comparison with the source. */
  private async readLastData(): Promise<void> {
    const last = this.walk.lastData;
    if (!last || last.plaintext) return;
    const { header, place } = last;
    try {
      const wire = await readWire(this.output, header, place);
      const opened = await openWire(this.stream, header, wire, place);
      checkTerminatorAlone(this.stream.header, header, opened.terminator, place);
      const plaintext = decompress(this.stream.header, header, opened.payload, place);
      this.walk.lastData = { header, place, plaintext };
    } catch (error) {
      throw asDamage(place, error);
    }
  }
}

/** The part of an output that is whole by its checksums (§19.8). */
export interface KeylessRecovered {
  readonly segments: number;
  readonly plaintextLen: number;
  readonly streamLen: number;
  readonly sealed: boolean;
}

/** Recovers without the key. Only checksums are compared (SV2-NOK-001). Changes nothing. */
export async function recoverWithoutKey(output: RandomAccess): Promise<KeylessRecovered | null> {
  if (await isNothingCommitted(output)) return null;
  const stream = parseStreamHeader(await output.read(0, limits.STREAM_HEADER_LEN));
  parseEnvelope(stream, await readEnvelope(output, stream));
  const order = new OrderState(stream);
  let sealed = false;
  while (!sealed && order.place.offset < output.size) {
    const { place } = order;
    try {
      const header = await checkWithoutKey(stream, output, order);
      sealed = header.kind === KIND_FINAL;
      if (!sealed) order.add(header);
    } catch (error) {
      if (!isTorn(error)) throw error;
      if (await headerFollows(output, place.offset, stream)) throw damaged(place, error);
      break;
    }
  }
  const { nextIndex, place, total } = order;
  const streamLen = place.offset + (sealed ? limits.FINAL_SEGMENT_LEN : 0);
  return { segments: nextIndex + (sealed ? 1 : 0), plaintextLen: total, streamLen, sealed };
}

/** Steps 1 to 8, 10 to 13 and 18 of a segment (§15.6). */
async function checkWithoutKey(
  stream: StreamHeader, output: RandomAccess, order: OrderState,
): Promise<SegmentHeader> {
  const { place } = order;
  const bytes = await output.read(place.offset, limits.SEGMENT_HEADER_LEN);
  const header = parseSegmentHeader(stream, bytes, place);
  order.check(header);
  const wire = await readWire(output, header, place);
  checkWireCrc(header, wire, place);
  checkFrameHeaders(stream, header, wire, place);
  const end = place.offset + limits.SEGMENT_HEADER_LEN + header.wireLen;
  if (header.kind === KIND_FINAL && end < output.size) {
    throw new StreamError('trailing', 'bytes after the end', end, place.segment + 1);
  }
  return header;
}
