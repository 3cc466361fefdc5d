import { Sealer, streamOf, StreamWriter } from '../dist/testing.js';
import { hex, rejection, toHex } from './common.mjs';

export function newStream(request) {
  const p = request.parameters;
  const unknown = 2n ** 64n - 1n;
  const parameters = {
    suite: p.suite,
    uniform: p.uniform,
    frameSizeLog2: p.frame_size_log2,
    segmentSize: p.segment_size,
    epochSegments: p.epoch_segments,
    plaintextLen: p.plaintext_len === null ? unknown : BigInt(p.plaintext_len),
    streamSalt: hex(p.stream_salt),
    keyId: hex(p.key_id),
  };
  const { content_key, context } = request.keys;
  return streamOf(parameters, hex(p.envelope), hex(content_key), hex(context));
}

export async function write(request) {
  try {
    const stream = newStream(request);
    const { digest_alg: digestAlg, index } = request.parameters;
    const runs = request.runs.map((run) => ({ ...run, run_salt: hex(run.run_salt) }));
    const sealer = new Sealer(stream, { runSalt: runs[0].run_salt, digestAlg, index });
    const pieces = [stream.start];
    const beginRun = () => {
      const run = runs.find((each) => each.first_segment === sealer.order.nextIndex);
      if (run) sealer.beginRun(run.run_salt);
    };
    const writer = new StreamWriter(stream, sealer, async ({ header, wire }) => {
      pieces.push(header.bytes, wire);
      beginRun();
    });
    await writeAll(writer, hex(request.plaintext), request.flushes);
    return { result: 'accept', output: toHex(Buffer.concat(pieces)) };
  } catch (error) {
    return rejection(error);
  }
}

async function writeAll(writer, plaintext, flushes) {
  let at = 0;
  for (const flush of flushes) {
    await writer.write(plaintext.subarray(at, flush));
    await writer.flush();
    at = flush;
  }
  await writer.write(plaintext.subarray(at));
  await writer.finish();
}
