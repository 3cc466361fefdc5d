// What all operations of the adapter share.
import { createHash } from 'node:crypto';

import { StreamError } from '../dist/index.js';

export const hex = (text) => new Uint8Array(Buffer.from(text, 'hex'));
export const toHex = (bytes) => Buffer.from(bytes).toString('hex');
export const optionalHex = (text) => (text === null || text === undefined ? null : hex(text));

/** The content key and the context of a request, as a caller brings them. */
export function broughtKeys(keys) {
  const contentKeys = keys.content_key === null ? [] : [hex(keys.content_key)];
  return { contentKeys, context: hex(keys.context) };
}

/** The answer for an error of the format. Any other error ends the adapter. */
export function rejection(error) {
  if (!(error instanceof StreamError)) throw error;
  const result = error.kind === 'unsupported' ? 'unsupported' : 'reject';
  return { result, error: error.code, offset: error.offset, segment: error.segment };
}

/** Counts and hashes released bytes. */
export class Released {
  constructor() {
    this.len = 0;
    this.hash = createHash('sha256');
  }

  add(bytes) {
    this.len += bytes.length;
    this.hash.update(bytes);
  }

  answer() {
    return { released_len: this.len, released_sha256: this.hash.copy().digest('hex') };
  }
}
