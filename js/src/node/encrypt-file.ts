// Encrypting a file, so that it can be interrupted and resumed (§19).
import { link, rename, rm, stat, chmod } from 'node:fs/promises';

import { misuse, StreamError } from '../errors.js';
import { FileSource, PipeSource, type Source } from '../source.js';
import {
  continueOutput, encryptTo, prepareResume, type ResumeOptions,
} from '../owner.js';
import { pieces } from '../access.js';
import type { ByteStream } from '../chunks.js';
import { verifyStream } from '../reader.js';
import type { Brought } from '../unlock.js';
import { randomBytes } from '../wrap.js';
import { newRun, newStream, type WriterOptions } from '../writer.js';
import { FileAccess, FileJournal, FileOutput, syncFolder } from './files.js';
import { lockFile, type LockResult } from './lock.js';
import { outputNames, type OutputNames } from './names.js';

export interface EncryptFileOptions extends WriterOptions, ResumeOptions {
  /** What opens the envelope again after an interruption. A key file opens it by itself. */
  brought?: Brought;
  /** Replace the result if it exists. */
  force?: boolean;
  /** Told what went on: a journal that was not used, a lock that could not be taken. */
  onNotice?: (notice: string) => void;
  digestAlg?: 1 | 2;
  index?: boolean;
}

/** What a run did. */
export interface EncryptFileResult {
  readonly resumed: boolean;
}

async function isThere(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null)) !== null;
}

/** Encrypts a file to `result`. An earlier run that was interrupted is resumed. */
export async function encryptFile(
  source: string | ByteStream, result: string, options: EncryptFileOptions,
): Promise<EncryptFileResult> {
  const names = outputNames(result);
  const run = new FileRun(names, options);
  if (typeof source !== 'string') return run.encrypt(new PipeSource(source));
  const file = await FileAccess.open(source);
  try {
    const { mtimeNs } = await file.handle.stat({ bigint: true });
    return await run.encrypt(new FileSource(file, mtimeNs));
  } finally {
    await file.close();
  }
}

class FileRun {
  private readonly brought: Brought;
  private readonly journal: FileJournal;

  constructor(private readonly names: OutputNames, private readonly options: EncryptFileOptions) {
    const keyFiles = options.keyFile ? [options.keyFile] : [];
    this.brought = { keyFiles, context: options.context, ...options.brought };
    this.journal = new FileJournal(names.journal);
  }

  async encrypt(source: Source): Promise<EncryptFileResult> {
    await this.checkNames();
    const output = await FileOutput.openOrCreate(this.names.partial);
    try {
      this.sayLock(await lockFile(output.handle.fd));
      const outcome = await this.run(output, source);
      await this.publish(output);
      return outcome;
    } finally {
      await output.close();
      await this.journal.close();
    }
  }

  /** The table of step 2 of §19.2, for the rows in which the result is there. */
  private async checkNames(): Promise<void> {
    if (!(await isThere(this.names.result)) || this.options.force) return;
    const [result, partial] = await Promise.all([
      stat(this.names.result, { bigint: true }),
      stat(this.names.partial, { bigint: true }).catch(() => null),
    ]);
    const same = partial?.ino === result.ino && partial.dev === result.dev;
    if (!same && !(partial === null && (await isThere(this.names.journal)))) throw taken();
    // The previous run may have been complete but for its names (SV2-RES-026).
    const file = await FileAccess.open(this.names.result);
    try {
      await verifyStream(pieces(file), this.brought);
    } catch (error) {
      throw same ? error : taken();
    } finally {
      await file.close();
    }
    if (!same) await link(this.names.result, this.names.partial);
  }

  private sayLock(result: LockResult): void {
    if (result === 'locked') return;
    this.options.onNotice?.('no lock could be taken: other owners are not kept out');
  }

  private async run(output: FileOutput, source: Source): Promise<EncryptFileResult> {
    const { options, journal } = this;
    const journalBytes = await journal.read();
    const found = await prepareResume(output, journalBytes, this.brought, source, options);
    if (!found) {
      await output.truncate(0);
      const stream = await newStream(options);
      await encryptTo(stream, output, journal, source, newRun(options), options);
      return { resumed: false };
    }
    this.checkParameters(found.stream.header.suite, found.stream.header.segmentSize);
    if (found.state !== 'used') options.onNotice?.(`journal: ${found.state}`);
    await continueOutput(found, output, journal, source, randomBytes(16), options);
    return { resumed: true };
  }

  /** SV2-RES-005 */
  private checkParameters(suite: number, segmentSize: number): void {
    const { options } = this;
    if (options.suite !== undefined && options.suite !== suite) {
      throw misuse('the interrupted run has another suite');
    }
    if (options.segmentSize !== undefined && options.segmentSize !== segmentSize) {
      throw misuse('the interrupted run has another segment_size');
    }
  }

  /** SV2-RES-003 */
  private async publish(output: FileOutput): Promise<void> {
    const { result, partial } = this.names;
    await output.sync();
    const old = await stat(result).catch(() => null);
    const mode = 0o666 & ~process.umask();
    await chmod(partial, old ? old.mode & 0o777 : mode);
    if (this.options.force || old) await rename(partial, result);
    else await link(partial, result);
    await syncFolder(result);
    await rm(partial, { force: true });
    await this.journal.remove();
    await syncFolder(result);
  }
}

function taken(): StreamError {
  return new StreamError('io.sink', 'the name of the result is taken');
}
