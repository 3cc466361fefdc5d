#!/usr/bin/env node
// The conformance adapter of this package. The protocol: conformance/PROTOCOL.md
import { createInterface } from 'node:readline';

import { range } from './adapter/range.mjs';
import { read } from './adapter/read.mjs';
import { crash, recover, resume } from './adapter/resume.mjs';
import { rewrap, unwrap } from './adapter/unwrap.mjs';
import { write } from './adapter/write.mjs';

const operations = { read, range, write, crash, recover, resume, unwrap, rewrap };
const hello = () => ({
  protocol: 1,
  name: 'stream-v2-js',
  language: 'TypeScript',
  version: '0.2.0',
  operations: Object.keys(operations),
  features: [
    'suite-2', 'codec-zstd', 'codec-lz4', 'index', 'argon2id', 'age',
    'age-mlkem768x25519', 'age-ssh-ed25519',
  ],
  reports: ['kind', 'detail', 'offset', 'segment'],
});

for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line);
  if (request.op === 'bye') break;
  const operation = { hello, ...operations }[request.op];
  const answer = operation ? await operation(request) : { skipped: 'no such operation' };
  process.stdout.write(`${JSON.stringify({ id: request.id, ...answer })}\n`);
}
