// Unlocking (§12.6): step 10 of §15.1 with all that a caller brings.
import { EMPTY, equal, isZero } from './bytes.js';
import {
  checkEnvelopeWhole, parseEnvelope, readArgon2idCosts,
  STANZA_AGE, STANZA_ARGON2ID, STANZA_KEY, type Stanza,
} from './envelope.js';
import { StreamError, misuse } from './errors.js';
import { parseStreamHeader, type StreamHeader } from './header.js';
import type { KeyFile } from './key-file.js';
import { StreamKeys } from './keys.js';
import * as limits from './limits.js';
import { readIdentity, unwrapAge } from './stanza-age.js';
import { unwrapArgon2id, unwrapKeyStanza } from './stanza-key.js';
import { Ciphers } from './suites.js';
import type { KeyedStream } from './wire.js';

/** What a caller brings to open a stream. Each list is tried in its order (§12.6). */
export interface Brought {
  contentKeys?: Uint8Array[];
  keyFiles?: KeyFile[];
  /** Identities of age as text, or private keys of OpenSSH. */
  identities?: string[];
  passwords?: Uint8Array[];
  /** The context of §1.1. Empty by default. */
  context?: Uint8Array;
  /** A detached envelope (§12.4), which takes the place of the stream's own. */
  detachedEnvelope?: Uint8Array;
  /** Limits for Argon2id (SV2-LIM-003): memory, and memory times passes. */
  argon2idMemoryKib?: number;
  argon2idWorkKib?: number;
  /** The largest segment_size (SV2-LIM-002). */
  segmentSizeMax?: number;
}

/** A stream that was unlocked. */
export interface Unlocked extends KeyedStream {
  readonly contentKey: Uint8Array;
  /** The offset of the stanza that gave the content key, or null. */
  readonly stanza: number | null;
}

/**
 * Unlocks a stream whose header and envelope are whole: steps 9 and 10 of §15.1.
 * `envelope` is the envelope and its CRC.
 */
export async function unlock(
  header: StreamHeader, envelope: Uint8Array, brought: Brought,
): Promise<Unlocked> {
  const detached = brought.detachedEnvelope;
  const stanzas = detached
    ? detachedStanzas(header, envelope, detached)
    : parseEnvelope(header, envelope);
  const found = await new Unlocking(header, stanzas, brought).run();
  const { segmentSizeMax } = brought;
  if (segmentSizeMax !== undefined && header.segmentSize > segmentSizeMax) {
    throw new StreamError('limit.policy', 'segments above the limit of the caller', 16);
  }
  return found;
}

/** The checks of a detached envelope that come before the stream's own header (§12.4). */
export function checkDetached(detached: Uint8Array): Stanza[] {
  const header = parseStreamHeader(detached);
  const stanzas = parseEnvelope(header, detached.subarray(limits.STREAM_HEADER_LEN));
  if (detached.length > header.bodyOffset) {
    throw new StreamError('trailing', 'bytes after a detached envelope', header.bodyOffset);
  }
  return stanzas;
}

/** All checks of a detached envelope, in the order of §12.4. */
function detachedStanzas(own: StreamHeader, envelope: Uint8Array, detached: Uint8Array): Stanza[] {
  const stanzas = checkDetached(detached);
  checkEnvelopeWhole(own, envelope);
  if (!equal(detached.subarray(0, 112), own.bytes.subarray(0, 112))) {
    throw new StreamError('key.detached_envelope', 'the envelope of another stream', 0);
  }
  return stanzas;
}

class Unlocking {
  private readonly contentKeys: Uint8Array[];
  private readonly context: Uint8Array;

  constructor(
    private readonly header: StreamHeader,
    private readonly stanzas: Stanza[],
    private readonly brought: Brought,
  ) {
    this.context = brought.context ?? EMPTY;
    this.contentKeys = [...(brought.contentKeys ?? []), ...this.keyFilesForStream()];
  }

  /** Row 2 of §12.6: key files that may be the content key themselves. */
  private keyFilesForStream(): Uint8Array[] {
    const files = this.brought.keyFiles ?? [];
    const fits = (file: KeyFile): boolean =>
      this.header.envelopeLen === 0 || equal(file.id, this.header.keyId);
    return files.filter(fits).map((file) => file.key);
  }

  async run(): Promise<Unlocked> {
    const hasStanzas = this.stanzas.length > 0;
    if (this.contentKeys.length === 0) this.checkBrought(hasStanzas);
    for (const key of this.contentKeys) {
      const keys = this.derive(key);
      if (keys.fits(this.header.bytes)) return this.found(key, keys, null);
    }
    const attempt = (await this.tryKeyFiles()) ?? (await this.tryAge()) ??
      (await this.tryPasswords());
    if (attempt) return this.foundBy(attempt);
    if (this.hasStanzaForBrought()) {
      throw new StreamError('key.envelope', 'nothing opens the envelope', 128);
    }
    throw this.wrongKey();
  }

  private wrongKey(): StreamError {
    return new StreamError('key.header_tag', 'wrong key, wrong context or altered header', 80);
  }

  private derive(contentKey: Uint8Array): StreamKeys {
    return new StreamKeys(this.header.bytes, contentKey, this.context);
  }

  private found(contentKey: Uint8Array, keys: StreamKeys, stanza: number | null): Unlocked {
    const { header } = this;
    return { header, keys, ciphers: new Ciphers(header, keys), contentKey, stanza };
  }

  /** SV2-ENV-024: no other is tried after a stanza gave a content key. */
  private foundBy(attempt: { contentKey: Uint8Array; offset: number }): Unlocked {
    const keys = this.derive(attempt.contentKey);
    if (!keys.fits(this.header.bytes)) throw this.wrongKey();
    return this.found(attempt.contentKey, keys, attempt.offset);
  }

  private ofType(type: number): Stanza[] {
    return this.stanzas.filter((stanza) => stanza.type === type);
  }

  /** SV2-ENV-018: a key stanza of another length counts as unknown. */
  private keyStanzas(): Stanza[] {
    return this.ofType(STANZA_KEY).filter((stanza) => stanza.body.length === 128);
  }

  /** SV2-ENV-008 and SV2-ENV-025. */
  private checkBrought(hasStanzas: boolean): void {
    if (!hasStanzas) throw misuse('no content key, and no envelope');
    const known = this.keyStanzas().length + this.ofType(STANZA_AGE).length +
      this.ofType(STANZA_ARGON2ID).length;
    if (known === 0) {
      throw new StreamError('unsupported.envelope', 'no stanza that is implemented', 128);
    }
    if (!this.hasStanzaForBrought()) throw misuse('nothing that the envelope is for');
  }

  private hasStanzaForBrought(): boolean {
    const { keyFiles = [], identities = [], passwords = [] } = this.brought;
    if (keyFiles.some((file) => this.stanzasFor(file).length > 0)) return true;
    if (identities.length > 0 && this.ofType(STANZA_AGE).length > 0) return true;
    return passwords.length > 0 && this.ofType(STANZA_ARGON2ID).length > 0;
  }

  private stanzasFor(file: KeyFile): Stanza[] {
    const id = (stanza: Stanza): Uint8Array => stanza.body.subarray(0, 16);
    const named = this.keyStanzas().filter((s) => !isZero(id(s)) && equal(id(s), file.id));
    return [...named, ...this.keyStanzas().filter((s) => isZero(id(s)))];
  }

  private async tryKeyFiles() {
    for (const file of this.brought.keyFiles ?? []) {
      for (const stanza of this.stanzasFor(file)) {
        const contentKey = unwrapKeyStanza(file.key, stanza.body);
        if (contentKey) return { contentKey, offset: stanza.offset };
      }
    }
    return null;
  }

  private async tryAge() {
    for (const text of this.brought.identities ?? []) {
      const identity = readIdentity(text);
      for (const stanza of this.ofType(STANZA_AGE)) {
        const contentKey = await unwrapAge(identity, stanza.body);
        if (contentKey) return { contentKey, offset: stanza.offset };
      }
    }
    return null;
  }

  private async tryPasswords() {
    for (const password of this.brought.passwords ?? []) {
      for (const stanza of this.ofType(STANZA_ARGON2ID)) {
        this.checkPolicy(stanza);
        const contentKey = await runArgon2id(password, stanza);
        if (contentKey) return { contentKey, offset: stanza.offset };
      }
    }
    return null;
  }

  /** SV2-LIM-003 */
  private checkPolicy(stanza: Stanza): void {
    const { memoryKib, passes } = readArgon2idCosts(stanza.body);
    const { argon2idMemoryKib = Infinity, argon2idWorkKib = Infinity } = this.brought;
    if (memoryKib > argon2idMemoryKib || memoryKib * passes > argon2idWorkKib) {
      throw new StreamError('limit.policy', 'costs above the limit of the caller', stanza.offset);
    }
  }
}

/** Memory that this process does not get is a limit of its own (SV2-LIM-003). */
async function runArgon2id(password: Uint8Array, stanza: Stanza): Promise<Uint8Array | null> {
  try {
    return await unwrapArgon2id(password, stanza.body);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new StreamError('limit.policy', 'no memory for Argon2id', stanza.offset);
  }
}
