import { StreamReader } from '../dist/index.js';
import { broughtKeys, hex, rejection, Released } from './common.mjs';

function* pieces(input, delivery) {
  const size = delivery === 'whole' ? input.length || 1 : Number(delivery);
  for (let at = 0; at < input.length; at += size) yield input.subarray(at, at + size);
}

async function drain(reader, released) {
  for (;;) {
    const plaintext = await reader.next();
    if (plaintext === null) return;
    released.add(plaintext);
  }
}

export async function read(request) {
  const input = pieces(hex(request.input), request.delivery);
  const salvage = request.mode === 'salvage';
  const reader = new StreamReader(input, { ...broughtKeys(request.keys), salvage });
  const released = new Released();
  try {
    await drain(reader, released);
    return { result: 'accept', ...released.answer() };
  } catch (error) {
    const answer = { ...rejection(error), ...released.answer() };
    if (!request.sticky) return answer;
    return { ...answer, again: await again(reader, released) };
  }
}

async function again(reader, released) {
  try {
    await drain(reader, released);
    return { error: null, released_len: released.len };
  } catch (error) {
    return { error: rejection(error).error, released_len: released.len };
  }
}
