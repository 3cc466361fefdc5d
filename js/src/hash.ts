// HMAC and HKDF over SHA3-256 (§1.2).
import { hmac as nobleHmac } from '@noble/hashes/hmac.js';
import { sha3_256 } from '@noble/hashes/sha3.js';

import { concat } from './bytes.js';

export function sha3(...parts: Uint8Array[]): Uint8Array {
  const hash = sha3_256.create();
  for (const part of parts) hash.update(part);
  return hash.digest();
}

export function hmac(key: Uint8Array, ...parts: Uint8Array[]): Uint8Array {
  const mac = nobleHmac.create(sha3_256, key);
  for (const part of parts) mac.update(part);
  return mac.digest();
}

export function hkdfExtract(salt: Uint8Array, ikm: Uint8Array): Uint8Array {
  return hmac(salt, ikm);
}

/** HKDF-Expand for 32 bytes, which is one block. */
export function hkdfExpand(prk: Uint8Array, info: Uint8Array): Uint8Array {
  return hmac(prk, concat(info, Uint8Array.of(1)));
}
