// The source of a writer, and comparing it with what is committed (SV2-RES-008).
import type { RandomAccess } from './access.js';
import { firstDifference } from './bytes.js';
import { ChunkReader, type ByteStream } from './chunks.js';
import { StreamError } from './errors.js';
import { isUnknownLen } from './header.js';
import { indexEntries, indexEntriesMax, KIND_INDEX } from './segment.js';
import { asDamage, damaged, type Recovered } from './recover.js';
import { equal } from './bytes.js';
import type { SourceFacts } from './journal.js';
import { Walk } from './walk.js';

/** The plaintext of a writer: a file, or a pipe that is read from its beginning. */
export interface Source {
  /** A pipe has neither length nor time. */
  readonly facts: SourceFacts;
  readonly isPipe: boolean;
  /** The next bytes from `offset` on. A pipe is read in order only. */
  read(offset: number, length: number): Promise<Uint8Array>;
}

/** A source that can be read at any place. */
export class FileSource implements Source {
  readonly isPipe = false;
  readonly facts: SourceFacts;

  constructor(private readonly file: RandomAccess, mtime: bigint | null) {
    this.facts = { length: file.size, mtime };
  }

  read(offset: number, length: number): Promise<Uint8Array> {
    return this.file.read(offset, length);
  }
}

/** A source that gives its bytes once, in order. */
export class PipeSource implements Source {
  readonly isPipe = true;
  readonly facts: SourceFacts = { length: null, mtime: null };
  private readonly input: ChunkReader;

  constructor(stream: ByteStream) {
    this.input = new ChunkReader(stream);
  }

  read(_offset: number, length: number): Promise<Uint8Array> {
    return this.input.take(length);
  }
}

function differs(offset: number, message: string): StreamError {
  return new StreamError('journal.source', message, offset);
}

/** The first byte of the source that differs or is missing, or null. */
async function difference(
  source: Source, start: number, bytes: Uint8Array,
): Promise<number | null> {
  const there = await source.read(start, bytes.length);
  const at = firstDifference(there, bytes);
  if (at >= 0) return start + at;
  if (there.length === bytes.length) return null;
  const { length } = source.facts;
  return length === null ? start + there.length : Math.min(length, start + there.length);
}

/** Step 8 of §19.2. `compareAll`: the caller says that the source has changed on purpose. */
export async function checkSource(
  found: Recovered, source: Source, compareAll: boolean,
): Promise<void> {
  if (!compareAll) checkFacts(found, source.facts);
  if (compareAll || source.isPipe) await compareEverything(found, source);
  else await compareLast(found, source);
  const { total } = found.walk.order;
  if (!mustHaveEnded(found)) return;
  const { header } = found.stream;
  const belongs = isUnknownLen(header) || BigInt(total) < header.plaintextLen;
  if (belongs && (await source.read(total, 1)).length > 0) {
    throw differs(total, 'the source goes on');
  }
}

function checkFacts(found: Recovered, facts: SourceFacts): void {
  const known = found.journal?.source;
  if (!known) return;
  if (known.length !== null && facts.length !== null && known.length !== facts.length) {
    throw differs(0, 'the source has another length');
  }
  if (known.mtime !== null && facts.mtime !== null && known.mtime !== facts.mtime) {
    throw differs(0, 'the source has another time of modification');
  }
}

async function compareLast(found: Recovered, source: Source): Promise<void> {
  const { walk, commitPlaintext } = found;
  const { total } = walk.order;
  const offsets: number[] = [];
  const compare = async (start: number, bytes: Uint8Array): Promise<void> => {
    const offset = await difference(source, start, bytes);
    if (offset !== null) offsets.push(offset);
  };
  if (commitPlaintext) await compare(commitPlaintext.start, commitPlaintext.bytes);
  const last = walk.lastData?.plaintext;
  if (last) await compare(total - last.length, last);
  const { length } = source.facts;
  if (length !== null && length < total) offsets.push(length);
  if (offsets.length > 0) throw differs(Math.min(...offsets), 'the source differs');
}

/** Reads all committed segments again, with the checks of a sequential reader (SV2-RES-006). */
async function compareEverything(found: Recovered, source: Source): Promise<void> {
  const { walk, stream, commit } = found;
  const again = new Walk(stream, walk.input);
  while (again.order.nextIndex < walk.order.nextIndex) {
    const { place, total } = again.order;
    try {
      const { plaintext, header } = await again.step();
      const atCommit = commit !== null && header.index === commit.index;
      if (atCommit && !equal(again.history.transcript, commit.transcript)) throw damaged(place);
      const offset = plaintext && (await difference(source, total, plaintext));
      if (offset !== null) throw differs(offset, 'the source differs');
    } catch (error) {
      if (error instanceof StreamError && error.kind === 'journal') throw error;
      throw asDamage(place, error);
    }
  }
}

/** Whether the committed part says that the source has ended (SV2-RES-008). */
function mustHaveEnded(found: Recovered): boolean {
  const { walk, ending } = found;
  if (ending || walk.final || walk.order.short) return true;
  const last = walk.last?.header;
  const most = indexEntriesMax(found.stream.header.segmentSize);
  return last?.kind === KIND_INDEX && indexEntries(last) < most;
}
