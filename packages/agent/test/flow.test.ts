import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { BrokerGrant } from '../src/index.js';
import type { StandInPlatform } from './harness/stand-in-platform.js';
import { type BrokerProcess, type BrokerSetup, processesOf } from './harness/start-broker.js';
import { startWorld, type World } from './harness/start-world.js';
import type { Upstream } from './harness/upstream.js';

const SECRET = 'sk-test-0123456789/abcdef+XYZ';
let world: World;
let platform: StandInPlatform;
let upstream: Upstream;
let setup: BrokerSetup;
let broker: BrokerProcess;
let slot: string;
let ask: World['ask'];
let release: World['release'];

beforeAll(async () => {
  world = await startWorld(SECRET);
  ({ platform, upstream, setup, broker, slot, ask, release } = world);
});

afterAll(() => world?.close());

beforeEach(() => {
  upstream.seen.length = 0;
  upstream.state.answer = (_, response) => response.end('ok');
  Object.assign(platform.state, { isDown: false, hasEvents: true, dpopNonce: '' });
});

describe('from the request to its end', () => {
  it('shows the user what was asked for, waits, and sends calls with the secret', async () => {
    const grant = await ask({ purpose: 'To summarise the week', ttl: 60 });
    expect(grant.snapshot.status).toBe('waiting');
    const { parsed } = platform.releases.get(grant.id) as never as { parsed: object };
    expect(parsed).toMatchObject({
      ...{ issuer: platform.issuer, vaultId: platform.vaultId, slotId: slot },
      ...{ purpose: 'To summarise the week', host: upstream.host, methods: ['GET', 'POST'] },
      ...{ uses: 5, ttl: 60, perDay: 0, notAfter: 0 },
    });
    await platform.approve(grant.id);
    await grant.approved();

    const answer = await grant.fetch(`${upstream.url}/v1/messages?a=1&b=%20`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"x":1}',
    });
    expect(answer.status).toBe(200);
    expect(await answer.text()).toBe('ok');
    const [call] = upstream.seen;
    expect(call).toMatchObject({ method: 'POST', url: '/v1/messages?a=1&b=%20', body: '{"x":1}' });
    expect(call?.headers).toMatchObject({
      ...{ authorization: `Bearer ${SECRET}`, host: upstream.host, 'content-length': '7' },
      ...{ 'content-type': 'application/json', 'accept-encoding': 'identity' },
    });
    await grant.end();
    await expect(grant.fetch(`${upstream.url}/`)).rejects.toMatchObject({ code: 'release_ended' });
  });

  it.each([
    ['the usual one', undefined, { header: 'authorization', prefix: 'Bearer ' }],
    ['one of its own', { name: 'X-Goog-Api-Key' }, { header: 'x-goog-api-key', prefix: '' }],
    [
      'one with a word before the key',
      { name: 'authorization', prefix: 'Token ' },
      { header: 'authorization', prefix: 'Token ' },
    ],
  ])(
    '[V13] puts the secret into the header that the user was shown: %s',
    async (_, header, shown) => {
      const grant = await ask(header === undefined ? {} : { header });
      const { parsed } = platform.releases.get(grant.id) as never as { parsed: object };
      expect(parsed).toMatchObject(shown);
      await platform.approve(grant.id);
      await grant.approved();
      await (await grant.fetch(`${upstream.url}/`)).text();
      const { headers = {} } = upstream.seen[0] ?? {};
      const holding = Object.entries(headers).filter(([, value]) => String(value).includes(SECRET));
      expect(holding).toEqual([[shown.header, `${shown.prefix}${SECRET}`]]);
      await grant.end();
    },
  );

  it('asks for no header that would end in logs', async () => {
    const before = platform.releases.size;
    await expect(ask({ header: { name: 'referer' } })).rejects.toMatchObject({
      code: 'invalid_request',
    });
    expect(platform.releases.size).toBe(before);
  });

  it('ends after the last use, and reports each', async () => {
    const grant = await release({ uses: 2 });
    await (await grant.fetch(`${upstream.url}/1`)).text();
    await (await grant.fetch(`${upstream.url}/2`)).text();
    await expect(grant.fetch(`${upstream.url}/3`)).rejects.toMatchObject({ code: 'release_ended' });
    const states = [];
    for await (const state of grant.events()) states.push(state);
    const { expiresAt, lastUsedAt = 0, ...last } = states.at(-1) ?? { expiresAt: 0 };
    expect(last).toMatchObject({ status: 'ended', endReason: 'uses', uses: 2 });
    // In the unit of `expiresAt`: before what it waited for would have run out.
    expect(lastUsedAt).toBeLessThanOrEqual(expiresAt);
    expect(Number.isInteger(lastUsedAt) && lastUsedAt > 0).toBe(true);
    await expect
      .poll(() => platform.releases.get(grant.id))
      .toMatchObject({ uses: 2, reportedEnd: true });
    expect(upstream.seen).toHaveLength(2);
  });

  it('ends when its time is over', async () => {
    // So short that the agent may hear of the release only when it is over.
    const grant = await ask({ ttl: 1 });
    await platform.approve(grant.id);
    await expect
      .poll(() => world.stateOf(grant))
      .toMatchObject({ status: 'ended', endReason: 'time' });
    await expect(grant.fetch(`${upstream.url}/`)).rejects.toMatchObject({ code: 'release_ended' });
    expect(upstream.seen).toHaveLength(0);
  });

  it('has ended, and not failed, where the broker hears in one breath that it was released and is over', async () => {
    const second = await world.startAnother();
    try {
      const grant = await second.ask({ ttl: 1 });
      const [pid, keeper = 0] = processesOf(second.broker.pid);
      process.kill(keeper, 'SIGSTOP');
      await platform.approve(grant.id);
      // The secret waits at the process that stands; then its time passes while the broker stands.
      await new Promise((resolve) => setTimeout(resolve, 1000));
      process.kill(pid ?? 0, 'SIGSTOP');
      process.kill(keeper, 'SIGCONT');
      await new Promise((resolve) => setTimeout(resolve, 3000));
      process.kill(pid ?? 0, 'SIGCONT');
      await expect
        .poll(() => second.stateOf(grant))
        .toMatchObject({ status: 'ended', endReason: 'time' });
    } finally {
      await second.close();
    }
  });

  it('tells the reason of a rejection', async () => {
    const grant = await ask();
    platform.reject(grant.id, 'Not on Sundays');
    await expect(grant.approved()).rejects.toMatchObject({
      code: 'release_rejected',
      cause: { message: 'Not on Sundays' },
    });
  });

  it('takes a request back at the platform', async () => {
    const grant = await ask();
    await grant.end();
    expect(platform.releases.get(grant.id)?.status).toBe('cancelled');
    await expect(grant.approved()).rejects.toMatchObject({ code: 'release_rejected' });
  });

  it('waits without events, by asking', async () => {
    platform.state.hasEvents = false;
    const second = await world.startAnother();
    try {
      const grant = await second.release();
      await (await grant.fetch(`${upstream.url}/`)).text();
    } finally {
      await second.close();
    }
  });

  it('signs with the nonce that the platform asks for', async () => {
    platform.state.dpopNonce = 'a-nonce-of-the-platform';
    const grant = await release();
    await grant.end();
  });

  it('ends a release that the user has ended', async () => {
    const now = Math.floor(Date.now() / 1000);
    const grant = await release({ ttl: undefined, perDay: 10, notAfter: now + 3600 });
    await (await grant.fetch(`${upstream.url}/`)).text();
    platform.end(grant.id);
    await expect
      .poll(() => world.stateOf(grant))
      .toMatchObject({ status: 'ended', endReason: 'user' });
  });

  it('limits the calls of a day of a standing approval', async () => {
    const now = Math.floor(Date.now() / 1000);
    const grant = await release({ ttl: undefined, uses: 100, perDay: 2, notAfter: now + 3600 });
    await (await grant.fetch(`${upstream.url}/`)).text();
    await (await grant.fetch(`${upstream.url}/`)).text();
    await expect(grant.fetch(`${upstream.url}/`)).rejects.toMatchObject({
      code: 'too_many_requests',
    });
    expect(upstream.seen).toHaveLength(2);
    await grant.end();
  });
});

describe('the socket', () => {
  it('names the member that is malformed, and its rule', async () => {
    for (const [more, hint] of [
      [{ slot: 'claude' }, '`slot` is 16 bytes in base64url: 22 characters.'],
      [{ slot: undefined }, '`slot` is missing.'],
      [{ vault: 7 }, '`vault` is 16 bytes in base64url: 22 characters.'],
      [{ purpose: '' }, '`purpose` is 1 to 200 characters, none of them a control.'],
      [{ host: 'https://API.example' }, '`host` is a DNS name in lower case'],
      [{ host: '10.0.0.1' }, '`host` is a DNS name in lower case, no address'],
      [{ methods: ['get'] }, '`methods` is a list of one or more of DELETE, GET'],
      [{ methods: [] }, '`methods` is a list of one or more of DELETE, GET'],
      [{ uses: 0 }, '`uses` is a whole number from 1 to '],
      [{ ttl: 1.5 }, '`ttl` is a whole number from 1 to '],
      [{ ttl: undefined }, 'Either `ttl`, or `perDay` with `notAfter`.'],
      [{ perDay: 5 }, 'Either `ttl`, or `perDay` with `notAfter`.'],
      [{ header: 'x-api-key' }, '`header` is an object with `name`'],
      [{ header: { prefix: '' } }, '`header` is an object with `name`'],
      [{ seconds: 60 }, 'No member is called `seconds`.'],
    ] as const) {
      await expect(ask(more as object), hint).rejects.toMatchObject({
        code: 'invalid_request',
        hint: expect.stringContaining(hint),
      });
    }
  });

  it('refuses a query that is malformed', async () => {
    const grant = await ask();
    const get = async (query: string) => {
      const path = `/grants/${grant.id}?${query}`;
      const outgoing = httpRequest({ socketPath: setup.socket, path }).end();
      const [answer] = (await once(outgoing, 'response')) as [IncomingMessage];
      let text = '';
      for await (const chunk of answer) text += chunk;
      return { status: answer.statusCode, ...JSON.parse(text) };
    };
    for (const query of [
      ...['wait=1e-9', 'wait=0.5', 'wait=-1', 'wait=', 'wait=NaN', 'wait=Infinity', 'wait=0x1'],
      ...['version=1.5', 'version=a', 'wait=1&wait=1', 'waits=1', 'wait=99999999999'],
    ]) {
      expect(await get(query), query).toMatchObject({ status: 400, code: 'invalid_request' });
    }
    expect(await get('wait=1&version=0')).toMatchObject({ status: 'waiting', version: 2 });
    await grant.end();
  });
});

describe('streams', () => {
  it('passes an event stream on as it comes', async () => {
    let next = () => {};
    upstream.state.answer = async (_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      for (const word of ['one', 'two', 'three']) {
        response.write(`data: ${word}\n\n`);
        // The next event is sent only when this one has arrived.
        await new Promise<void>((resolve) => {
          next = resolve;
        });
      }
      response.end();
    };
    const grant = await release();
    const answer = await grant.fetch(`${upstream.url}/stream`);
    const words: string[] = [];
    for await (const chunk of answer.body as unknown as AsyncIterable<Uint8Array>) {
      words.push(Buffer.from(chunk).toString());
      next();
    }
    expect(words).toEqual(['data: one\n\n', 'data: two\n\n', 'data: three\n\n']);
    await grant.end();
  });

  it('streams a body to the host', async () => {
    const grant = await release();
    const parts = ['a'.repeat(70_000), 'b'.repeat(70_000)];
    const body = new ReadableStream({
      pull(controller) {
        const part = parts.shift();
        if (part === undefined) controller.close();
        else controller.enqueue(new TextEncoder().encode(part));
      },
    });
    const answer = await grant.fetch(`${upstream.url}/upload`, { method: 'POST', body });
    expect(await answer.text()).toBe('ok');
    expect(upstream.seen[0]?.body).toBe('a'.repeat(70_000) + 'b'.repeat(70_000));
    await grant.end();
  });

  /** An answer that goes on until somebody ends it. */
  async function startStream(grant: BrokerGrant) {
    const answering = new Promise<ServerResponse>((resolve) => {
      upstream.state.answer = (_, response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.write('data: one\n\n');
        resolve(response);
      };
    });
    const answer = await grant.fetch(`${upstream.url}/stream`);
    const reader = answer.body?.getReader();
    await reader?.read();
    return { reader, host: await answering };
  }

  it.each([
    ['the user ends it', (grant: BrokerGrant) => platform.end(grant.id)],
    ['the agent ends it', (grant: BrokerGrant) => grant.end()],
  ])('ends with release_ended when %s', async (_, end) => {
    const grant = await release();
    const { reader } = await startStream(grant);
    await end(grant);
    // Another use has the broker ask the platform at once.
    upstream.state.answer = (_call, response) => response.end('ok');
    await grant.fetch(`${upstream.url}/`).catch(() => undefined);
    await expect(reader?.read()).rejects.toMatchObject({ code: 'release_ended' });
    expect(grant.snapshot.status).toBe('ended');
  });

  it('ends with release_ended when its time is over', async () => {
    // Long enough for the stream to begin on a busy machine.
    const grant = await release({ ttl: 10 });
    const { reader } = await startStream(grant);
    await expect(reader?.read()).rejects.toMatchObject({ code: 'release_ended' });
    expect(grant.snapshot).toMatchObject({ status: 'ended', endReason: 'time' });
  });

  it('says release_ended also before the host has answered', async () => {
    const grant = await release();
    const called = new Promise<void>((resolve) => {
      upstream.state.answer = () => resolve();
    });
    const answer = grant.fetch(`${upstream.url}/`);
    const refused = expect(answer).rejects.toMatchObject({ code: 'release_ended' });
    await called;
    await grant.end();
    await refused;
  });

  it('ends with network_error when the host breaks off, and the release goes on', async () => {
    const grant = await release();
    const { reader, host } = await startStream(grant);
    host.destroy();
    await expect(reader?.read()).rejects.toMatchObject({ code: 'network_error' });
    upstream.state.answer = (_, response) => response.end('ok');
    expect(await (await grant.fetch(`${upstream.url}/`)).text()).toBe('ok');
    await grant.end();
  });

  it('ends with aborted when the agent has aborted', async () => {
    const grant = await release();
    upstream.state.answer = (_, response) => response.write('first\n');
    const abort = new AbortController();
    const answer = await grant.fetch(`${upstream.url}/`, { signal: abort.signal });
    const reader = answer.body?.getReader();
    await reader?.read();
    abort.abort();
    await expect(reader?.read()).rejects.toMatchObject({ code: 'aborted' });
    await grant.end();
  });

  it('stops the call at the host when the agent goes', async () => {
    const closed = new Promise<void>((resolve) => {
      upstream.state.answer = (_, response) => {
        // A whole line: what follows the last one is held back until it is clear what it becomes.
        response.write('first\n');
        response.once('close', resolve);
      };
    });
    const grant = await release();
    const abort = new AbortController();
    const answer = await grant.fetch(`${upstream.url}/`, { signal: abort.signal });
    const reader = answer.body?.getReader();
    await reader?.read();
    await reader?.cancel();
    abort.abort();
    await closed;
    await grant.end();
  });
});

/** Sockets at which a process listens for TCP. */
function listeners(pid: number): string[] {
  const inodes = ['tcp', 'tcp6'].flatMap((name) =>
    readFileSync(`/proc/${pid}/net/${name}`, 'utf8')
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .flatMap(([, , , state, , , , , , inode]) => (state === '0A' ? [`socket:[${inode}]`] : [])),
  );
  const files = readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/${pid}/fd/${fd}`)];
    } catch {
      return [];
    }
  });
  return files.filter((file) => inodes.includes(file));
}

describe('the inspector of Node', () => {
  it('[V14] stays closed in broker and keeper, whoever sends SIGUSR1', async () => {
    const grant = await release();
    // Those of the tests before may still be ending.
    await expect.poll(() => processesOf(broker.pid)).toHaveLength(2);
    const pids = processesOf(broker.pid);
    for (const pid of pids) process.kill(pid, 'SIGUSR1');
    // Another program of Node opens it in this time.
    const words = ['--inspect-port=0', '-e', 'setInterval(() => {}, 1e6); console.log("here")'];
    const other = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'ignore'] });
    await once(other.stdout, 'data');
    try {
      other.kill('SIGUSR1');
      await expect.poll(() => listeners(other.pid ?? 0)).toHaveLength(1);
      expect(pids.flatMap(listeners)).toEqual([]);
      expect(await (await grant.fetch(`${upstream.url}/`)).text()).toBe('ok');
      expect(broker.log.text).not.toMatch(/ws:|inspector/i);
    } finally {
      other.kill('SIGKILL');
    }
    await grant.end();
  });
});

describe('what it leaves', () => {
  it('has a socket for its user and group alone, and state for its user alone', () => {
    expect(statSync(setup.socket).mode & 0o777).toBe(0o660);
    expect(statSync(setup.stateDirectory).mode & 0o777).toBe(0o700);
    const store = `${setup.stateDirectory}/pairings/${platform.vaultId}`;
    expect(statSync(`${store}/signing-key.pem`).mode & 0o777).toBe(0o600);
    expect(statSync(`${store}/pairing.json`).mode & 0o777).toBe(0o600);
  });

  it('says what it is', async () => {
    expect(await broker.connection.status()).toMatchObject({
      form: 'development',
      vaults: [{ vault: platform.vaultId, issuer: platform.issuer, stopped: false }],
    });
    expect(broker.log.text).toContain('development form');
  });
});
