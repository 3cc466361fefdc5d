// The names of the files of an output (SV2-RES-032).
import { sha256 } from '@noble/hashes/sha2.js';
import { basename, dirname, join } from 'node:path';

import { toHex } from '../bytes.js';

export interface OutputNames {
  readonly result: string;
  readonly partial: string;
  readonly journal: string;
}

/** W of SV2-RES-032. `nameMax` is the number of bytes that a name may have. */
export function workName(name: string, nameMax = 255): string {
  const bytes = new TextEncoder().encode(name);
  const most = Math.min(255, Math.max(128, nameMax));
  if (bytes.length < 128 || bytes.length <= most - 12) return name;
  let end = most - 45;
  // Not inside a character of UTF-8.
  while (end > 0 && (bytes[end] & 0xc0) === 0x80) end -= 1;
  const start = new TextDecoder().decode(bytes.subarray(0, end));
  return `${start}~${toHex(sha256(bytes).subarray(0, 16))}`;
}

export function outputNames(result: string): OutputNames {
  const base = join(dirname(result), workName(basename(result)));
  return { result, partial: `${base}.partial`, journal: `${base}.journal` };
}
