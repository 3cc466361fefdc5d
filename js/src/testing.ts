/**
 * For test vectors only (SV2-WRT-006): interfaces that take salts. Ordinary programs do not
 * import this module.
 * @packageDocumentation
 */
export { Sealer, type RunStart } from './sealer.js';
export { StreamWriter, streamOf } from './writer.js';
export { continueOutput, encryptTo, prepareResume } from './owner.js';
