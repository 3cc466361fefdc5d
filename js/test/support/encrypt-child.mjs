// Encrypts a file in a process of its own: KEYFILE SOURCE RESULT SYNC_EVERY KILL_AFTER
import { readFile } from 'node:fs/promises';

import { parseKeyFile } from '../../dist/index.js';
import { encryptFile } from '../../dist/node/index.js';

const [keyPath, source, result, syncEvery, killAfter] = process.argv.slice(2);
const keyFile = parseKeyFile(await readFile(keyPath));
await encryptFile(source, result, {
  keyFile,
  segmentSize: 65_536,
  syncEvery: Number(syncEvery),
  onProgress: (bytes) => {
    if (bytes >= Number(killAfter)) process.kill(process.pid, 'SIGKILL');
  },
});
