// The AEADs of the two suites (§7, §20.1).
import { xchacha20poly1305 } from '@noble/ciphers/chacha.js';

import { concat, copy, le32, toHex, view } from './bytes.js';
import type { StreamHeader } from './header.js';
import type { StreamKeys } from './keys.js';

/** Seals and opens the frames of one segment. */
export interface FrameCipher {
  /** Ciphertext and tag. */
  seal(frame: number, aad: Uint8Array, plaintext: Uint8Array): Promise<Uint8Array>;
  /** The plaintext, or null where the AEAD rejects the frame. */
  open(frame: number, aad: Uint8Array, sealed: Uint8Array): Promise<Uint8Array | null>;
}

class XChaCha implements FrameCipher {
  constructor(
    private readonly key: Uint8Array,
    private readonly runSalt: Uint8Array,
    private readonly segmentIndex: number,
  ) {}

  private cipher(frame: number, aad: Uint8Array) {
    const nonce = concat(this.runSalt, le32(this.segmentIndex), le32(frame));
    return xchacha20poly1305(this.key, nonce, aad);
  }

  async seal(frame: number, aad: Uint8Array, plaintext: Uint8Array): Promise<Uint8Array> {
    return this.cipher(frame, aad).encrypt(plaintext);
  }

  async open(frame: number, aad: Uint8Array, sealed: Uint8Array): Promise<Uint8Array | null> {
    try {
      return this.cipher(frame, aad).decrypt(sealed);
    } catch {
      return null;
    }
  }
}

class AesGcm implements FrameCipher {
  constructor(
    private readonly key: CryptoKey,
    private readonly segmentIndex: number,
  ) {}

  private parameters(frame: number, aad: Uint8Array): AesGcmParams {
    const iv = new Uint8Array(12);
    view(iv).setUint32(4, this.segmentIndex, false);
    view(iv).setUint32(8, frame, false);
    return { name: 'AES-GCM', iv, additionalData: copy(aad), tagLength: 128 };
  }

  async seal(frame: number, aad: Uint8Array, plaintext: Uint8Array): Promise<Uint8Array> {
    const data = plaintext as Uint8Array<ArrayBuffer>;
    const { subtle } = globalThis.crypto;
    return new Uint8Array(await subtle.encrypt(this.parameters(frame, aad), this.key, data));
  }

  async open(frame: number, aad: Uint8Array, sealed: Uint8Array): Promise<Uint8Array | null> {
    const data = sealed as Uint8Array<ArrayBuffer>;
    const { subtle } = globalThis.crypto;
    try {
      return new Uint8Array(await subtle.decrypt(this.parameters(frame, aad), this.key, data));
    } catch (error) {
      if ((error as Error).name === 'OperationError') return null;
      throw error;
    }
  }
}

const RUN_KEYS_MAX = 8;

/** Makes the ciphers of a stream, and keeps the last run keys of suite 0x0002. */
export class Ciphers {
  private readonly runKeys = new Map<string, Promise<CryptoKey>>();

  constructor(
    private readonly header: StreamHeader,
    private readonly keys: StreamKeys,
  ) {}

  async of(epoch: number, runSalt: Uint8Array, segmentIndex: number): Promise<FrameCipher> {
    if (this.header.suite === 1) {
      return new XChaCha(this.keys.epoch(epoch).aead, runSalt, segmentIndex);
    }
    return new AesGcm(await this.runKey(epoch, runSalt), segmentIndex);
  }

  private runKey(epoch: number, runSalt: Uint8Array): Promise<CryptoKey> {
    const name = `${epoch} ${toHex(runSalt)}`;
    const known = this.runKeys.get(name);
    if (known) return known;
    if (this.runKeys.size >= RUN_KEYS_MAX) {
      this.runKeys.delete(this.runKeys.keys().next().value as string);
    }
    const raw = copy(this.keys.run(epoch, runSalt));
    const usages: KeyUsage[] = ['encrypt', 'decrypt'];
    const key = globalThis.crypto.subtle.importKey('raw', raw, 'AES-GCM', false, usages);
    this.runKeys.set(name, key);
    return key;
  }
}
