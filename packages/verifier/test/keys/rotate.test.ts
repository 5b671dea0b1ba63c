import { afterEach, describe, expect, it } from 'vitest';
import { memoryStores, type RotatedKey } from '../../src/index.js';
import { createIssuer, type TestIssuer } from '../harness/issuer.js';
import { call, createWireClient, type WireClient } from '../harness/wire-client.js';

const MINUTE = 60_000;
const open: TestIssuer[] = [];

function openIssuer(...options: Parameters<typeof createIssuer>): TestIssuer {
  const issuer = createIssuer(...options);
  open.push(issuer);
  return issuer;
}

afterEach(async () => {
  for (const { verifier } of open.splice(0)) await verifier.close();
});

const scopes = ['weather:read'];

async function issueKey(issuer: TestIssuer, over: { expiresAt?: number } = {}) {
  return issuer.verifier.keys.issue({ scopes, demands: 'none', label: 'ci', ...over });
}

async function rotate(issuer: TestIssuer, id: string, options = {}): Promise<RotatedKey> {
  const rotated = await issuer.verifier.keys.rotate(id, options);
  if (rotated === undefined) throw new Error('The key is not active.');
  return rotated;
}

async function getToken(client: WireClient) {
  const challenge = await client.challenge('session');
  return client.post('/token', await client.tokenForm(challenge, { credential: null }));
}

describe('keys.rotate', () => {
  it('makes a key of the same account, scopes, demand and label', async () => {
    const issuer = openIssuer();
    const { row, apiKey } = await issueKey(issuer);
    const rotated = await rotate(issuer, row.id, { grace: 3600 });
    const { account, demands, label } = row;
    expect(rotated.row).toMatchObject({ account, scopes, demands, label, expiresAt: undefined });
    expect(rotated.row.id).not.toBe(row.id);
    expect(rotated.apiKey).not.toBe(apiKey);
    const left = (rotated.previous.expiresAt ?? 0) - issuer.now();
    expect(left).toBeLessThanOrEqual(3600_000);
    expect(left).toBeGreaterThan(3500_000);
    const [event] = issuer.events.filter(({ type }) => type === 'key_rotated');
    expect(event).toMatchObject({ account, key: row.id, successor: rotated.row.id });
    expect(issuer.events.some(({ type }) => type === 'key_issued')).toBe(true);
    expect(JSON.stringify(issuer.events)).not.toContain(rotated.apiKey);
  });

  it('while several call and sign in again, no one is refused until the grace ends', async () => {
    const issuer = openIssuer();
    const { apiKey, row } = await issueKey(issuer);
    const users = 3;
    const clients = await Promise.all(
      Array.from({ length: users }, () => createWireClient(issuer, { apiKey })),
    );
    const answers: number[] = [];
    let calls = 0;
    let rotated: RotatedKey | undefined;

    async function work(client: WireClient, rounds: number): Promise<void> {
      for (let round = 0; round < rounds; round++) {
        const answer = await getToken(client);
        answers.push(answer.status);
        for (let index = 0; index < 5; index++) {
          await call(issuer, client, answer.body.access_token);
          calls++;
        }
        if (rotated === undefined && client === clients[0]) {
          rotated = await rotate(issuer, row.id, { grace: 3600 });
        }
      }
    }

    await Promise.all(clients.map((client) => work(client, 2)));
    if (rotated === undefined) throw new Error('It was not rotated.');
    // The old ones go on while each moves to the new key in its own time.
    const moved = await createWireClient(issuer, { apiKey: rotated.apiKey });
    await Promise.all([...clients, moved].map((client) => work(client, 1)));
    expect(calls).toBe((users * 2 + users + 1) * 5);
    expect(new Set(answers)).toEqual(new Set([200]));

    issuer.offset += 59 * MINUTE;
    await work(clients[1] as WireClient, 1);
    expect(new Set(answers)).toEqual(new Set([200]));
    issuer.offset += 2 * MINUTE;
    expect((await getToken(clients[1] as WireClient)).status).toBe(400);
    expect((await getToken(moved)).status).toBe(200);
  }, 120_000);

  it('a grace of 0 revokes the old key with its tokens at once', async () => {
    const issuer = openIssuer();
    const { apiKey, row } = await issueKey(issuer);
    const client = await createWireClient(issuer, { apiKey });
    const { access_token: token } = (await getToken(client)).body;
    await call(issuer, client, token);
    const { previous } = await rotate(issuer, row.id, { grace: 0 });
    expect(previous.revokedAt).toBeDefined();
    await expect(call(issuer, client, token)).rejects.toMatchObject({ code: 'invalid_token' });
    expect((await getToken(client)).status).toBe(400);
  });

  it('knows only active keys', async () => {
    const issuer = openIssuer();
    const { row } = await issueKey(issuer);
    expect(await issuer.verifier.keys.rotate('unknown')).toBeUndefined();
    await issuer.verifier.keys.revoke(row.id);
    expect(await issuer.verifier.keys.rotate(row.id)).toBeUndefined();
  });

  it('asks until when, where the old key expires, and never lets that one live longer', async () => {
    const issuer = openIssuer();
    const end = issuer.now() + 10 * MINUTE;
    const { row } = await issueKey(issuer, { expiresAt: end });
    await expect(issuer.verifier.keys.rotate(row.id)).rejects.toBeInstanceOf(TypeError);
    const next = issuer.now() + 60 * MINUTE;
    const rotated = await rotate(issuer, row.id, { expiresAt: next });
    expect(rotated.row.expiresAt).toBe(next);
    expect(rotated.previous.expiresAt).toBe(end);
    expect((await rotate(issuer, row.id, { expiresAt: null })).row.expiresAt).toBeUndefined();
  });

  it.each([-1, 1.5, Number.NaN, 91 * 86_400])('refuses a grace of %s', async (grace) => {
    const issuer = openIssuer();
    const { row } = await issueKey(issuer);
    await expect(issuer.verifier.keys.rotate(row.id, { grace })).rejects.toBeInstanceOf(TypeError);
    expect(await issuer.verifier.keys.list(row.account)).toEqual([row]);
  });

  it('leaves the old key good, and no other, where the store fails in between', async () => {
    const stores = memoryStores();
    const keys = { ...stores.keys, expire: () => Promise.reject(new Error('away')) };
    const issuer = openIssuer({ stores: { ...stores, keys } });
    const { row, apiKey } = await issueKey(issuer);
    await expect(issuer.verifier.keys.rotate(row.id)).rejects.toMatchObject({
      code: 'store_unavailable',
    });
    const active = (await issuer.verifier.keys.list(row.account)).filter(({ revokedAt }) => {
      return revokedAt === undefined;
    });
    expect(active).toEqual([row]);
    expect((await getToken(await createWireClient(issuer, { apiKey }))).status).toBe(200);
  });
});
