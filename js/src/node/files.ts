// Files as outputs, journals and sources (§19.7).
import { constants } from 'node:fs';
import { open, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';

import type { RandomAccess } from '../access.js';
import { ioError } from '../errors.js';
import type { JournalStore } from '../journal.js';
import type { OutputStore } from '../owner.js';

/** A file that can be read at any place. */
export class FileAccess implements RandomAccess {
  protected constructor(readonly handle: FileHandle, protected length: number) {}

  static async open(path: string): Promise<FileAccess> {
    try {
      const handle = await open(path, 'r');
      return new FileAccess(handle, (await handle.stat()).size);
    } catch (error) {
      throw ioError('source', error);
    }
  }

  get size(): number {
    return this.length;
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    const wanted = Math.max(0, Math.min(length, this.length - offset));
    const out = new Uint8Array(wanted);
    let have = 0;
    try {
      while (have < wanted) {
        const { bytesRead } = await this.handle.read(out, have, wanted - have, offset + have);
        if (bytesRead === 0) break;
        have += bytesRead;
      }
    } catch (error) {
      throw ioError('source', error);
    }
    return out.subarray(0, have);
  }

  async close(): Promise<void> {
    await this.handle.close();
  }
}

/** Makes names in a folder durable. Some systems cannot sync a folder. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(dirname(path), 'r').catch(() => null);
  if (!folder) return;
  try {
    await folder.sync();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? '';
    if (!['EINVAL', 'ENOTSUP', 'ENOSYS', 'EPERM'].includes(code)) throw error;
  } finally {
    await folder.close();
  }
}

/** A partial output. Its mode is 0600 (SV2-RES-041). */
export class FileOutput extends FileAccess implements OutputStore {
  private named = false;

  private constructor(
    private readonly path: string, handle: FileHandle, length: number,
    /** Whether this call has created the file. */
    readonly created: boolean,
  ) {
    super(handle, length);
  }

  /** Opens a partial output, and creates it if it is not there. Links are not followed. */
  static async openOrCreate(path: string): Promise<FileOutput> {
    const { O_RDWR, O_CREAT, O_EXCL, O_NOFOLLOW = 0 } = constants;
    const flags = O_RDWR | O_NOFOLLOW;
    try {
      const there = await open(path, flags).catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return null;
        throw error;
      });
      const handle = there ?? (await open(path, flags | O_CREAT | O_EXCL, 0o600));
      return new FileOutput(path, handle, (await handle.stat()).size, there === null);
    } catch (error) {
      throw ioError('sink', error);
    }
  }

  /** Opens a file that is there, to change bytes in their place. */
  static async openExisting(path: string): Promise<FileOutput> {
    try {
      const handle = await open(path, 'r+');
      return new FileOutput(path, handle, (await handle.stat()).size, false);
    } catch (error) {
      throw ioError('sink', error);
    }
  }

  async write(offset: number, bytes: Uint8Array): Promise<void> {
    try {
      let done = 0;
      while (done < bytes.length) {
        const left = bytes.length - done;
        const { bytesWritten } = await this.handle.write(bytes, done, left, offset + done);
        done += bytesWritten;
      }
    } catch (error) {
      throw ioError('sink', error);
    }
    this.length = Math.max(this.length, offset + bytes.length);
  }

  async truncate(length: number): Promise<void> {
    await this.handle.truncate(length);
    this.length = Math.min(this.length, length);
  }

  async sync(): Promise<void> {
    try {
      await this.handle.datasync();
      if (!this.named) await syncFolder(this.path);
      this.named = true;
    } catch (error) {
      throw ioError('sink', error);
    }
  }
}

/** A journal in a file, with the names of SV2-RES-032. */
export class FileJournal implements JournalStore {
  private handle: FileHandle | null = null;

  constructor(private readonly path: string) {}

  async read(): Promise<Uint8Array | null> {
    const there = await stat(this.path).catch(() => null);
    if (!there) return null;
    const file = await FileAccess.open(this.path);
    try {
      // No owner writes more than 4,096 records (SV2-JRN-007).
      return await file.read(0, 212 + 4098 * 136);
    } finally {
      await file.close();
    }
  }

  async replace(bytes: Uint8Array): Promise<void> {
    await this.close();
    const fresh = `${this.path}.new`;
    const handle = await open(fresh, 'w+', 0o600);
    try {
      // SV2-RES-040: the magic first.
      await handle.write(bytes, 0, 8, 0);
      await handle.datasync();
      await handle.write(bytes, 8, bytes.length - 8, 8);
      await handle.datasync();
      await rename(fresh, this.path);
      await syncFolder(this.path);
    } catch (error) {
      await handle.close();
      throw ioError('sink', error);
    }
    this.handle = handle;
  }

  async append(bytes: Uint8Array): Promise<void> {
    try {
      const handle = this.handle as FileHandle;
      const { size } = await handle.stat();
      await handle.write(bytes, 0, bytes.length, size);
      await handle.datasync();
    } catch (error) {
      throw ioError('sink', error);
    }
  }

  async remove(): Promise<void> {
    await this.close();
    await rm(this.path, { force: true });
  }

  async close(): Promise<void> {
    await this.handle?.close();
    this.handle = null;
  }
}
