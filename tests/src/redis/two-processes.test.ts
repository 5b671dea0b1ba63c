import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  createWireClient,
  type WireClient,
} from '../../../packages/verifier/test/harness/wire-client.js';
import { startRedis } from '../../../packages/verifier/test/redis/start-redis.js';
import { type IssuerProcess, startIssuerProcess } from './issuer-processes.js';

const ISSUER = 'https://api.example.com';
const SECRET = 'a secret for two processes: 0123456789 XYZ';

describe('two processes with one Redis', () => {
  let redis: Awaited<ReturnType<typeof startRedis>>;
  let processes: IssuerProcess[];
  let client: WireClient;
  let twin: WireClient;
  let keyId: string;

  beforeAll(async () => {
    redis = await startRedis();
    const options = { issuer: ISSUER, redisPort: redis.port, secret: SECRET };
    processes = [await startIssuerProcess(options), await startIssuerProcess(options)];
    const [here, there] = processes as [IssuerProcess, IssuerProcess];
    const issued = await here.command<{ apiKey: string; row: { id: string; account: string } }>(
      'issueKey',
    );
    keyId = issued.row.id;
    client = await createWireClient(here.issuer, { apiKey: issued.apiKey });
    expect((await client.enroll()).status).toBe(201);
    const rows = await here.command('exportRows', { account: issued.row.account });
    await there.command('importRows', rows);
    const { apiKey, sessionKey } = client;
    twin = await createWireClient(there.issuer, { apiKey, sessionKey });
  });
  afterAll(async () => {
    await Promise.all(processes.map((process) => process.stop()));
    await redis.stop();
  });

  const issued = () =>
    processes.flatMap(({ events }) => events.filter(({ type }) => type === 'token_issued')).length;

  it('[N2] of 200 parallel identical exchanges with distinct proofs one gets a token', async () => {
    const form = await client.tokenForm(await client.challenge('session'));
    const before = issued();
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, index) =>
        (index % 2 === 0 ? client : twin).post('/token', form),
      ),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    for (const { status, body } of answers.filter(({ status }) => status !== 200)) {
      expect([400, 429, 503]).toContain(status);
      expect([
        'invalid_nonce',
        'too_many_requests',
        'busy',
        'invalid_grant',
        // A Redis that answers too late, on a loaded machine.
        'store_unavailable',
      ]).toContain(body.code);
    }
    await expect.poll(() => issued()).toBe(before + 1);
  });

  it('[N2] honest: a nonce of one process serves at the other, once', async () => {
    const form = await client.tokenForm(await client.challenge('session'));
    expect((await twin.post('/token', form)).status).toBe(200);
    expect((await client.post('/token', form)).body.code).toBe('invalid_nonce');
  });

  it('[N7] honest: with Redis in place the same exchange gets its token', async () => {
    expect((await client.token()).status).toBe(200);
  });

  it('[D17] a proof used at one process is refused at the other', async () => {
    const { body } = await client.token();
    const call = async (wire: WireClient, dpop: string) => {
      const headers = { authorization: `DPoP ${body.access_token}`, dpop };
      return wire.get('/weather', headers);
    };
    const dpop = await client.sessionKey.dpop({
      method: 'GET',
      url: `${ISSUER}/weather`,
      accessToken: body.access_token,
    });
    expect((await call(client, dpop)).status).toBe(200);
    expect((await call(twin, dpop)).status).toBe(401);
  });

  it('[D28] a token revoked at one process is refused by the other at once', async () => {
    const { body } = await client.token();
    const headers = async () => ({
      authorization: `DPoP ${body.access_token}`,
      dpop: await client.sessionKey.dpop({
        method: 'GET',
        url: `${ISSUER}/weather`,
        accessToken: body.access_token,
      }),
    });
    expect((await twin.get('/weather', await headers())).status).toBe(200);
    expect((await client.post('/revoke', { token: body.access_token })).status).toBe(200);
    expect((await twin.get('/weather', await headers())).status).toBe(401);
    expect((await twin.renew(keyId)).body.code).toBe('invalid_grant');
  });

  it('[N7] Redis killed between proof and issue: 503 and no token', async () => {
    const [here] = processes as [IssuerProcess];
    const form = await client.tokenForm(await client.challenge('session'));
    const info = await redis.connect().info('server');
    const pid = Number(/process_id:(\d+)/.exec(info)?.[1]);
    await here.command('killBeforeConsume', { pid });
    const before = issued();
    const answer = await client.post('/token', form);
    expect(answer.status).toBe(503);
    expect(answer.headers.get('retry-after')).not.toBeNull();
    expect(answer.body.code).toBe('store_unavailable');
    expect(answer.text).not.toContain('access_token');
    expect(issued()).toBe(before);
    // It stays closed: no token without the store, and no challenge once the epoch that is known for
    // a second has to be asked for again.
    expect((await twin.post('/token', form)).status).toBe(503);
    await vi.waitFor(() => expect(client.challenge('session')).rejects.toThrow(), 30_000);
  });
});
