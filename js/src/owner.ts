// A run of a writer that can be interrupted: output and journal (§18, §19.1, §19.2).
import type { RandomAccess } from './access.js';
import { concat, equal, view } from './bytes.js';
import { crc32c } from './crc32c.js';
import { StreamError, misuse } from './errors.js';
import {
  JournalWriter, RECORD_COMMIT, RECORD_ENDING, type JournalStore,
} from './journal.js';
import * as limits from './limits.js';
import { recover, type Recovered } from './recover.js';
import { Sealer, type RunStart, type SealedSegment } from './sealer.js';
import {
  indexEntries, indexEntriesMax, KIND_DATA, KIND_INDEX, type SegmentHeader,
} from './segment.js';
import { checkSource, type Source } from './source.js';
import type { Brought } from './unlock.js';
import { randomBytes } from './wrap.js';
import type { KeyedStream } from './wire.js';
import {
  newRun, newStream, StreamWriter, type NewStream, type WriterOptions,
} from './writer.js';

/** An output that can be cut and continued. */
export interface OutputStore extends RandomAccess {
  write(offset: number, bytes: Uint8Array): Promise<void>;
  truncate(length: number): Promise<void>;
  /** Reaches a durability point (§19.1), of the name of the output too. */
  sync(): Promise<void>;
}

export interface RunOptions {
  /** Bytes after which the output is made durable. At most DURABLE_BYTES_MAX (SV2-RES-002). */
  syncEvery?: number;
  /** Asks the run to stop. The output can then be resumed (SV2-WRT-008). */
  signal?: AbortSignal;
  /** Told of the plaintext bytes that were handed over. */
  onProgress?: (plaintextBytes: number) => void;
}

const PIECE = 2 ** 20;

/** Hands segments over, makes them durable, and records that. */
class Run {
  private readonly syncEvery: number;
  private since = 0;
  private recorded: boolean;
  private last: { header: SegmentHeader; position: number } | null = null;

  constructor(
    private readonly stream: KeyedStream,
    private readonly output: OutputStore,
    private readonly journal: JournalWriter,
    private readonly sealer: Sealer,
    private readonly options: RunOptions,
  ) {
    const most = limits.DURABLE_BYTES_MAX - 2 * limits.SEGMENT_SIZE_MAX;
    this.syncEvery = Math.min(options.syncEvery ?? 2 ** 26, most);
    this.recorded = true;
  }

  async encrypt(source: Source): Promise<void> {
    const { sealer } = this;
    const writer = new StreamWriter(this.stream, sealer, (segment) => this.handOver(segment));
    const { segmentSize } = this.stream.header;
    let at = sealer.order.total;
    for (;;) {
      this.checkStop();
      const want = Math.min(segmentSize, sealer.room - (at - sealer.order.total));
      const piece = want > 0 ? await source.read(at, want) : new Uint8Array(0);
      if (piece.length > 0) await writer.write(piece);
      at += piece.length;
      this.options.onProgress?.(sealer.order.total);
      if (piece.length === 0) break;
    }
    this.checkStop();
    await writer.finish(() => this.recordEnding());
    await this.output.sync();
    this.options.onProgress?.(at);
  }

  private checkStop(): void {
    if (this.options.signal?.aborted) {
      throw new StreamError('io.source', 'the run was asked to stop; it can be resumed');
    }
  }

  private async handOver(segment: SealedSegment): Promise<void> {
    const { header, wire } = segment;
    if (this.isShort(header)) this.checkStop();
    const bytes = concat(header.bytes, wire);
    const at = this.output.size;
    await this.output.write(at, bytes);
    this.last = { header, position: at - this.stream.header.bodyOffset };
    this.recorded = false;
    this.since += bytes.length;
    if (this.since >= this.syncEvery) await this.record();
  }

  /** Whether the end of the source may have ended this segment (SV2-WRT-008). */
  private isShort(header: SegmentHeader): boolean {
    const { segmentSize } = this.stream.header;
    if (header.kind === KIND_DATA) return header.plaintextLen < segmentSize;
    return header.kind === KIND_INDEX && indexEntries(header) < indexEntriesMax(segmentSize);
  }

  private async record(): Promise<void> {
    if (this.recorded || !this.last) return;
    await this.output.sync();
    await this.append(this.last.header, this.last.position);
    this.since = 0;
    this.recorded = true;
  }

  /** Appends a commit for the last segment that the sealer knows. */
  async append(header: SegmentHeader, position: number): Promise<void> {
    const { history, order } = this.sealer;
    await this.journal.append({
      type: RECORD_COMMIT,
      index: header.index,
      position,
      plaintextLen: order.total,
      tag: header.tag,
      transcript: history.transcript,
      runFirst: view(history.run).getUint32(16, true),
    });
  }

  /** SV2-JRN-002 */
  private async recordEnding(): Promise<void> {
    await this.record();
    const { history, order } = this.sealer;
    await this.journal.append({
      type: RECORD_ENDING,
      index: order.nextIndex,
      position: order.position,
      plaintextLen: order.total,
      tag: new Uint8Array(32),
      transcript: history.transcript,
      runFirst: 0,
    });
    this.checkStop();
  }
}

/** Encrypts a source into a new output, with a journal. The output is empty before. */
export async function encryptTo(
  stream: NewStream, output: OutputStore, store: JournalStore, source: Source, run: RunStart,
  options: RunOptions = {},
): Promise<void> {
  if (output.size !== 0) throw misuse('the output is not empty');
  // SV2-RES-040: the magic first.
  await output.write(0, stream.start.subarray(0, 8));
  await output.sync();
  await output.write(8, stream.start.subarray(8));
  await output.sync();
  const journal = new JournalWriter(store, stream, source.facts);
  await journal.begin(null);
  const sealer = new Sealer(stream, run);
  await new Run(stream, output, journal, sealer, options).encrypt(source);
}

export interface ResumeOptions extends RunOptions {
  /** Ask for index segments (SV2-IDX-010). */
  index?: boolean;
  /** The source was changed on purpose, or all of it is to be compared (SV2-RES-008). */
  compareAll?: boolean;
  /** The digest_alg where nothing is committed (SV2-RES-005). */
  digestAlg?: 1 | 2;
}

/** What is known of an output before it is resumed. Nothing has been changed yet. */
export async function prepareResume(
  output: RandomAccess, journal: Uint8Array | null, brought: Brought, source: Source,
  options: ResumeOptions,
): Promise<Recovered | null> {
  const found = await recover(output, journal, brought);
  if (!found) return null;
  checkIndexRules(found, options.index ?? false);
  await checkSource(found, source, options.compareAll ?? false);
  return found;
}

/** SV2-IDX-010 */
function checkIndexRules(found: Recovered, asked: boolean): void {
  if (!asked) return;
  const { order, final } = found.walk;
  if (found.stream.header.uniform) throw misuse('index segments in a stream with UNIFORM');
  if (!order.index.last && order.index.uncovered > order.index.max) {
    throw misuse('too many data segments without an index segment');
  }
  if (order.index.uncovered > 0 && (found.ending || final)) {
    throw misuse('the stream has ended without index segments');
  }
}

/**
 * Goes on with an output that `prepareResume` has examined: steps 10 and 11 of §19.2. Where the
 * stream is sealed, nothing is written. `runSalt` is random, for this run alone (SV2-SEG-026).
 */
export async function continueOutput(
  found: Recovered, output: OutputStore, store: JournalStore, source: Source,
  runSalt: Uint8Array, options: ResumeOptions = {},
): Promise<void> {
  const { walk, stream } = found;
  if (walk.final) return;
  await output.truncate(walk.end);
  await writeAgain(found, output);
  await output.sync();
  const journal = new JournalWriter(store, stream, source.facts);
  await journal.begin(found.commit);
  const last = walk.last?.header;
  const sealer = new Sealer(stream, {
    runSalt,
    digestAlg: (last?.digestAlg ?? options.digestAlg ?? 1) as 1 | 2,
    index: (options.index ?? false) || walk.order.index.last !== null,
    order: walk.order,
    history: walk.history,
  });
  const run = new Run(stream, output, journal, sealer, options);
  if (walk.last && found.commit?.index !== walk.last.header.index) {
    const position = walk.last.place.offset - stream.header.bodyOffset;
    await run.append(walk.last.header, position);
  }
  await run.encrypt(source);
}

/** SV2-RES-024: what is kept after the last recorded commit is written again, and read back. */
async function writeAgain(found: Recovered, output: OutputStore): Promise<void> {
  const { walk, commit, stream } = found;
  const body = stream.header.bodyOffset;
  const from = commit && walk.last ? await endOfCommit(found, output, body)
    : Math.max(0, walk.end - limits.DURABLE_BYTES_MAX);
  const sums: number[] = [];
  for (let at = from; at < walk.end; at += PIECE) {
    const piece = (await output.read(at, Math.min(PIECE, walk.end - at))).slice();
    sums.push(crc32c(piece));
    await output.write(at, piece);
  }
  if (from >= walk.end) return;
  await output.sync();
  for (let at = from; at < walk.end; at += PIECE) {
    const piece = await output.read(at, Math.min(PIECE, walk.end - at));
    if (crc32c(piece) !== sums.shift()) {
      throw new StreamError('io.sink', 'bytes that were written again differ');
    }
  }
}

async function endOfCommit(
  found: Recovered, output: OutputStore, body: number,
): Promise<number> {
  const commit = found.commit as NonNullable<Recovered['commit']>;
  const offset = body + commit.position;
  const header = await output.read(offset, limits.SEGMENT_HEADER_LEN);
  if (!equal(header.subarray(60, 92), commit.tag)) {
    throw new StreamError('io.sink', 'the output has changed');
  }
  return offset + limits.SEGMENT_HEADER_LEN + view(header).getUint32(36, true);
}

export interface EncryptOptions extends WriterOptions, ResumeOptions {
  /** What opens the envelope of an interrupted output. A key file opens it by itself. */
  brought?: Brought;
  /** Told what became of a journal that was not used. */
  onNotice?: (notice: string) => void;
  digestAlg?: 1 | 2;
  index?: boolean;
}

/**
 * Encrypts a source into an output, with a journal, or resumes an earlier run into it (§19.2).
 * The caller keeps other owners out, and gives a complete output its name (SV2-RES-003).
 */
export async function encryptOrResume(
  output: OutputStore, store: JournalStore, source: Source, options: EncryptOptions,
): Promise<{ resumed: boolean }> {
  const keyFiles = options.keyFile ? [options.keyFile] : [];
  const brought = { keyFiles, context: options.context, ...options.brought };
  const found = await prepareResume(output, await store.read(), brought, source, options);
  if (!found) {
    await output.truncate(0);
    const stream = await newStream(options);
    await encryptTo(stream, output, store, source, newRun(options), options);
    return { resumed: false };
  }
  checkParameters(found, options);
  if (found.state !== 'used') options.onNotice?.(`journal: ${found.state}`);
  await continueOutput(found, output, store, source, randomBytes(16), options);
  return { resumed: true };
}

/** SV2-RES-005 */
function checkParameters(found: Recovered, options: WriterOptions): void {
  const { header } = found.stream;
  const digestAlg = found.walk.last?.header.digestAlg;
  const { plaintextLen } = options;
  const pairs: [unknown, unknown][] = [
    [options.suite, header.suite],
    [options.uniform, header.uniform],
    [options.segmentSize, header.segmentSize],
    [options.frameSizeLog2, header.frameSizeLog2],
    [options.epochSegments, header.epochSegments],
    [plaintextLen === undefined ? undefined : BigInt(plaintextLen), header.plaintextLen],
    [digestAlg === undefined ? undefined : options.digestAlg, digestAlg],
  ];
  if (pairs.some(([asked, there]) => asked !== undefined && asked !== there)) {
    throw misuse('the interrupted run has other parameters (SV2-RES-005)');
  }
}
