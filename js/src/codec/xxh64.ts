// The low 32 bits of XXH64 with seed 0, the content checksum of Zstandard (RFC 8878, 3.1.1).
// 64-bit numbers are pairs of 32-bit halves, because BigInt is slow.

type U64 = [high: number, low: number];

const P1: U64 = [0x9e3779b1, 0x85ebca87];
const P2: U64 = [0xc2b2ae3d, 0x27d4eb4f];
const P3: U64 = [0x165667b1, 0x9e3779f9];
const P4: U64 = [0x85ebca77, 0xc2b2ae63];
const P5: U64 = [0x27d4eb2f, 0x165667c5];

/** a × b modulo 2^64 */
function mul(a: U64, b: U64): U64 {
  const a0 = a[1] & 0xffff;
  const a1 = a[1] >>> 16;
  const b0 = b[1] & 0xffff;
  const b1 = b[1] >>> 16;
  const low = a0 * b0;
  const mid = a1 * b0 + (low >>> 16);
  const mid2 = a0 * b1 + (mid % 0x10000);
  const carry = a1 * b1 + Math.floor(mid / 0x10000) + Math.floor(mid2 / 0x10000);
  const high = (carry + Math.imul(a[0], b[1]) + Math.imul(a[1], b[0])) >>> 0;
  return [high, (((mid2 & 0xffff) << 16) | (low & 0xffff)) >>> 0];
}

function add(a: U64, b: U64): U64 {
  const low = a[1] + b[1];
  const carry = low > 0xffffffff ? 1 : 0;
  return [(a[0] + b[0] + carry) >>> 0, low >>> 0];
}

function xor(a: U64, b: U64): U64 {
  return [(a[0] ^ b[0]) >>> 0, (a[1] ^ b[1]) >>> 0];
}

function rotl(a: U64, n: number): U64 {
  const [h, l] = n < 32 ? a : [a[1], a[0]];
  const s = n % 32;
  if (s === 0) return [h, l];
  return [((h << s) | (l >>> (32 - s))) >>> 0, ((l << s) | (h >>> (32 - s))) >>> 0];
}

function shr(a: U64, n: number): U64 {
  if (n >= 32) return [0, a[0] >>> (n - 32)];
  return [a[0] >>> n, ((a[1] >>> n) | (a[0] << (32 - n))) >>> 0];
}

function round(acc: U64, lane: U64): U64 {
  return mul(rotl(add(acc, mul(lane, P2)), 31), P1);
}

function merge(acc: U64, lane: U64): U64 {
  return add(mul(xor(acc, round([0, 0], lane)), P1), P4);
}

/** The low 32 bits of XXH64(data). */
export function xxh64Low(data: Uint8Array): number {
  const bytes = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const u64 = (i: number): U64 => [bytes.getUint32(i + 4, true), bytes.getUint32(i, true)];
  let at = 0;
  let hash: U64 = P5;
  if (data.length >= 32) {
    const lanes: U64[] = [add(P1, P2), P2, [0, 0], [~P1[0] >>> 0, (~P1[1] + 1) >>> 0]];
    for (; at + 32 <= data.length; at += 32) {
      for (let k = 0; k < 4; k += 1) lanes[k] = round(lanes[k], u64(at + 8 * k));
    }
    const [a, b, c, d] = lanes;
    hash = add(add(rotl(a, 1), rotl(b, 7)), add(rotl(c, 12), rotl(d, 18)));
    for (const lane of lanes) hash = merge(hash, lane);
  }
  hash = add(hash, [Math.floor(data.length / 2 ** 32), data.length >>> 0]);
  for (; at + 8 <= data.length; at += 8) {
    hash = add(mul(rotl(xor(hash, round([0, 0], u64(at))), 27), P1), P4);
  }
  if (at + 4 <= data.length) {
    hash = add(mul(rotl(xor(hash, mul([0, bytes.getUint32(at, true)], P1)), 23), P2), P3);
    at += 4;
  }
  for (; at < data.length; at += 1) {
    hash = mul(rotl(xor(hash, mul([0, data[at]], P5)), 11), P1);
  }
  hash = mul(xor(hash, shr(hash, 33)), P2);
  hash = mul(xor(hash, shr(hash, 29)), P3);
  hash = xor(hash, shr(hash, 32));
  return hash[1];
}
