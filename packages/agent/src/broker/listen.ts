import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, lstatSync, rmSync } from 'node:fs';
import type { Server } from 'node:http';
import { connect } from 'node:net';
import { basename, dirname, join } from 'node:path';
import { assertGuardedDirectory, type Guard } from './guarded-directory.js';

/** Linux takes 107 bytes, and would cut what is longer. */
const MAXIMUM_PATH_BYTES = 107;

function groupId(group: string | number): number {
  if (typeof group === 'number' || /^[0-9]+$/.test(group)) return Number(group);
  const entry = execFileSync('getent', ['group', group], { encoding: 'utf8' });
  return Number(entry.split(':')[2]);
}

/** A socket that nobody listens at was left by a broker that was killed. */
async function removeStaleSocket(path: string): Promise<void> {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return;
  if (!stats.isSocket()) throw new TypeError(`${path} is there, and no socket.`);
  const isUsed = await new Promise<boolean>((resolve) => {
    const probe = connect(path);
    probe.once('connect', () => {
      probe.destroy();
      resolve(true);
    });
    probe.once('error', () => resolve(false));
  });
  if (isUsed) throw new TypeError(`A broker is running already at ${path}.`);
  rmSync(path);
}

/** @throws TypeError if a socket there could not be named. */
export function assertSocketPath(path: string): void {
  if (Buffer.byteLength(path) > MAXIMUM_PATH_BYTES) {
    throw new TypeError(`${path} is too long for a socket: at most ${MAXIMUM_PATH_BYTES} bytes.`);
  }
}

/**
 * Listens at a Unix socket that its group may use, and nobody else.
 *
 * @throws TypeError where others could put their own in its place.
 */
export async function listen(
  server: Server,
  {
    path,
    group,
    guard,
  }: {
    readonly path: string;
    readonly group: string | number | undefined;
    readonly guard: Guard;
  },
): Promise<string> {
  const real = join(assertGuardedDirectory(dirname(path), guard), basename(path));
  assertSocketPath(real);
  await removeStaleSocket(real);
  // Nobody has the socket until its group is set.
  const umask = process.umask(0o177);
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(real, resolve);
    });
  } finally {
    process.umask(umask);
  }
  if (group !== undefined) chownSync(real, process.getuid?.() ?? -1, groupId(group));
  chmodSync(real, 0o660);
  return real;
}
