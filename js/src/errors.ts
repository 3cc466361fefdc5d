/** The kinds of errors (§17). */
export type ErrorKind =
  | 'malformed' | 'unsupported' | 'limit' | 'key' | 'auth' | 'order'
  | 'truncated' | 'trailing' | 'journal' | 'io' | 'misuse';

/**
 * An error of the format (§17). `code` is written `kind.detail`, or `kind` without a detail.
 * `offset` and `segment` are those of SV2-ERR-001, and null where the error has none.
 */
export class StreamError extends Error {
  override readonly name = 'StreamError';
  readonly code: string;
  readonly offset: number | null;
  readonly segment: number | null;

  constructor(
    code: string,
    message: string,
    offset: number | null = null,
    segment: number | null = null,
    options?: ErrorOptions,
  ) {
    super(`${code}: ${message}`, options);
    this.code = code;
    this.offset = offset;
    this.segment = segment;
  }

  get kind(): ErrorKind {
    return this.code.split('.')[0] as ErrorKind;
  }

  get detail(): string | null {
    return this.code.split('.')[1] ?? null;
  }
}

/** An error without a place: the caller asked for something impossible. */
export function misuse(message: string): StreamError {
  return new StreamError('misuse', message);
}

/** Wraps a failure of the source or the sink; leaves an error of the format as it is. */
export function ioError(detail: 'source' | 'sink', cause: unknown): StreamError {
  if (cause instanceof StreamError) return cause;
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new StreamError(`io.${detail}`, reason, null, null, { cause });
}
