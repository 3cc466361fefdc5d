// Runs the page in a headless Chromium, against a server on the loopback interface.
import { createReadStream, existsSync, readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';

import puppeteer from 'puppeteer-core';

export const chromium = process.env.CHROMIUM ?? '/usr/bin/chromium';
export const missing = existsSync(chromium) ? false : `no Chromium at ${chromium}`;
const page = (name) => fileURLToPath(new URL(`../../page/${name}`, import.meta.url));
const types = { '.html': 'text/html', '.js': 'text/javascript' };

/** Serves the page, and files by their names, with ranges. */
export async function serve(files) {
  const server = createServer((request, response) => {
    const name = request.url.slice(1) || 'index.html';
    const path = files[name] ?? page(name);
    if (!existsSync(path)) return void response.writeHead(404).end();
    response.setHeader('content-type', types[extname(name)] ?? 'application/octet-stream');
    sendFile(path, request, response);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, url: `http://127.0.0.1:${server.address().port}/` };
}

function sendFile(path, request, response) {
  const { size, mtimeMs } = statSync(path);
  response.setHeader('etag', `"${size}-${mtimeMs}"`);
  const match = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '');
  if (!match) return void createReadStream(path).pipe(response);
  const [start, end] = [Number(match[1]), Math.min(Number(match[2]), size - 1)];
  response.writeHead(206, { 'content-range': `bytes ${start}-${end}/${size}` });
  createReadStream(path, { start, end }).pipe(response);
}

/** Opens the page so that results are downloads into `folder`. */
export async function openPage(url, folder) {
  const browser = await puppeteer.launch({
    executablePath: chromium, args: ['--no-sandbox'], protocolTimeout: 600_000,
  });
  const tab = await browser.newPage();
  // A picker cannot be used without a person, so the page falls back to downloads.
  await tab.evaluateOnNewDocument(() => {
    delete window.showSaveFilePicker;
  });
  const session = await browser.target().createCDPSession();
  await session.send('Browser.setDownloadBehavior', {
    behavior: 'allowAndName', downloadPath: folder, eventsEnabled: true,
  });
  await tab.goto(url);
  return { browser, tab, session };
}

/** Fills the form, and waits for what the page says at the end. */
export async function decryptOn(tab, { file, streamUrl, key, passphrase, identity }) {
  if (file) await (await tab.$('#file')).uploadFile(file);
  const texts = { url: streamUrl, passphrase, identity };
  for (const [id, text] of Object.entries(texts)) {
    if (text) await tab.$eval(`#${id}`, (field, value) => (field.value = value), text);
  }
  if (key) await (await tab.$('#key')).uploadFile(key);
  await tab.click('#start');
  const ended = () => /^(Done|Failed)/.test(document.getElementById('status').textContent);
  await tab.waitForFunction(ended, { timeout: 600_000 });
  return tab.$eval('#status', (status) => status.textContent);
}

/** Resolves with the name of the next download when it is complete. */
export function nextDownload(session) {
  return new Promise((resolve, reject) => {
    session.on('Browser.downloadProgress', ({ state, guid }) => {
      if (state === 'completed') resolve(guid);
      if (state === 'canceled') reject(new Error('the download was cancelled'));
    });
  });
}

/** The peak memory of the renderers, in MiB (Linux). */
export async function rendererPeak(session) {
  const { processInfo } = await session.send('SystemInfo.getProcessInfo');
  const peaks = processInfo.filter(({ type }) => type === 'renderer').map(({ id }) => {
    const status = readFileSync(`/proc/${id}/status`, 'utf8');
    return Number(/VmHWM:\s+(\d+) kB/.exec(status)[1]) / 1024;
  });
  return Math.max(...peaks);
}
