// PostgreSQL on this machine, in a directory of its own.
import { execFile, execFileSync, spawn } from 'node:child_process';
import { chown, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { findPostgres } from '../../../scripts/lib/find-programs.mjs';
import { adopt, endProcess, freePort, isRunning, until } from './processes.mjs';

/** PostgreSQL refuses to run as root: then the user of Debian's package runs it. */
function serverUser() {
  if (process.getuid?.() !== 0) return {};
  const id = (flag) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}

export async function startPostgres(directory) {
  const found = findPostgres();
  if (found === undefined) throw new Error('No PostgreSQL; `npm run setup` installs it.');
  const port = await freePort();
  const user = serverUser();
  const home = join(directory, 'postgres');
  await mkdir(home);
  if (user.uid !== undefined) await chown(home, user.uid, user.gid);
  const options = { ...user, cwd: home };
  await promisify(execFile)(
    join(found.path, 'initdb'),
    ['-D', home, '-U', 'postgres', '-A', 'trust', '--no-sync', '--locale=C', '-E', 'UTF8'],
    options,
  );
  const child = adopt(
    spawn(
      join(found.path, 'postgres'),
      ['-D', home, '-p', `${port}`, '-k', home, '-c', 'listen_addresses=127.0.0.1'],
      { ...options, stdio: 'ignore' },
    ),
  );
  const url = `postgresql://postgres@127.0.0.1:${port}/postgres`;
  const stop = () => endProcess(child, 'SIGINT');
  try {
    await until(async () => {
      if (!isRunning(child)) throw new Error('PostgreSQL ended at once.');
      const probe = new pg.Client(url);
      probe.on('error', () => {});
      await probe.connect().finally(() => probe.end().catch(() => {}));
      return true;
    }, 'PostgreSQL starts');
  } catch (failure) {
    await stop();
    throw failure;
  }
  return { url, stop };
}
