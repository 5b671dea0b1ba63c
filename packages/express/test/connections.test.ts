import { Agent, request as httpRequest } from 'node:http';
import express5 from 'express';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startServer, type TestServer, versions } from './server.js';

interface Sent {
  readonly method: string;
  readonly path: string;
  readonly body?: string;
  readonly type?: string;
}

/** Sends requests one after the other over one connection, as a pooling proxy would. */
async function sendAll(server: TestServer, requests: readonly Sent[]): Promise<number[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const statuses: number[] = [];
  for (const { method, path, body, type = 'application/json' } of requests) {
    const status = await new Promise<number>((resolve, reject) => {
      const headers =
        body === undefined ? {} : { 'content-type': type, 'content-length': body.length };
      const options = { host: '127.0.0.1', port: server.port, agent, method, path, headers };
      const request = httpRequest(options, (response) => {
        response.resume();
        response.once('end', () => resolve(response.statusCode ?? 0));
      });
      request.setTimeout(60_000, () => request.destroy(new Error('no answer')));
      request.once('error', reject);
      request.end(body);
    }).catch(() => -1);
    statuses.push(status);
  }
  agent.destroy();
  return statuses;
}

const LARGE = 'x'.repeat(600_000);

for (const [name, express] of versions) {
  describe(name, () => {
    let server: TestServer;
    beforeAll(async () => {
      server = await startServer({
        express,
        after: (app) => {
          app.post('/.well-known/own', express5.text({ limit: '2mb' }), (req, res) => {
            res.send(String(req.body.length));
          });
        },
      });
    });
    afterAll(() => server.close());

    it('[H1] a refused body does not hold up the next request on its connection', async () => {
      for (const refused of [
        { method: 'POST', path: '/pzk/nothing', body: LARGE },
        { method: 'POST', path: '/pzk/challenge', body: LARGE, type: 'text/plain' },
        { method: 'PUT', path: '/pzk/challenge', body: LARGE },
      ]) {
        const [first, second] = await sendAll(server, [
          refused,
          { method: 'GET', path: '/pzk/jwks.json' },
        ]);
        // The server may close a connection on which it did not read everything; it never stalls it.
        expect([404, 405, 415, -1]).toContain(first);
        expect(second).toBe(200);
      }
    });

    it('keeps a connection after a request without a body', async () => {
      for (const path of ['/pzk/jwks.json', '/.well-known/oauth-authorization-server']) {
        const response = await fetch(server.origin + path);
        expect(response.headers.get('connection'), path).not.toBe('close');
        await response.arrayBuffer();
      }
    });

    it('[H1] honest: a connection is kept over requests that were read', async () => {
      const body = JSON.stringify({ purpose: 'session', jkt: 'A'.repeat(43), scope: '' });
      const challenge = { method: 'POST', path: '/pzk/challenge', body };
      expect(await sendAll(server, [challenge, challenge, challenge])).toEqual([200, 200, 200]);
    });

    it('takes no request below /.well-known/ that is not its own', async () => {
      const own = { method: 'POST', path: '/.well-known/own', body: 'abc', type: 'text/plain' };
      const metadata = '/.well-known/oauth-authorization-server';
      expect(
        await sendAll(server, [
          own,
          { method: 'HEAD', path: metadata },
          { method: 'TRACE', path: metadata },
          { method: 'TRACE', path: '/pzk/token' },
        ]),
      ).toEqual([200, 200, 404, 405]);
    });
  });
}
