import { MemoryAccess, recover as recoverOutput, recoverWithoutKey } from '../dist/index.js';
import { broughtKeys, hex, optionalHex, rejection } from './common.mjs';

const reject = (error) => ({ ...rejection(error), result: 'reject' });

export async function recover(request) {
  try {
    const output = new MemoryAccess(hex(request.output));
    if (request.keys.content_key === null) return keyless(await recoverWithoutKey(output));
    const journal = optionalHex(request.journal);
    const found = await recoverOutput(output, journal, broughtKeys(request.keys));
    if (!found) return { result: 'nothing' };
    const { walk, state } = found;
    return {
      result: 'recovered', segments: walk.segments, plaintext_len: walk.order.total,
      stream_len: walk.end, sealed: walk.final !== null, journal: state,
    };
  } catch (error) {
    return reject(error);
  }
}

function keyless(found) {
  if (!found) return { result: 'nothing' };
  return {
    result: 'recovered', segments: found.segments, plaintext_len: found.plaintextLen,
    stream_len: found.streamLen, sealed: found.sealed, journal: 'none',
  };
}
export const crash = () => ({ skipped: 'not yet' });
export const resume = crash;
