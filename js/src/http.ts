// Reading ranges of an object by HTTP (§15.5).
import type { RandomAccess } from './access.js';
import { concat, EMPTY } from './bytes.js';
import { StreamError, ioError } from './errors.js';

export interface HttpOptions {
  /** The function that asks the server. `fetch` by default. */
  fetch?: typeof fetch;
  headers?: Record<string, string>;
  /** Requests smaller than this ask for so many bytes, and keep the rest for the next one. */
  readAhead?: number;
}

function failure(message: string): StreamError {
  return new StreamError('io.source', message);
}

/**
 * An object behind a URL, read by Range requests. Every answer has to be of the same version of
 * the object: its ETag, or else its Last-Modified, is sent in If-Range and compared, and its
 * length is compared. An object that changes while it is read is `io.source`.
 */
export class HttpAccess implements RandomAccess {
  private kept: { offset: number; bytes: Uint8Array } = { offset: 0, bytes: EMPTY };

  private constructor(
    private readonly url: string,
    private readonly options: HttpOptions,
    readonly size: number,
    /** A strong ETag, or a date; null if the server gives neither. */
    readonly validator: string | null,
  ) {}

  /** Asks for the length and the version of the object. */
  static async open(url: string, options: HttpOptions = {}): Promise<HttpAccess> {
    const answer = await request(url, options, { range: 'bytes=0-0' });
    if (answer.status === 416) return new HttpAccess(url, options, 0, null);
    if (answer.status !== 206) {
      await answer.body?.cancel();
      throw failure(`the server gives no ranges (status ${answer.status})`);
    }
    const { size } = contentRange(answer);
    await answer.arrayBuffer();
    return new HttpAccess(url, options, size, validatorOf(answer));
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    const end = Math.min(offset + length, this.size);
    if (offset >= end) return EMPTY;
    const kept = this.fromKept(offset, end);
    if (kept) return kept;
    const wanted = Math.max(end - offset, this.options.readAhead ?? 65_536);
    const bytes = await this.fetchRange(offset, Math.min(offset + wanted, this.size));
    this.kept = { offset, bytes };
    return bytes.subarray(0, end - offset);
  }

  private fromKept(offset: number, end: number): Uint8Array | null {
    const { offset: from, bytes } = this.kept;
    if (offset < from || end > from + bytes.length) return null;
    return bytes.subarray(offset - from, end - from);
  }

  private async fetchRange(offset: number, end: number): Promise<Uint8Array> {
    const headers: Record<string, string> = { range: `bytes=${offset}-${end - 1}` };
    if (this.validator) headers['if-range'] = this.validator;
    const answer = await request(this.url, this.options, headers);
    try {
      this.checkSame(answer, offset, end);
      return await readBody(answer, end - offset);
    } catch (error) {
      await answer.body?.cancel().catch(() => undefined);
      throw ioError('source', error);
    }
  }

  private checkSame(answer: Response, offset: number, end: number): void {
    // With If-Range a server answers 200 and the whole object if that has changed.
    if (answer.status === 200) throw failure('the object has changed while it was read');
    if (answer.status !== 206) throw failure(`status ${answer.status}`);
    const range = contentRange(answer);
    const same = range.size === this.size && range.from === offset && range.to === end - 1 &&
      validatorOf(answer) === this.validator;
    if (!same) throw failure('the object has changed while it was read');
  }
}

async function request(
  url: string, options: HttpOptions, headers: Record<string, string>,
): Promise<Response> {
  const ask = options.fetch ?? globalThis.fetch;
  try {
    return await ask(url, { headers: { ...options.headers, ...headers }, cache: 'no-store' });
  } catch (error) {
    throw ioError('source', error);
  }
}

function contentRange(answer: Response): { from: number; to: number; size: number } {
  const text = answer.headers.get('content-range') ?? '';
  const match = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(text);
  if (!match) throw failure('an answer without Content-Range');
  const [from, to, size] = match.slice(1).map(Number);
  if (!Number.isSafeInteger(size)) throw failure('an object that is too long');
  return { from, to, size };
}

/** A strong ETag, or else the date. A weak ETag cannot be used in If-Range. */
function validatorOf(answer: Response): string | null {
  const etag = answer.headers.get('etag');
  if (etag && !etag.startsWith('W/')) return etag;
  return answer.headers.get('last-modified');
}

/** Reads a body of exactly `length` bytes, and never holds more. */
async function readBody(answer: Response, length: number): Promise<Uint8Array> {
  const reader = answer.body?.getReader();
  const pieces: Uint8Array[] = [];
  let have = 0;
  while (reader && have <= length) {
    const { done, value } = await reader.read();
    if (done) break;
    pieces.push(value);
    have += value.length;
  }
  if (have !== length) throw failure('an answer of another length');
  return concat(...pieces);
}
