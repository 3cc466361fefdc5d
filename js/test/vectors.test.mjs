// All golden vectors but the recipes, without the runner. The runner compares more.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { range } from '../adapter/range.mjs';
import { read } from '../adapter/read.mjs';
import { crash, recover, resume } from '../adapter/resume.mjs';
import { unwrap } from '../adapter/unwrap.mjs';
import { write } from '../adapter/write.mjs';

const folder = new URL('../../vectors/', import.meta.url);
const load = (path) => readFileSync(new URL(path, folder));
const { vectors } = JSON.parse(load('manifest.json'));
const sha256 = (hex) => createHash('sha256').update(Buffer.from(hex, 'hex')).digest('hex');

function bytesOf(input) {
  if (input === null || input === undefined) return null;
  return input.blob ? load(input.blob).toString('hex') : input.hex;
}

function plaintextOf({ pattern, len }) {
  const bytes = Buffer.alloc(len, 0x41);
  if (pattern === 'i mod 251') for (let i = 0; i < len; i += 1) bytes[i] = i % 251;
  return bytes.toString('hex');
}

const vectorsOf = (operation) =>
  vectors.filter((v) => v.operation === operation).map((v) => JSON.parse(load(v.file)));

/** Compares an answer with what a vector expects. */
function compare(answer, expect, id) {
  assert.equal(answer.result, expect.result, id);
  if (expect.error) {
    assert.ok(expect.error.includes(answer.error), `${id}: ${answer.error}`);
    assert.equal(answer.offset ?? null, expect.offset ?? null, id);
    assert.equal(answer.segment ?? null, expect.segment ?? null, id);
  }
  const length = expect.released_len ?? expect.plaintext_len;
  if (answer.released_len !== undefined && length !== undefined) {
    assert.equal(answer.released_len, length, id);
    assert.equal(answer.released_sha256, expect.released_sha256 ?? expect.plaintext_sha256, id);
  }
}

test('read', async () => {
  for (const vector of vectorsOf('read').filter((v) => v.expect)) {
    for (const delivery of vector.deliveries) {
      const answer = await read({ ...vector, delivery, input: bytesOf(vector.input) });
      compare(answer, vector.expect, vector.id);
      if (answer.again) assert.equal(answer.again.error, answer.error, vector.id);
    }
  }
});

test('range', async () => {
  for (const vector of vectorsOf('range')) {
    const answer = await range({ ...vector, input: bytesOf(vector.input) });
    compare(answer, vector.expect, vector.id);
    vector.expect.ranges?.forEach((each, i) => compare(answer.ranges[i], each, vector.id));
  }
});

test('write', async () => {
  for (const vector of vectorsOf('write')) {
    const answer = await write({ ...vector, plaintext: plaintextOf(vector.plaintext) });
    assert.equal(answer.result, vector.expect.result, vector.id);
    if (answer.output) assert.equal(sha256(answer.output), vector.expect.output.sha256, vector.id);
  }
});

test('unwrap', async () => {
  for (const vector of vectorsOf('unwrap')) {
    const detached = bytesOf(vector.detached);
    const answer = await unwrap({ ...vector, input: bytesOf(vector.input), detached });
    compare(answer, vector.expect, vector.id);
    assert.equal(answer.stanza, vector.expect.stanza, vector.id);
  }
});

test('recover', async () => {
  for (const vector of vectorsOf('recover')) {
    const journal = bytesOf(vector.journal);
    const answer = await recover({ ...vector, output: bytesOf(vector.output), journal });
    compare(answer, vector.expect, vector.id);
    for (const field of ['segments', 'plaintext_len', 'stream_len', 'sealed', 'journal']) {
      assert.equal(answer[field], vector.expect[field], `${vector.id}: ${field}`);
    }
  }
});

test('resume', async () => {
  for (const vector of vectorsOf('resume')) {
    const answer = await resume({
      ...vector, output: bytesOf(vector.output), journal: bytesOf(vector.journal),
      source: vector.source.pattern ? plaintextOf(vector.source) : bytesOf(vector.source),
    });
    compare(answer, vector.expect, vector.id);
    if (answer.output) assert.equal(sha256(answer.output), vector.expect.output.sha256, vector.id);
  }
});

test('crash', async () => {
  for (const vector of vectorsOf('crash')) {
    const plaintext = plaintextOf(vector.plaintext);
    const left = await crash({ ...vector, plaintext });
    assert.equal(sha256(left.output), vector.expect.left.sha256, vector.id);
    const again = await resume({
      ...vector, ...left, source: plaintext, source_kind: 'file', run_salt: vector.resume_salt,
      index: vector.parameters.index,
    });
    if (!vector.expect.resumed) assert.equal(again.result, 'nothing', vector.id);
    else assert.equal(sha256(again.output), vector.expect.resumed.sha256, vector.id);
  }
});
