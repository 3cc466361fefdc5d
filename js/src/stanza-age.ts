// Wrapping a content key in an age file (§12.2).
import { Decrypter, Encrypter, type Identity } from 'age-encryption';

import { ascii, equal } from './bytes.js';
import { misuse } from './errors.js';
import * as limits from './limits.js';
import { readSshIdentity } from './age-ssh.js';

const VERSION_LINE = ascii('age-encryption.org/v1\n');
const LF = 0x0a;
const DASH = 0x2d;

const SCRYPT = ascii('-> scrypt ');

/**
 * Whether the header has few enough stanzas (SV2-ENV-022), and none for a password of age
 * (SV2-ENV-021), in one pass over its lines.
 */
function acceptable(file: Uint8Array): boolean {
  let stanzas = 0;
  for (let at = 0; at < file.length; ) {
    const dashes = file[at] === DASH && file[at + 1] === DASH && file[at + 2] === DASH;
    if (dashes) return true;
    if (file[at] === DASH && file[at + 1] === 0x3e && file[at + 2] === 0x20) stanzas += 1;
    if (stanzas > limits.AGE_STANZAS_MAX) return false;
    if (equal(file.subarray(at, at + SCRYPT.length), SCRYPT)) return false;
    const end = file.indexOf(LF, at);
    if (end < 0) return true;
    at = end + 1;
  }
  return true;
}

/** Reads an identity in the form of a text: a line of age, or a private key of OpenSSH. */
export function readIdentity(text: string): Identity | string {
  const trimmed = text.trim();
  if (trimmed.startsWith('-----BEGIN OPENSSH PRIVATE KEY-----')) return readSshIdentity(trimmed);
  try {
    new Decrypter().addIdentity(trimmed);
  } catch (error) {
    throw misuse(`an identity that cannot be read: ${(error as Error).message}`);
  }
  return trimmed;
}

/** Opens an age file with one identity, or gives null. scrypt never runs (SV2-ENV-021). */
export async function unwrapAge(
  identity: Identity | string, file: Uint8Array,
): Promise<Uint8Array | null> {
  const binary = equal(file.subarray(0, VERSION_LINE.length), VERSION_LINE);
  if (!binary || !acceptable(file)) return null;
  try {
    const decrypter = new Decrypter();
    decrypter.addIdentity(identity);
    const contentKey = await decrypter.decrypt(file);
    return contentKey.length === 32 ? contentKey : null;
  } catch {
    return null;
  }
}

/** Makes an age file for recipients. Passwords of age are refused (SV2-ENV-020). */
export async function wrapAge(recipients: string[], contentKey: Uint8Array): Promise<Uint8Array> {
  const hybrid = recipients.filter((recipient) => recipient.startsWith('age1pq1')).length;
  if (hybrid !== 0 && hybrid !== recipients.length) {
    throw misuse('hybrid recipients stand alone');
  }
  const encrypter = new Encrypter();
  try {
    for (const recipient of recipients) encrypter.addRecipient(recipient);
  } catch (error) {
    throw misuse(`a recipient that cannot be read: ${(error as Error).message}`);
  }
  return encrypter.encrypt(contentKey);
}
