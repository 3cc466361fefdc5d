import {
  FileSource, MemoryAccess, MemoryJournal, MemoryOutput, PipeSource, recover as recoverOutput,
  recoverWithoutKey,
} from '../dist/index.js';
import { continueOutput, encryptTo, prepareResume } from '../dist/testing.js';
import { broughtKeys, hex, optionalHex, rejection, toHex } from './common.mjs';
import { newStream } from './write.mjs';

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

async function* once(bytes) {
  if (bytes.length > 0) yield bytes;
}

function sourceOf(bytes, kind) {
  if (kind === 'pipe') return new PipeSource(once(bytes));
  return new FileSource(new MemoryAccess(bytes), null);
}

export async function resume(request) {
  const before = hex(request.output);
  const output = new MemoryOutput(before);
  const journal = new MemoryJournal(optionalHex(request.journal));
  const source = sourceOf(hex(request.source), request.source_kind);
  const options = { index: request.index ?? false };
  let found;
  try {
    const brought = broughtKeys(request.keys);
    found = await prepareResume(output, journal.bytes, brought, source, options);
  } catch (error) {
    return reject(error);
  }
  if (!found) return { result: 'nothing' };
  await continueOutput(found, output, journal, source, hex(request.run_salt), options);
  return { result: 'resumed', output: toHex(output.bytes) };
}

class Stopped extends Error {}

/** An output to which only so many bytes get. */
class StoppingOutput extends MemoryOutput {
  constructor(stopAfter) {
    super();
    this.stopAfter = stopAfter;
  }

  async write(offset, bytes) {
    const room = this.stopAfter - offset;
    await super.write(offset, bytes.subarray(0, room));
    if (bytes.length > room) throw new Stopped();
  }
}

export async function crash(request) {
  const { digest_alg: digestAlg, index } = request.parameters;
  const output = new StoppingOutput(request.stop_after);
  const journal = new MemoryJournal();
  const run = { runSalt: hex(request.run_salt), digestAlg, index };
  const source = sourceOf(hex(request.plaintext), 'file');
  try {
    await encryptTo(newStream(request), output, journal, source, run);
  } catch (error) {
    if (!(error instanceof Stopped)) throw error;
  }
  const left = journal.bytes && toHex(journal.bytes);
  return { result: 'crashed', output: toHex(output.bytes), journal: left };
}
