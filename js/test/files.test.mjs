// Files, names and lengths.
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';

import {
  decryptBytes, encryptBytes, formatKeyFile, parseKeyFile, parseStreamHeader, plaintextLength,
  streamLength,
} from '../dist/index.js';
import { encryptFile, FileOutput, outputNames, rewrapFile, workName } from '../dist/node/index.js';

const folder = mkdtempSync(join(tmpdir(), 'stream-v2-files-'));
after(() => rmSync(folder, { recursive: true }));
const at = (name) => join(folder, name);
const keyOf = (fill) => {
  const text = formatKeyFile(new Uint8Array(32).fill(fill));
  return parseKeyFile(new TextEncoder().encode(text));
};
const keyFile = keyOf(1);
const plaintext = Buffer.alloc(200_000, 'plaintext ');

test('names that are too long are shortened', () => {
  const name = `backup-${'0'.repeat(243)}`;
  assert.equal(workName(name), `backup-${'0'.repeat(203)}~5745a8e0382bf51562a653a3234899d8`);
  assert.equal(workName('a.sv2'), 'a.sv2');
});

test('a file is encrypted, and its name is not taken twice', async () => {
  writeFileSync(at('plain'), plaintext);
  const options = { keyFile, segmentSize: 65_536 };
  assert.deepEqual(await encryptFile(at('plain'), at('a.sv2'), options), { resumed: false });
  const back = await decryptBytes(readFileSync(at('a.sv2')), { keyFiles: [keyFile] });
  assert.deepEqual(Buffer.from(back), plaintext);
  const { partial, journal } = outputNames(at('a.sv2'));
  assert.ok(!existsSync(partial) && !existsSync(journal));
  await assert.rejects(encryptFile(at('plain'), at('a.sv2'), options), { code: 'io.sink' });
  assert.ok(!existsSync(partial));
});

test('a run that was asked to stop is resumed, and a changed source is refused', async () => {
  writeFileSync(at('source'), plaintext);
  const stop = new AbortController();
  const options = { keyFile, segmentSize: 16_384, frameSizeLog2: 12, syncEvery: 20_000 };
  const stopping = {
    ...options, signal: stop.signal, onProgress: (bytes) => bytes > 90_000 && stop.abort(),
  };
  await assert.rejects(encryptFile(at('source'), at('s.sv2'), stopping), { code: 'io.source' });
  const { partial } = outputNames(at('s.sv2'));
  assert.equal(statSync(partial).mode & 0o777, 0o600);
  const longer = { keyFile };
  writeFileSync(at('other'), Buffer.concat([plaintext, plaintext]));
  await assert.rejects(encryptFile(at('other'), at('s.sv2'), longer), { code: 'journal.source' });
  const asked = { keyFile, suite: 2 };
  await assert.rejects(encryptFile(at('source'), at('s.sv2'), asked), { code: 'misuse' });
  assert.deepEqual(await encryptFile(at('source'), at('s.sv2'), { keyFile }), { resumed: true });
  const back = await decryptBytes(readFileSync(at('s.sv2')), { keyFiles: [keyFile] });
  assert.deepEqual(Buffer.from(back), plaintext);
});

test('a second owner is kept out', async (t) => {
  const { lockFile } = await import('../dist/node/lock.js');
  const first = await FileOutput.openOrCreate(at('locked'));
  const second = await FileOutput.openOrCreate(at('locked'));
  try {
    if ((await lockFile(first.handle.fd)) === 'impossible') return void t.skip('no flock command');
    await assert.rejects(lockFile(second.handle.fd), { code: 'io.sink' });
  } finally {
    await first.close();
    await second.close();
  }
});

test('an envelope is replaced in its file, also after a crash', async () => {
  const recipients = { keyFiles: [keyFile] };
  const stream = await encryptBytes(plaintext, { recipients });
  const fresh = { brought: { keyFiles: [keyFile] }, set: { keyFiles: [keyOf(2)] } };
  const expectOpens = async (fill) => {
    const back = await decryptBytes(readFileSync(at('e.sv2')), { keyFiles: [keyOf(fill)] });
    assert.deepEqual(Buffer.from(back), plaintext);
  };
  writeFileSync(at('e.sv2'), stream);
  await rewrapFile(at('e.sv2'), fresh);
  await expectOpens(2);
  assert.ok(!existsSync(at('e.sv2.rewrap')));
  // A crash has left half of a new envelope, and the copy of the old one.
  const torn = Buffer.from(stream).fill(0xaa, 128, 300);
  writeFileSync(at('e.sv2'), torn);
  writeFileSync(at('e.sv2.rewrap'), stream.subarray(0, parseStreamHeader(stream).bodyOffset));
  await rewrapFile(at('e.sv2'), fresh);
  await expectOpens(2);
  assert.ok(!existsSync(at('e.sv2.rewrap')));
});

test('lengths are those of real streams', async () => {
  for (const [uniform, index] of [[true, false], [false, false], [false, true]]) {
    for (const length of [0, 1, 4095, 4096, 4097, 8192, 40_001, 120_000]) {
      const options = { keyFile, segmentSize: 8192, frameSizeLog2: 12, uniform, index };
      const stream = await encryptBytes(plaintext.subarray(0, length), options);
      const parameters = { ...parseStreamHeader(stream), index };
      assert.equal(streamLength(length, parameters), stream.length);
      assert.equal(plaintextLength(stream.length, parameters), length);
      // One byte of plaintext is the least that a data segment holds.
      if (length !== 1) continue;
      assert.throws(() => plaintextLength(stream.length - 1, parameters), { code: 'misuse' });
    }
  }
});
