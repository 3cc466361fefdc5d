// Replacing the envelope of a file in its place (§12.4).
import { open, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

import { concat, equal } from '../bytes.js';
import { misuse, StreamError } from '../errors.js';
import * as limits from '../limits.js';
import { openHeader } from '../recover.js';
import { checkNotResumable, newEnvelope, type RewrapOptions } from '../rewrap.js';
import { FileAccess, FileOutput, syncFolder } from './files.js';
import { lockFile } from './lock.js';
import { outputNames, workName } from './names.js';

export type RewrapFileOptions = Pick<RewrapOptions, 'brought' | 'set' | 'wrapsBrought'> & {
  /** Keep the copy of the old envelope under NAME.rewrap (SV2-ENV-032). */
  keepOld?: boolean;
};

async function isThere(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null)) !== null;
}

/**
 * Replaces the envelope of a file by one of the same length. A copy of the old one is durable
 * before a byte is overwritten (SV2-ENV-016). After a crash the same call goes on: it opens the
 * stream with the copy. Replacing an envelope revokes nothing.
 */
export async function rewrapFile(path: string, options: RewrapFileOptions): Promise<void> {
  const copy = join(dirname(path), `${workName(basename(path))}.rewrap`);
  const stream = await FileOutput.openExisting(path);
  try {
    await replace(path, copy, stream, options);
  } finally {
    await stream.close();
  }
}

async function replace(
  path: string, copy: string, stream: FileOutput, options: RewrapFileOptions,
): Promise<void> {
  await rm(`${copy}.new`, { force: true });
  const interrupted = await isThere(copy);
  const brought = { ...options.brought };
  if (interrupted) brought.detachedEnvelope = await readAll(copy);
  const unlocked = await openHeader(stream, brought);
  const { partial, journal } = outputNames(path);
  const owned = (await isThere(journal)) || (await isThere(partial));
  await checkNotResumable(unlocked, stream, owned);
  const { header } = unlocked;
  const fresh = await newEnvelope(unlocked, { ...options, form: 'in-place' });
  if (!interrupted) await writeCopy(copy, await stream.read(0, header.bodyOffset));
  await stream.write(limits.STREAM_HEADER_LEN, fresh.bytes);
  await stream.sync();
  await checkWritten(path, stream, fresh.bytes);
  if (options.keepOld) return;
  await rm(copy);
  await syncFolder(copy);
}

async function readAll(path: string): Promise<Uint8Array> {
  const file = await FileAccess.open(path);
  try {
    // One byte more than an envelope can have shows that something follows it.
    return await file.read(0, limits.STREAM_HEADER_LEN + limits.ENVELOPE_LEN_MAX + 5);
  } finally {
    await file.close();
  }
}

/** Step 2 of §12.4. The copy is a detached envelope (SV2-ENV-031). */
async function writeCopy(copy: string, bytes: Uint8Array): Promise<void> {
  const handle = await open(`${copy}.new`, 'wx', 0o600);
  try {
    await lockFile(handle.fd);
    await handle.writeFile(concat(bytes));
    await handle.sync();
    await rename(`${copy}.new`, copy);
  } finally {
    await handle.close();
  }
  await syncFolder(copy);
}

/** Step 3 of §12.4: the new envelope is read back, and the name still leads to this file. */
async function checkWritten(path: string, stream: FileOutput, bytes: Uint8Array): Promise<void> {
  const there = await stream.read(limits.STREAM_HEADER_LEN, bytes.length);
  if (!equal(there, bytes)) throw new StreamError('io.sink', 'the new envelope is not there');
  const [own, named] = await Promise.all([stream.handle.stat(), stat(path)]);
  if (own.ino !== named.ino || own.dev !== named.dev) {
    throw misuse('another file has taken the name of the stream');
  }
}
