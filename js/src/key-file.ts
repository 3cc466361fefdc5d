// Key files (Appendix C).
import { ascii, equal, fromHex, toHex } from './bytes.js';
import { misuse } from './errors.js';
import { hmac } from './hash.js';

export interface KeyFile {
  readonly id: Uint8Array;
  readonly key: Uint8Array;
}

/** The id that follows from a key (version 2). */
export function keyIdOf(key: Uint8Array): Uint8Array {
  return hmac(key, ascii('stream-v2\0key id')).slice(0, 16);
}

/** Reads a key file. A fault is misuse, and names the line but no digit of the key. */
export function parseKeyFile(bytes: Uint8Array): KeyFile {
  if (bytes.length > 4096) throw misuse('a key file that is too long');
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw misuse('a key file that is not text');
  }
  const lines = text.split('\n').map((line) => line.replace(/\r$/, ''));
  let found: KeyFile | null = null;
  lines.forEach((line, i) => {
    if (line.startsWith('#') || line.trim() === '') return;
    if (found) throw misuse(`line ${i + 1}: a second key`);
    found = parseLine(line.trim().split(/\s+/), i + 1);
  });
  if (!found) throw misuse('a key file without a key');
  return found;
}

function parseLine(words: string[], line: number): KeyFile {
  const [version, id, key] = words;
  if (version !== 'sv2-key-1' && version !== 'sv2-key-2') {
    throw misuse(`line ${line}: not a version of a key file`);
  }
  if (words.length !== 3) throw misuse(`line ${line}: not three words`);
  if (!/^[0-9a-fA-F]{32}$/.test(id)) throw misuse(`line ${line}: not an id of 32 digits`);
  if (!/^[0-9a-fA-F]{64}$/.test(key)) throw misuse(`line ${line}: not a key of 64 digits`);
  const file = { id: fromHex(id), key: fromHex(key) };
  if (version === 'sv2-key-2' && !equal(file.id, keyIdOf(file.key))) {
    throw misuse(`line ${line}: the id is not that of the key (SV2-KEY-006)`);
  }
  return file;
}

export function formatKeyFile(key: Uint8Array): string {
  return `sv2-key-2 ${toHex(keyIdOf(key))} ${toHex(key)}\n`;
}
