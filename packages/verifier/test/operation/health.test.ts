import { afterEach, describe, expect, it } from 'vitest';
import { memoryStores, ownershipCircuit, type Stores, verifyAuditChain } from '../../src/index.js';
import { createIssuer, ISSUER, type TestIssuer } from '../harness/issuer.js';
import { mapStores } from '../harness/watched-issuer.js';
import { call, createWireClient } from '../harness/wire-client.js';

let issuer: TestIssuer;
afterEach(() => issuer.verifier.close());

const ask = (path: string, init?: RequestInit) =>
  issuer.verifier.handleHealth(new Request(ISSUER + path, init));

describe('health', () => {
  it('is ready when all of it works, and says so to an orchestrator', async () => {
    issuer = createIssuer();
    // A worker that starts may take a busy machine longer than the check waits.
    await issuer.verifier.ready();
    expect(await issuer.verifier.health()).toEqual({
      ready: true,
      checks: {
        running: { ok: true },
        stores: { ok: true },
        workers: { ok: true },
        keys: { ok: true },
        clock: { ok: true },
      },
    });
    const ready = await ask('/ready');
    expect(ready?.status).toBe(200);
    expect(ready?.headers.get('cache-control')).toBe('no-store');
    expect((await ask('/live'))?.status).toBe(200);
    expect(await ask('/other')).toBeUndefined();
    expect(await ask('/ready', { method: 'POST' })).toBeUndefined();
  });

  it.each([
    'nonces',
    'replays',
    'revocations',
    'sessions',
    'budgets',
    'accounts',
    'keys',
    'devices',
    'vaults',
    'invitations',
    'pairings',
    'agents',
    'releases',
    'resets',
    'signingKeys',
    'audit',
  ] as const)('names the store that does not answer, inside only: %s', async (name) => {
    let down = false;
    const stores: Stores = mapStores(memoryStores(), (method, store) => async (...args) => {
      if (down && store === name) throw new Error('connect postgres://user:password@db');
      return method(...args);
    });
    issuer = createIssuer({ stores });
    await issuer.verifier.ready();
    down = true;
    const health = await issuer.verifier.health();
    expect(health.ready).toBe(false);
    expect(health.checks.stores).toEqual({ ok: false, detail: `No answer from: ${name}.` });
    expect(JSON.stringify(health)).not.toContain('password');
    const answer = await ask('/ready');
    expect(answer?.status).toBe(503);
    expect(await answer?.json()).toMatchObject({
      status: 'unavailable',
      checks: { stores: false },
    });
    expect((await ask('/live'))?.status).toBe(200);
  });

  it('sees workers that ended', async () => {
    const circuit = ownershipCircuit();
    issuer = createIssuer({ circuits: [circuit] });
    await issuer.verifier.ready();
    await circuit.proofSystem.close();
    const { checks } = await issuer.verifier.health();
    expect(checks).toMatchObject({ workers: { ok: false }, stores: { ok: true } });
  });

  it('sees a clock that is behind what was stored, and keys that are gone', async () => {
    issuer = createIssuer();
    await issuer.verifier.keys.issue({ scopes: ['weather:read'] });
    await issuer.verifier.ready();
    issuer.offset = -10 * 60_000;
    for (const { kid } of await issuer.stores.signingKeys.list()) {
      await issuer.stores.signingKeys.remove(kid);
    }
    const { checks } = await issuer.verifier.health();
    expect(checks).toMatchObject({ clock: { ok: false }, keys: { ok: false } });
  });

  it('a start that fails is not ready', async () => {
    const stores = memoryStores();
    issuer = createIssuer({ stores });
    await issuer.verifier.ready();
    const other = createIssuer({ stores });
    const { ready, checks } = await other.verifier.health();
    // Another secret: the stored signing keys do not open.
    expect({ ready, checks }).toMatchObject({ ready: false, checks: { running: { ok: false } } });
    await other.verifier.close();
  });

  it('many questions make one check', async () => {
    let asked = 0;
    const stores = mapStores(memoryStores(), (method, store, name) => (...args) => {
      if (store === 'vaults' && name === 'get') asked += 1;
      return method(...args);
    });
    issuer = createIssuer({ stores });
    await Promise.all(Array.from({ length: 100 }, () => issuer.verifier.health()));
    expect(asked).toBe(1);
    // A shutdown is seen at once, and takes no more work to ask about.
    await issuer.verifier.close();
    const closed = await Promise.all(Array.from({ length: 100 }, () => issuer.verifier.health()));
    expect(new Set(closed.map(({ ready }) => ready))).toEqual(new Set([false]));
    expect(asked).toBe(2);
  });
});

describe('shutdown', () => {
  it('serves what runs to its end, refuses the rest with 503, writes the log', async () => {
    let arrived = () => {};
    let release = () => {};
    const consuming = new Promise<void>((resolve) => {
      arrived = resolve;
    });
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    let hold = false;
    const stores = mapStores(memoryStores(), (method, store, name) => async (...args) => {
      if (hold && store === 'nonces' && name === 'consume') {
        arrived();
        await held;
      }
      return method(...args);
    });
    issuer = createIssuer({ stores });
    const { apiKey, row } = await issuer.verifier.keys.issue({ scopes: ['weather:read'] });
    const client = await createWireClient(issuer, { apiKey });
    const { body } = await client.enroll();
    expect((await client.renew(row.id)).status).toBe(200);
    hold = true;
    const running = client.token();
    await consuming;
    const closing = issuer.verifier.close();
    expect(await issuer.verifier.health()).toMatchObject({
      ready: false,
      checks: { running: { ok: false, detail: 'The verifier is closing.' } },
    });
    const refused = await client.post('/token', { grant_type: 'x' });
    expect(refused).toMatchObject({ status: 503, body: { code: 'busy' } });
    expect(refused.headers.get('retry-after')).toBe('1');
    await expect(call(issuer, client, body.access_token)).rejects.toMatchObject({ code: 'busy' });
    release();
    expect((await running).status).toBe(200);
    await closing;
    const rows = await issuer.stores.audit.list({ after: 0, limit: 100 });
    expect(rows.map((entry) => JSON.parse(entry.body).type)).toContain('token_renewed');
    expect(await verifyAuditChain(issuer.stores, { issuer: ISSUER })).toMatchObject({
      valid: true,
      entries: 6,
    });
    expect((await client.post('/challenge', {}, { dpop: null })).status).toBe(503);
    await issuer.verifier.close();
  });
});
