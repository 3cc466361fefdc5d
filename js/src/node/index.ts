/**
 * Files for Node.
 * @packageDocumentation
 */
export { encryptFile, type EncryptFileOptions, type EncryptFileResult }
  from './encrypt-file.js';
export { FileAccess, FileJournal, FileOutput } from './files.js';
export { outputNames, workName, type OutputNames } from './names.js';
export { rewrapFile, type RewrapFileOptions } from './rewrap-file.js';
