import { randomBytes } from 'node:crypto';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createVerifier, memoryStores, ownershipCircuit } from '../../src/index.js';
import { createIssuer, ISSUER, ORIGIN, RP_ID, type TestIssuer } from '../harness/issuer.js';
import { call, createWireClient, type WireClient } from '../harness/wire-client.js';

// Two tenants of one process, as alike as they can be: one origin, one secret, one page.
const secret = Uint8Array.from(randomBytes(32));
const names = ['a', 'b'] as const;
const circuit = ownershipCircuit();

/** One tenant with a person who has a key and a device there. */
interface Tenant {
  readonly issuer: TestIssuer;
  readonly client: WireClient;
  readonly apiKey: string;
  readonly key: string;
  readonly account: string;
  readonly device: string;
  readonly token: string;
}

let a: Tenant;
let b: Tenant;

async function createTenant(name: (typeof names)[number]): Promise<Tenant> {
  const url = `${ISSUER}/${name}`;
  const circuits = [
    {
      ...circuit,
      // An artifact of this tenant alone.
      manifest: {
        ...circuit.manifest,
        artifacts: {
          ...circuit.manifest.artifacts,
          prover: { ...circuit.manifest.artifacts.prover, sha256: name.repeat(64) },
        },
      },
    },
  ];
  const issuer = createIssuer({ issuer: url, audience: url, secret, circuits });
  const { apiKey, row } = await issuer.verifier.keys.issue({ scopes: ['weather:read'] });
  const client = await createWireClient(issuer, { apiKey });
  const answer = await client.enroll();
  expect(answer.status).toBe(201);
  const token = answer.body.access_token as string;
  const [device] = await issuer.verifier.devices.list(row.account);
  return {
    issuer,
    client,
    apiKey,
    key: row.id,
    account: row.account,
    device: device?.id ?? '',
    token,
  };
}

/** The client of one tenant, speaking to the other one with all that it has. */
function visit(guest: Tenant, host: Tenant, apiKey = guest.apiKey): Promise<WireClient> {
  const { sessionKey } = guest.client;
  return createWireClient(host.issuer, { apiKey, sessionKey });
}

beforeAll(async () => {
  a = await createTenant('a');
  b = await createTenant('b');
});
afterAll(async () => {
  await Promise.all([a, b].map(({ issuer }) => issuer.verifier.close()));
});

describe('[H9] of one issuer nothing is usable at another', () => {
  it('[H9] honest: each serves its own at the same time', async () => {
    for (const { issuer, client, key, token } of [a, b]) {
      await expect(call(issuer, client, token)).resolves.toMatchObject({ key });
      expect((await client.token()).status).toBe(200);
      expect((await client.renew(key)).status).toBe(200);
    }
  });

  it('[H9] refuses a nonce', async () => {
    const foreign = await a.client.challenge('session');
    const form = await b.client.tokenForm({ ...foreign, audience: b.issuer.verifier.issuer });
    expect((await b.client.post('/token', form)).body.code).toBe('invalid_nonce');
  });

  it('[H9] refuses a token, whatever proof comes with it', async () => {
    for (const client of [a.client, b.client]) {
      await expect(call(b.issuer, client, a.token)).rejects.toMatchObject({
        code: 'invalid_token',
      });
    }
  });

  it('[H9] refuses a key: as itself, by its commitment and by its id', async () => {
    const guest = await visit(a, b);
    expect((await guest.enroll()).body.code).toBe('invalid_grant');
    const form = await guest.tokenForm(await guest.challenge('session'), { credential: null });
    const byCommitment = { ...form, commitment: a.client.commitment };
    expect((await guest.post('/token', byCommitment)).body.code).toBe('invalid_grant');
    const honest = await b.client.tokenForm(await b.client.challenge('session'));
    const byId = { ...honest, client_id: a.key };
    expect((await b.client.post('/token', byId)).body.code).toBe('invalid_grant');
  });

  it('[H9] refuses a device and its credential', async () => {
    // The key is known at b; the passkey is that of a person at a.
    const challenge = await b.client.challenge('session');
    const credential = await a.client.assert(challenge);
    const form = await b.client.tokenForm(challenge);
    const answer = await b.client.post('/token', {
      ...form,
      credential: JSON.stringify(credential),
    });
    expect(answer.body.code).toBe('invalid_grant');
    const opened = await b.client.post('/vault/open', { nonce: challenge.nonce, credential });
    expect(opened.body.code).toBe('invalid_grant');
  });

  it('[H9] refuses a session: no renewal, and no end of it', async () => {
    const guest = await visit(a, b);
    expect((await guest.renew(a.key)).body.code).toBe('invalid_grant');
    expect((await guest.post('/revoke', { token: a.token, client_id: a.key })).status).toBe(200);
    await expect(call(a.issuer, a.client, a.token)).resolves.toBeDefined();
    expect((await a.client.renew(a.key)).status).toBe(200);
  });

  it('[H9] refuses an artifact', async () => {
    const path = (name: string, hash: string) =>
      new Request(`${ISSUER}/${name}/pzk/circuits/${hash.repeat(64)}`);
    expect((await a.issuer.verifier.handle(path('a', 'a'))).status).toBe(200);
    expect((await b.issuer.verifier.handle(path('b', 'a'))).status).toBe(404);
    expect((await b.issuer.verifier.handle(path('a', 'b'))).status).toBe(404);
  });

  it('[H9] administration of one ends nothing at the other', async () => {
    const { keys, devices, accounts, tokens } = b.issuer.verifier;
    expect(await keys.get(a.key)).toBeUndefined();
    expect(await devices.get(a.device)).toBeUndefined();
    expect(await accounts.get(a.account)).toBeUndefined();
    expect(await keys.revoke(a.key)).toBe(false);
    expect(await devices.revoke(a.device)).toBe(false);
    expect(await accounts.revoke(a.account)).toBe(false);
    const { jti } = await call(a.issuer, a.client, a.token);
    await tokens.revoke(jti);
    await expect(call(a.issuer, a.client, a.token)).resolves.toBeDefined();
  });

  it('[H9] a proof of the session key for one is none for the other', async () => {
    const challenge = await b.client.challenge('session');
    const form = await b.client.tokenForm(challenge);
    const url = `${a.issuer.verifier.baseUrl}/token`;
    const answer = await b.client.post('/token', form, { dpop: { url } });
    expect(answer.body.code).toBe('invalid_dpop_proof');
  });

  it('[H9] metadata and key sets name their own issuer only', async () => {
    for (const [index, { issuer }] of [a, b].entries()) {
      const other = names[1 - index];
      const own = issuer.verifier.handleWellKnown(
        new Request(`${ISSUER}/.well-known/oauth-authorization-server/${names[index]}`),
      );
      expect(await own?.json()).toMatchObject({ issuer: issuer.verifier.issuer });
      const request = new Request(`${ISSUER}/.well-known/oauth-authorization-server/${other}`);
      expect(issuer.verifier.handleWellKnown(request)).toBeUndefined();
    }
    const kids = await Promise.all(
      [a, b].map(async ({ client }) => (await client.get('/pzk/jwks.json', {})).body.keys[0].kid),
    );
    expect(new Set(kids).size).toBe(2);
  });
});

describe('stores', () => {
  const options = (issuer: string) => ({
    issuer,
    audience: issuer,
    rpId: RP_ID,
    origins: [ORIGIN],
    scopes: ['weather:read'],
  });

  it('[H9] refuses stores that another issuer uses, in whole or in part', () => {
    const stores = memoryStores();
    createVerifier({ ...options(`${ISSUER}/c`), stores });
    const other = options(`${ISSUER}/d`);
    expect(() => createVerifier({ ...other, stores })).toThrow(/stores\.\w+ is in use by another/);
    const mixed = { ...memoryStores(), nonces: stores.nonces };
    expect(() => createVerifier({ ...other, stores: mixed })).toThrow(TypeError);
    // What was refused claimed nothing.
    const { nonces: _, ...rest } = mixed;
    createVerifier({ ...options(`${ISSUER}/e`), stores: { ...memoryStores(), ...rest } });
  });

  it('[H9] honest: several verifiers of one issuer share theirs', () => {
    const stores = memoryStores();
    createVerifier({ ...options(ISSUER), stores });
    createVerifier({ ...options(ISSUER), stores });
  });
});
