// One Zstandard frame (§10, codec 1; RFC 8878).
import { view } from '../bytes.js';
import {
  BackwardBits, buildFse, readFse, rleFse, type FseTable,
} from './fse.js';
import { decodeHuffman, readHuffman, type HuffmanTable } from './huffman.js';
import { copyMatch } from './lz4.js';
import { xxh64Low } from './xxh64.js';

const BLOCK_MAX = 131_072;
/** Offsets of more bits reach further back than a segment is long. */
const OFFSET_CODE_MAX = 27;

/** What the header of a frame says. */
export interface FrameHeader {
  readonly length: number;
  readonly window: number;
  readonly contentSize: number | null;
  readonly dictionaryId: number;
  readonly checksum: boolean;
}

/** Reads the header of a frame. Throws where it cannot be read. */
export function readFrameHeader(data: Uint8Array): FrameHeader {
  const at = (i: number): number => {
    if (i >= data.length) throw new Error('the frame header is not whole');
    return data[i];
  };
  const number = (from: number, length: number): number => {
    let value = 0;
    for (let i = length - 1; i >= 0; i -= 1) value = value * 256 + at(from + i);
    return value;
  };
  if (number(0, 4) !== 0xfd2fb528) throw new Error('not a Zstandard frame');
  const descriptor = at(4);
  if (descriptor & 8) throw new Error('a reserved bit is set');
  const single = (descriptor & 32) !== 0;
  let next = 5;
  let window = 0;
  if (!single) {
    const base = 2 ** (10 + (at(next) >> 3));
    window = base + (base / 8) * (at(next) & 7);
    next += 1;
  }
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3];
  const dictionaryId = number(next, dictionaryBytes);
  next += dictionaryBytes;
  const sizeBytes = [single ? 1 : 0, 2, 4, 8][descriptor >> 6];
  const size = number(next, sizeBytes) + (sizeBytes === 2 ? 256 : 0);
  next += sizeBytes;
  return {
    length: next,
    window: single ? size : window,
    contentSize: sizeBytes === 0 ? null : size,
    dictionaryId,
    checksum: (descriptor & 4) !== 0,
  };
}

/** Decompresses exactly one frame to exactly `length` bytes. Throws where it is malformed. */
export function zstdDecompress(data: Uint8Array, length: number): Uint8Array {
  const header = readFrameHeader(data);
  if (header.dictionaryId !== 0) throw new Error('a dictionary');
  if (header.contentSize !== null && header.contentSize !== length) throw new Error('its size');
  const decoder = new Decoder(new Uint8Array(length), Math.min(header.window, BLOCK_MAX));
  let at = header.length;
  for (;;) {
    if (at + 3 > data.length) throw new Error('a block header is not whole');
    const word = data[at] | (data[at + 1] << 8) | (data[at + 2] << 16);
    at = decoder.block((word >> 1) & 3, word >> 3, data, at + 3);
    if (word & 1) break;
  }
  if (decoder.to !== length) throw new Error('less than the declared length');
  if (header.checksum) {
    if (at + 4 > data.length) throw new Error('the checksum is not whole');
    if (view(data).getUint32(at, true) !== xxh64Low(decoder.out)) throw new Error('the checksum');
    at += 4;
  }
  if (at !== data.length) throw new Error('bytes after the frame');
  return decoder.out;
}

/** The three kinds of sequence codes, in the order in which their tables stand. */
const LITERAL_LENGTHS = codes(
  [16, 18, 20, 22, 24, 28, 32, 40, 48, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768,
    65536],
  [1, 1, 1, 1, 2, 2, 3, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16], 16, 0);
const MATCH_LENGTHS = codes(
  [35, 37, 39, 41, 43, 47, 51, 59, 67, 83, 99, 131, 259, 515, 1027, 2051, 4099, 8195, 16387,
    32771, 65539],
  [1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16], 32, 3);

function codes(base: number[], bits: number[], plain: number, first: number) {
  const identity = Array.from({ length: plain }, (_, i) => i + first);
  const zeros = new Array<number>(plain).fill(0);
  return {
    base: Int32Array.from([...identity, ...base]), bits: Uint8Array.from([...zeros, ...bits]),
  };
}

const KINDS = [
  {
    symbolMax: 35, logMax: 9,
    standard: buildFse([4, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2,
      3, 2, 1, 1, 1, 1, 1, -1, -1, -1, -1], 6),
  },
  {
    symbolMax: 31, logMax: 8,
    standard: buildFse([1, 1, 1, 1, 1, 1, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
      -1, -1, -1, -1, -1], 5),
  },
  {
    symbolMax: 52, logMax: 9,
    standard: buildFse([1, 4, 3, 2, 2, 2, 2, 2, 2, ...new Array<number>(37).fill(1),
      -1, -1, -1, -1, -1, -1, -1], 6),
  },
];

class Decoder {
  to = 0;
  private huffman: HuffmanTable | null = null;
  private tables: (FseTable | null)[] = [null, null, null];
  private repeat1 = 1;
  private repeat2 = 4;
  private repeat3 = 8;

  constructor(readonly out: Uint8Array, private readonly blockMax: number) {}

  /** Decodes a block whose content begins at `at`. Returns where the next one begins. */
  block(type: number, size: number, data: Uint8Array, at: number): number {
    if (size > this.blockMax) throw new Error('a block that is too large');
    const end = type === 1 ? at + 1 : at + size;
    if (type === 3) throw new Error('a block type that is reserved');
    if (end > data.length) throw new Error('a block is not whole');
    if (type === 0) this.literals(data.subarray(at, end));
    else if (type === 1) this.run(data[at], size);
    else this.compressed(data.subarray(at, end));
    return end;
  }

  private reserve(length: number): void {
    if (length > this.out.length - this.to) throw new Error('more than the declared length');
  }

  private literals(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    this.out.set(bytes, this.to);
    this.to += bytes.length;
  }

  /** The few literals of a sequence: a loop is faster than a view for each. */
  private copyLiterals(from: Uint8Array, at: number, length: number): void {
    this.reserve(length);
    const { out, to } = this;
    for (let i = 0; i < length; i += 1) out[to + i] = from[at + i];
    this.to += length;
  }

  private run(byte: number, length: number): void {
    this.reserve(length);
    this.out.fill(byte, this.to, this.to + length);
    this.to += length;
  }

  private compressed(block: Uint8Array): void {
    const start = this.to;
    const { literals, length } = this.readLiterals(block);
    this.sequences(block.subarray(length), literals);
    if (this.to - start > this.blockMax) throw new Error('a block that is too large');
  }

  private readLiterals(block: Uint8Array): { literals: Uint8Array; length: number } {
    if (block.length === 0) throw new Error('an empty block');
    const type = block[0] & 3;
    const format = (block[0] >> 2) & 3;
    return type < 2
      ? this.plainLiterals(block, type, format)
      : this.huffmanLiterals(block, type, format);
  }

  private plainLiterals(block: Uint8Array, type: number, format: number) {
    const header = [1, 2, 1, 3][format];
    if (block.length < header) throw new Error('literals are not whole');
    let size = block[0] >> 3;
    if (header > 1) size = (block[0] >> 4) | (block[1] << 4);
    if (header > 2) size |= block[2] << 12;
    if (size > this.blockMax) throw new Error('too many literals');
    const length = header + (type === 0 ? size : 1);
    if (length > block.length) throw new Error('literals are not whole');
    if (type === 0) return { literals: block.subarray(header, length), length };
    return { literals: new Uint8Array(size).fill(block[header]), length };
  }

  private huffmanLiterals(block: Uint8Array, type: number, format: number) {
    const header = [3, 3, 4, 5][format];
    const sizeBits = [10, 10, 14, 18][format];
    if (block.length < header) throw new Error('literals are not whole');
    let word = 0;
    for (let i = header - 1; i >= 0; i -= 1) word = word * 256 + block[i];
    word = Math.floor(word / 16);
    const size = word % 2 ** sizeBits;
    const length = header + Math.floor(word / 2 ** sizeBits);
    if (size > this.blockMax || length > block.length) throw new Error('literals out of bounds');
    let from = header;
    if (type === 2) {
      const tree = readHuffman(block.subarray(header, length));
      this.huffman = tree.table;
      from += tree.length;
    }
    if (!this.huffman) throw new Error('no Huffman tree yet');
    const literals = new Uint8Array(size);
    const streams = block.subarray(from, length);
    if (format === 0) decodeHuffman(this.huffman, streams, literals);
    else decodeFour(this.huffman, streams, literals);
    return { literals, length };
  }

  private sequences(data: Uint8Array, literals: Uint8Array): void {
    const { count, length } = readCount(data);
    if (count === 0) {
      if (length !== data.length) throw new Error('bytes after the sequences');
      this.literals(literals);
      return;
    }
    const next = this.readTables(data, length);
    const bits = new BackwardBits(data.subarray(next));
    const used = this.execute(bits, count, literals);
    this.literals(literals.subarray(used));
  }

  private readTables(data: Uint8Array, at: number): number {
    const modes = data[at];
    if (modes === undefined || modes & 3) throw new Error('modes of sequences');
    let next = at + 1;
    for (let i = 0; i < 3; i += 1) {
      const { symbolMax, logMax, standard } = KINDS[i];
      const mode = (modes >> (6 - 2 * i)) & 3;
      if (mode === 0) this.tables[i] = standard;
      if (mode === 1) {
        if (!(data[next] <= symbolMax)) throw new Error('a symbol out of bounds');
        this.tables[i] = rleFse(data[next]);
        next += 1;
      }
      if (mode === 2) {
        const { table, length } = readFse(data.subarray(next), logMax, symbolMax);
        this.tables[i] = table;
        next += length;
      }
      if (this.tables[i] === null) throw new Error('no table yet');
    }
    return next;
  }

  /** Executes the sequences. Returns how many literals they took. */
  private execute(bits: BackwardBits, count: number, literals: Uint8Array): number {
    const [ll, of, ml] = this.tables as FseTable[];
    let llState = bits.read(ll.log);
    let ofState = bits.read(of.log);
    let mlState = bits.read(ml.log);
    let used = 0;
    for (let i = 0; i < count; i += 1) {
      const ofCode = of.symbols[ofState];
      if (ofCode > OFFSET_CODE_MAX) throw new Error('an offset out of bounds');
      // Two reads, because one gives at most 25 bits.
      const low = Math.min(ofCode, 16);
      const top = bits.read(ofCode - low);
      const offsetValue = 2 ** ofCode + top * 2 ** low + bits.read(low);
      const mlCode = ml.symbols[mlState];
      const match = MATCH_LENGTHS.base[mlCode] + bits.read(MATCH_LENGTHS.bits[mlCode]);
      const llCode = ll.symbols[llState];
      const literal = LITERAL_LENGTHS.base[llCode] + bits.read(LITERAL_LENGTHS.bits[llCode]);
      if (bits.left < 0) throw new Error('too few bits');
      if (used + literal > literals.length) throw new Error('too few literals');
      this.copyLiterals(literals, used, literal);
      used += literal;
      this.match(this.offset(offsetValue, literal), match);
      if (i + 1 === count) break;
      llState = ll.base[llState] + bits.read(ll.bits[llState]);
      mlState = ml.base[mlState] + bits.read(ml.bits[mlState]);
      ofState = of.base[ofState] + bits.read(of.bits[ofState]);
    }
    if (bits.left !== 0) throw new Error('bits are left');
    return used;
  }

  private match(offset: number, length: number): void {
    if (offset === 0 || offset > this.to) throw new Error('a match before the beginning');
    this.reserve(length);
    copyMatch(this.out, this.to, offset, length);
    this.to += length;
  }

  /** The offset that a value stands for, and the new repeat offsets (RFC 8878, 3.1.1.5). */
  private offset(value: number, literal: number): number {
    const which = value > 3 ? 5 : value + (literal === 0 ? 1 : 0);
    if (which === 1) return this.repeat1;
    let offset = value - 3;
    if (which === 2) offset = this.repeat2;
    if (which === 3) offset = this.repeat3;
    if (which === 4) offset = this.repeat1 - 1;
    if (which !== 2) this.repeat3 = this.repeat2;
    this.repeat2 = this.repeat1;
    this.repeat1 = offset;
    return offset;
  }
}

function decodeFour(table: HuffmanTable, data: Uint8Array, out: Uint8Array): void {
  if (data.length < 6) throw new Error('no jump table');
  const part = Math.ceil(out.length / 4);
  if (3 * part > out.length) throw new Error('too few literals for four streams');
  let from = 6;
  for (let i = 0; i < 4; i += 1) {
    const size = i < 3 ? data[2 * i] | (data[2 * i + 1] << 8) : data.length - from;
    if (size < 0 || from + size > data.length) throw new Error('a stream out of bounds');
    const end = i < 3 ? (i + 1) * part : out.length;
    decodeHuffman(table, data.subarray(from, from + size), out.subarray(i * part, end));
    from += size;
  }
}

function readCount(data: Uint8Array): { count: number; length: number } {
  if (data.length === 0) throw new Error('no sequences');
  const first = data[0];
  if (first < 128) return { count: first, length: 1 };
  const length = first < 255 ? 2 : 3;
  if (data.length < length) throw new Error('no sequences');
  if (first < 255) return { count: ((first - 128) << 8) + data[1], length };
  return { count: data[1] + (data[2] << 8) + 0x7f00, length };
}
