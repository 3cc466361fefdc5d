import { MemoryAccess, RangeReader } from '../dist/index.js';
import { broughtKeys, hex, rejection, Released } from './common.mjs';

export async function range(request) {
  if (request.mode !== 'strict') return { skipped: 'no such mode' };
  const runsMax = request.runs_max ?? undefined;
  const options = { ...broughtKeys(request.keys), runsMax };
  let reader;
  try {
    reader = await RangeReader.open(new MemoryAccess(hex(request.input)), options);
  } catch (error) {
    return rejection(error);
  }
  const ranges = [];
  for (const { offset, len } of request.ranges) ranges.push(await one(reader, offset, len));
  return { result: 'accept', by: reader.by, plaintext_len: reader.plaintextLen, ranges };
}

async function one(reader, offset, len) {
  const released = new Released();
  try {
    for await (const part of reader.range(offset, len)) released.add(part);
    return { result: 'accept', ...released.answer() };
  } catch (error) {
    return { ...rejection(error), ...released.answer() };
  }
}
