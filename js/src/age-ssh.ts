// Identities of age that are private keys of OpenSSH without a passphrase (ssh-ed25519).
import { chacha20poly1305 } from '@noble/ciphers/chacha.js';
import { ed25519, x25519 } from '@noble/curves/ed25519.js';
import { hkdf } from '@noble/hashes/hkdf.js';
import { sha256 } from '@noble/hashes/sha2.js';
import type { Identity, Stanza } from 'age-encryption';

import { ascii, concat, equal, isZero, view } from './bytes.js';
import { misuse } from './errors.js';

const LABEL = 'age-encryption.org/v1/ssh-ed25519';

function fromBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
}

function toBase64NoPad(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes)).replace(/=+$/, '');
}

/** Base64 without padding that is spelled in the one right way, or null. */
function strictBase64(text: string): Uint8Array | null {
  try {
    const bytes = fromBase64(text);
    return toBase64NoPad(bytes) === text ? bytes : null;
  } catch {
    return null;
  }
}

/** Reads strings of the wire format of SSH one after the other. */
class SshReader {
  private at = 0;

  constructor(private readonly bytes: Uint8Array) {}

  uint32(): number {
    if (this.at + 4 > this.bytes.length) throw misuse('a private key that is not whole');
    const value = view(this.bytes).getUint32(this.at, false);
    this.at += 4;
    return value;
  }

  string(): Uint8Array {
    const length = this.uint32();
    if (length > this.bytes.length - this.at) throw misuse('a private key that is not whole');
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }
}

function sshString(bytes: Uint8Array): Uint8Array {
  const length = new Uint8Array(4);
  view(length).setUint32(0, bytes.length, false);
  return concat(length, bytes);
}

/** Reads a private key of OpenSSH of the type ssh-ed25519, without a passphrase. */
export function readSshIdentity(pem: string): Identity {
  const lines = pem.split('\n').filter((line) => !line.startsWith('-----'));
  const bytes = fromBase64(lines.join('').trim());
  const magic = ascii('openssh-key-v1\0');
  if (!equal(bytes.subarray(0, magic.length), magic)) throw misuse('not a private key of OpenSSH');
  const outer = new SshReader(bytes.subarray(magic.length));
  const cipher = outer.string();
  outer.string();
  outer.string();
  if (!equal(cipher, ascii('none'))) throw misuse('a private key under a passphrase');
  if (outer.uint32() !== 1) throw misuse('more than one private key');
  outer.string();
  const inner = new SshReader(outer.string());
  if (inner.uint32() !== inner.uint32()) throw misuse('a private key that is damaged');
  if (!equal(inner.string(), ascii('ssh-ed25519'))) throw misuse('not a key of ssh-ed25519');
  const publicKey = inner.string();
  const seed = inner.string().slice(0, 32);
  if (publicKey.length !== 32 || seed.length !== 32) throw misuse('a private key not whole');
  return new SshEd25519Identity(seed, publicKey.slice());
}

class SshEd25519Identity implements Identity {
  private readonly secret: Uint8Array;
  private readonly recipient: Uint8Array;
  private readonly sshKey: Uint8Array;

  constructor(seed: Uint8Array, publicKey: Uint8Array) {
    this.secret = ed25519.utils.toMontgomerySecret(seed);
    this.recipient = x25519.getPublicKey(this.secret);
    this.sshKey = concat(sshString(ascii('ssh-ed25519')), sshString(publicKey));
  }

  unwrapFileKey(stanzas: Stanza[]): Uint8Array | null {
    const name = toBase64NoPad(sha256(this.sshKey).subarray(0, 4));
    for (const stanza of stanzas) {
      if (stanza.args[0] !== 'ssh-ed25519' || stanza.args[1] !== name) continue;
      const share = stanza.args.length === 3 ? strictBase64(stanza.args[2]) : null;
      if (share?.length !== 32 || stanza.body.length !== 32) throw new Error('invalid stanza');
      return this.open(share, stanza.body);
    }
    return null;
  }

  private open(share: Uint8Array, body: Uint8Array): Uint8Array | null {
    const tweak = hkdf(sha256, new Uint8Array(0), this.sshKey, ascii(LABEL), 32);
    const shared = x25519.getSharedSecret(tweak, x25519.getSharedSecret(this.secret, share));
    if (isZero(shared)) throw new Error('invalid share');
    const salt = concat(share, this.recipient);
    const key = hkdf(sha256, shared, salt, ascii(LABEL), 32);
    try {
      return chacha20poly1305(key, new Uint8Array(12)).decrypt(body);
    } catch {
      return null;
    }
  }
}
