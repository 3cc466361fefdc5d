// Reading ranges by index segments (§11, §15.5 step 5).
import { equal, isZero, view } from './bytes.js';
import { StreamError } from './errors.js';
import { checkKindAndIndex, type Final, type Finder, type RangeContext, type Wanted }
  from './range-context.js';
import { lastAtMost } from './range-walk.js';
import * as limits from './limits.js';
import { indexEntries, KIND_INDEX, type Place, type SegmentHeader } from './segment.js';
import { checkTerminatorAlone, extendHistory, NO_HISTORY } from './transcript.js';
import { payloadOffset } from './wire.js';

/** What is kept of an index segment. Its entries are read again when they are needed. */
interface Summary {
  readonly index: number;
  readonly position: number;
  readonly name: Uint8Array;
  /** The first data segment that it describes. */
  readonly firstIndex: number;
  readonly firstPosition: number;
  readonly start: number;
  readonly end: number;
  readonly distance: number;
  readonly previous: Uint8Array;
}

interface Entry {
  readonly index: number;
  readonly position: number;
  readonly start: number;
  readonly plaintextLen: number;
  readonly wireLen: number;
  readonly name: Uint8Array;
}

export class IndexFinder implements Finder {
  /** From the last index segment down. */
  private readonly summaries: Summary[] = [];
  private cached: { summary: Summary; entries: Entry[]; starts: number[] } | null = null;

  constructor(private readonly context: RangeContext, private readonly final: Final) {}

  async prepare(from: number): Promise<void> {
    for (;;) {
      const last = this.summaries[this.summaries.length - 1];
      if (last && last.start <= from) return;
      this.summaries.push(last ? await this.readBefore(last) : await this.readLast());
    }
  }

  async find(at: number): Promise<Wanted> {
    const summary = this.summaries.find((each) => each.start <= at) as Summary;
    const { entries, starts } = await this.entriesOf(summary);
    const entry = entries[lastAtMost(starts, at)];
    const { index, position, start } = entry;
    const place = this.context.place(position, index);
    return { index, position, start, check: (header) => this.check(header, entry, place, summary) };
  }

  private check(header: SegmentHeader, entry: Entry, place: Place, summary: Summary): void {
    checkKindAndIndex(header, entry.index, place);
    checkName(header, entry.name, place);
    const { plaintextLen, wireLen } = entry;
    if (header.plaintextLen === plaintextLen && header.wireLen === wireLen) return;
    throw malformedIndex(this.context.place(summary.position, summary.index));
  }

  private async readLast(): Promise<Summary> {
    const position = this.final.position - Number(this.final.trailer.distance);
    const index = this.final.header.index - 1;
    const { summary, payload } = await this.read(position, index, null, this.final.total);
    this.cache(summary, payload);
    return summary;
  }

  private async readBefore(later: Summary): Promise<Summary> {
    const position = later.position - later.distance;
    const index = later.firstIndex - 1;
    const { summary, payload } = await this.read(position, index, later.previous, later.start);
    this.cache(summary, payload);
    return summary;
  }

  private async entriesOf(summary: Summary) {
    if (this.cached?.summary === summary) return this.cached;
    const { position, index, name, end } = summary;
    const { payload } = await this.read(position, index, name, end);
    return this.cache(summary, payload);
  }

  private cache(summary: Summary, payload: Uint8Array) {
    const entries = readEntries(payload, summary.firstIndex, summary.firstPosition, summary.start);
    this.cached = { summary, entries, starts: entries.map((entry) => entry.start) };
    return this.cached;
  }

  /** Reads an index segment with steps 1 to 17. Without a name it is the last one. */
  private async read(position: number, index: number, name: Uint8Array | null, end: number) {
    const place = this.context.place(position, index);
    const header = await this.context.readHeader(place);
    checkKindAndIndex(header, index, place, KIND_INDEX);
    if (name) checkName(header, name, place);
    const opened = await this.context.openWire(header, place);
    checkTerminatorAlone(this.context.stream.header, header, opened.terminator, place);
    if (!name) this.checkTranscript(header, opened.terminator, opened.digest, place);
    const summary = summarise(header, position, opened.payload, end);
    if (!summary) throw malformedIndex(place);
    return { summary, payload: opened.payload };
  }

  /** SV2-IDX-007 */
  private checkTranscript(
    header: SegmentHeader, terminator: Uint8Array, digest: Uint8Array, place: Place,
  ): void {
    const before = { transcript: terminator.subarray(0, 32), run: NO_HISTORY.run };
    const { transcript } = extendHistory(this.context.stream.keys, before, header, digest);
    if (equal(transcript, this.final.trailer.transcript)) return;
    throw new StreamError('auth.index', 'not the index of this trailer', place.offset + 60,
      place.segment);
  }
}

/** SV2-IDX-006 */
function checkName(header: SegmentHeader, name: Uint8Array, place: Place): void {
  if (equal(header.tag.subarray(0, 16), name)) return;
  throw new StreamError('auth.index', 'a segment without its name', place.offset + 60,
    place.segment);
}

function malformedIndex(place: Place): StreamError {
  return new StreamError('malformed.index', 'not what the segments are', payloadOffset(place),
    place.segment);
}

function readEntries(
  payload: Uint8Array, firstIndex: number, firstPosition: number, firstStart: number,
): Entry[] {
  const data = view(payload);
  const entries: Entry[] = [];
  let position = firstPosition;
  let start = firstStart;
  for (let at = 24; at < payload.length; at += 24) {
    const plaintextLen = data.getUint32(at, true);
    const wireLen = data.getUint32(at + 4, true);
    const name = payload.subarray(at + 8, at + 24);
    const index = firstIndex + entries.length;
    entries.push({ index, position, start, plaintextLen, wireLen, name });
    position += limits.SEGMENT_HEADER_LEN + wireLen;
    start += plaintextLen;
  }
  return entries;
}

/** The summary of an index segment, or null where its data segments do not fit (§15.5). */
function summarise(
  header: SegmentHeader, position: number, payload: Uint8Array, end: number,
): Summary | null {
  const entries = readEntries(payload, 0, 0, 0);
  const last = entries[entries.length - 1];
  const firstIndex = header.index - indexEntries(header);
  const firstPosition = position - (last.position + limits.SEGMENT_HEADER_LEN + last.wireLen);
  const start = end - (last.start + last.plaintextLen);
  if (firstIndex < 0 || firstPosition < 0 || start < 0) return null;
  const distance = Number(view(payload).getBigUint64(0, true));
  const previous = payload.slice(8, 24);
  const { index } = header;
  const name = header.tag.slice(0, 16);
  const summary =
    { index, position, name, firstIndex, firstPosition, start, end, distance, previous };
  if (distance === 0) {
    const first = isZero(previous) && firstIndex === 0 && firstPosition === 0 && start === 0;
    return first ? summary : null;
  }
  const before = position - distance;
  return before >= 0 && before < firstPosition && firstIndex !== 0 ? summary : null;
}
