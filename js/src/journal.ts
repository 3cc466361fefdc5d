// The journal (§18).
import { concat, equal, isZero, view } from './bytes.js';
import { crc32c } from './crc32c.js';
import { StreamError, misuse } from './errors.js';
import { hmac } from './hash.js';
import type { StreamHeader } from './header.js';
import type { StreamKeys } from './keys.js';
import * as limits from './limits.js';
import { randomBytes } from './wrap.js';

export const JOURNAL_MAGIC = Uint8Array.of(0x89, 0x53, 0x56, 0x4a, 0x0d, 0x0a, 0x1a, 0x0a);
export const JOURNAL_HEADER_LEN = 212;
export const RECORD_LEN = 136;
export const ROLE_ENCRYPT = 1;
const ROLE_DECRYPT = 2;
export const RECORD_COMMIT = 1;
export const RECORD_ENDING = 2;
const VERSION = 3;
const NO_LEN = 2n ** 64n - 1n;
const NO_TIME = -(2n ** 63n);

/** What is known of a writer's source: its length, and its time in nanoseconds. */
export interface SourceFacts {
  readonly length: number | null;
  readonly mtime: bigint | null;
}

/** The fields of a record (§18.2). */
export interface JournalRecord {
  readonly sequence: bigint;
  readonly type: number;
  readonly index: number;
  readonly position: number;
  readonly plaintextLen: number;
  readonly tag: Uint8Array;
  readonly transcript: Uint8Array;
  readonly runFirst: number;
}

/** A journal that may be used (SV2-JRN-006). */
export interface Journal {
  readonly source: SourceFacts;
  readonly records: JournalRecord[];
  readonly commit: JournalRecord | null;
  readonly ending: boolean;
  /** More is missing after the last record than a crash takes (SV2-JRN-007). */
  readonly damaged: boolean;
}

function fault(code: string, message: string, offset: number): StreamError {
  return new StreamError(code, message, offset);
}

/** Whether a file under the name of a journal is one (SV2-RES-014). */
export function checkJournalMagic(bytes: Uint8Array): void {
  if (equal(bytes.subarray(0, 8), JOURNAL_MAGIC)) return;
  throw misuse('a file of another program has the name of the journal');
}

/** Reads a journal, or throws why it must not be used (SV2-JRN-006). */
export function readJournal(
  bytes: Uint8Array, role: number, stream: StreamHeader, keys: StreamKeys,
): Journal {
  checkHeader(bytes, role, stream, keys);
  const data = view(bytes);
  const length = data.getBigUint64(144, true);
  const mtime = data.getBigInt64(152, true);
  const headerMac = bytes.subarray(176, 208);
  const records: JournalRecord[] = [];
  let at = JOURNAL_HEADER_LEN;
  while (records.length < limits.JOURNAL_RECORDS_MAX && at + RECORD_LEN <= bytes.length) {
    const before = records[records.length - 1] ?? null;
    const record = readRecord(bytes.subarray(at, at + RECORD_LEN), headerMac, keys, before);
    if (!record) break;
    records.push(record);
    at += RECORD_LEN;
  }
  const full = records.length === limits.JOURNAL_RECORDS_MAX;
  return {
    source: {
      length: length === NO_LEN ? null : Number(length),
      mtime: mtime === NO_TIME ? null : mtime,
    },
    records,
    commit: records.filter((record) => record.type === RECORD_COMMIT).pop() ?? null,
    ending: records.some((record) => record.type === RECORD_ENDING),
    damaged: !full && bytes.length - at > RECORD_LEN,
  };
}

function checkHeader(
  bytes: Uint8Array, role: number, stream: StreamHeader, keys: StreamKeys,
): void {
  if (bytes.length < JOURNAL_HEADER_LEN) {
    throw fault('journal.header', 'the journal header is not whole', bytes.length);
  }
  const data = view(bytes);
  if (!equal(bytes.subarray(0, 8), JOURNAL_MAGIC)) {
    throw fault('journal.header', 'not a journal', 0);
  }
  if (crc32c(bytes.subarray(0, 208)) !== data.getUint32(208, true)) {
    throw fault('journal.header', 'the journal header is damaged', 208);
  }
  if (data.getUint16(8, true) !== VERSION) {
    throw fault('journal.header', 'another version', 8);
  }
  const roles = [ROLE_ENCRYPT, ROLE_DECRYPT];
  if (!roles.includes(bytes[10])) throw fault('journal.header', 'a role not assigned', 10);
  if (!isZero(bytes.subarray(11, 16))) throw fault('journal.header', 'reserved bytes', 11);
  if (bytes[10] !== role) throw fault('journal.header', 'another role', 10);
  if (!equal(bytes.subarray(16, 128), stream.bytes.subarray(0, 112))) {
    throw fault('journal.foreign', 'the journal of another stream', 16);
  }
  if (!equal(hmac(keys.journal, bytes.subarray(0, 176)), bytes.subarray(176, 208))) {
    throw fault('journal.mac', 'the journal header was altered', 176);
  }
}

/** A record, or null where the journal ends (SV2-JRN-007). */
function readRecord(
  bytes: Uint8Array, headerMac: Uint8Array, keys: StreamKeys, before: JournalRecord | null,
): JournalRecord | null {
  const data = view(bytes);
  if (crc32c(bytes.subarray(0, 132)) !== data.getUint32(132, true)) return null;
  const mac = hmac(keys.journal, headerMac, bytes.subarray(0, 100));
  if (!equal(mac, bytes.subarray(100, 132))) return null;
  if (!isZero(bytes.subarray(9, 12))) return null;
  const record = {
    sequence: data.getBigUint64(0, true),
    type: bytes[8],
    index: data.getUint32(12, true),
    position: Number(data.getBigUint64(16, true)),
    plaintextLen: Number(data.getBigUint64(24, true)),
    tag: bytes.slice(32, 64),
    transcript: bytes.slice(64, 96),
    runFirst: data.getUint32(96, true),
  };
  return recordFits(record, before) ? record : null;
}

function recordFits(record: JournalRecord, before: JournalRecord | null): boolean {
  const { type, index, position, plaintextLen, runFirst } = record;
  if (type !== RECORD_COMMIT && type !== RECORD_ENDING) return false;
  if (plaintextLen > (index + 1) * 2 ** 26 || position > (index + 1) * 2 ** 27) return false;
  if (type === RECORD_COMMIT ? runFirst > index : runFirst !== 0) return false;
  if (!before) return true;
  return record.sequence === before.sequence + 1n && index >= before.index &&
    position >= before.position && plaintextLen >= before.plaintextLen;
}

/** Where a journal is kept. */
export interface JournalStore {
  /** The bytes under the name of the journal, or null. */
  read(): Promise<Uint8Array | null>;
  /** Puts a new journal in the place of the old one, durably, its name too (SV2-JRN-005). */
  replace(bytes: Uint8Array): Promise<void>;
  /** Appends a record durably. */
  append(bytes: Uint8Array): Promise<void>;
  remove(): Promise<void>;
}

/** Appends records, and compacts (§18.2). After a failure it appends nothing (SV2-JRN-010). */
export class JournalWriter {
  private headerMac: Uint8Array = new Uint8Array(32);
  private records = 0;
  private nextSequence = 0n;
  private last: JournalRecord | null = null;
  private failed = false;

  constructor(
    private readonly store: JournalStore,
    private readonly stream: { header: StreamHeader; keys: StreamKeys },
    private readonly source: SourceFacts,
  ) {}

  /** Writes a new journal that begins with the last commit, if there is one (SV2-JRN-008). */
  async begin(last: JournalRecord | null): Promise<void> {
    await this.guard(async () => {
      const header = this.encodeHeader();
      this.headerMac = header.slice(176, 208);
      this.last = last;
      this.records = last ? 1 : 0;
      this.nextSequence = last ? last.sequence + 1n : this.nextSequence;
      await this.store.replace(last ? concat(header, this.encodeRecord(last)) : header);
    });
  }

  async append(fields: Omit<JournalRecord, 'sequence'>): Promise<void> {
    if (this.records >= limits.JOURNAL_RECORDS_MAX) await this.begin(this.last);
    await this.guard(async () => {
      const record = { ...fields, sequence: this.nextSequence };
      await this.store.append(this.encodeRecord(record));
      this.nextSequence += 1n;
      this.records += 1;
      if (record.type === RECORD_COMMIT) this.last = record;
    });
  }

  private async guard(step: () => Promise<void>): Promise<void> {
    if (this.failed) throw misuse('the journal has failed (SV2-JRN-010)');
    this.failed = true;
    await step();
    this.failed = false;
  }

  private encodeHeader(): Uint8Array {
    const out = new Uint8Array(JOURNAL_HEADER_LEN);
    const data = view(out);
    out.set(JOURNAL_MAGIC, 0);
    data.setUint16(8, VERSION, true);
    out[10] = ROLE_ENCRYPT;
    out.set(this.stream.header.bytes, 16);
    data.setBigUint64(144, this.source.length === null ? NO_LEN : BigInt(this.source.length), true);
    data.setBigInt64(152, this.source.mtime ?? NO_TIME, true);
    out.set(randomBytes(16), 160);
    out.set(hmac(this.stream.keys.journal, out.subarray(0, 176)), 176);
    data.setUint32(208, crc32c(out.subarray(0, 208)), true);
    return out;
  }

  private encodeRecord(record: JournalRecord): Uint8Array {
    const out = new Uint8Array(RECORD_LEN);
    const data = view(out);
    data.setBigUint64(0, record.sequence, true);
    out[8] = record.type;
    data.setUint32(12, record.index, true);
    data.setBigUint64(16, BigInt(record.position), true);
    data.setBigUint64(24, BigInt(record.plaintextLen), true);
    out.set(record.tag, 32);
    out.set(record.transcript, 64);
    data.setUint32(96, record.runFirst, true);
    out.set(hmac(this.stream.keys.journal, this.headerMac, out.subarray(0, 100)), 100);
    data.setUint32(132, crc32c(out.subarray(0, 132)), true);
    return out;
  }
}
