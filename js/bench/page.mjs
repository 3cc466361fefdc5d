// The page with a large stream, and the peak memory of its renderer:
// node bench/page.mjs KEYFILE STREAM [url]
import { createHash } from 'node:crypto';
import { createReadStream, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { decryptOn, nextDownload, openPage, rendererPeak, serve }
  from '../test/support/browser.mjs';

const [key, stream, byUrl] = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), 'stream-v2-page-'));
const { server, url } = await serve({ 'big.sv2': stream });
const { browser, tab, session } = await openPage(url, folder);
try {
  const before = await rendererPeak(session);
  const download = nextDownload(session);
  const start = performance.now();
  const run = byUrl ? { streamUrl: `${url}big.sv2`, key } : { file: stream, key };
  console.log(await decryptOn(tab, run));
  console.log(`${((performance.now() - start) / 1000).toFixed(1)} s`);
  const peak = await rendererPeak(session);
  console.log(`peak memory of the renderer: ${peak.toFixed(0)} MiB, ${before.toFixed(0)} before`);
  const hash = createHash('sha256');
  for await (const piece of createReadStream(join(folder, await download))) hash.update(piece);
  console.log(`SHA-256 of the result: ${hash.digest('hex')}`);
} finally {
  await browser.close();
  server.close();
  rmSync(folder, { recursive: true });
}
