import { createServer, type IncomingMessage, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { rawHeader, sendResponse, serveRequest, toWebRequest } from '../../src/node/index.js';
import { createIssuer } from '../harness/issuer.js';

const issuer = createIssuer({ pageSessions: true });
let server: Server;
let port: number;

beforeAll(async () => {
  server = createServer((req, res) => {
    if (req.url === '/header') return void res.end(JSON.stringify(rawHeader(req, 'authorization')));
    if (req.url === '/cookies') {
      res.setHeader('set-cookie', 'own=1');
      res.setHeader('vary', 'Accept');
      const headers = { 'set-cookie': 'ours=2', vary: 'Origin' };
      return void sendResponse(new Response('', { headers }), req, res);
    }
    if (req.url === '/parsed') {
      // As a body parser leaves it.
      Object.assign(req, { body: { grant_type: ['a', 'b'] } });
      return void req.resume().once('end', () => {
        setImmediate(() => {
          toWebRequest(req)
            .text()
            .then((text) => res.end(text));
        });
      });
    }
    serveRequest(issuer.verifier, req, res, {}).catch(() => res.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as AddressInfo).port;
});

afterAll(async () => {
  await new Promise((resolve) => server.close(resolve));
  await issuer.verifier.close();
});

async function send(method: string, path: string, headers: readonly string[] = [], body = '') {
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    const options = { port, host: '127.0.0.1', method, path, headers, agent: false };
    request(options, resolve).once('error', reject).end(body);
  });
  let text = '';
  for await (const chunk of answer.setEncoding('utf8')) text += chunk;
  return { status: answer.statusCode, headers: answer.headers, text };
}

const FORM = ['content-type', 'application/x-www-form-urlencoded'];
const HOST = ['host', 'localhost'];

it('serves the endpoints on plain Node', async () => {
  const headers = [...HOST, 'content-type', 'application/json'];
  const body = JSON.stringify({ purpose: 'session', jkt: 'A'.repeat(43), scope: '' });
  const challenge = await send('POST', '/pzk/challenge', headers, body);
  expect(challenge.status).toBe(200);
  expect(JSON.parse(challenge.text).issuer).toBe(issuer.verifier.issuer);
  expect((await send('GET', '/pzk/jwks.json', HOST)).status).toBe(200);
});

it('answers a method that no Web request can carry, and goes on serving', async () => {
  expect((await send('TRACE', '/pzk/token', HOST)).status).toBe(405);
  expect((await send('GET', '/pzk/jwks.json', HOST)).status).toBe(200);
});

it('[L5] shows both of two headers of one name', async () => {
  const two = [...HOST, 'Authorization', 'DPoP a', 'authorization', 'DPoP b'];
  expect(JSON.parse((await send('GET', '/header', two)).text)).toBe('DPoP a, DPoP b');
});

it('[L5] honest: shows one header as it came, and null for none', async () => {
  const one = [...HOST, 'Authorization', 'DPoP a'];
  expect(JSON.parse((await send('GET', '/header', one)).text)).toBe('DPoP a');
  expect(JSON.parse((await send('GET', '/header', HOST)).text)).toBeNull();
});

it('writes a parsed form again with every value of a name', async () => {
  const { text } = await send('POST', '/parsed', [...HOST, ...FORM], 'grant_type=a&grant_type=b');
  expect(text).toBe('grant_type=a&grant_type=b');
});

it("keeps the application's cookies and what it varies by", async () => {
  const { headers } = await send('GET', '/cookies', HOST);
  expect(headers['set-cookie']).toEqual(['own=1', 'ours=2']);
  expect(headers.vary).toBe('Accept, Origin');
});
