import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Stores } from '@pzk-auth/verifier';
import type { Redis } from 'ioredis';

/** Every durable row of an account, and the signing keys. */
export async function readDatabase(stores: Stores, account: string): Promise<string> {
  return JSON.stringify([
    await stores.accounts.get(account),
    await stores.keys.listByAccount(account),
    await stores.devices.listByAccount(account),
    await stores.vaults.get(account),
    await stores.signingKeys.list(),
  ]);
}

/** Every byte of the files below a directory, what SQLite has deleted or not yet merged included. */
export async function readFiles(directory: string): Promise<string> {
  const entries = await readdir(directory, { withFileTypes: true, recursive: true });
  const files = entries.filter((entry) => entry.isFile());
  const contents = await Promise.all(
    files.map(({ parentPath, name }) => readFile(join(parentPath, name))),
  );
  return Buffer.concat(contents).toString('latin1');
}

/** Every name and value in a Redis, raw. */
export async function readRedis(client: Redis): Promise<string> {
  const names = await client.keysBuffer('*');
  const values = await Promise.all(
    names.map(async (name) =>
      (await client.type(name)) === 'string' ? await client.getBuffer(name) : null,
    ),
  );
  return Buffer.concat([...names, ...values.filter((value) => value !== null)]).toString('latin1');
}

/** Collects what this process writes to its streams until it is told to stop. */
export function recordOutput(): { read(): string; stop(): void } {
  const written: string[] = [];
  const streams = [process.stdout, process.stderr];
  const originals = streams.map((stream) => stream.write);
  for (const [index, stream] of streams.entries()) {
    const original = originals[index] as typeof stream.write;
    stream.write = ((chunk: string | Uint8Array, ...rest: never[]) => {
      written.push(typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString('latin1'));
      return original.call(stream, chunk, ...rest);
    }) as typeof stream.write;
  }
  return {
    read: () => written.join(''),
    stop() {
      for (const [index, stream] of streams.entries()) {
        stream.write = originals[index] as typeof stream.write;
      }
    },
  };
}
