// The lock of SV2-RES-032. Node has no call for it, so the command flock of the system takes it
// on the file that this process has open. The lock stays until the file is closed.
import { spawn } from 'node:child_process';

import { StreamError } from '../errors.js';

export type LockResult = 'locked' | 'impossible';

/**
 * Keeps other owners out (SV2-RES-004). If another one has the lock, that is `io.sink`. Where the
 * system has no flock command the answer is `impossible`, and the caller has to say so.
 */
export async function lockFile(fd: number): Promise<LockResult> {
  const code = await new Promise<number | null>((resolve) => {
    const child = spawn('flock', ['-x', '-n', '3'], { stdio: ['ignore', 'ignore', 'ignore', fd] });
    child.on('error', () => resolve(null));
    child.on('exit', resolve);
  });
  if (code === 0) return 'locked';
  if (code === 1) throw new StreamError('io.sink', 'another owner has the output open');
  return 'impossible';
}
