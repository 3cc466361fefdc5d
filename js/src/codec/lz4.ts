// LZ4 blocks (§10, codec 2).

/**
 * Decompresses one LZ4 block to exactly `length` bytes. Throws where the block is malformed.
 * The block ends with literals; end-of-block restrictions are not checked.
 */
export function lz4Decompress(block: Uint8Array, length: number): Uint8Array {
  const out = new Uint8Array(length);
  let at = 0;
  let to = 0;

  const byte = (): number => {
    if (at >= block.length) throw new Error('the block ends early');
    return block[at++];
  };
  const extended = (start: number): number => {
    let sum = start;
    if (start !== 15) return sum;
    for (;;) {
      const more = byte();
      sum += more;
      if (sum > length) throw new Error('more than the declared length');
      if (more !== 255) return sum;
    }
  };

  for (;;) {
    const token = byte();
    const literals = extended(token >>> 4);
    if (literals > block.length - at || literals > length - to) throw new Error('literals');
    out.set(block.subarray(at, at + literals), to);
    at += literals;
    to += literals;
    if (at === block.length) break;
    const offset = byte() | (byte() << 8);
    if (offset === 0 || offset > to) throw new Error('a match before the beginning');
    const match = extended(token & 15) + 4;
    if (match > length - to) throw new Error('more than the declared length');
    copyMatch(out, to, offset, match);
    to += match;
  }
  if (to !== length) throw new Error('less than the declared length');
  return out;
}

/** Copies a match that may overlap itself. */
export function copyMatch(out: Uint8Array, to: number, offset: number, length: number): void {
  if (offset >= length && length > 64) {
    out.copyWithin(to, to - offset, to - offset + length);
    return;
  }
  for (let i = 0; i < length; i += 1) out[to + i] = out[to - offset + i];
}
