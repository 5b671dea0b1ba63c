import { afterEach, describe, expect, it } from 'vitest';
import { memoryStores, type Stores } from '../../src/index.js';
import { callProtected } from '../harness/dpop-surfaces.js';
import { createIssuer, ISSUER, type TestIssuer } from '../harness/issuer.js';
import { openSigningKey } from '../harness/signing-key.js';
import { mapStores } from '../harness/watched-issuer.js';
import { createWireClient, send, type WireClient } from '../harness/wire-client.js';

const secret = 'a secret for tests: 0123456789 abcdef XYZ';
const MINUTE = 60_000;

/** Instances of one issuer: a secret, a clock and stores in common, and no other word between them. */
function createCluster(size: number, adapt: (stores: Stores) => Stores = (stores) => stores) {
  const cluster = { offset: 0, instances: [] as TestIssuer[] };
  const clock = () => Date.now() + cluster.offset;
  const stores = adapt(memoryStores({ clock }));
  for (let index = 0; index < size; index++) {
    cluster.instances.push(Object.assign(createIssuer({ secret, clock, stores }), { now: clock }));
  }
  open.push(...cluster.instances);
  return Object.assign(cluster, { stores, at: (index: number) => instance(cluster, index) });
}

const open: TestIssuer[] = [];
afterEach(async () => {
  for (const { verifier } of open.splice(0)) await verifier.close();
});

function instance(cluster: { instances: TestIssuer[] }, index: number): TestIssuer {
  return cluster.instances[index % cluster.instances.length] as TestIssuer;
}

type Cluster = ReturnType<typeof createCluster>;

/** One client, known to each instance by the same session key. */
async function enroll(cluster: Cluster): Promise<{ clients: WireClient[]; clientId: string }> {
  const { apiKey, row } = await cluster.at(0).verifier.keys.issue({ scopes: ['weather:read'] });
  const first = await createWireClient(cluster.at(0), { apiKey });
  expect((await first.enroll()).status).toBe(201);
  const { sessionKey } = first;
  const others = cluster.instances.slice(1).map((issuer) => {
    return createWireClient(issuer, { apiKey, sessionKey });
  });
  return { clients: [first, ...(await Promise.all(others))], clientId: row.id };
}

async function call(issuer: TestIssuer, client: WireClient, accessToken: string) {
  const dpop = await client.sessionKey.dpop({
    method: 'GET',
    url: `${ISSUER}/weather`,
    accessToken,
    now: issuer.now(),
  });
  const headers = new Headers({ authorization: `DPoP ${accessToken}`, dpop });
  return callProtected(Object.assign(issuer, { writes: [], secret, secrets: new Set() }) as never, {
    headers,
  });
}

const claimsOf = (token: string) =>
  JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());

const kidOf = (token: string): string =>
  JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()).kid;

async function renew(cluster: Cluster, index: number, user: Awaited<ReturnType<typeof enroll>>) {
  const client = user.clients[index % user.clients.length] as WireClient;
  const dpop = { now: cluster.at(0).now() };
  const form = { grant_type: 'urn:pzk-auth:grant-type:renew', client_id: user.clientId };
  const answer = await client.post('/token', form, { dpop });
  expect({ status: answer.status, text: answer.status === 200 ? '' : answer.text }).toEqual({
    status: 200,
    text: '',
  });
  return answer.body.access_token as string;
}

describe('rotation under traffic', () => {
  it('[H8] honest: while the key changes, no call and no renewal at any instance is refused', async () => {
    const cluster = createCluster(3);
    const user = await enroll(cluster);
    const tokens: { token: string; expires: number }[] = [];
    const kids = new Set<string>();
    let rotated = 0;
    const seen = { active: 0, retiring: 0 };
    // 40 minutes in steps of 20 s: each step renews at one instance and calls at each other with
    // tokens young and old. The session lives an hour.
    for (let step = 0; step < 120; step++) {
      cluster.offset += 20_000;
      const now = cluster.at(0).now();
      if (step === 10 || step === 60) {
        await cluster.at(step).verifier.signingKeys.rotate();
        rotated++;
      }
      const token = await renew(cluster, step, user);
      kids.add(kidOf(token));
      tokens.push({ token, expires: now + 295_000 });
      while ((tokens[0]?.expires ?? Infinity) <= now) tokens.shift();
      const picked = [tokens[0], tokens.at(-1)].flatMap((entry) => entry?.token ?? []);
      const answers = await Promise.all(
        picked.flatMap((text) =>
          cluster.instances.map((issuer) => call(issuer, user.clients[0] as WireClient, text)),
        ),
      );
      expect(answers.filter(({ status }) => status !== 200).map(({ text }) => text)).toEqual([]);
      for (const { status } of await cluster.at(step + 1).verifier.signingKeys.list()) {
        if (status !== 'next') seen[status]++;
      }
    }
    expect(rotated).toBe(2);
    expect(kids.size).toBe(3);
    expect(seen.retiring).toBeGreaterThan(0);
    // What has served its time is gone from the store.
    cluster.offset += 20 * MINUTE;
    await cluster.at(0).verifier.signingKeys.list();
    expect(await cluster.stores.signingKeys.list()).toHaveLength(1);
    const retired = cluster.instances.flatMap(({ events }) =>
      events.filter(({ type }) => type === 'signing_key_retired'),
    );
    expect(retired).toHaveLength(2);
  });

  it('[H8] honest: a key that signs at once is found by the other instances', async () => {
    const cluster = createCluster(3);
    const user = await enroll(cluster);
    for (const { verifier } of cluster.instances) await verifier.ready();
    for (let round = 0; round < 3; round++) {
      const { kid } = await cluster.at(round).verifier.signingKeys.rotate({ activeIn: 0 });
      const token = await renew(cluster, round, user);
      expect(kidOf(token)).toBe(kid);
      for (const issuer of cluster.instances) {
        expect((await call(issuer, user.clients[0] as WireClient, token)).status).toBe(200);
      }
    }
  });

  it('a key is published for the life of a JWK set before it signs', async () => {
    const cluster = createCluster(2);
    const user = await enroll(cluster);
    const { kid, activeFrom, status } = await cluster.at(0).verifier.signingKeys.rotate();
    expect(status).toBe('next');
    const jwks = await send(cluster.at(0), new Request(`${ISSUER}/pzk/jwks.json`));
    expect(jwks.body.keys.map((key: { kid: string }) => key.kid)).toContain(kid);
    const maxAge = Number(/max-age=(\d+)/.exec(jwks.headers.get('cache-control') ?? '')?.[1]);
    // The other instance may show the set without it for a minute more.
    expect(activeFrom).toBeGreaterThanOrEqual(cluster.at(0).now() - 1000 + (maxAge + 60) * 1000);
    cluster.offset = activeFrom - Date.now() - 30_000;
    expect(kidOf(await renew(cluster, 1, user))).not.toBe(kid);
    cluster.offset += 60_000;
    expect(kidOf(await renew(cluster, 1, user))).toBe(kid);
  });

  it('a rotation asked for twice makes one key', async () => {
    const { at } = createCluster(2);
    const first = await at(0).verifier.signingKeys.rotate();
    expect(await at(1).verifier.signingKeys.rotate()).toEqual(first);
    expect(await at(1).verifier.signingKeys.list()).toHaveLength(2);
    for (const activeIn of [-1, 0.5, Number.NaN, 1e9]) {
      await expect(at(0).verifier.signingKeys.rotate({ activeIn })).rejects.toThrow(TypeError);
    }
  });
});

describe('removal of a signing key', () => {
  it('[H8] a removed key is refused at once by every instance, and none signs with it', async () => {
    const cluster = createCluster(3);
    const user = await enroll(cluster);
    const token = await renew(cluster, 1, user);
    const client = user.clients[0] as WireClient;
    // Verified before, so that each instance remembers the token.
    for (const issuer of cluster.instances) {
      expect((await call(issuer, client, token)).status).toBe(200);
    }
    expect(await cluster.at(0).verifier.signingKeys.remove(kidOf(token))).toBe(true);
    for (const issuer of cluster.instances) {
      expect(await call(issuer, client, token)).toMatchObject({
        status: 401,
        body: { code: 'invalid_token' },
      });
    }
    for (let index = 0; index < 3; index++) {
      const fresh = await renew(cluster, index, user);
      expect(kidOf(fresh)).not.toBe(kidOf(token));
      for (const issuer of cluster.instances) {
        expect((await call(issuer, client, fresh)).status).toBe(200);
      }
    }
    const published = await send(cluster.at(0), new Request(`${ISSUER}/pzk/jwks.json`));
    expect(published.text).not.toContain(kidOf(token));
    expect(await cluster.at(1).verifier.signingKeys.remove(kidOf(token))).toBe(false);
  });

  it('[H8] who has a removed key ends no session of others, at any instance', async () => {
    const cluster = createCluster(2);
    const victim = await enroll(cluster);
    const attacker = await enroll(cluster);
    const stolen = await openSigningKey({ ...cluster.at(0), secret } as never);
    // The other instance has the key at hand.
    await call(cluster.at(1), victim.clients[1] as WireClient, await renew(cluster, 1, victim));
    expect(await cluster.at(0).verifier.signingKeys.remove(stolen.kid)).toBe(true);
    const token = await renew(cluster, 0, victim);
    const { jti } = claimsOf(token);
    const header = { typ: 'at+jwt', alg: 'ES256', kid: stolen.kid };
    const { jkt } = (attacker.clients[1] as WireClient).sessionKey;
    const forged = stolen.sign(header, { ...claimsOf(token), cnf: { jkt }, jti });
    const answer = await (attacker.clients[1] as WireClient).post('/revoke', { token: forged });
    expect(answer.status).toBe(200);
    const [first] = victim.clients as [WireClient];
    expect((await call(cluster.at(0), first, token)).status).toBe(200);
    // Honest: a session is ended by a token of its own.
    expect((await first.post('/revoke', { token })).status).toBe(200);
    expect((await call(cluster.at(0), first, token)).status).toBe(401);
  });

  it('[H8] the answer to a token of a removed key is that to any bad token', async () => {
    const cluster = createCluster(1);
    const user = await enroll(cluster);
    const client = user.clients[0] as WireClient;
    const token = await renew(cluster, 0, user);
    await cluster.at(0).verifier.signingKeys.remove(kidOf(token));
    const removed = await call(cluster.at(0), client, token);
    const garbage = await call(cluster.at(0), client, `${token.slice(0, -4)}AAAA`);
    expect({ ...removed, headers: [...removed.headers] }).toEqual({
      ...garbage,
      headers: [...garbage.headers],
    });
  });

  it('[H8] an instance that was idle for longer than revocations are kept refuses a removed key', async () => {
    const cluster = createCluster(2);
    const user = await enroll(cluster);
    const client = user.clients[0] as WireClient;
    for (const { verifier } of cluster.instances) await verifier.ready();
    const stolen = await openSigningKey({ ...cluster.at(0), secret } as never);
    const payload = (await renew(cluster, 0, user)).split('.')[1] ?? '';
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString());
    const forge = () => {
      const iat = Math.floor(cluster.at(0).now() / 1000);
      const times = { iat, exp: iat + 300, auth_time: iat, jti: `stolen.${iat}` };
      const header = { typ: 'at+jwt', alg: 'ES256', kid: stolen.kid };
      return stolen.sign(header, { ...claims, ...times });
    };
    // With the key anything can be signed, for as long as it is one of the issuer's.
    expect((await call(cluster.at(1), client, forge())).status).toBe(200);
    expect(await cluster.at(0).verifier.signingKeys.remove(stolen.kid)).toBe(true);
    expect((await call(cluster.at(1), client, forge())).status).toBe(401);
    cluster.offset += 80 * MINUTE;
    expect((await call(cluster.at(1), client, forge())).status).toBe(401);
  });

  it('[H8] honest: removing an older key leaves the tokens of the active one alone', async () => {
    const cluster = createCluster(2);
    const user = await enroll(cluster);
    const old = kidOf(await renew(cluster, 0, user));
    await cluster.at(0).verifier.signingKeys.rotate({ activeIn: 0 });
    const token = await renew(cluster, 0, user);
    expect(await cluster.at(0).verifier.signingKeys.remove(old)).toBe(true);
    for (const issuer of cluster.instances) {
      expect((await call(issuer, user.clients[0] as WireClient, token)).status).toBe(200);
    }
    expect(kidOf(await renew(cluster, 1, user))).toBe(kidOf(token));
  });
});

describe('unknown keys', () => {
  it('[H8] a flood of tokens with unknown kids asks the store once a second', async () => {
    let reads = 0;
    const cluster = createCluster(1, (stores) =>
      mapStores(stores, (method, store, name) => {
        if (store !== 'signingKeys' || name !== 'list') return method;
        return (...args) => {
          reads++;
          return method(...args);
        };
      }),
    );
    const user = await enroll(cluster);
    const client = user.clients[0] as WireClient;
    const [, payload, signature] = (await renew(cluster, 0, user)).split('.');
    const before = reads;
    const started = performance.now();
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, index) => {
        const header = { typ: 'at+jwt', alg: 'ES256', kid: `unknown-${index}` };
        const text = Buffer.from(JSON.stringify(header)).toString('base64url');
        return call(cluster.at(0), client, `${text}.${payload}.${signature}`);
      }),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([401]));
    const seconds = (performance.now() - started) / 1000;
    expect(reads - before).toBeLessThanOrEqual(2 + Math.ceil(seconds));
    // Names that no key can have cost nothing.
    const odd = reads;
    for (const kid of ['', ' ', 'a/b', 'x'.repeat(129), '\u0000']) {
      const text = Buffer.from(JSON.stringify({ typ: 'at+jwt', alg: 'ES256', kid }));
      const token = `${text.toString('base64url')}.${payload}.${signature}`;
      expect((await call(cluster.at(0), client, token)).status).toBe(401);
    }
    expect(reads).toBe(odd);
  });

  it('a store that fails at a reload changes nothing for tokens of known keys', async () => {
    let failing = false;
    const cluster = createCluster(1, (stores) =>
      mapStores(stores, (method, store) => (...args) => {
        if (failing && store === 'signingKeys') throw new Error('away');
        return method(...args);
      }),
    );
    const user = await enroll(cluster);
    const client = user.clients[0] as WireClient;
    const token = await renew(cluster, 0, user);
    failing = true;
    cluster.offset += 2 * MINUTE;
    expect((await call(cluster.at(0), client, token)).status).toBe(200);
    const jwks = await send(cluster.at(0), new Request(`${ISSUER}/pzk/jwks.json`));
    expect(jwks.body.keys).toHaveLength(1);
    // What it cannot know it does not judge: neither a new token nor one of an unknown key.
    const form = { grant_type: 'urn:pzk-auth:grant-type:renew', client_id: user.clientId };
    const dpop = { now: cluster.at(0).now() };
    expect((await client.post('/token', form, { dpop })).status).toBe(503);
    const header = { typ: 'at+jwt', alg: 'ES256', kid: 'unknown' };
    const [, ...rest] = token.split('.');
    const text = Buffer.from(JSON.stringify(header)).toString('base64url');
    expect((await call(cluster.at(0), client, [text, ...rest].join('.'))).status).toBe(503);
    expect(cluster.at(0).events).toContainEqual(
      expect.objectContaining({ type: 'fault', endpoint: 'signing-keys' }),
    );
  });
});
