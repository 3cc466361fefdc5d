// Input that arrives in pieces of any size (SV2-RDR-002).
import { EMPTY, concat } from './bytes.js';
import { ioError } from './errors.js';

/** Anything that gives bytes piece by piece. */
export type ByteStream = AsyncIterable<Uint8Array> | Iterable<Uint8Array> |
  ReadableStream<Uint8Array>;

function iterate(stream: ByteStream): AsyncIterator<Uint8Array> {
  if (Symbol.asyncIterator in stream) return stream[Symbol.asyncIterator]();
  if (Symbol.iterator in stream) return fromSync(stream);
  return fromReader(stream as ReadableStream<Uint8Array>);
}

async function* fromSync(pieces: Iterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield* pieces;
}

// Some browsers cannot iterate over a ReadableStream.
async function* fromReader(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = stream.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

/** Takes exact numbers of bytes from pieces. Holds no more than was asked for and one piece. */
export class ChunkReader {
  private readonly iterator: AsyncIterator<Uint8Array>;
  private rest: Uint8Array = EMPTY;
  private ended = false;

  constructor(stream: ByteStream) {
    this.iterator = iterate(stream);
  }

  /** The next `length` bytes, or fewer at the end of the input. */
  async take(length: number): Promise<Uint8Array> {
    if (length <= this.rest.length) return this.cut(length);
    const pieces = [this.rest];
    let have = this.rest.length;
    this.rest = EMPTY;
    while (have < length && !this.ended) {
      const piece = await this.next();
      if (!piece) break;
      const taken = piece.subarray(0, length - have);
      this.rest = piece.subarray(taken.length);
      pieces.push(taken);
      have += taken.length;
    }
    return concat(...pieces);
  }

  private cut(length: number): Uint8Array {
    const out = this.rest.subarray(0, length);
    this.rest = this.rest.subarray(length);
    return out;
  }

  private async next(): Promise<Uint8Array | null> {
    try {
      const { done, value } = await this.iterator.next();
      if (!done) return value;
    } catch (error) {
      throw ioError('source', error);
    }
    this.ended = true;
    return null;
  }

  async close(): Promise<void> {
    await this.iterator.return?.();
  }
}
