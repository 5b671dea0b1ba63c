import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { BrokerGrant } from '../src/index.js';
import { sendRaw } from './harness/raw-socket.js';
import type { BrokerSetup } from './harness/start-broker.js';
import { startWorld, type World } from './harness/start-world.js';
import { startUpstream, type Upstream } from './harness/upstream.js';

const SECRET = 'sk-live-QWERTY/0123456789+abc';
let world: World;
let upstream: Upstream;
let elsewhere: Upstream;
let setup: BrokerSetup;
let release: World['release'];
let grant: BrokerGrant;

beforeAll(async () => {
  elsewhere = await startUpstream();
  world = await startWorld(SECRET, {
    host: { requestHeaders: ['X-Own'] },
    config: { limits: { requestBytes: 100_000, responseBytes: 500_000 } },
  });
  ({ upstream, setup, release } = world);
  grant = await release({ uses: 1000 });
});

afterAll(async () => {
  await world?.close();
  await elsewhere?.close();
});

beforeEach(() => {
  upstream.seen.length = 0;
  elsewhere.seen.length = 0;
  upstream.state.answer = (_, response) => response.end('ok');
});

const path = (rest: string) => `/grants/${grant.id}/forward${rest}`;
const refusal = { code: 'host_refused' };

/** Nothing reached anybody. */
function expectNothingSent() {
  expect(upstream.seen).toEqual([]);
  expect(elsewhere.seen).toEqual([]);
}

describe('a body that the host may not read', () => {
  it.each(['GET', 'HEAD', 'OPTIONS'] as const)(
    '[V14] is refused with %s: it would begin the next request',
    async (method) => {
      const own = await release({ methods: [method] });
      const hidden = 'POST /comments HTTP/1.1\r\nContent-Length: 900\r\n\r\n';
      for (const body of [
        `Content-Length: ${hidden.length}\r\n\r\n${hidden}`,
        `Transfer-Encoding: chunked\r\n\r\n${hidden.length.toString(16)}\r\n${hidden}\r\n0\r\n\r\n`,
      ]) {
        const start = `${method} /grants/${own.id}/forward/ HTTP/1.1\r\nHost: broker\r\nConnection: close\r\n`;
        const answer = await sendRaw(setup.socket, start + body);
        expect(answer).toMatch(/^HTTP\/1\.1 400 /);
        expect(answer).toContain('pzk-error: invalid_request');
      }
      expectNothingSent();
      await own.end();
    },
  );

  it('[V14] goes with DELETE on a connection that takes no other call', async () => {
    const own = await release({ methods: ['GET', 'DELETE'] });
    await (await own.fetch(`${upstream.url}/1`)).text();
    const before = upstream.state.connections;
    const gone = await own.fetch(`${upstream.url}/2`, { method: 'DELETE', body: '{"ids":[1]}' });
    expect(await gone.text()).toBe('ok');
    await (await own.fetch(`${upstream.url}/3`)).text();
    expect(upstream.seen.map(({ method, body }) => `${method} ${body}`)).toEqual([
      ...['GET ', 'DELETE {"ids":[1]}', 'GET '],
    ]);
    expect(upstream.seen[1]?.headers.connection).toBe('close');
    expect(upstream.state.connections - before).toBe(1);
    await own.end();
  });

  it('[V14] honest: is none where its length is 0', async () => {
    const start = `GET ${path('/')} HTTP/1.1\r\nHost: broker\r\n`;
    const answer = await sendRaw(setup.socket, `${start}Content-Length: 0\r\n\r\n`);
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
    expect(upstream.seen).toMatchObject([{ method: 'GET', body: '' }]);
  });
});

describe('where a call goes', () => {
  it('[V14] refuses another host, port and scheme', async () => {
    for (const url of [
      elsewhere.url,
      'https://localhost/',
      `https://upstream.test:${upstream.port}/`,
      `http://${upstream.host}/`,
    ]) {
      await expect(grant.fetch(url), url).rejects.toMatchObject(refusal);
    }
    expectNothingSent();
  });

  it('[V14] refuses a call that is meant for another host, at the broker itself', async () => {
    const answer = await sendRaw(
      setup.socket,
      `GET ${path('/')} HTTP/1.1\r\nHost: broker\r\nPzk-Host: ${elsewhere.host}\r\n\r\n`,
    );
    expect(answer).toContain('HTTP/1.1 403');
    expect(answer).toContain('pzk-error: host_refused');
    expectNothingSent();
  });

  it('[V14] refuses another method, and headers that override it', async () => {
    await expect(grant.fetch(upstream.url, { method: 'DELETE' })).rejects.toMatchObject(refusal);
    for (const name of [
      'x-http-method-override',
      'x-http-method',
      'x-method-override',
      'X_HTTP_METHOD_OVERRIDE',
      'x-http_method-override',
      'x-tunneled-method',
    ]) {
      const init = { method: 'POST', headers: { [name]: 'DELETE' } };
      await expect(grant.fetch(upstream.url, init), name).rejects.toMatchObject(refusal);
    }
    expectNothingSent();
  });

  it('[V14] refuses a query that names another method', async () => {
    for (const query of ['_method=DELETE', 'a=1&X-HTTP-Method-Override=DELETE']) {
      const init = { method: 'POST' };
      await expect(grant.fetch(`${upstream.url}/?${query}`, init), query).rejects.toMatchObject(
        refusal,
      );
    }
    expectNothingSent();
  });

  it('[V14] refuses headers that nobody has thought of, and cookies', async () => {
    for (const name of [
      'cookie',
      'cookie2',
      'x-others-own',
      'x-original-url',
      'x-rewrite-url',
      'content_type',
      'x-amz-security-tokens',
      'authorization_',
    ]) {
      const init = { headers: { [name]: 'session=1' } };
      const refused = grant.fetch(upstream.url, init);
      await expect(refused, name).rejects.toMatchObject({
        code: 'host_refused',
        hint: expect.stringContaining(`"${name}"`),
      });
    }
    expectNothingSent();
  });

  it('[V14] honest: passes the headers of usual clients, and a parameter called method', async () => {
    const headers = {
      'content-type': 'application/json',
      accept: 'text/event-stream',
      'user-agent': 'Anthropic/JS 0.60.0',
      'anthropic-version': '2023-06-01',
      'anthropic-beta': 'files-api-2025-04-14',
      'anthropic-dangerous-direct-browser-access': 'true',
      'openai-organization': 'org-1',
      'openai-project': 'p-1',
      'openai-beta': 'assistants=v2',
      'x-stainless-lang': 'js',
      'x-stainless-retry-count': '0',
      'x-stainless-helper-method': 'stream',
      'idempotency-key': 'stainless-node-retry-1',
      'x-github-api-version': '2022-11-28',
      'x-goog-api-client': 'google-genai-sdk/1.0',
      'if-none-match': '"a"',
      'http-referer': 'https://app.example',
      'x-title': 'App',
      'x-request-id': 'r1',
      'mcp-session-id': 's1',
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    };
    const url = `${upstream.url}/?method=search&payment[method]=card`;
    const answer = await grant.fetch(url, { method: 'POST', headers, body: '{}' });
    expect(answer.status).toBe(200);
    expect(upstream.seen[0]?.headers).toMatchObject(headers);
    expect(upstream.seen[0]?.url).toBe('/?method=search&payment[method]=card');
  });

  it('[V14] refuses what would be read as another path or host', async () => {
    for (const target of [
      '//other.test/',
      '/../../status',
      '/%2e%2e/secret',
      '/a%0d%0aHost:%20other.test',
      '/\\other.test',
      '/a%5c..%5cb',
    ]) {
      const answer = await sendRaw(
        setup.socket,
        `GET ${path(target)} HTTP/1.1\r\nHost: broker\r\n\r\n`,
      );
      expect(answer.slice(0, 12), target).toBe('HTTP/1.1 403');
    }
    for (const line of [
      `GET https://${elsewhere.host}${path('/')} HTTP/1.1`,
      `GET https://${elsewhere.host}/ HTTP/1.1`,
      `CONNECT ${elsewhere.host} HTTP/1.1`,
      `OPTIONS * HTTP/1.1`,
      `GET ${path('').slice(0, -8)}%2fforward/ HTTP/1.1`,
    ]) {
      const answer = await sendRaw(setup.socket, `${line}\r\nHost: broker\r\n\r\n`);
      expect(answer, line).not.toContain('HTTP/1.1 200');
    }
    expectNothingSent();
  });

  it('[V14] refuses two framings of one body, and headers in pieces', async () => {
    const start = `POST ${path('/')} HTTP/1.1\r\nHost: broker\r\n`;
    for (const rest of [
      'Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      'Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc',
      'Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n',
      'Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n',
      'X-A: a\rHost: other.test\r\n\r\n',
      'X-A : a\r\n\r\n',
      ' X-A: a\r\n\r\n',
    ]) {
      const answer = await sendRaw(setup.socket, start + rest);
      expect(answer.slice(0, 12), JSON.stringify(rest)).toBe('HTTP/1.1 400');
    }
    expectNothingSent();
  });

  it('[V14] sends one request for one call, whatever stands in the body', async () => {
    const smuggled = `GET /smuggled HTTP/1.1\r\nHost: ${elsewhere.host}\r\n\r\n`;
    const answer = await sendRaw(
      setup.socket,
      `POST ${path('/a')} HTTP/1.1\r\nHost: broker\r\nTransfer-Encoding: chunked\r\n\r\n` +
        `${smuggled.length.toString(16)}\r\n${smuggled}\r\n0\r\n\r\n`,
    );
    expect(answer).toContain('HTTP/1.1 200');
    expect(upstream.seen.map(({ url }) => url)).toEqual(['/a']);
    expect(upstream.seen[0]?.body).toBe(smuggled);
  });

  it('[V14] says the approved host and its own credentials, whatever the agent says', async () => {
    const answer = await sendRaw(
      setup.socket,
      [
        `POST ${path('/a')} HTTP/1.1`,
        'Host: other.test',
        'Authorization: Bearer dummy',
        'X-Api-Key: dummy',
        'X-Forwarded-Host: other.test',
        'Forwarded: host=other.test',
        'Via: 1.1 other.test',
        'Proxy-Authorization: Basic eA==',
        'Connection: authorization, x-mine, close',
        'X-Mine: 1',
        'X-Own: 2',
        'X-Title: 3',
        'TE: trailers',
        'Upgrade: h2c',
        'Accept-Encoding: gzip',
        'Content-Length: 2',
        '',
        'hi',
      ].join('\r\n'),
    );
    expect(answer).toContain('HTTP/1.1 200');
    const [call] = upstream.seen;
    expect(Object.keys(call?.headers ?? {}).sort()).toEqual(
      [
        'accept-encoding',
        'authorization',
        'connection',
        'content-length',
        'host',
        'x-own',
        'x-title',
      ].sort(),
    );
    expect(call?.headers).toMatchObject({
      ...{ host: upstream.host, authorization: `Bearer ${SECRET}`, 'accept-encoding': 'identity' },
      ...{ connection: 'keep-alive', 'x-own': '2', 'x-title': '3' },
    });
    expect(call?.rawHeaders.filter((name) => /^authorization$/i.test(name))).toHaveLength(1);
  });

  it('[V14] refuses loopback where the configuration does not name the host, before the user is asked', async () => {
    const { size } = world.platform.releases;
    await expect(world.ask({ host: elsewhere.host })).rejects.toMatchObject({
      code: 'host_refused',
      message: expect.stringContaining(elsewhere.host),
    });
    expect(elsewhere.state.connections).toBe(0);
    expect(world.platform.releases.size).toBe(size);
  });

  it('[V14] honest: reaches the approved host with path and query as they are', async () => {
    const answer = await grant.fetch(`${upstream.url}/v1/a%20b/c?d=%2F..&e`);
    expect(answer.status).toBe(200);
    expect(upstream.seen[0]?.url).toBe('/v1/a%20b/c?d=%2F..&e');
  });

  it('puts the secret where the provider takes it', async () => {
    const other = await release({ header: { name: 'X-API-Key' } });
    await (await other.fetch(upstream.url)).text();
    expect(upstream.seen[0]?.headers['x-api-key']).toBe(SECRET);
    expect(upstream.seen[0]?.headers.authorization).toBeUndefined();
    await other.end();
    for (const name of ['user-agent', 'referer', 'host', 'cookie', 'x', 'x-api-key\r\nhost']) {
      await expect(release({ header: { name } }), name).rejects.toMatchObject({
        code: 'invalid_request',
      });
    }
  });
});

describe('what comes back', () => {
  it('[V14] refuses redirects to another host, and follows none', async () => {
    for (const location of [
      `${elsewhere.url}/`,
      `//${elsewhere.host}/`,
      `http://${upstream.host}/`,
      `https://user@${upstream.host}/`,
      'https://localhost/',
      'javascript:0',
      'https://[',
    ]) {
      upstream.state.answer = (_, response) => {
        response.writeHead(302, { location });
        response.end();
      };
      await expect(grant.fetch(upstream.url), location).rejects.toMatchObject(refusal);
    }
    expect(elsewhere.seen).toEqual([]);
  });

  it('[V14] honest: passes a redirect within the host on', async () => {
    upstream.state.answer = (_, response) => {
      response.writeHead(307, { location: '/there?a=1' });
      response.end();
    };
    const answer = await grant.fetch(`${upstream.url}/here`);
    expect([answer.status, answer.headers.get('location')]).toEqual([307, '/there?a=1']);
    expect(upstream.seen).toHaveLength(1);
  });

  it('[V14] takes an echoed secret out of headers and bodies', async () => {
    upstream.state.answer = (call, response) => {
      const value = String(call.headers.authorization);
      response.writeHead(401, value, {
        'x-echo': value,
        'x-base64': Buffer.from(value).toString('base64'),
        'www-authenticate': `Bearer error="${SECRET}"`,
        [`x-${SECRET.replaceAll('/', '')}`]: 'a name does not hold it whole',
        'set-cookie': 'session=1',
        'pzk-error': 'host_refused',
        'content-type': 'application/json',
      });
      const body = JSON.stringify({
        headers: call.headers,
        hex: Buffer.from(value).toString('hex'),
      });
      // In the middle of the secret.
      const place = body.indexOf(SECRET) + 9;
      response.write(body.slice(0, place));
      setTimeout(() => response.end(body.slice(place)), 30);
    };
    const answer = await grant.fetch(`${upstream.url}/echo`);
    expect(answer.status).toBe(401);
    const text = `${answer.statusText}\n${JSON.stringify([...answer.headers])}\n${await answer.text()}`;
    expect(upstream.seen[0]?.headers.authorization).toContain(SECRET);
    expect(text).not.toContain(SECRET);
    expect(text).not.toContain(SECRET.slice(0, 12));
    expect(text).not.toContain(Buffer.from(SECRET).toString('hex').slice(0, 16));
    expect(text).not.toContain(Buffer.from(`Bearer ${SECRET}`).toString('base64').slice(12, 30));
    expect(text).not.toContain('session=1');
    expect(text).toContain('****');
  });

  it('[V14] refuses an answer in which it could not look', async () => {
    upstream.state.answer = (_, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' });
      response.end(gzipSync(SECRET));
    };
    await expect(grant.fetch(upstream.url)).rejects.toMatchObject({ code: 'unexpected_response' });
    for (const encoding of [
      'gzip, chunked',
      'gzip,chunked',
      'gzip\r\nTransfer-Encoding: chunked',
    ]) {
      upstream.state.answer = (_, response) => {
        const body = gzipSync(SECRET);
        const head = `HTTP/1.1 200 OK\r\nTransfer-Encoding: ${encoding}\r\n\r\n`;
        response.socket?.write(`${head}${body.length.toString(16)}\r\n`);
        response.socket?.write(body);
        response.socket?.end('\r\n0\r\n\r\n');
      };
      await expect(grant.fetch(upstream.url), encoding).rejects.toMatchObject({
        code: 'unexpected_response',
      });
    }
    upstream.state.answer = (_, response) => {
      response.writeHead(206, { 'content-range': 'bytes 0-3/9' });
      response.end(SECRET.slice(0, 4));
    };
    await expect(grant.fetch(upstream.url)).rejects.toMatchObject({ code: 'unexpected_response' });
    await expect(
      grant.fetch(upstream.url, { headers: { range: 'bytes=0-3' } }),
    ).rejects.toMatchObject(refusal);
  });

  it('[V14] refuses a host that leaves HTTP', async () => {
    upstream.state.answer = (_, response) => {
      response.socket?.end(
        'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n',
      );
    };
    await expect(grant.fetch(upstream.url)).rejects.toMatchObject({ code: 'unexpected_response' });
  });

  it('limits bodies, and the time that a host may be silent', async () => {
    const large = { method: 'POST', body: 'a'.repeat(100_001) };
    await expect(grant.fetch(upstream.url, large)).rejects.toMatchObject({
      code: 'body_too_large',
    });
    const stream = new Blob(['a'.repeat(100_001)]).stream();
    await expect(grant.fetch(upstream.url, { method: 'POST', body: stream })).rejects.toMatchObject(
      { code: 'body_too_large' },
    );
    upstream.state.answer = (_, response) => response.end('a'.repeat(500_001));
    const answer = await grant.fetch(upstream.url);
    await expect(answer.text()).rejects.toThrow();
    const impatient = await world.startAnother({ config: { limits: { idleSeconds: 1 } } });
    try {
      upstream.state.answer = () => {};
      const other = await impatient.release();
      await expect(other.fetch(upstream.url)).rejects.toMatchObject({ code: 'network_error' });
    } finally {
      await impatient.close();
    }
  });

  it('[V14] refuses a certificate that nobody vouches for', async () => {
    const second = await world.startAnother({
      config: { caFile: undefined },
      env: { NODE_TLS_REJECT_UNAUTHORIZED: '0' },
    });
    try {
      const other = await second.release();
      await expect(other.fetch(upstream.url)).rejects.toMatchObject({
        code: 'network_error',
        message: expect.stringContaining(upstream.host),
        hint: expect.stringContaining('caFile'),
      });
      expect(upstream.seen).toEqual([]);
      await expect.poll(() => second.broker.log.text).toContain('host_failed');
      const lines = second.broker.log.text.split('\n').filter((one) => one.includes('host_failed'));
      expect(lines.map((line) => JSON.parse(line))).toMatchObject([
        { host: upstream.host, code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE', grant: other.id },
      ]);
    } finally {
      await second.close();
    }
  });

  it('says where nobody listens, and where there is no such name', async () => {
    const gone = await startUpstream();
    const { host, url } = gone;
    await gone.close();
    const hosts = { [host]: { addresses: ['127.0.0.1', '::1'] } };
    const second = await world.startAnother({ config: { hosts } });
    try {
      const other = await second.release({ host });
      for (let times = 0; times < 3; times += 1) {
        await expect(other.fetch(`${url}/path?query`)).rejects.toMatchObject({
          code: 'network_error',
          message: expect.stringContaining(host),
          hint: expect.stringContaining('Nobody listens'),
        });
      }
      const unknown = await second.release({ host: 'no-such-host.invalid' });
      await expect(unknown.fetch('https://no-such-host.invalid/')).rejects.toMatchObject({
        code: 'network_error',
        message: expect.stringContaining('no-such-host.invalid'),
      });
      await expect.poll(() => second.broker.log.text).toContain('"host":"no-such-host.invalid"');
      // Once for a failure that goes on, and nothing of the calls.
      expect(second.broker.log.text.split('ECONNREFUSED')).toHaveLength(2);
      expect(second.broker.log.text).not.toContain('query');
      await other.end();
    } finally {
      await second.close();
    }
  });
});
