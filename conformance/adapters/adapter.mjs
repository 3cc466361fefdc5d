#!/usr/bin/env node
// A conformance adapter to copy. It checks stream headers (§4) and skips what follows them.
//
// FILL IN marks the places for your implementation. The protocol: conformance/PROTOCOL.md
import { createHash } from 'node:crypto';
import { createInterface } from 'node:readline';

// FILL IN: the name, and each operation and feature that you add. Remove "deliveries" when your
// reader takes its input in pieces, and "again" when it can be asked again after an error.
const HELLO = {
  protocol: 1, name: 'my-sv2', language: 'JavaScript', version: '0.0.1',
  operations: ['read'], features: [], reports: ['kind', 'detail', 'offset', 'segment'],
  deliveries: false, again: false,
};

function crc32c(data) {
  let crc = -1;
  for (const byte of data) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0);
  }
  return ~crc >>> 0;
}

// Applies steps 1 to 8 of §15.1 in their order. Returns error and offset of the first fault.
function headerFault(h) {
  if (h.length < 128) return ['truncated', h.length];
  const [suite, frame, segment] = [h.readUInt16LE(10), 2 ** h[14], h.readUInt32LE(16)];
  const [epoch, envelope] = [h.readUInt32LE(20), h.readUInt32LE(112)];
  const reserved = [15, 116, 117, 118, 119, 120, 121, 122, 123].find((at) => h[at] !== 0);
  const checks = [
    [h.toString('latin1', 0, 8) !== '\x89SV2\r\n\x1a\n', 'malformed.magic', 0],
    [crc32c(h.subarray(0, 124)) !== h.readUInt32LE(124), 'malformed.header_crc', 124],
    [h.readUInt16LE(8) !== 1, 'unsupported.version', 8],
    [reserved !== undefined, 'malformed.reserved', reserved],
    [suite !== 1 && suite !== 2, 'unsupported.suite', 10],
    [h.readUInt16LE(12) > 1, 'unsupported.flags', 12],
    [h[14] < 12 || h[14] > 24, 'limit.frame_size', 14],
    [segment < frame || segment > 2 ** 26, 'limit.segment_size', 16],
    [suite === 2 && (epoch === 0 || epoch * segment > 2 ** 40), 'limit.epoch_segments', 20],
    [envelope > 65532, 'limit.envelope_len', 112],
    [segment % frame !== 0, 'malformed.segment_size', 16],
    [envelope !== 0 && envelope % 8 !== 4, 'malformed.envelope_len', 112],
  ];
  return checks.find(([fails]) => fails)?.slice(1);
}

function read(request) {
  // FILL IN: give the stream, request.keys and request.mode to your reader in place of this.
  const released = Buffer.alloc(0);
  const [error, offset] = headerFault(Buffer.from(request.input, 'hex').subarray(0, 128)) ?? [];
  if (error === undefined) return { skipped: 'only stream headers are checked so far' };
  const released_sha256 = createHash('sha256').update(released).digest('hex');
  const result = error.startsWith('unsupported') ? 'unsupported' : 'reject';
  return { result, error, offset, segment: null, released_len: released.length, released_sha256 };
}

const OPERATIONS = { hello: () => HELLO, read }; // FILL IN: the functions of your operations
for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line);
  if (request.op === 'bye') break;
  const answer = OPERATIONS[request.op]?.(request) ?? { skipped: 'no such operation' };
  process.stdout.write(`${JSON.stringify({ id: request.id, ...answer })}\n`);
}
