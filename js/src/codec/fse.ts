// FSE tables and the backward bit stream of Zstandard (RFC 8878, 4.1).

export interface FseTable {
  readonly log: number;
  readonly symbols: Uint8Array;
  readonly bits: Uint8Array;
  readonly base: Uint16Array;
}

export function highBit(value: number): number {
  return 31 - Math.clz32(value);
}

/** Up to 25 bits from bit `at` of `data`. Bytes beyond the end read as zero. */
export function bitsAt(data: Uint8Array, at: number, count: number): number {
  const i = at >>> 3;
  // What is beyond the end is undefined, and counts as zero here.
  const word = data[i] | (data[i + 1] << 8) | (data[i + 2] << 16) | (data[i + 3] << 24);
  return (word >>> (at & 7)) & ((1 << count) - 1);
}

/** A bit stream that is read from its end. Its last byte marks where it begins. */
export class BackwardBits {
  /** Bits that are left. Below zero: more was read than there is. */
  left: number;

  constructor(private readonly data: Uint8Array) {
    const last = data[data.length - 1];
    if (!last) throw new Error('a bit stream without its mark');
    this.left = 8 * (data.length - 1) + highBit(last);
  }

  /** The next `count` bits, at most 25. Beyond the beginning there are zeros. */
  peek(count: number): number {
    const from = this.left - count;
    if (from >= 0) return bitsAt(this.data, from, count);
    if (this.left <= 0) return 0;
    return bitsAt(this.data, 0, this.left) << -from;
  }

  read(count: number): number {
    const value = this.peek(count);
    this.left -= count;
    return value;
  }
}

/** Builds a decoding table from normalised counts; -1 means "less than one". */
export function buildFse(counts: ArrayLike<number>, log: number): FseTable {
  const size = 1 << log;
  const symbols = new Uint8Array(size);
  const next = new Uint16Array(counts.length);
  let high = size;
  for (let s = 0; s < counts.length; s += 1) {
    next[s] = Math.abs(counts[s]);
    if (counts[s] === -1) symbols[(high -= 1)] = s;
  }
  spread(counts, symbols, high);
  const bits = new Uint8Array(size);
  const base = new Uint16Array(size);
  for (let i = 0; i < size; i += 1) {
    const state = next[symbols[i]]++;
    bits[i] = log - highBit(state);
    base[i] = (state << bits[i]) - size;
  }
  return { log, symbols, bits, base };
}

function spread(counts: ArrayLike<number>, symbols: Uint8Array, high: number): void {
  const size = symbols.length;
  const step = (size >> 1) + (size >> 3) + 3;
  let at = 0;
  for (let s = 0; s < counts.length; s += 1) {
    for (let n = 0; n < counts[s]; n += 1) {
      symbols[at] = s;
      do at = (at + step) & (size - 1); while (at >= high);
    }
  }
  if (at !== 0) throw new Error('counts that do not fill the table');
}

/** A table that always gives one symbol. */
export function rleFse(symbol: number): FseTable {
  return {
    log: 0, symbols: Uint8Array.of(symbol), bits: new Uint8Array(1), base: new Uint16Array(1),
  };
}

/** Reads the description of a table. Returns the table and the bytes that it took. */
export function readFse(
  data: Uint8Array, logMax: number, symbolMax: number,
): { table: FseTable; length: number } {
  if (data.length === 0) throw new Error('no table');
  const log = (data[0] & 15) + 5;
  if (log > logMax) throw new Error('a table that is too large');
  const counts: number[] = [];
  let at = 4;
  let remaining = 1 << log;
  while (remaining > 0) {
    if (counts.length > symbolMax) throw new Error('a symbol out of bounds');
    const bits = highBit(remaining + 1) + 1;
    const mask = (1 << (bits - 1)) - 1;
    const threshold = (1 << bits) - 1 - (remaining + 1);
    let value = bitsAt(data, at, bits);
    at += bits;
    if ((value & mask) < threshold) {
      at -= 1;
      value &= mask;
    } else if (value > mask) {
      value -= threshold;
    }
    const count = value - 1;
    remaining -= Math.abs(count);
    counts.push(count);
    if (count === 0) at = readZeros(data, at, counts, symbolMax);
  }
  if (remaining < 0 || counts.length > symbolMax + 1) throw new Error('counts out of bounds');
  const length = (at + 7) >>> 3;
  if (length > data.length) throw new Error('a table that is not whole');
  return { table: buildFse(counts, log), length };
}

function readZeros(data: Uint8Array, from: number, counts: number[], symbolMax: number): number {
  let at = from;
  for (;;) {
    const repeat = bitsAt(data, at, 2);
    at += 2;
    for (let i = 0; i < repeat; i += 1) counts.push(0);
    if (counts.length > symbolMax + 1) throw new Error('a symbol out of bounds');
    if (repeat !== 3) return at;
  }
}
