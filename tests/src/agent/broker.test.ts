import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AgentPairing } from '@pzk-auth/client';
import { createTestClient, type TestClient } from '@pzk-auth/client/testing';
import { pzkAuth } from '@pzk-auth/express';
import {
  createVerifier,
  memoryStores,
  type Verifier,
  type VerifierEvent,
} from '@pzk-auth/verifier';
import express from 'express';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pair } from '../../../packages/agent/src/broker/pair.js';
import { createPairingStore } from '../../../packages/agent/src/broker/pairing-store.js';
import {
  allowLoopback,
  type BrokerProcess,
  type BrokerSetup,
  prepareBroker,
  runBrokerProcess,
} from '../../../packages/agent/test/harness/start-broker.js';
import { startUpstream, type Upstream } from '../../../packages/agent/test/harness/upstream.js';

// Client, server and broker as they are: only passkey and upstream are of the tests.

const SECRET = 'sk-live-0123456789abcdefghij';
let http: Server;
let verifier: Verifier;
let upstream: Upstream;
let setup: BrokerSetup;
let broker: BrokerProcess;
let browser: TestClient;
let issuer: string;
let slot: string;
const events: VerifierEvent[] = [];
const streams = new Set<ServerResponse>();

beforeAll(async () => {
  const app = express();
  http = createServer(app);
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  issuer = `http://localhost:${(http.address() as AddressInfo).port}`;
  verifier = createVerifier({
    ...{ issuer, audience: issuer, rpId: 'localhost', origins: [issuer] },
    ...{ scopes: ['agents:use'], stores: memoryStores() },
    onEvent: (event) => void events.push(event),
  });
  app.use('/pzk/agent/events', (_, response, next) => {
    streams.add(response);
    response.once('close', () => streams.delete(response));
    next();
  });
  app.use('/pzk', pzkAuth(verifier).routes());
  upstream = await startUpstream();
  setup = prepareBroker(allowLoopback(upstream));
  broker = await runBrokerProcess(setup);
  const { apiKey } = await verifier.keys.issue({ scopes: ['agents:use'] });
  browser = createTestClient({ issuer, scope: ['agents:use'] });
  await browser.enroll({ apiKey, user: { name: 'ada', displayName: 'Ada' } });
  const vault = await browser.vault.open();
  slot = await vault.addSecret({ name: 'Claude', value: SECRET });
  await pairAgain();
});
afterAll(async () => {
  await broker?.close();
  await upstream?.close();
  setup?.remove();
  http?.closeAllConnections();
  await new Promise((resolve) => http.close(resolve));
  await verifier?.close();
});

async function compare(pairing: AgentPairing): Promise<readonly string[]> {
  for (;;) {
    const state = await pairing.poll();
    if (state.status === 'compare') return state.words;
    if (state.status === 'ended') throw new Error('The pairing has ended.');
    await sleep(100);
  }
}

async function pairAgain({ replaces = false } = {}): Promise<void> {
  const pairing = await browser.vault.agents.pair();
  const shown = compare(pairing);
  await pair({
    ...{ issuer, code: pairing.code, name: 'Night worker', replaces },
    store: createPairingStore(setup.stateDirectory, undefined),
    confirm: async (words) => words.join(' ') === (await shown).join(' '),
  });
  await pairing.confirm();
}

const ask = (more: object = {}) =>
  broker.connection.request({
    ...{ slot, purpose: 'Summarise the week', host: upstream.host, methods: ['POST'], uses: 3 },
    ...{ ttl: 600, ...more },
  });

async function approve(id: string): Promise<void> {
  const { requests } = await browser.vault.approvals.list();
  const approval = requests.find((one) => one.id === id);
  if (approval === undefined) throw new Error('The request is not there.');
  expect(approval).toMatchObject({ agent: { name: 'Night worker' }, slot: { name: 'Claude' } });
  await browser.vault.approvals.approve(approval);
}

describe('an agent, its broker, the platform and the browser', () => {
  it('[V10, V11] honest: a request is approved with a passkey, and the secret reaches the host', async () => {
    const grant = await ask();
    await approve(grant.id);
    await grant.approved();
    upstream.state.answer = (call, response) =>
      response.end(`you said ${call.headers.authorization}`);
    const answer = await grant.fetch(`${upstream.url}/v1/messages`, { method: 'POST', body: 'hi' });
    expect(await answer.text()).toBe(`you said Bearer ${'*'.repeat(SECRET.length)}`);
    expect(upstream.seen.at(-1)?.headers.authorization).toBe(`Bearer ${SECRET}`);
    await grant.end();
    await expect
      .poll(() => events.filter(({ type }) => type.startsWith('release_')).map(({ type }) => type))
      .toEqual(
        expect.arrayContaining([
          ...['release_requested', 'release_approved', 'release_collected', 'release_used'],
          'release_ended',
        ]),
      );
    expect(JSON.stringify(events)).not.toContain(SECRET);
    expect(broker.log.text).not.toContain(SECRET);
  });

  it('is told of changes by the platform while it waits', async () => {
    const grant = await ask();
    await expect.poll(() => streams.size).toBe(1);
    await approve(grant.id);
    await grant.approved();
    await grant.end();
    await expect.poll(() => streams.size).toBe(0);
  });

  it('tells the reason of a rejection, and takes requests back', async () => {
    const rejected = await ask();
    await browser.vault.approvals.reject({ id: rejected.id }, 'Not today');
    await expect(rejected.approved()).rejects.toMatchObject({
      code: 'release_rejected',
      cause: { message: 'Not today' },
    });
    const cancelled = await ask();
    await cancelled.end();
    const { requests } = await browser.vault.approvals.list();
    expect(requests.map(({ id }) => id)).not.toContain(cancelled.id);
  });

  it('ends a standing approval when the user says so', async () => {
    const grant = await ask({
      ttl: undefined,
      perDay: 10,
      notAfter: Math.floor(Date.now() / 1000) + 3600,
    });
    await approve(grant.id);
    await grant.approved();
    await (await grant.fetch(upstream.url, { method: 'POST' })).text();
    await browser.vault.releases.end(grant.id);
    await expect
      .poll(async () => (await broker.connection.grant(grant.id)).snapshot)
      .toMatchObject({ status: 'ended', endReason: 'user' });
  });

  it('[V11] stops when the vault has another identity key, until it is paired anew', async () => {
    // A code is replaced: a removal, which changes the keys of the vault.
    for (let turn = 0; turn < 2; turn++) {
      const code = browser.vault.recovery.create();
      await code.confirm(code.code);
    }
    const grant = await ask();
    await approve(grant.id);
    await expect(grant.approved()).rejects.toMatchObject({ code: 'vault_identity_changed' });
    await expect(ask()).rejects.toMatchObject({ code: 'vault_identity_changed' });
    await pairAgain({ replaces: true });
    expect(browser.vault.current.contents.agents).toHaveLength(1);
    const next = await ask();
    await approve(next.id);
    await next.approved();
    await next.end();
  });
});
