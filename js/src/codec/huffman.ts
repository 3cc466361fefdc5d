// Huffman-coded literals of Zstandard (RFC 8878, 4.2).
import { BackwardBits, highBit, readFse } from './fse.js';

const BITS_MAX = 11;

export interface HuffmanTable {
  readonly bits: number;
  readonly symbols: Uint8Array;
  readonly lengths: Uint8Array;
}

/** Reads a tree description. Returns the table and the bytes that it took. */
export function readHuffman(data: Uint8Array): { table: HuffmanTable; length: number } {
  if (data.length === 0) throw new Error('no Huffman tree');
  const first = data[0];
  if (first < 128) {
    const end = 1 + first;
    if (end > data.length) throw new Error('a Huffman tree that is not whole');
    return { table: buildHuffman(fseWeights(data.subarray(1, end))), length: end };
  }
  const count = first - 127;
  const end = 1 + Math.ceil(count / 2);
  if (end > data.length) throw new Error('a Huffman tree that is not whole');
  const weights: number[] = [];
  for (let i = 0; i < count; i += 1) {
    const byte = data[1 + (i >> 1)];
    weights.push(i % 2 === 0 ? byte >> 4 : byte & 15);
  }
  return { table: buildHuffman(weights), length: end };
}

/** Weights that two interleaved FSE states give, until the bits are used up. */
function fseWeights(data: Uint8Array): number[] {
  const { table, length } = readFse(data, 6, 255);
  const bits = new BackwardBits(data.subarray(length));
  const states = [bits.read(table.log), bits.read(table.log)];
  if (bits.left < 0) throw new Error('too few bits');
  const weights: number[] = [];
  for (let turn = 0; ; turn ^= 1) {
    const state = states[turn];
    weights.push(table.symbols[state]);
    if (weights.length > 254) throw new Error('too many weights');
    states[turn] = table.base[state] + bits.read(table.bits[state]);
    if (bits.left < 0) {
      weights.push(table.symbols[states[turn ^ 1]]);
      return weights;
    }
  }
}

function buildHuffman(weights: number[]): HuffmanTable {
  let sum = 0;
  for (const weight of weights) {
    if (weight > BITS_MAX) throw new Error('a weight out of bounds');
    if (weight > 0) sum += 1 << (weight - 1);
  }
  if (sum === 0) throw new Error('no weights');
  const bits = highBit(sum) + 1;
  const rest = (1 << bits) - sum;
  if (bits > BITS_MAX || (rest & (rest - 1)) !== 0) throw new Error('weights that do not add up');
  const all = [...weights, highBit(rest) + 1];
  const symbols = new Uint8Array(1 << bits);
  const lengths = new Uint8Array(1 << bits);
  let at = 0;
  for (let weight = 1; weight <= bits; weight += 1) {
    for (let symbol = 0; symbol < all.length; symbol += 1) {
      if (all[symbol] !== weight) continue;
      const end = at + (1 << (weight - 1));
      symbols.fill(symbol, at, end);
      lengths.fill(bits + 1 - weight, at, end);
      at = end;
    }
  }
  if (at !== symbols.length) throw new Error('weights that do not add up');
  return { bits, symbols, lengths };
}

/** Decodes one stream to fill `out` exactly. */
export function decodeHuffman(table: HuffmanTable, data: Uint8Array, out: Uint8Array): void {
  const bits = new BackwardBits(data);
  for (let i = 0; i < out.length; i += 1) {
    const code = bits.peek(table.bits);
    out[i] = table.symbols[code];
    bits.left -= table.lengths[code];
  }
  if (bits.left !== 0) throw new Error('bits are left');
}
