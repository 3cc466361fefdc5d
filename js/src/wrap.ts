// Making an envelope (§12).
import { concat, EMPTY } from './bytes.js';
import {
  encodeStanza, STANZA_AGE, STANZA_ARGON2ID, STANZA_KEY, type Argon2idCosts,
} from './envelope.js';
import { misuse } from './errors.js';
import type { KeyFile } from './key-file.js';
import { wrapAge } from './stanza-age.js';
import { wrapArgon2id, wrapKeyStanza } from './stanza-key.js';

/** A password, and what it costs. Writers should use 256 MiB, 3 passes and 4 lanes (§12.1). */
export interface NewPassword extends Argon2idCosts {
  readonly password: Uint8Array;
}

/** For whom a content key is wrapped. */
export interface Recipients {
  keyFiles?: KeyFile[];
  /** Recipients of age, as text. */
  recipients?: string[];
  passwords?: NewPassword[];
}

export function randomBytes(length: number): Uint8Array {
  return globalThis.crypto.getRandomValues(new Uint8Array(length));
}

/** The stanzas for a set of recipients, without padding. */
export async function wrapFor(set: Recipients, contentKey: Uint8Array): Promise<Uint8Array> {
  const { keyFiles = [], recipients = [], passwords = [] } = set;
  const others = keyFiles.length + recipients.length;
  if (passwords.length > 1 || (passwords.length === 1 && others > 0)) {
    throw misuse('a password stands alone (SV2-ENV-005)');
  }
  if (passwords.length + others === 0) throw misuse('an envelope for nobody');
  const stanzas: Uint8Array[] = [];
  for (const password of passwords) {
    const body = await wrapArgon2id(password.password, password, contentKey, randomBytes(32));
    stanzas.push(encodeStanza(STANZA_ARGON2ID, body));
  }
  if (recipients.length > 0) {
    stanzas.push(encodeStanza(STANZA_AGE, await wrapAge(recipients, contentKey)));
  }
  for (const file of keyFiles) {
    const body = wrapKeyStanza(file.id, file.key, contentKey, randomBytes(32));
    stanzas.push(encodeStanza(STANZA_KEY, body));
  }
  return concat(EMPTY, ...stanzas);
}
