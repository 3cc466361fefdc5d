// Web Streams (§15, §16).
import { ChunkReader, type ByteStream } from './chunks.js';
import { StreamReader, type ReaderOptions } from './reader.js';
import { encryptChunks, type WriterOptions } from './writer.js';

/** A pair for `pipeThrough`. */
export interface BytePair {
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable: WritableStream<Uint8Array>;
}

function readableOf(iterator: AsyncGenerator<Uint8Array>): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await iterator.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    async cancel() {
      await iterator.return(undefined);
    },
  }, { highWaterMark: 0 });
}

/**
 * Decrypts what is written to it: `encrypted.pipeThrough(decryptStream(options))`.
 *
 * Plaintext comes segment by segment, each after it was verified (SV2-REL-001). The readable side
 * closes only after the final segment was verified and the input has ended (SV2-REL-004). Until
 * then what came is a prefix: publish an output only when `pipeTo` has succeeded.
 */
export function decryptStream(options: ReaderOptions): BytePair {
  const input = new TransformStream<Uint8Array, Uint8Array>();
  const reader = new StreamReader(input.readable, options);
  return { readable: readableOf(reader[Symbol.asyncIterator]()), writable: input.writable };
}

/**
 * Encrypts what is written to it: `plain.pipeThrough(encryptStream(options))`. The final segment
 * is written when the writable side closes, and none if it is aborted (SV2-WRT-005).
 */
export function encryptStream(options: WriterOptions): BytePair {
  const input = new TransformStream<Uint8Array, Uint8Array>();
  const output = encryptChunks(input.readable, options);
  return { readable: readableOf(output), writable: input.writable };
}

/** Decrypts a whole stream into memory, for small data. */
export async function decryptBytes(input: Uint8Array, options: ReaderOptions): Promise<Uint8Array> {
  const reader = new StreamReader([input], options);
  return collect(reader);
}

/** Encrypts bytes in memory, for small data. */
export async function encryptBytes(input: Uint8Array, options: WriterOptions): Promise<Uint8Array> {
  return collect(encryptChunks([input], options));
}

async function collect(pieces: ByteStream): Promise<Uint8Array> {
  return new ChunkReader(pieces).take(Number.MAX_SAFE_INTEGER);
}
