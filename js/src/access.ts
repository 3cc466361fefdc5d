// Storage that can be read at any place (§15.5).
import { EMPTY } from './bytes.js';
import { ioError } from './errors.js';

/** Bytes that can be read at any place. */
export interface RandomAccess {
  readonly size: number;
  /** `length` bytes from `offset` on, or fewer where the storage ends before. */
  read(offset: number, length: number): Promise<Uint8Array>;
}

/** Bytes in memory. */
export class MemoryAccess implements RandomAccess {
  constructor(private readonly bytes: Uint8Array) {}

  get size(): number {
    return this.bytes.length;
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    return this.bytes.subarray(offset, offset + length);
  }
}

/** A Blob, such as a File that was chosen in a browser. */
export class BlobAccess implements RandomAccess {
  constructor(private readonly blob: Blob) {}

  get size(): number {
    return this.blob.size;
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    if (length === 0) return EMPTY;
    try {
      const part = this.blob.slice(offset, offset + length);
      return new Uint8Array(await part.arrayBuffer());
    } catch (error) {
      throw ioError('source', error);
    }
  }
}

/** The bytes of a storage in pieces, from its beginning to its end. */
export async function* pieces(input: RandomAccess, size = 2 ** 21): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < input.size; at += size) yield await input.read(at, size);
}
