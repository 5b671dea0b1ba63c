import { createServer, request as httpRequest } from 'node:http';
import { gzipSync } from 'node:zlib';
import express5 from 'express';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { speakRaw, startServer, type TestServer, versions } from './server.js';

const JKT = 'A'.repeat(43);
const challengeBody = JSON.stringify({ purpose: 'session', jkt: JKT, scope: 'weather:read' });

function post(
  server: TestServer,
  path: string,
  body: string | Uint8Array<ArrayBuffer>,
  headers: Record<string, string> = {},
) {
  return fetch(`${server.origin}/pzk${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body,
  });
}

for (const [name, express] of versions) {
  describe(name, () => {
    let server: TestServer;
    beforeAll(async () => {
      server = await startServer({ express });
    });
    afterAll(() => server.close());

    it('[H1] honest: a challenge is answered', async () => {
      const response = await post(server, '/challenge', challengeBody);
      expect(response.status).toBe(200);
      expect(await response.json()).toMatchObject({ issuer: server.origin, rp_id: 'localhost' });
    });

    it('[H1] refuses bodies above the limit, declared or chunked, and answers before it closes', async () => {
      const large = JSON.stringify({ purpose: 'x'.repeat(17 * 1024) });
      const declared = await post(server, '/challenge', large);
      expect(declared.status).toBe(413);
      expect(await declared.json()).toMatchObject({ code: 'body_too_large' });
      const chunked = await new Promise<number>((resolve, reject) => {
        const request = httpRequest(
          `http://127.0.0.1:${server.port}/pzk/challenge`,
          { method: 'POST', headers: { 'content-type': 'application/json' } },
          (response) => {
            response.resume();
            resolve(response.statusCode ?? 0);
          },
        );
        request.on('error', reject);
        for (let index = 0; index < 20; index++) request.write('x'.repeat(1024));
        // Never ended: the answer must not wait for the rest.
      });
      expect(chunked).toBe(413);
    });

    it('[H1] refuses other content types and compressed bodies', async () => {
      for (const type of ['text/plain', 'application/xml', 'multipart/form-data', '']) {
        const response = await post(server, '/challenge', challengeBody, { 'content-type': type });
        expect(response.status).toBe(415);
      }
      const bomb = gzipSync(Buffer.alloc(10_000_000));
      const response = await post(server, '/challenge', new Uint8Array(bomb), {
        'content-encoding': 'gzip',
      });
      expect(response.status).toBe(415);
      const form = await post(server, '/token', challengeBody);
      expect(form.status).toBe(415);
    });

    it('[H1] a path, method or body that is none of ours is told so', async () => {
      expect((await post(server, '/nothing', '{}')).status).toBe(404);
      const wrong = await fetch(`${server.origin}/pzk/token`);
      expect(wrong.status).toBe(405);
      expect(wrong.headers.get('allow')).toBe('POST');
      for (const body of ['', '{', 'null', '[]', '"x"', '{"purpose":"session"}']) {
        expect((await post(server, '/challenge', body)).status, body).toBe(400);
      }
    });

    it('[H3] names only configured origins, and never allows credentials', async () => {
      for (const origin of ['https://evil.example', 'null', `${server.origin}.evil.example`]) {
        const response = await post(server, '/challenge', challengeBody, { origin });
        expect(response.headers.get('access-control-allow-origin')).toBeNull();
        expect(response.headers.get('access-control-allow-credentials')).toBeNull();
        expect(response.headers.get('vary')).toContain('Origin');
      }
    });

    it('[H3] honest: the configured page passes preflight and reads the headers it needs', async () => {
      const { origin } = server;
      for (const path of ['/pzk/token', '/weather']) {
        const preflight = await fetch(origin + path, {
          method: 'OPTIONS',
          headers: {
            origin,
            'access-control-request-method': 'POST',
            'access-control-request-headers': 'dpop, authorization',
          },
        });
        expect(preflight.status).toBe(204);
        expect(preflight.headers.get('access-control-allow-origin')).toBe(origin);
        expect(preflight.headers.get('access-control-allow-headers')).toContain('DPoP');
        expect(preflight.headers.get('access-control-allow-credentials')).toBeNull();
      }
      const response = await fetch(`${origin}/weather`, { headers: { origin } });
      expect(response.headers.get('access-control-expose-headers')).toBe(
        'DPoP-Nonce, WWW-Authenticate, ETag, Retry-After, RateLimit, RateLimit-Policy, Deprecation, Sunset, Link, PZK-Registration, PZK-Client-Id',
      );
    });

    it('[H4] every answer is not stored and not sniffed, and shows no stack', async () => {
      const answers = [
        await post(server, '/challenge', challengeBody),
        await post(server, '/challenge', '{'),
        await post(server, '/nothing', '{}'),
        await fetch(`${server.origin}/weather`),
      ];
      for (const response of answers) {
        expect(response.headers.get('cache-control')).toBe('no-store');
        expect(response.headers.get('x-content-type-options')).toBe('nosniff');
        expect(await response.text()).not.toMatch(/ at |\.js|\.ts|Error:/);
      }
    });

    it('[H4] honest: artifacts and keys are public and may be cached', async () => {
      const keys = await fetch(`${server.origin}/pzk/jwks.json`);
      expect(keys.headers.get('cache-control')).toContain('public');
      expect(JSON.stringify(await keys.json())).not.toContain('"d"');
      const { circuit } = (await (await post(server, '/challenge', challengeBody)).json()) as {
        circuit: { prover: string };
      };
      const hash = Buffer.from(circuit.prover, 'base64url').toString('hex');
      const artifact = await fetch(`${server.origin}/pzk/circuits/${hash}`);
      expect(artifact.headers.get('cache-control')).toContain('immutable');
      expect((await artifact.arrayBuffer()).byteLength).toBeGreaterThan(100_000);
      for (const other of ['0'.repeat(64), '../package.json', `${hash}/..`, hash.toUpperCase()]) {
        expect((await fetch(`${server.origin}/pzk/circuits/${other}`)).status).toBe(404);
      }
    });

    it('[L5] refuses two Authorization or two DPoP headers, wherever they differ', async () => {
      for (const header of ['Authorization: DPoP a.b.c', 'DPoP: a.b.c']) {
        const text = await speakRaw(server.port, [
          'GET /weather HTTP/1.1',
          `Host: localhost:${server.port}`,
          'Authorization: DPoP a.b.c',
          header,
          'Connection: close',
          '',
          '',
        ]);
        expect(text).toMatch(/^HTTP\/1\.1 401 /);
        expect(text.toLowerCase()).toContain('www-authenticate: dpop error="invalid_token"');
      }
    });

    it('[D20] a token in the query or under Bearer is no token', async () => {
      const query = await fetch(`${server.origin}/weather?access_token=abc`);
      expect(query.status).toBe(401);
      expect(query.headers.get('www-authenticate')).toBe(
        `DPoP algs="ES256 EdDSA", resource_metadata="${server.origin}/.well-known/oauth-protected-resource"`,
      );
      const bearer = await fetch(`${server.origin}/weather`, {
        headers: { authorization: 'Bearer abc' },
      });
      expect(bearer.status).toBe(401);
      expect(bearer.headers.get('www-authenticate')).toContain('error="invalid_token"');
      expect(await bearer.json()).toMatchObject({ code: 'invalid_token', status: 401 });
    });

    it('[H7] text of a client does not reach events', async () => {
      const evil = 'x\r\n2026 INFO forged\u001b[31m';
      await post(server, `/${encodeURIComponent(evil)}`, '{}');
      await post(server, '/challenge', JSON.stringify({ purpose: evil, jkt: evil, scope: evil }));
      await post(server, '/token', `grant_type=${encodeURIComponent(evil)}`, {
        'content-type': 'application/x-www-form-urlencoded',
        dpop: 'evil.evil.evil',
      });
      expect(server.events.length).toBeGreaterThanOrEqual(3);
      for (const event of server.events) expect(JSON.stringify(event)).not.toMatch(/forged|evil/);
    });

    it('[H7] honest: a refusal is reported with its endpoint, code and reason', async () => {
      await post(server, '/challenge', '{');
      const event = server.events.at(-1);
      expect(event).toMatchObject({
        type: 'refused',
        endpoint: '/challenge',
        code: 'invalid_request',
        reason: 'The text is not JSON.',
      });
    });

    it('[H6] `__proto__` in a form or a query pollutes nothing', async () => {
      await post(server, '/token', '__proto__[polluted]=1&__proto__=x&constructor=y', {
        'content-type': 'application/x-www-form-urlencoded',
      });
      expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
    });

    it('serves metadata at the root of the origin', async () => {
      const response = await fetch(`${server.origin}/.well-known/oauth-authorization-server`);
      expect(await response.json()).toMatchObject({
        issuer: server.origin,
        token_endpoint: `${server.origin}/pzk/token`,
      });
      const resource = await fetch(`${server.origin}/.well-known/oauth-protected-resource`);
      expect(await resource.json()).toMatchObject({ resource: server.origin });
      expect((await fetch(`${server.origin}/.well-known/other`)).status).toBe(404);
    });
  });
}

describe('beside other middleware', () => {
  it('works behind body parsers that have read the body already', async () => {
    const server = await startServer({
      before: (app) => {
        app.use(express5.json());
        app.use(express5.urlencoded({ extended: true }));
      },
    });
    expect((await post(server, '/challenge', challengeBody)).status).toBe(200);
    const token = await post(server, '/token', 'grant_type=x&grant_type=y', {
      'content-type': 'application/x-www-form-urlencoded',
    });
    expect(await token.json()).toMatchObject({ code: 'invalid_request' });
    await server.close();
  });

  it('[P10] refuses what body parsers let through and nobody could write again', async () => {
    const server = await startServer({
      before: (app) => {
        app.use(express5.json());
        app.use(express5.urlencoded({ extended: true }));
      },
    });
    const form = { 'content-type': 'application/x-www-form-urlencoded' };
    const depth = 40_000;
    const refused = [
      await post(server, '/challenge', '['.repeat(depth) + ']'.repeat(depth)),
      await post(server, '/token', 'grant_type[toString]=x', form),
      await post(server, '/token', 'grant_type[toString]=x&grant_type[valueOf]=x', form),
    ];
    for (const response of refused) {
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({ code: 'invalid_request' });
    }
    // [P10] honest: what they read of a good body is served as before.
    expect((await post(server, '/challenge', challengeBody)).status).toBe(200);
    await server.close();
  });

  it('[H2] a body that never comes ends with 408 while others are served', async () => {
    const server = await startServer();
    const slow = speakRaw(server.port, [
      'POST /pzk/challenge HTTP/1.1',
      'Host: localhost',
      'Content-Type: application/json',
      'Content-Length: 100',
      '',
      '{',
    ]);
    expect((await post(server, '/challenge', challengeBody)).status).toBe(200);
    expect(await slow).toMatch(/^HTTP\/1\.1 408 /);
    await server.close();
  });

  it('[H2] slow headers end by the limits of the Node server', async () => {
    const server = createServer({ headersTimeout: 300, connectionsCheckingInterval: 50 });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    expect(await speakRaw(port, ['GET / HTTP/1.1', 'X-Slow: '])).toMatch(/ 408 /);
    server.close();
  });

  it('[H2] honest: a body that comes in pieces is read', async () => {
    const server = await startServer();
    const half = challengeBody.length >> 1;
    const status = await new Promise<number>((resolve, reject) => {
      const request = httpRequest(
        `http://127.0.0.1:${server.port}/pzk/challenge`,
        { method: 'POST', headers: { 'content-type': 'application/json' } },
        (response) => {
          response.resume();
          resolve(response.statusCode ?? 0);
        },
      );
      request.on('error', reject);
      request.write(challengeBody.slice(0, half));
      setTimeout(() => request.end(challengeBody.slice(half)), 50);
    });
    expect(status).toBe(200);
    await server.close();
  });
});
