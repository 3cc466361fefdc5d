// Wrapping a content key under a key or a password (§12.1, §12.5).
import { xchacha20poly1305 } from '@noble/ciphers/chacha.js';
import { argon2idAsync } from '@noble/hashes/argon2.js';

import { ascii, concat, equal, le32 } from './bytes.js';
import { readArgon2idCosts, type Argon2idCosts } from './envelope.js';
import { misuse } from './errors.js';
import { hkdfExpand, hkdfExtract, hmac } from './hash.js';

const NONCE = new Uint8Array(24);

function info(label: string, body: Uint8Array): Uint8Array {
  return concat(ascii('stream-v2\0'), ascii(`${label}\0`), body.subarray(0, 48));
}

/** Opens a body of 128 bytes under its root, or gives null (SV2-ENV-013, SV2-ENV-019). */
function unwrap(root: Uint8Array, label: string, body: Uint8Array): Uint8Array | null {
  const key = hkdfExpand(root, info(`${label} commitment`, body));
  if (!equal(hmac(key, body.subarray(0, 48)), body.subarray(48, 80))) return null;
  const wrapKey = hkdfExpand(root, info(`${label} wrap`, body));
  try {
    return xchacha20poly1305(wrapKey, NONCE, body.subarray(0, 80)).decrypt(body.subarray(80));
  } catch {
    return null;
  }
}

function wrap(root: Uint8Array, label: string, start: Uint8Array, contentKey: Uint8Array) {
  const commitmentKey = hkdfExpand(root, info(`${label} commitment`, start));
  const bound = concat(start, hmac(commitmentKey, start));
  const wrapKey = hkdfExpand(root, info(`${label} wrap`, start));
  return concat(bound, xchacha20poly1305(wrapKey, NONCE, bound).encrypt(contentKey));
}

export function unwrapKeyStanza(key: Uint8Array, body: Uint8Array): Uint8Array | null {
  return unwrap(hkdfExtract(body.subarray(16, 48), key), 'key', body);
}

export function wrapKeyStanza(
  id: Uint8Array, key: Uint8Array, contentKey: Uint8Array, salt: Uint8Array,
): Uint8Array {
  return wrap(hkdfExtract(salt, key), 'key', concat(id, salt), contentKey);
}

function argon2idRoot(
  password: Uint8Array, salt: Uint8Array, costs: Argon2idCosts,
): Promise<Uint8Array> {
  return argon2idAsync(password, salt, {
    m: costs.memoryKib, t: costs.passes, p: costs.lanes, version: 0x13, dkLen: 32,
  });
}

export async function unwrapArgon2id(
  password: Uint8Array, body: Uint8Array,
): Promise<Uint8Array | null> {
  const costs = readArgon2idCosts(body);
  const root = await argon2idRoot(password, body.subarray(0, 32), costs);
  return unwrap(root, 'argon2id', body);
}

export async function wrapArgon2id(
  password: Uint8Array, costs: Argon2idCosts, contentKey: Uint8Array, salt: Uint8Array,
): Promise<Uint8Array> {
  if (costs.memoryKib < 65_536 || costs.passes < 3) {
    throw misuse('a password takes at least 64 MiB and 3 passes (SV2-ENV-027)');
  }
  const root = await argon2idRoot(password, salt, costs);
  const numbers = [le32(costs.memoryKib), le32(costs.passes), le32(costs.lanes), le32(0)];
  return wrap(root, 'argon2id', concat(salt, ...numbers), contentKey);
}
