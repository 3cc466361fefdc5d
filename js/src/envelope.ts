// The envelope (§12): its checks without unwrapping, which are step 9 of §15.1 but for the keys.
import { concat, isZero, le16, view } from './bytes.js';
import { crc32c } from './crc32c.js';
import { StreamError, misuse } from './errors.js';
import type { StreamHeader } from './header.js';
import * as limits from './limits.js';

export const STANZA_ARGON2ID = 0x0001;
export const STANZA_AGE = 0x0002;
export const STANZA_KEY = 0x0003;
export const STANZA_PADDING = 0xffff;

export interface Stanza {
  readonly type: number;
  readonly body: Uint8Array;
  /** The offset of the stanza, counted from the stream header. */
  readonly offset: number;
}

/** SV2-ENV-001. `bytes` is the envelope and its CRC, as far as the input goes. */
export function checkEnvelopeWhole(header: StreamHeader, bytes: Uint8Array): void {
  if (header.envelopeLen === 0 || bytes.length >= header.envelopeLen + 4) return;
  const end = limits.STREAM_HEADER_LEN + bytes.length;
  throw new StreamError('truncated', 'the envelope is not whole', end);
}

/** Checks an envelope and its CRC, and splits it into stanzas (SV2-ENV-001 to SV2-ENV-012). */
export function parseEnvelope(header: StreamHeader, bytes: Uint8Array): Stanza[] {
  if (header.envelopeLen === 0) return [];
  checkEnvelopeWhole(header, bytes);
  const envelope = bytes.subarray(0, header.envelopeLen);
  if (crc32c(envelope) !== view(bytes).getUint32(header.envelopeLen, true)) {
    const offset = limits.STREAM_HEADER_LEN + header.envelopeLen;
    throw new StreamError('malformed.envelope_crc', 'the envelope is damaged', offset);
  }
  return parseStanzas(envelope);
}

export function parseStanzas(envelope: Uint8Array): Stanza[] {
  const stanzas: Stanza[] = [];
  const data = view(envelope);
  for (let at = 0; at < envelope.length; ) {
    const offset = limits.STREAM_HEADER_LEN + at;
    if (at + 4 > envelope.length) throw malformed('a stanza that does not fit', offset);
    const end = at + 4 + data.getUint16(at + 2, true);
    if (end > envelope.length) throw malformed('a stanza that does not fit', offset);
    const body = envelope.slice(at + 4, end);
    const stanza = { type: data.getUint16(at, true), body, offset };
    checkStanza(stanza, stanzas);
    stanzas.push(stanza);
    at = end;
  }
  return stanzas;
}

function malformed(message: string, offset: number): StreamError {
  return new StreamError('malformed.envelope', message, offset);
}

const UNIQUE = [STANZA_ARGON2ID, STANZA_AGE, STANZA_PADDING];

function checkStanza(stanza: Stanza, before: Stanza[]): void {
  const { type, body, offset } = stanza;
  const last = before[before.length - 1]?.type ?? 0;
  if (type === 0 || type < last || (type === last && UNIQUE.includes(type))) {
    throw malformed('a type out of order', offset);
  }
  if (type !== STANZA_PADDING && before[0]?.type === STANZA_ARGON2ID) {
    throw malformed('a stanza beside argon2id', offset);
  }
  if (type === STANZA_PADDING && !isZero(body)) {
    throw malformed('padding that is not zero', offset);
  }
  if (type === STANZA_ARGON2ID) checkArgon2idBody(body, offset);
}

function checkArgon2idBody(body: Uint8Array, offset: number): void {
  if (body.length !== 128 || !isZero(body.subarray(44, 48))) {
    throw malformed('not a body of argon2id', offset);
  }
  const { memoryKib, passes, lanes } = readArgon2idCosts(body);
  const fits = memoryKib <= limits.ARGON2ID_MEMORY_KIB_MAX && memoryKib >= 8 * lanes &&
    passes >= 1 && passes <= limits.ARGON2ID_PASSES_MAX &&
    lanes >= 1 && lanes <= limits.ARGON2ID_LANES_MAX;
  if (!fits) throw new StreamError('limit.argon2id', 'costs out of bounds', offset);
}

export interface Argon2idCosts {
  readonly memoryKib: number;
  readonly passes: number;
  readonly lanes: number;
}

export function readArgon2idCosts(body: Uint8Array): Argon2idCosts {
  const data = view(body);
  return {
    memoryKib: data.getUint32(32, true),
    passes: data.getUint32(36, true),
    lanes: data.getUint32(40, true),
  };
}

export function encodeStanza(type: number, body: Uint8Array): Uint8Array {
  if (body.length > 0xffff) throw misuse('a stanza that is too long');
  return concat(le16(type), le16(body.length), body);
}

/** Lengths of envelopes that hide how many recipients there are (§12.3). */
const CLASSES = [1020, 2044, 4092, 8188, 16_380, 32_764, 65_532];

/** Pads stanzas to one of the lengths of §12.3. */
export function padEnvelope(stanzas: Uint8Array): Uint8Array {
  const twice = CLASSES.find((length) => 2 * stanzas.length + 4 <= length);
  const length = twice ?? CLASSES.find((each) => stanzas.length + 4 <= each);
  if (length === undefined) throw misuse('too many recipients for one envelope');
  return padEnvelopeTo(stanzas, length);
}

/** Pads stanzas to exactly `length` bytes, for a replacement in place (§12.4). */
export function padEnvelopeTo(stanzas: Uint8Array, length: number): Uint8Array {
  const rest = length - stanzas.length;
  if (rest === 0) return stanzas;
  if (rest < 4) throw misuse('the old envelope is too short for the new one');
  const padding = encodeStanza(STANZA_PADDING, new Uint8Array(rest - 4));
  return concat(stanzas, padding);
}

/** The envelope and its CRC. */
export function withCrc(envelope: Uint8Array): Uint8Array {
  if (envelope.length === 0) return envelope;
  const crc = new Uint8Array(4);
  view(crc).setUint32(0, crc32c(envelope), true);
  return concat(envelope, crc);
}
