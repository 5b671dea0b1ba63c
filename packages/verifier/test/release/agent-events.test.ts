import { createServer, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it, vi } from 'vitest';
import { memoryStores } from '../../src/index.js';
import { serveRequest } from '../../src/node/index.js';
import { createIssuer, type TestIssuer } from '../harness/issuer.js';
import { describeOnStores } from '../harness/issuers.js';
import {
  createTestAgent,
  makeApproval,
  pairAgents,
  type TestAgent,
} from '../harness/test-agent.js';
import { etagOf, makeWrite } from '../harness/test-vault.js';
import { enrollWithVault } from '../harness/vault-client.js';

async function paired(issuer: TestIssuer) {
  const client = await enrollWithVault(issuer);
  const agent = await createTestAgent(issuer);
  await pairAgents(client, [agent]);
  return { client, agent };
}

async function eventsRequest(issuer: TestIssuer, agent: TestAgent): Promise<Request> {
  const url = `${issuer.verifier.baseUrl}/agent/events`;
  const dpop = await agent.sessionKey.dpop({ url, now: issuer.now() });
  const headers = { 'content-type': 'application/json', dpop };
  return new Request(url, { method: 'POST', headers, body: '{}' });
}

/** Reads a stream as events; `next` waits for one that satisfies. */
async function connect(issuer: TestIssuer, agent: TestAgent) {
  const response = await issuer.verifier.handle(await eventsRequest(issuer, agent));
  if (response.body === null || response.status !== 200) throw new Error(await response.text());
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  return {
    response,
    cancel: () => reader.cancel(),
    /** Whether the stream has ended once everything is read. */
    async rest(): Promise<string> {
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return text;
        text += value;
      }
    },
    async until(part: string): Promise<string> {
      while (!text.includes(part)) {
        const { done, value } = await reader.read();
        if (done) throw new Error(`ended: ${text}`);
        text += value;
      }
      return text;
    },
  };
}

const event = (id: string, status: string) =>
  `event: request\ndata: ${JSON.stringify({ id, status })}\n\n`;

describeOnStores('events of an agent', (kind) => {
  it('tells each change once, and those of nobody else', async () => {
    const { issuer } = kind;
    const { client, agent } = await paired(issuer);
    const other = await paired(issuer);
    await other.agent.ask(other.client.vault);
    const first = await agent.ask(client.vault);
    const stream = await connect(issuer, agent);
    expect(stream.response.headers.get('content-type')).toBe('text/event-stream');
    expect(stream.response.headers.get('cache-control')).toContain('no-store');
    await stream.until(event(first.id, 'waiting'));
    await client.call('/vault/requests/reject', { id: first.id, reason: '' });
    await stream.until(event(first.id, 'rejected'));
    const second = await agent.ask(client.vault);
    await stream.until(event(second.id, 'waiting'));
    const { body } = await makeApproval(client, second);
    await client.call('/vault/releases', body, { 'if-match': `"${etagOf(client.vault)}"` });
    await stream.until(event(second.id, 'released'));
    await agent.post('/agent/requests/read', { id: second.id });
    await client.call('/vault/releases/end', { id: second.id });
    const text = await stream.until(event(second.id, 'ended'));
    expect(text.match(/event: request/g)).toHaveLength(5);
    await stream.cancel();
  });

  it('is for agents of a manifest, by a proof that serves once', async () => {
    const { issuer } = kind;
    const stranger = await createTestAgent(issuer);
    const refused = await issuer.verifier.handle(await eventsRequest(issuer, stranger));
    expect(((await refused.json()) as { code: string }).code).toBe('invalid_grant');
    const { agent } = await paired(issuer);
    const request = await eventsRequest(issuer, agent);
    const again = request.clone();
    const opened = await issuer.verifier.handle(request);
    expect(opened.status).toBe(200);
    const replayed = await issuer.verifier.handle(again);
    expect(((await replayed.json()) as { code: string }).code).toBe('invalid_dpop_proof');
    await opened.body?.cancel();
  });

  it('has three connections for an agent, and gives back those that were left', async () => {
    const { issuer } = kind;
    const { agent } = await paired(issuer);
    const streams = [];
    for (let count = 0; count < 3; count++) streams.push(await connect(issuer, agent));
    await expect(connect(issuer, agent)).rejects.toThrow('too_many_requests');
    await streams[0]?.cancel();
    const next = await vi.waitFor(() => connect(issuer, agent), { timeout: 20_000, interval: 500 });
    for (const stream of [...streams.slice(1), next]) await stream.cancel();
  });
});

it('a store that fails ends the stream, and the fault is told', async () => {
  const memory = memoryStores();
  let down = false;
  const releases = {
    ...memory.releases,
    listChanged: (...args: Parameters<typeof memory.releases.listChanged>) => {
      if (down) throw new Error('down');
      return memory.releases.listChanged(...args);
    },
  };
  const issuer = createIssuer({ stores: { ...memory, releases } });
  const { client, agent } = await paired(issuer);
  const sent = await agent.ask(client.vault);
  const stream = await connect(issuer, agent);
  await stream.until(event(sent.id, 'waiting'));
  down = true;
  expect(await stream.rest()).not.toContain('released');
  expect(issuer.events).toContainEqual(
    expect.objectContaining({ type: 'fault', endpoint: '/agent/events' }),
  );
  await issuer.verifier.close();
});

it('a shutdown ends every stream, and none is opened after it', async () => {
  const issuer = createIssuer();
  const { agent } = await paired(issuer);
  const stream = await connect(issuer, agent);
  await stream.until('open');
  await issuer.verifier.close();
  await stream.rest();
  await expect(connect(issuer, agent)).rejects.toThrow('busy');
});

it('over HTTP events arrive while the answer is made, and a client that leaves ends the loop', async () => {
  const memory = memoryStores();
  let looks = 0;
  const releases = {
    ...memory.releases,
    listChanged: (...args: Parameters<typeof memory.releases.listChanged>) => {
      looks += 1;
      return memory.releases.listChanged(...args);
    },
  };
  const issuer = createIssuer({ stores: { ...memory, releases } });
  const { client, agent } = await paired(issuer);
  const server = createServer((req, res) => {
    serveRequest(issuer.verifier, req, res, {}).catch(() => res.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const { headers } = await eventsRequest(issuer, agent);
  const outgoing = httpRequest({
    port,
    host: '127.0.0.1',
    method: 'POST',
    path: '/pzk/agent/events',
    headers: Object.fromEntries(headers),
  });
  outgoing.end('{}');
  const incoming = await new Promise<import('node:http').IncomingMessage>((resolve, reject) => {
    outgoing.once('response', resolve).once('error', reject);
  });
  expect(incoming.statusCode).toBe(200);
  incoming.setEncoding('utf8');
  let text = '';
  incoming.on('data', (chunk) => {
    text += chunk;
  });
  incoming.on('error', () => {});
  await vi.waitFor(() => expect(text).toContain(': open'), { timeout: 20_000 });
  const sent = await agent.ask(client.vault);
  await vi.waitFor(() => expect(text).toContain(event(sent.id, 'waiting')), { timeout: 20_000 });
  outgoing.destroy();
  // No look after the one that was under way.
  await vi.waitFor(
    async () => {
      const before = looks;
      await new Promise((resolve) => setTimeout(resolve, 2500));
      expect(looks).toBe(before);
    },
    { timeout: 20_000 },
  );
  expect(looks).toBeGreaterThan(0);
  await new Promise((resolve) => server.close(resolve));
  await issuer.verifier.close();
});

describeOnStores('activity of an account', (kind) => {
  it('shows what happened, newest first, by page, and nothing of other accounts', async () => {
    const { issuer } = kind;
    const other = await paired(issuer);
    const { client, agent } = await paired(issuer);
    const sent = await agent.ask(client.vault);
    const { body } = await makeApproval(client, sent);
    await client.call('/vault/releases', body, { 'if-match': `"${etagOf(client.vault)}"` });
    await agent.post('/agent/requests/read', { id: sent.id });
    const { entries } = (await client.call('/vault/activity')).body;
    const types = entries.map(({ type }: { type: string }) => type);
    expect(types).toEqual([
      'release_collected',
      'release_approved',
      'release_requested',
      ...types.slice(3, 5),
      'token_issued',
      'device_enrolled',
      'key_issued',
    ]);
    expect(types.slice(3, 5).sort()).toEqual(['agent_added', 'vault_written']);
    const ids = { agent: agent.id, request: sent.id, slot: client.vault.manifest.slots[0]?.id };
    expect(entries[0]).toMatchObject(ids);
    expect(entries[1]).toMatchObject({ ...ids, device: client.device });
    expect(new Set(entries.map(({ id }: { id: string }) => id)).size).toBe(entries.length);
    const text = JSON.stringify(entries);
    expect(text).not.toContain(other.client.device);
    expect(text).not.toContain(client.account);
    const past = await client.call('/vault/activity', { before: entries.at(-1).at });
    expect(past.body.entries).toEqual([]);
    const device = client.device;
    const { write } = makeWrite(client.vault, () => {});
    expect((await client.revoke(device)).status).toBe(204);
    expect((await client.write(write)).body.code).toBe('invalid_token');
  });
});
