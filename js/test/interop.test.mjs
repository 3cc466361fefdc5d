// Both directions with another implementation: the command that the variable SV2 names.
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import {
  decryptBytes, encryptBytes, MemoryAccess, parseKeyFile, RangeReader,
} from '../dist/index.js';
import { encryptFile } from '../dist/node/index.js';

const { SV2 } = process.env;
const options = { skip: SV2 ? false : 'the environment variable SV2 names no command' };
const folder = mkdtempSync(join(tmpdir(), 'stream-v2-'));
after(() => rmSync(folder, { recursive: true }));
const at = (name) => join(folder, name);
const child = fileURLToPath(new URL('support/encrypt-child.mjs', import.meta.url));
const env = { ...process.env, SV2_STATE_DIR: at('state') };
const sv2 = (...args) => execFileSync(SV2, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });

const plaintext = Buffer.alloc(3_000_001);
for (let i = 0; i < plaintext.length; i += 1) plaintext[i] = (i * 31 + (i >> 9)) & 0xff;

let keyFile;
function prepare() {
  if (keyFile) return;
  sv2('keygen', '-o', at('key'));
  keyFile = parseKeyFile(readFileSync(at('key')));
  writeFileSync(at('plain'), plaintext);
}

const kinds = [
  [], ['--suite', 'aes-256-gcm'], ['--index', '--segment-size', '64K'], ['--frame-size', '4K'],
];

test('the other one encrypts, this one reads', options, async () => {
  prepare();
  for (const kind of kinds) {
    sv2('encrypt', '-q', '-k', at('key'), '--force', ...kind, at('plain'), '-o', at('a.sv2'));
    const stream = readFileSync(at('a.sv2'));
    const back = await decryptBytes(stream, { keyFiles: [keyFile] });
    assert.equal(Buffer.compare(back, plaintext), 0);
    const reader = await RangeReader.open(new MemoryAccess(stream), { keyFiles: [keyFile] });
    const part = await reader.read(1_048_570, 100_000);
    assert.equal(Buffer.compare(part, plaintext.subarray(1_048_570, 1_148_570)), 0);
  }
});

test('the other one encrypts for a passphrase and for a recipient', options, async () => {
  prepare();
  writeFileSync(at('pass'), 'correct horse\n');
  sv2('encrypt', '-q', '--passphrase-file', at('pass'), at('plain'), '-o', at('p.sv2'));
  const passwords = [new TextEncoder().encode('correct horse')];
  const back = await decryptBytes(readFileSync(at('p.sv2')), { passwords });
  assert.equal(Buffer.compare(back, plaintext), 0);

  const made = spawnSync(SV2, ['keygen', '--identity', '-o', at('id')], { env, encoding: 'utf8' });
  const recipient = /age1[0-9a-z]+/.exec(made.stdout + made.stderr)[0];
  sv2('encrypt', '-q', '-r', recipient, at('plain'), '-o', at('r.sv2'));
  const lines = readFileSync(at('id'), 'utf8').split('\n');
  const identities = lines.filter((line) => line.startsWith('AGE-SECRET-KEY-'));
  const again = await decryptBytes(readFileSync(at('r.sv2')), { identities });
  assert.equal(Buffer.compare(again, plaintext), 0);
});

test('this one encrypts, the other one reads', options, async () => {
  prepare();
  const recipients = { keyFiles: [keyFile] };
  const all = [
    { keyFile }, { keyFile, suite: 2 }, { keyFile, index: true, segmentSize: 65_536 },
    { recipients }, { keyFile, uniform: false, digestAlg: 2 },
  ];
  for (const each of all) {
    writeFileSync(at('b.sv2'), await encryptBytes(plaintext, each));
    sv2('decrypt', '-q', '-k', at('key'), '--force', at('b.sv2'), '-o', at('b'));
    assert.equal(Buffer.compare(readFileSync(at('b')), plaintext), 0);
  }
});

async function killJs(result, killAfter) {
  const args = [child, at('key'), at('plain'), result, '300000', String(killAfter)];
  const process_ = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  const [, signal] = await once(process_, 'exit');
  assert.equal(signal, 'SIGKILL');
}

test('this one is killed, the other one finishes', options, async () => {
  prepare();
  for (const killAfter of [70_000, 1_000_000, 2_900_000]) {
    const result = at(`killed-${killAfter}.sv2`);
    await killJs(result, killAfter);
    assert.ok(existsSync(`${result}.partial`) && existsSync(`${result}.journal`));
    const partial = readFileSync(`${result}.partial`);
    sv2('encrypt', '-q', '-k', at('key'), '--segment-size', '64K', at('plain'), '-o', result);
    // The committed part was kept: the stream still begins with the same first segment.
    const stream = readFileSync(result);
    assert.equal(Buffer.compare(stream.subarray(0, 60_000), partial.subarray(0, 60_000)), 0);
    const back = await decryptBytes(stream, { keyFiles: [keyFile] });
    assert.equal(Buffer.compare(back, plaintext), 0);
    assert.ok(!existsSync(`${result}.partial`) && !existsSync(`${result}.journal`));
  }
});

test('this one is killed, and finishes itself', options, async () => {
  prepare();
  const result = at('own.sv2');
  await killJs(result, 1_500_000);
  const { resumed } = await encryptFile(at('plain'), result, { keyFile });
  assert.ok(resumed);
  const back = await decryptBytes(readFileSync(result), { keyFiles: [keyFile] });
  assert.equal(Buffer.compare(back, plaintext), 0);
});

/** Starts the other one with a pipe that stays open, and kills it when segments are there. */
async function killOther(result) {
  const args = ['encrypt', '-q', '-k', at('key'), '--segment-size', '64K', '-o', result];
  const process_ = spawn(SV2, args, { env, stdio: ['pipe', 'ignore', 'ignore'] });
  process_.stdin.on('error', () => undefined);
  process_.stdin.write(plaintext.subarray(0, 2_000_000));
  const there = () => existsSync(`${result}.partial`) && statSync(`${result}.partial`).size;
  while (!(there() > 500_000)) {
    assert.equal(process_.exitCode, null, 'the other one has ended by itself');
    await new Promise((resolve) => setImmediate(resolve));
  }
  process_.kill('SIGKILL');
  await once(process_, 'exit');
}

test('the other one is killed, this one finishes', options, async () => {
  prepare();
  const result = at('theirs.sv2');
  await killOther(result);
  const committed = readFileSync(`${result}.partial`);
  const { resumed } = await encryptFile([plaintext], result, { keyFile });
  assert.ok(resumed);
  const stream = readFileSync(result);
  assert.equal(Buffer.compare(stream.subarray(0, 400_000), committed.subarray(0, 400_000)), 0);
  sv2('decrypt', '-q', '-k', at('key'), result, '-o', at('theirs'));
  assert.equal(Buffer.compare(readFileSync(at('theirs')), plaintext), 0);
});
