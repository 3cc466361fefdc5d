// Replacing an envelope (§12.4).
import { MemoryAccess, type RandomAccess } from './access.js';
import { concat, view } from './bytes.js';
import { crc32c } from './crc32c.js';
import { padEnvelope, padEnvelopeTo, withCrc } from './envelope.js';
import { StreamError, misuse } from './errors.js';
import { parseStreamHeader, type StreamHeader } from './header.js';
import * as limits from './limits.js';
import { checkSegmentTag, KIND_FINAL, parseSegmentHeader } from './segment.js';
import { checkDetached, unlock, type Brought, type Unlocked } from './unlock.js';
import { wrapFor, type Recipients } from './wrap.js';

export interface RewrapOptions {
  /** What opens the stream now. */
  brought: Brought;
  /** `in-place`, another stream (`new`), or a detached envelope. */
  form: 'in-place' | 'new' | 'detached';
  /** The caller says that no other stream has the content key it brings (SV2-ENV-034). */
  wrapsBrought?: boolean;
  keepOld?: boolean;
  /** Whether a journal of a writer is there (SV2-ENV-033). */
  hasJournal?: boolean;
  set: Recipients;
}

/** A new envelope: a stream header with its tag, and the envelope with its CRC. */
export interface NewEnvelope {
  readonly header: StreamHeader;
  readonly bytes: Uint8Array;
}

/** A stream header with another envelope_len. Bytes 0..112 stay as they are. */
function withEnvelopeLen(header: StreamHeader, length: number): StreamHeader {
  const bytes = header.bytes.slice();
  view(bytes).setUint32(112, length, true);
  view(bytes).setUint32(124, crc32c(bytes.subarray(0, 124)), true);
  return parseStreamHeader(bytes);
}

/** Wraps the content key of an unlocked stream for another set. */
export async function newEnvelope(
  stream: Unlocked, options: Pick<RewrapOptions, 'form' | 'set' | 'wrapsBrought'>,
): Promise<NewEnvelope> {
  const { header } = stream;
  if (stream.stanza === null && !options.wrapsBrought) {
    throw misuse('other streams may have this content key (SV2-ENV-034)');
  }
  if (options.form === 'in-place' && header.envelopeLen === 0) {
    throw misuse('there is no envelope to replace in place');
  }
  const stanzas = await wrapFor(options.set, stream.contentKey);
  const envelope = options.form === 'in-place'
    ? padEnvelopeTo(stanzas, header.envelopeLen) : padEnvelope(stanzas);
  return { header: withEnvelopeLen(header, envelope.length), bytes: withCrc(envelope) };
}

/** Replaces the envelope of a stream in memory. The input is not changed. */
export async function rewrapBytes(
  input: Uint8Array, options: RewrapOptions,
): Promise<{ output: Uint8Array; copy: Uint8Array | null }> {
  const { brought, form } = options;
  if (brought.detachedEnvelope) checkDetached(brought.detachedEnvelope);
  const old = parseStreamHeader(input);
  const oldEnvelope = input.subarray(limits.STREAM_HEADER_LEN, old.bodyOffset);
  const stream = await unlock(old, oldEnvelope, brought);
  await checkNotResumable(stream, new MemoryAccess(input), options.hasJournal ?? false);
  const fresh = await newEnvelope(stream, options);
  const start = concat(fresh.header.bytes, fresh.bytes);
  if (form === 'detached') return { output: start, copy: null };
  const output = concat(start, input.subarray(old.bodyOffset));
  const keep = form === 'in-place' && options.keepOld;
  return { output, copy: keep ? input.slice(0, old.bodyOffset) : null };
}

/** SV2-ENV-033: a stream that a writer can resume has a journal, or lacks its final segment. */
export async function checkNotResumable(
  stream: Unlocked, input: RandomAccess, hasJournal: boolean,
): Promise<void> {
  if (hasJournal) throw misuse('a writer can resume this stream (SV2-ENV-033)');
  const offset = input.size - limits.FINAL_SEGMENT_LEN;
  if (offset < stream.header.bodyOffset) throw misuse('the stream is not complete');
  try {
    const place = { offset, segment: 0 };
    const bytes = await input.read(offset, limits.SEGMENT_HEADER_LEN);
    const header = parseSegmentHeader(stream.header, bytes, place);
    checkSegmentTag(stream.keys, header, place);
    if (header.kind === KIND_FINAL) return;
  } catch (error) {
    if (!(error instanceof StreamError)) throw error;
  }
  throw misuse('the stream is not complete (SV2-ENV-033)');
}
