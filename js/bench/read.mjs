// Measures reading: node bench/read.mjs KEYFILE STREAM
import { readFile } from 'node:fs/promises';

import { parseKeyFile, pieces, StreamReader } from '../dist/index.js';
import { FileAccess } from '../dist/node/index.js';

const [keyPath, path] = process.argv.slice(2);
const keyFile = parseKeyFile(await readFile(keyPath));
const file = await FileAccess.open(path);
const start = performance.now();
let total = 0;
for await (const part of new StreamReader(pieces(file, 2 ** 21), { keyFiles: [keyFile] })) {
  total += part.length;
}
const seconds = (performance.now() - start) / 1000;
const rate = (total / 1e6 / seconds).toFixed(0);
const rss = (process.resourceUsage().maxRSS / 1024).toFixed(0);
console.log(`${total} bytes in ${seconds.toFixed(2)} s: ${rate} MB/s, peak memory ${rss} MiB`);
await file.close();
