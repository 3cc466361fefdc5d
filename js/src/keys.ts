// The key schedule (§5).
import { ascii, concat, equal, le64 } from './bytes.js';
import { hkdfExpand, hkdfExtract, hmac, sha3 } from './hash.js';
import { misuse } from './errors.js';

/** The keys of one key epoch (§13). */
export interface EpochKeys {
  readonly aead: Uint8Array;
  readonly digest: Uint8Array;
}

/** Every CHECKPOINT-th E is kept, so that a reader that follows links need not begin at E_0. */
const CHECKPOINT = 256;

/** All keys of one stream (SV2-KEY-002). */
export class StreamKeys {
  readonly header: Uint8Array;
  readonly chain: Uint8Array;
  readonly journal: Uint8Array;
  readonly segment: Uint8Array;
  private readonly bindHash: Uint8Array;
  private readonly checkpoints: Uint8Array[];
  private lastEpoch = 0;
  private lastE: Uint8Array;
  private cached: { epoch: number; keys: EpochKeys } | null = null;

  constructor(headerStart: Uint8Array, contentKey: Uint8Array, context: Uint8Array) {
    if (contentKey.length !== 32) throw misuse('a content key has 32 bytes');
    const first80 = headerStart.subarray(0, 80);
    this.bindHash = sha3(first80, le64(context.length), context);
    const prk = hkdfExtract(first80.subarray(32, 64), contentKey);
    this.header = hkdfExpand(prk, this.bind('header'));
    this.chain = hkdfExpand(prk, this.bind('chain'));
    this.journal = hkdfExpand(prk, this.bind('journal'));
    this.segment = hkdfExpand(prk, this.bind('segment'));
    this.lastE = hkdfExpand(prk, this.bind('epoch'));
    this.checkpoints = [this.lastE];
    prk.fill(0);
  }

  private bind(label: string): Uint8Array {
    return concat(ascii('stream-v2\0'), ascii(`${label}\0`), this.bindHash);
  }

  headerTag(headerStart: Uint8Array): Uint8Array {
    return hmac(this.header, headerStart.subarray(0, 80));
  }

  /** Whether these keys are those of the header (SV2-HDR-014). */
  fits(headerBytes: Uint8Array): boolean {
    return equal(this.headerTag(headerBytes), headerBytes.subarray(80, 112));
  }

  epoch(epoch: number): EpochKeys {
    if (this.cached?.epoch === epoch) return this.cached.keys;
    const e = this.epochSecret(epoch);
    const keys = {
      aead: hkdfExpand(e, this.bind('aead')),
      digest: hkdfExpand(e, this.bind('digest')),
    };
    this.cached = { epoch, keys };
    return keys;
  }

  /** K_run of suite 0x0002. */
  run(epoch: number, runSalt: Uint8Array): Uint8Array {
    return hkdfExpand(this.epoch(epoch).aead, concat(this.bind('run'), runSalt));
  }

  private epochSecret(epoch: number): Uint8Array {
    let at = this.lastEpoch;
    let e = this.lastE;
    if (at > epoch) {
      const checkpoint = Math.min(Math.floor(epoch / CHECKPOINT), this.checkpoints.length - 1);
      at = checkpoint * CHECKPOINT;
      e = this.checkpoints[checkpoint];
    }
    for (; at < epoch; at += 1) {
      e = hkdfExpand(e, this.bind('rekey'));
      const next = at + 1;
      if (next % CHECKPOINT === 0 && next / CHECKPOINT === this.checkpoints.length) {
        this.checkpoints.push(e);
      }
    }
    this.lastEpoch = epoch;
    this.lastE = e;
    return e;
  }
}
