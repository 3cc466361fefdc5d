// The page in a headless Chromium.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import { encryptBytes, formatKeyFile, parseKeyFile } from '../dist/index.js';
import { decryptOn, missing, nextDownload, openPage, serve } from './support/browser.mjs';

const key = new Uint8Array(32).map((_, i) => i + 1);
const keyFile = parseKeyFile(new TextEncoder().encode(formatKeyFile(key)));
const plaintext = new Uint8Array(300_000).map((_, i) => (i * 7) & 0xff);
const password = { password: new TextEncoder().encode('horse'), memoryKib: 65_536, passes: 3,
  lanes: 4 };

test('the page decrypts a file and a URL', { skip: missing, timeout: 120_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'stream-v2-page-'));
  const at = (name) => join(folder, name);
  const options = { segmentSize: 65_536, suite: 2 };
  writeFileSync(at('key'), formatKeyFile(key));
  writeFileSync(at('a.sv2'), await encryptBytes(plaintext, { ...options, keyFile }));
  const recipients = { passwords: [password] };
  writeFileSync(at('p.sv2'), await encryptBytes(plaintext, { ...options, recipients }));
  const cut = readFileSync(at('a.sv2')).subarray(0, -1);
  writeFileSync(at('cut.sv2'), cut);
  const { server, url } = await serve({ 'p.sv2': at('p.sv2') });
  const { browser, tab, session } = await openPage(url, folder);
  try {
    const runs = [
      { file: at('a.sv2'), key: at('key') },
      { streamUrl: `${url}p.sv2`, passphrase: 'horse' },
    ];
    for (const run of runs) {
      await tab.goto(url);
      const download = nextDownload(session);
      assert.match(await decryptOn(tab, run), /^Done: 300000 bytes/);
      assert.deepEqual(new Uint8Array(readFileSync(at(await download))), plaintext);
    }
    await tab.goto(url);
    const status = await decryptOn(tab, { file: at('cut.sv2'), key: at('key') });
    assert.match(status, /^Failed, and nothing was kept. truncated/);
  } finally {
    await browser.close();
    server.close();
    rmSync(folder, { recursive: true });
  }
});
