// The writer (§16).
import { concat, EMPTY } from './bytes.js';
import { ChunkReader, type ByteStream } from './chunks.js';
import { parseStanzas, padEnvelope, withCrc } from './envelope.js';
import { StreamError, ioError, misuse } from './errors.js';
import {
  encodeHeaderStart, encodeStreamHeader, type StreamHeader, type StreamParameters,
} from './header.js';
import { keyIdOf, type KeyFile } from './key-file.js';
import { StreamKeys } from './keys.js';
import * as limits from './limits.js';
import { Sealer, type RunStart, type SealedSegment } from './sealer.js';
import { Ciphers } from './suites.js';
import type { Unlocked } from './unlock.js';
import { randomBytes, wrapFor, type Recipients } from './wrap.js';

export interface WriterOptions {
  /** The key file whose key is the content key, for a stream without an envelope. */
  keyFile?: KeyFile;
  /** For whom a content key of this stream alone is wrapped (SV2-KEY-005). */
  recipients?: Recipients;
  context?: Uint8Array;
  suite?: 1 | 2;
  uniform?: boolean;
  frameSizeLog2?: number;
  segmentSize?: number;
  epochSegments?: number;
  /** The length of the plaintext, if it is known and is to be part of the stream header. */
  plaintextLen?: number;
  digestAlg?: 1 | 2;
  /** Write index segments (§11). */
  index?: boolean;
}

/** A stream header, its envelope with the CRC, and the keys that belong to them. */
export interface NewStream extends Unlocked {
  /** The bytes before the body. */
  readonly start: Uint8Array;
}

/** Makes a stream header from values that are all given. */
export function streamOf(
  parameters: StreamParameters, envelope: Uint8Array, contentKey: Uint8Array, context: Uint8Array,
): NewStream {
  const start = encodeHeaderStart(parameters);
  const keys = new StreamKeys(start, contentKey, context);
  const header = encodeStreamHeader(start, keys.headerTag(start), envelope.length);
  parseStanzas(envelope);
  const bytes = concat(header.bytes, withCrc(envelope));
  const ciphers = new Ciphers(header, keys);
  return { header, keys, ciphers, contentKey, stanza: null, start: bytes };
}

/** The default of SV2-HDR-011. */
function defaultEpochSegments(suite: 1 | 2, segmentSize: number): number {
  if (suite === 1) return 0;
  return Math.min(limits.SUITE2_EPOCH_SEGMENTS, limits.SUITE2_RUN_BYTES_MAX / segmentSize);
}

/** Begins a new stream with salts of its own (SV2-HDR-015, SV2-KEY-005). */
export async function newStream(options: WriterOptions): Promise<NewStream> {
  const { keyFile, recipients, suite = 1, segmentSize = 2 ** 20 } = options;
  if ((keyFile === undefined) === (recipients === undefined)) {
    throw misuse('either a key file or recipients');
  }
  if (options.index && options.uniform) throw misuse('index segments in a stream with UNIFORM');
  const contentKey = keyFile?.key ?? randomBytes(32);
  const envelope = recipients ? padEnvelope(await wrapFor(recipients, contentKey)) : EMPTY;
  const { plaintextLen } = options;
  const parameters: StreamParameters = {
    suite,
    uniform: options.uniform ?? !options.index,
    frameSizeLog2: options.frameSizeLog2 ?? 16,
    segmentSize,
    epochSegments: options.epochSegments ?? defaultEpochSegments(suite, segmentSize),
    plaintextLen: plaintextLen === undefined ? limits.UNKNOWN_LEN : BigInt(plaintextLen),
    streamSalt: randomBytes(32),
    keyId: keyFile ? keyIdOf(keyFile.key) : new Uint8Array(16),
    envelopeLen: envelope.length,
  };
  return streamOf(parameters, envelope, contentKey, options.context ?? EMPTY);
}

/** Takes a whole segment: its header and its wire (SV2-WRT-002). */
export type SegmentSink = (segment: SealedSegment) => Promise<void>;

/**
 * Cuts plaintext into segments and seals them. The owner of the sink gets whole segments in
 * order. `write` copies what it is given before it is sealed (SV2-WRT-003).
 */
export class StreamWriter {
  private readonly buffer: Uint8Array;
  private used = 0;
  private ended = false;

  constructor(
    private readonly stream: { header: StreamHeader },
    readonly sealer: Sealer,
    private readonly sink: SegmentSink,
  ) {
    this.buffer = new Uint8Array(stream.header.segmentSize);
  }

  /** Takes plaintext. Returns false once a declared plaintext_len is reached. */
  async write(bytes: Uint8Array): Promise<boolean> {
    if (this.ended) throw misuse('the stream has ended');
    let at = 0;
    while (at < bytes.length) {
      const room = this.sealer.room - this.used;
      if (room <= 0) return false;
      // A full segment waits for more plaintext, which decides whether it is the last one.
      if (this.used === this.buffer.length) await this.sealBuffer();
      const take = Math.min(bytes.length - at, this.buffer.length - this.used, room);
      this.buffer.set(bytes.subarray(at, at + take), this.used);
      this.used += take;
      at += take;
    }
    return this.sealer.room - this.used > 0;
  }

  /** Ends the segment that is being filled. Nothing happens if it is empty. */
  async flush(): Promise<void> {
    if (this.used === 0) return;
    if (this.stream.header.uniform && this.used < this.buffer.length) {
      throw misuse('a flush inside a segment of a stream with UNIFORM (SV2-HDR-016)');
    }
    await this.sealBuffer();
  }

  /** Ends the stream. `beforeFinal` runs before the final segment is handed over. */
  async finish(beforeFinal?: () => Promise<void>): Promise<void> {
    if (this.ended) throw misuse('the stream has ended');
    this.ended = true;
    const missing = this.sealer.room - this.used;
    if (missing !== Infinity && missing > 0) {
      throw new StreamError('io.source', 'the source ends before its declared length');
    }
    if (this.used > 0) await this.sealBuffer();
    if (this.sealer.indexIsOpen) await this.sink(await this.sealer.sealIndex());
    await beforeFinal?.();
    await this.sink(await this.sealer.sealFinal());
  }

  private async sealBuffer(): Promise<void> {
    if (this.sealer.indexIsDue) await this.sink(await this.sealer.sealIndex());
    const plaintext = this.buffer.slice(0, this.used);
    this.used = 0;
    await this.sink(await this.sealer.sealData(plaintext));
    if (this.sealer.indexIsDue) await this.sink(await this.sealer.sealIndex());
  }
}

/** A run of a new stream, with a salt of its own. */
export function newRun(options: WriterOptions): RunStart {
  return {
    runSalt: randomBytes(16),
    digestAlg: options.digestAlg ?? 1,
    index: options.index ?? false,
  };
}

/** Encrypts all of a source, piece by piece: header, then segments. */
export async function* encryptChunks(
  source: ByteStream, options: WriterOptions,
): AsyncGenerator<Uint8Array> {
  const stream = await newStream(options);
  yield stream.start;
  const ready: Uint8Array[] = [];
  const sink: SegmentSink = async (segment) => {
    ready.push(segment.header.bytes, segment.wire);
  };
  const writer = new StreamWriter(stream, new Sealer(stream, newRun(options)), sink);
  const input = new ChunkReader(source);
  try {
    // What the source holds beyond a declared length is not read (SV2-HDR-017).
    let left = options.plaintextLen ?? Infinity;
    while (left > 0) {
      const wanted = Math.min(stream.header.segmentSize, left);
      const piece = await input.take(wanted);
      await writer.write(piece);
      yield* ready.splice(0);
      if (piece.length < wanted) break;
      left -= piece.length;
    }
    await writer.finish();
    yield* ready.splice(0);
  } catch (error) {
    throw ioError('sink', error);
  } finally {
    await input.close();
  }
}
