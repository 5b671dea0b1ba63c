import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from '@pzk-auth/client';
import { createSoftwareAuthenticator } from '@pzk-auth/client/testing';
import {
  type DemoKey,
  openDemoData,
  type StartOptions,
  startServer,
} from '@pzk-auth/example-express-react';
import { afterAll, beforeAll, expect, it } from 'vitest';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'pzk-demo-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

/** Runs the demo once, as `npm run demo` does, and ends it. */
async function run<T>(
  options: StartOptions,
  use: (running: Awaited<ReturnType<typeof startServer>>, issued: readonly DemoKey[]) => Promise<T>,
): Promise<T> {
  const data = openDemoData(directory);
  const issued: DemoKey[] = [];
  const running = await startServer({
    data,
    resume: true,
    onKey: (key) => issued.push(key),
    ...options,
  });
  try {
    return await use(running, issued);
  } finally {
    await running.close();
    await data.close();
  }
}

it('a device of an earlier start signs in; its key is neither issued again nor known', async () => {
  let client: ReturnType<typeof createClient> | undefined;
  const { port, key } = await run({ port: 0 }, async ({ origin, demoKey }, issued) => {
    expect(issued).toEqual([demoKey]);
    client = createClient({
      issuer: origin,
      scope: ['weather:read'],
      authenticator: createSoftwareAuthenticator({ origin }),
    });
    const user = { name: 'desk', displayName: 'Weather desk' };
    await client.enroll({ apiKey: demoKey.apiKey, user });
    return { port: Number(new URL(origin).port), key: demoKey };
  });
  await run({ port }, async ({ origin, demoKey, movedPort }, issued) => {
    expect(movedPort).toBe(false);
    expect(issued).toEqual([]);
    expect(demoKey).toEqual({ ...key, apiKey: '' });
    await client?.start();
    expect((await client?.fetch(`${origin}/api/weather`))?.status).toBe(200);
  });
  // Revoked by the operator: another key is issued at the next start.
  await run({ port }, ({ verifier }) => verifier.keys.revoke(key.id));
  await run({ port }, async (_, issued) => {
    expect(issued).toHaveLength(1);
    await expect(client?.start()).rejects.toMatchObject({ code: 'invalid_grant' });
  });
  client?.close();
});
