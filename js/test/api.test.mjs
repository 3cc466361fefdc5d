// The public interface: streams, ranges of Blobs and URLs, envelopes.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { Readable } from 'node:stream';
import { test } from 'node:test';

import {
  BlobAccess, decryptBytes, decryptStream, encryptBytes, encryptStream, formatKeyFile, HttpAccess,
  MemoryAccess, parseKeyFile, RangeReader, rewrapBytes, verifyStream,
} from '../dist/index.js';

const key = new Uint8Array(32).map((_, i) => i * 7);
const keyFile = parseKeyFile(new TextEncoder().encode(formatKeyFile(key)));
const reading = { keyFiles: [keyFile] };
const small = { keyFile, segmentSize: 8192, frameSizeLog2: 12 };
const plaintext = new Uint8Array(100_000).map((_, i) => i % 251);

const variants = [
  {}, { suite: 2 }, { uniform: false }, { index: true }, { digestAlg: 2 }, { epochSegments: 3 },
  { plaintextLen: plaintext.length },
];

test('encrypt and decrypt in memory', async () => {
  for (const variant of variants) {
    const stream = await encryptBytes(plaintext, { ...small, ...variant });
    assert.deepEqual(await decryptBytes(stream, reading), plaintext);
    assert.equal(await verifyStream([stream], reading), plaintext.length);
  }
});

test('an empty plaintext', async () => {
  const stream = await encryptBytes(new Uint8Array(0), small);
  assert.equal(stream.length, 128 + 256);
  assert.equal((await decryptBytes(stream, reading)).length, 0);
});

test('ranges of a Blob', async () => {
  for (const variant of variants) {
    const stream = await encryptBytes(plaintext, { ...small, ...variant });
    const reader = await RangeReader.open(new BlobAccess(new Blob([stream])), reading);
    assert.equal(reader.plaintextLen, plaintext.length);
    for (const [from, length] of [[0, 1], [8191, 2], [50_000, 30_000], [99_999, 50], [7, 0]]) {
      const part = await reader.read(from, length);
      assert.deepEqual(part, plaintext.slice(from, from + length));
    }
  }
});

test('transform streams, and streams of Node', async () => {
  const source = Readable.toWeb(Readable.from([plaintext.slice(0, 5), plaintext.slice(5)]));
  const out = source.pipeThrough(encryptStream(small)).pipeThrough(decryptStream(reading));
  const parts = [];
  for await (const part of out) parts.push(part);
  assert.deepEqual(new Uint8Array(Buffer.concat(parts)), plaintext);
});

test('a transform stream reports what is wrong at the end', async () => {
  const stream = await encryptBytes(plaintext, small);
  const cut = new Blob([stream.slice(0, -1)]).stream().pipeThrough(decryptStream(reading));
  await assert.rejects(async () => {
    for await (const part of cut) assert.ok(part.length > 0);
  }, { code: 'truncated' });
});

test('an envelope, and another one', async () => {
  const other = parseKeyFile(new TextEncoder().encode(formatKeyFile(key.slice().reverse())));
  const options = { ...small, keyFile: undefined, recipients: { keyFiles: [keyFile] } };
  const stream = await encryptBytes(plaintext, options);
  const { output } = await rewrapBytes(stream, {
    brought: reading, form: 'in-place', set: { keyFiles: [other] },
  });
  assert.equal(output.length, stream.length);
  assert.deepEqual(await decryptBytes(output, { keyFiles: [other] }), plaintext);
  await assert.rejects(decryptBytes(output, reading), { code: 'misuse' });
});

test('a key file with a wrong digit is refused', () => {
  const text = formatKeyFile(key).replace(/..\n$/, '00\n');
  assert.throws(() => parseKeyFile(new TextEncoder().encode(text)), { code: 'misuse' });
});

/** A server for one object, which answers Range requests. */
async function serve(state) {
  const server = createServer((request, response) => {
    const match = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '');
    const changed = request.headers['if-range'] && request.headers['if-range'] !== state.etag;
    response.setHeader('etag', state.etag);
    if (!match || changed || state.noRanges) return void response.end(state.bytes);
    const [from, to] = [Number(match[1]), Math.min(Number(match[2]), state.bytes.length - 1)];
    response.statusCode = 206;
    response.setHeader('content-range', `bytes ${from}-${to}/${state.bytes.length}`);
    response.end(state.bytes.subarray(from, to + 1));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, url: `http://127.0.0.1:${server.address().port}/object` };
}

test('ranges of a URL', async () => {
  const state = { etag: '"1"', bytes: Buffer.from(await encryptBytes(plaintext, small)) };
  const { server, url } = await serve(state);
  try {
    const reader = await RangeReader.open(await HttpAccess.open(url, { readAhead: 0 }), reading);
    assert.deepEqual(await reader.read(20_000, 500), plaintext.slice(20_000, 20_500));
    state.etag = '"2"';
    await assert.rejects(reader.read(60_000, 5), { code: 'io.source' });
    // An error stays (SV2-REL-003).
    state.etag = '"1"';
    await assert.rejects(reader.read(60_000, 5), { code: 'io.source' });
    state.noRanges = true;
    await assert.rejects(HttpAccess.open(url), { code: 'io.source' });
  } finally {
    server.close();
  }
});

test('a flipped bit anywhere is an error, and nothing false is released', async () => {
  const stream = await encryptBytes(plaintext.slice(0, 9000), small);
  for (let at = 0; at < stream.length; at += 97) {
    const bad = stream.slice();
    bad[at] ^= 1 << (at % 8);
    await assert.rejects(decryptBytes(bad, reading));
    await assert.rejects(async () => {
      const reader = await RangeReader.open(new MemoryAccess(bad), reading);
      await reader.read(0, 9000);
    });
  }
});
