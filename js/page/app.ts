// Decrypts a stream in the browser. A result is kept only after all of it was verified.
import {
  BlobAccess, HttpAccess, parseKeyFile, pieces, StreamReader, type Brought, type RandomAccess,
} from '../dist/index.js';

const element = <T extends HTMLElement>(id: string): T => document.getElementById(id) as T;
const input = (id: string): HTMLInputElement => element<HTMLInputElement>(id);
const encoder = new TextEncoder();
let cancelled = false;

function say(text: string): void {
  element('status').textContent = text;
}

function showProgress(part: number): void {
  element<HTMLProgressElement>('progress').value = part;
}

async function openInput(): Promise<{ access: RandomAccess; name: string }> {
  const file = input('file').files?.[0];
  if (file) return { access: new BlobAccess(file), name: file.name };
  const url = input('url').value.trim();
  if (!url) throw new Error('Choose a file, or give a URL.');
  const access = await HttpAccess.open(url, { readAhead: 2 ** 21 });
  return { access, name: new URL(url).pathname.split('/').pop() || 'stream' };
}

async function readKeys(): Promise<Brought> {
  const brought: Brought = {
    keyFiles: [], passwords: [], identities: [], context: encoder.encode(input('context').value),
  };
  const key = input('key').files?.[0];
  if (key) brought.keyFiles?.push(parseKeyFile(new Uint8Array(await key.arrayBuffer())));
  const passphrase = input('passphrase').value;
  if (passphrase) brought.passwords?.push(encoder.encode(passphrase));
  const identity = element<HTMLTextAreaElement>('identity').value.trim();
  if (identity) brought.identities?.push(...identitiesOf(identity));
  return brought;
}

function identitiesOf(text: string): string[] {
  if (text.startsWith('-----BEGIN')) return [text];
  return text.split('\n').map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
}

/** A place for the plaintext. `finish` keeps it, `drop` removes it. */
interface Target {
  write(bytes: Uint8Array): Promise<void>;
  finish(): Promise<void>;
  drop(): Promise<void>;
}

interface SavePicker {
  showSaveFilePicker?(options: { suggestedName: string }): Promise<FileSystemFileHandle>;
}

async function openTarget(name: string): Promise<Target> {
  const picker = window as unknown as SavePicker;
  if (picker.showSaveFilePicker) {
    return fileTarget(await picker.showSaveFilePicker({ suggestedName: name }));
  }
  return downloadTarget(name);
}

async function fileTarget(handle: FileSystemFileHandle): Promise<Target> {
  // The browser writes to a file of its own, and puts it in its place when it is closed.
  const writable = await handle.createWritable();
  return {
    write: (bytes) => writable.write(bytes as Uint8Array<ArrayBuffer>),
    finish: () => writable.close(),
    drop: () => writable.abort(),
  };
}

/** Without a picker: a private file of this page, which is then offered as a download. */
async function downloadTarget(name: string): Promise<Target> {
  const root = await navigator.storage.getDirectory();
  const handle = await root.getFileHandle('plaintext', { create: true });
  const inner = await fileTarget(handle);
  return {
    write: inner.write,
    drop: async () => {
      await inner.drop();
      await root.removeEntry('plaintext');
    },
    finish: async () => {
      await inner.finish();
      offer(await handle.getFile(), name);
    },
  };
}

function offer(file: File, name: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(file);
  link.download = name;
  link.click();
}

async function decrypt(): Promise<number> {
  const brought = await readKeys();
  // The picker needs the click of the user, so it comes before anything slow.
  const name = (input('file').files?.[0]?.name ?? input('url').value.split('/').pop() ?? '');
  const target = await openTarget(name.replace(/\.sv2$/, '') || 'plaintext');
  try {
    const { access } = await openInput();
    const reader = new StreamReader(pieces(access), { ...brought, segmentsInFlight: 4 });
    let total = 0;
    for await (const part of reader) {
      if (cancelled) throw new Error('Cancelled.');
      await target.write(part);
      total += part.length;
      showProgress(reader.position / access.size);
    }
    await target.finish();
    return total;
  } catch (error) {
    await target.drop().catch(() => undefined);
    throw error;
  }
}

async function start(event: Event): Promise<void> {
  event.preventDefault();
  cancelled = false;
  const button = element<HTMLButtonElement>('start');
  const cancel = element<HTMLButtonElement>('cancel');
  button.disabled = true;
  cancel.disabled = false;
  say('Decrypting …');
  showProgress(0);
  try {
    const total = await decrypt();
    showProgress(1);
    say(`Done: ${total} bytes, all of them verified.`);
  } catch (error) {
    say(`Failed, and nothing was kept. ${(error as Error).message}`);
  } finally {
    button.disabled = false;
    cancel.disabled = true;
  }
}

element('form').addEventListener('submit', (event) => void start(event));
element('cancel').addEventListener('click', () => {
  cancelled = true;
});
if (!globalThis.crypto?.subtle) say('This page needs HTTPS, or a server on this machine.');
