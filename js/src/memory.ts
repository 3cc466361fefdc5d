// Outputs and journals in memory, for tests and small data.
import { concat } from './bytes.js';
import type { JournalStore } from './journal.js';
import type { OutputStore } from './owner.js';

/** An output in memory. */
export class MemoryOutput implements OutputStore {
  private buffer: Uint8Array;
  private used: number;

  constructor(bytes: Uint8Array = new Uint8Array(0)) {
    this.buffer = bytes.slice();
    this.used = bytes.length;
  }

  get size(): number {
    return this.used;
  }

  get bytes(): Uint8Array {
    return this.buffer.subarray(0, this.used);
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    return this.bytes.subarray(offset, offset + length);
  }

  async write(offset: number, bytes: Uint8Array): Promise<void> {
    const end = offset + bytes.length;
    if (end > this.buffer.length) {
      const grown = new Uint8Array(Math.max(end, 2 * this.buffer.length));
      grown.set(this.bytes);
      this.buffer = grown;
    }
    this.buffer.set(bytes, offset);
    this.used = Math.max(this.used, end);
  }

  async truncate(length: number): Promise<void> {
    this.used = Math.min(this.used, length);
  }

  async sync(): Promise<void> {}
}

/** A journal in memory. */
export class MemoryJournal implements JournalStore {
  constructor(public bytes: Uint8Array | null = null) {}

  async read(): Promise<Uint8Array | null> {
    return this.bytes;
  }

  async replace(bytes: Uint8Array): Promise<void> {
    this.bytes = bytes.slice();
  }

  async append(bytes: Uint8Array): Promise<void> {
    this.bytes = concat(this.bytes ?? new Uint8Array(0), bytes);
  }

  async remove(): Promise<void> {
    this.bytes = null;
  }
}
