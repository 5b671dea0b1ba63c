import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chown, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import pg from 'pg';
import { findPostgres } from '../../../../scripts/lib/find-programs.mjs';
import { freePort } from '../harness/free-port.js';

/** A PostgreSQL server of this test's own. */
export interface PostgresServer {
  /** Of all its files. */
  readonly directory: string;
  /** Makes an empty database, with further words of CREATE DATABASE, and returns its URL. */
  createDatabase(options?: string): Promise<string>;
  /** Ends the server at once, as a crash would. */
  kill(): Promise<void>;
  /** Starts it again with the same data. */
  restart(): Promise<void>;
  /** Ends it and removes its directory. */
  stop(): Promise<void>;
}

/** PostgreSQL refuses to run as root: then the user of Debian's package runs it. */
function serverUser(): { readonly uid?: number; readonly gid?: number } {
  if (process.getuid?.() !== 0) return {};
  const id = (flag: string) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}

/**
 * Starts PostgreSQL on a free port of the loopback, with further arguments. It does not synchronise its
 * files.
 */
export async function startPostgres(extra: readonly string[] = []): Promise<PostgresServer> {
  const found = findPostgres();
  if (found === undefined) throw new Error('No PostgreSQL; `npm run setup` installs it.');
  const port = await freePort();
  const user = serverUser();
  const directory = await mkdtemp(join(tmpdir(), 'pzk-postgres-'));
  const url = (name: string) => `postgresql://postgres@127.0.0.1:${port}/${name}`;
  let databases = 0;

  async function launch(): Promise<ChildProcess> {
    const child = spawn(
      join(found?.path ?? '', 'postgres'),
      [
        ...['-D', directory, '-p', `${port}`, '-k', directory, '-c', 'listen_addresses=127.0.0.1'],
        ...['-c', 'fsync=off', '-c', 'max_connections=60'],
        ...extra,
      ],
      { ...user, cwd: directory, stdio: 'ignore' },
    );
    for (;;) {
      if (child.exitCode !== null) throw new Error('PostgreSQL ended at once.');
      const probe = new pg.Client(url('postgres'));
      probe.on('error', () => {});
      const ready = await probe.connect().then(
        () => true,
        () => false,
      );
      await probe.end().catch(() => {});
      if (ready) return child;
      await sleep(20);
    }
  }

  async function end(signal: 'SIGKILL' | 'SIGINT'): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill(signal);
    await ended;
  }

  if (user.uid !== undefined) await chown(directory, user.uid, user.gid ?? 0);
  await promisify(execFile)(
    join(found.path, 'initdb'),
    ['-D', directory, '-U', 'postgres', '-A', 'trust', '--no-sync', '--locale=C', '-E', 'UTF8'],
    { ...user, cwd: directory },
  );
  let child = await launch();

  return {
    directory,
    createDatabase: async (options = '') => {
      const name = `test_${++databases}`;
      const client = new pg.Client(url('postgres'));
      client.on('error', () => {});
      await client.connect();
      await client.query(`create database ${name} template template0 ${options}`);
      await client.end();
      return url(name);
    },
    kill: () => end('SIGKILL'),
    restart: async () => {
      await end('SIGKILL');
      child = await launch();
    },
    stop: async () => {
      await end('SIGINT');
      await rm(directory, { recursive: true, force: true });
    },
  };
}
