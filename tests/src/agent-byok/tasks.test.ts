import { join } from 'node:path';
import { type Client, createMemoryStorage } from '@pzk-auth/client';
import { createSoftwareAuthenticator, createTestClient } from '@pzk-auth/client/testing';
import { type RunningAgent, startAgent } from '@pzk-auth/example-agent-byok';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pairBroker } from './pair-broker.js';
import { type Example, startExample } from './platform.js';

const SLOW = { timeout: 60_000, interval: 200 };

interface Task {
  readonly prompt: string;
  readonly status: string;
  readonly problem: string;
}

let example: Example;
let agent: RunningAgent;

beforeAll(async () => {
  example = await startExample();
  agent = await startAgent({
    directory: join(example.directory, 'broker'),
    origin: example.platform.origin,
    token: example.platform.agentToken,
    upstream: example.vendor.host,
    caFile: example.vendor.caFile,
  });
});
afterAll(async () => {
  await agent.close();
  await example.close();
});

/** Somebody with an account, and a vault with a key of the vendor. */
async function createCustomer(name: string) {
  const { origin } = example.platform;
  const signedUp = await fetch(`${origin}/account/sign-up`, {
    method: 'POST',
    headers: { 'sec-fetch-site': 'same-origin' },
  });
  const { apiKey } = (await signedUp.json()) as { apiKey: string };
  const client: Client = createTestClient({
    issuer: origin,
    scope: ['tasks'],
    authenticator: createSoftwareAuthenticator({ origin }),
    storage: createMemoryStorage(),
  });
  await client.enroll({ apiKey, user: { name, displayName: name } });
  const vault = await client.vault.open();
  const value = example.vendor.keys.active().at(-1) ?? '';
  const slot = await vault.addSecret({ name: 'Work', value });
  return {
    client,
    key: { vault: vault.contents.vaultId, slot },
    give: (task: object) =>
      client.fetch(`${origin}/api/tasks`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(task),
      }),
    async find(prompt: string): Promise<Task | undefined> {
      const response = await client.fetch(`${origin}/api/tasks`);
      const { tasks } = (await response.json()) as { tasks: Task[] };
      return tasks.find((task) => task.prompt === prompt);
    },
    requests: async () => (await client.vault.approvals.list()).requests,
    async pair() {
      const pairing = await client.vault.agents.pair();
      const broker = pairBroker({
        state: join(example.directory, 'broker', 'state'),
        issuer: origin,
        code: pairing.code,
        name: 'Errand agent',
      });
      await expect.poll(async () => (await pairing.poll()).status, SLOW).toBe('compare');
      await pairing.confirm({});
      expect(await broker.answer(true)).toBe(0);
    },
  };
}

type Customer = Awaited<ReturnType<typeof createCustomer>>;

/** Approves what waits, and nothing else does. */
async function approve({ client, requests }: Customer): Promise<void> {
  await expect.poll(async () => (await requests()).length, SLOW).toBe(1);
  const [request] = await requests();
  await client.vault.approvals.approve(request as NonNullable<typeof request>);
}

describe('tasks of several users with one agent', () => {
  it('[V10] runs none on the key of another user, whatever that one has approved', async () => {
    const owner = await createCustomer('owner');
    await owner.pair();
    const standing = { ...owner.key, approval: 'standing' };
    const isDone = (prompt: string) =>
      expect.poll(async () => (await owner.find(prompt))?.status, SLOW).toBe('done');
    const release = async () => (await owner.client.vault.releases.list()).at(-1);

    expect((await owner.give({ ...standing, prompt: 'Mine' })).status).toBe(201);
    await approve(owner);
    await isDone('Mine');

    const other = await createCustomer('other');
    for (const approval of ['standing', 'once']) {
      for (const key of [owner.key, { ...other.key, slot: owner.key.slot }]) {
        const refused = await other.give({ ...key, approval, prompt: 'Yours' });
        expect(refused.status).toBe(403);
      }
    }
    expect(await other.find('Yours')).toBeUndefined();

    // Honest: the owner's own goes on without a question.
    await owner.give({ ...standing, prompt: 'Mine, too' });
    await isDone('Mine, too');
    expect(await owner.requests()).toEqual([]);
    await expect.poll(async () => (await release())?.uses, SLOW).toBe(2);
  });

  it('asks for a task that is to be approved alone, and the standing approval goes on', async () => {
    const owner = await createCustomer('asked');
    await owner.pair();
    await owner.give({ ...owner.key, approval: 'standing', prompt: 'First' });
    await approve(owner);
    await expect.poll(async () => (await owner.find('First'))?.status, SLOW).toBe('done');

    await owner.give({ ...owner.key, approval: 'once', prompt: 'Alone' });
    await approve(owner);
    await expect.poll(async () => (await owner.find('Alone'))?.status, SLOW).toBe('done');
    const states = async () =>
      (await owner.client.vault.releases.list()).map(({ status }) => status).sort();
    await expect.poll(states, SLOW).toEqual(['ended', 'released']);
  });
});
