// CRC-32C (§1.2), eight bytes at a time.

const TABLES = makeTables();

function makeTables(): Int32Array[] {
  const tables = [new Int32Array(256)];
  for (let byte = 0; byte < 256; byte += 1) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0);
    tables[0][byte] = crc;
  }
  for (let k = 1; k < 8; k += 1) {
    const before = tables[k - 1];
    const table = new Int32Array(256);
    for (let byte = 0; byte < 256; byte += 1) {
      table[byte] = (before[byte] >>> 8) ^ tables[0][before[byte] & 0xff];
    }
    tables.push(table);
  }
  return tables;
}

const [T0, T1, T2, T3, T4, T5, T6, T7] = TABLES;

/** CRC-32C of `data`. To continue over pieces, give the result for the piece before. */
export function crc32c(data: Uint8Array, before = 0): number {
  let crc = ~before;
  let i = 0;
  const eights = data.length - (data.length % 8);
  for (; i < eights; i += 8) {
    const low = crc ^ (data[i] | (data[i + 1] << 8) | (data[i + 2] << 16) | (data[i + 3] << 24));
    crc =
      T7[low & 0xff] ^ T6[(low >>> 8) & 0xff] ^ T5[(low >>> 16) & 0xff] ^ T4[low >>> 24] ^
      T3[data[i + 4]] ^ T2[data[i + 5]] ^ T1[data[i + 6]] ^ T0[data[i + 7]];
  }
  for (; i < data.length; i += 1) crc = (crc >>> 8) ^ T0[(crc ^ data[i]) & 0xff];
  return ~crc >>> 0;
}
