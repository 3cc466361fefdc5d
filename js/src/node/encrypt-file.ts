// Encrypting a file, so that it can be interrupted and resumed (§19).
import { chmod, link, rename, rm, stat } from 'node:fs/promises';

import { pieces } from '../access.js';
import type { ByteStream } from '../chunks.js';
import { StreamError } from '../errors.js';
import { encryptOrResume, type EncryptOptions } from '../owner.js';
import { verifyStream } from '../reader.js';
import { FileSource, PipeSource, type Source } from '../source.js';
import { FileAccess, FileJournal, FileOutput, syncFolder } from './files.js';
import { lockFile } from './lock.js';
import { outputNames, type OutputNames } from './names.js';

export interface EncryptFileOptions extends EncryptOptions {
  /** Replace the result if it exists. */
  force?: boolean;
}

/** What a run did. */
export interface EncryptFileResult {
  readonly resumed: boolean;
}

/**
 * Encrypts a file, or bytes that come piece by piece, to the file `result`. A run that was
 * interrupted is resumed by the same call. The names and the lock are those of SV2-RES-032, so
 * other implementations can finish what this one has begun, and the other way round.
 */
export async function encryptFile(
  source: string | ByteStream, result: string, options: EncryptFileOptions,
): Promise<EncryptFileResult> {
  const run = new FileRun(outputNames(result), options);
  if (typeof source !== 'string') return run.encrypt(new PipeSource(source));
  const file = await FileAccess.open(source);
  try {
    const { mtimeNs } = await file.handle.stat({ bigint: true });
    return await run.encrypt(new FileSource(file, mtimeNs));
  } finally {
    await file.close();
  }
}

/** The file that a name leads to, or null. */
async function identity(path: string): Promise<string | null> {
  const there = await stat(path, { bigint: true }).catch(() => null);
  return there && `${there.dev} ${there.ino}`;
}

class FileRun {
  private readonly journal: FileJournal;

  constructor(private readonly names: OutputNames, private readonly options: EncryptFileOptions) {
    this.journal = new FileJournal(names.journal);
  }

  async encrypt(source: Source): Promise<EncryptFileResult> {
    let output = await this.openLocked();
    try {
      if (await this.resultIsComplete(output)) {
        await output.close();
        output = await this.takeResult();
      }
      const outcome = await encryptOrResume(output, this.journal, source, this.options);
      await this.publish(output);
      return outcome;
    } finally {
      await output.close();
      await this.journal.close();
    }
  }

  /** Opens the partial file, and keeps other owners out before anything is read. */
  private async openLocked(): Promise<FileOutput> {
    const output = await FileOutput.openOrCreate(this.names.partial);
    try {
      if ((await lockFile(output.handle.fd)) === 'impossible') {
        this.options.onNotice?.('no lock could be taken: other owners are not kept out');
      }
      const { dev, ino } = await output.handle.stat({ bigint: true });
      if ((await identity(this.names.partial)) === `${dev} ${ino}`) return output;
      throw new StreamError('io.sink', 'another owner has moved the partial output');
    } catch (error) {
      await output.close();
      throw error;
    }
  }

  /**
   * The table of step 2 of §19.2, where the result is there. True: the previous run was complete
   * but for its journal. Where the name is taken, that is an error.
   */
  private async resultIsComplete(output: FileOutput): Promise<boolean> {
    const { result, partial, journal } = this.names;
    const there = await identity(result);
    if (there === null || this.options.force) return false;
    const same = there === (await identity(partial));
    const finished = output.created && (await identity(journal)) !== null;
    try {
      if (!same && !finished) throw taken();
      await this.verifyResult(same);
    } catch (error) {
      if (output.created) await rm(partial, { force: true });
      throw error;
    }
    return !same;
  }

  /** SV2-RES-026 */
  private async verifyResult(same: boolean): Promise<void> {
    const { keyFile, context, brought } = this.options;
    const file = await FileAccess.open(this.names.result);
    try {
      const keyFiles = keyFile ? [keyFile] : [];
      await verifyStream(pieces(file), { keyFiles, context, ...brought });
    } catch (error) {
      throw same ? error : taken();
    } finally {
      await file.close();
    }
  }

  /** Gives the result its partial name again, so that it is published in order (SV2-RES-025). */
  private async takeResult(): Promise<FileOutput> {
    await rm(this.names.partial, { force: true });
    await link(this.names.result, this.names.partial);
    return this.openLocked();
  }

  /** SV2-RES-003 */
  private async publish(output: FileOutput): Promise<void> {
    const { result, partial } = this.names;
    await output.sync();
    const old = await stat(result).catch(() => null);
    await chmod(partial, old ? old.mode & 0o777 : 0o666 & ~process.umask());
    if (old) await rename(partial, result);
    else await this.linkResult();
    await syncFolder(result);
    await rm(partial, { force: true });
    await this.journal.remove();
    await syncFolder(result);
  }

  private async linkResult(): Promise<void> {
    try {
      await link(this.names.partial, this.names.result);
    } catch (error) {
      throw (error as NodeJS.ErrnoException).code === 'EEXIST' ? taken() : error;
    }
  }
}

function taken(): StreamError {
  return new StreamError('io.sink', 'the name of the result is taken');
}
