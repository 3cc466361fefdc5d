import { keyIdOf, parseStreamHeader, rewrapBytes, unlock, checkDetached } from '../dist/index.js';
import { hex, optionalHex, rejection, toHex } from './common.mjs';

function brought(request) {
  const { brought: b, limits, detached } = request;
  return {
    context: hex(request.context),
    contentKeys: b.content_keys.map(hex),
    keyFiles: b.key_files.map((file) => ({ id: hex(file.id), key: hex(file.key) })),
    identities: b.identities,
    passwords: b.passwords.map(hex),
    argon2idMemoryKib: limits?.memory_kib ?? undefined,
    argon2idWorkKib: limits?.work_kib ?? undefined,
    detachedEnvelope: optionalHex(detached) ?? undefined,
  };
}

export async function unwrap(request) {
  try {
    const input = hex(request.input);
    const all = brought(request);
    if (all.detachedEnvelope) checkDetached(all.detachedEnvelope);
    const header = parseStreamHeader(input);
    const found = await unlock(header, input.subarray(128), all);
    const id = toHex(keyIdOf(found.contentKey));
    return { result: 'accept', content_key_id: id, stanza: found.stanza };
  } catch (error) {
    return rejection(error);
  }
}

export async function rewrap(request) {
  const set = {
    keyFiles: request.new.key_files.map((file) => ({ id: hex(file.id), key: hex(file.key) })),
    recipients: request.new.recipients,
    passwords: request.new.passwords.map((p) => ({
      password: hex(p.password), memoryKib: p.memory_kib, passes: p.passes, lanes: p.lanes,
    })),
  };
  try {
    const { output, copy } = await rewrapBytes(hex(request.input), {
      brought: brought(request),
      form: request.form,
      wrapsBrought: request.wraps_brought,
      keepOld: request.keep_old,
      hasJournal: request.journal !== null,
      set,
    });
    return { result: 'accept', output: toHex(output), copy: copy && toHex(copy) };
  } catch (error) {
    return rejection(error);
  }
}
