/**
 * Stream V2: an encrypted stream format that resumes. The sections in these comments are those
 * of the specification.
 * @packageDocumentation
 */
export { StreamError, type ErrorKind } from './errors.js';
export { parseStreamHeader, type StreamHeader, type StreamParameters } from './header.js';
export { formatKeyFile, keyIdOf, parseKeyFile, type KeyFile } from './key-file.js';
export { StreamReader, verifyStream, type ReaderOptions } from './reader.js';
export { checkDetached, unlock, type Brought, type Unlocked } from './unlock.js';
export { newEnvelope, rewrapBytes, type RewrapOptions } from './rewrap.js';
export { wrapFor, type NewPassword, type Recipients } from './wrap.js';
export type { ByteStream } from './chunks.js';
export { encryptChunks, newStream, StreamWriter, type WriterOptions } from './writer.js';
export { BlobAccess, MemoryAccess, pieces, type RandomAccess } from './access.js';
export { RangeReader, type FoundBy, type RangeOptions } from './range.js';
export {
  recover, recoverWithoutKey, type KeylessRecovered, type Recovered,
} from './recover.js';
export { FileSource, PipeSource, type Source } from './source.js';
export { MemoryJournal, MemoryOutput } from './memory.js';
export {
  encryptOrResume, type EncryptOptions, type OutputStore, type ResumeOptions, type RunOptions,
} from './owner.js';
export type { JournalStore, SourceFacts } from './journal.js';
export { decryptBytes, decryptStream, encryptBytes, encryptStream, type BytePair }
  from './streams.js';
export { HttpAccess, type HttpOptions } from './http.js';
export { plaintextLength, streamLength, type LengthParameters } from './lengths.js';
