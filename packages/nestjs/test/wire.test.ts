import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import { pzkAuth } from '@pzk-auth/express';
import express from 'express';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ORIGIN, platforms, startApp, testVerifier } from './app.js';

const JKT = 'A'.repeat(43);
const CHALLENGE = JSON.stringify({ purpose: 'session', jkt: JKT, scope: 'weather:read' });

interface Answer {
  readonly status: number;
  readonly headers: readonly string[];
  readonly body: string;
}

/** Writes one request as it stands and reads one answer; nothing in between tidies either. */
function speak(port: number, lines: readonly string[], body = ''): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    let text = '';
    socket.setTimeout(60_000, () => socket.destroy(new Error('no answer')));
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
    });
    socket.on('error', reject);
    socket.on('close', () => {
      const end = text.indexOf('\r\n\r\n');
      const [first = '', ...headers] = text.slice(0, end).split('\r\n');
      resolve({ status: Number(first.split(' ')[1]), headers, body: text.slice(end + 4) });
    });
    socket.write([...lines, 'Host: localhost', 'Connection: close', '', body].join('\r\n'));
  });
}

const VARYING = /^(date|x-powered-by|keep-alive):/i;
const SECRETS = /"(nonce|challenge)":"[^"]*"|"(now|expires_at|server_time)":\d+/g;

/** What has to be the same: all but the clock, the nonce and the name of the framework. */
function comparable({ status, headers, body }: Answer) {
  const kept = headers.filter((line) => !VARYING.test(line)).map((line) => line.toLowerCase());
  return { status, headers: kept.sort(), body: body.replace(SECRETS, '') };
}

function post(path: string, type: string, body: string, headers: readonly string[] = []) {
  const length = `Content-Length: ${Buffer.byteLength(body)}`;
  const lines = [`POST ${path} HTTP/1.1`, `Content-Type: ${type}`, length, ...headers];
  return { lines, body };
}

const json = (path: string, body: string, headers: readonly string[] = []) =>
  post(path, 'application/json', body, headers);
const get = (path: string, ...headers: string[]) => ({
  lines: [`GET ${path} HTTP/1.1`, ...headers],
  body: '',
});
const FORM = 'application/x-www-form-urlencoded';
const BOMB = gzipSync(Buffer.alloc(1_000_000)).toString('latin1');

/** Requests, and the status that each is worth. */
const cases: readonly (readonly [string, { lines: string[]; body: string }, number])[] = [
  ['[H1] honest: a challenge', json('/pzk/challenge', CHALLENGE), 200],
  ['a challenge with a query', json('/pzk/challenge?x=/pzk', CHALLENGE), 200],
  ['a path in other letters', json('/PZK/challenge', CHALLENGE), 200],
  ['the absolute form of a target', json('http://localhost/pzk/challenge', CHALLENGE), 200],
  ['[H1] a body above the limit', json('/pzk/challenge', 'x'.repeat(17 * 1024)), 413],
  ['[H1] a body far above the limit', json('/pzk/challenge', 'x'.repeat(300_000)), 413],
  ['[H1] no JSON', json('/pzk/challenge', '{'), 400],
  ['[H1] no object', json('/pzk/challenge', '[]'), 400],
  ['[H1] an empty body', json('/pzk/challenge', ''), 400],
  ['[H1] a poisoned prototype', json('/pzk/challenge', '{"__proto__":{"x":1}}'), 400],
  ['[H1] deep JSON', json('/pzk/challenge', '['.repeat(5000)), 400],
  ['[H1] text', post('/pzk/challenge', 'text/plain', CHALLENGE), 415],
  ['[H1] multipart', post('/pzk/challenge', 'multipart/form-data; boundary=x', '--x--'), 415],
  ['[H1] a type that is none', post('/pzk/challenge', ';;', CHALLENGE), 415],
  ['[H1] a form where JSON belongs', post('/pzk/challenge', FORM, 'purpose=session'), 415],
  ['[H1] JSON where a form belongs', json('/pzk/token', CHALLENGE), 415],
  ['[H1] a gzip bomb', json('/pzk/challenge', BOMB, ['Content-Encoding: gzip']), 415],
  ['[H6] a form with __proto__', post('/pzk/token', FORM, '__proto__[x]=1&grant_type=x'), 400],
  ['a form with a field twice', post('/pzk/token', FORM, 'grant_type=x&grant_type=y'), 400],
  ['an unknown path', json('/pzk/nothing', '{}'), 404],
  ['the mount path alone', get('/pzk'), 404],
  ['the mount path with a slash', get('/pzk/'), 404],
  ['a wrong method', get('/pzk/token'), 405],
  ['PUT', { lines: ['PUT /pzk/token HTTP/1.1', 'Content-Length: 2'], body: '{}' }, 405],
  ['TRACE', { lines: ['TRACE /pzk/token HTTP/1.1'], body: '' }, 405],
  ['HEAD', { lines: ['HEAD /pzk/jwks.json HTTP/1.1'], body: '' }, 200],
  ['a path with an escape', get('/pzk/%6Awks.json'), 404],
  ['an artifact that is none', get('/pzk/circuits/../package.json'), 404],
  [
    '[H3] a foreign origin',
    json('/pzk/challenge', CHALLENGE, ['Origin: https://evil.example']),
    200,
  ],
  ['[H3] honest: the page', json('/pzk/challenge', CHALLENGE, [`Origin: ${ORIGIN}`]), 200],
  [
    '[H3] honest: preflight',
    {
      lines: [
        'OPTIONS /pzk/token HTTP/1.1',
        `Origin: ${ORIGIN}`,
        'Access-Control-Request-Method: POST',
      ],
      body: '',
    },
    204,
  ],
  ['metadata', get('/.well-known/oauth-authorization-server'), 200],
  ['metadata of the resource', get('/.well-known/oauth-protected-resource'), 200],
  [
    'HEAD of metadata',
    { lines: ['HEAD /.well-known/oauth-authorization-server HTTP/1.1'], body: '' },
    200,
  ],
  ['[D20] no token', get('/weather'), 401],
  ['[D20] a bearer token', get('/weather', 'Authorization: Bearer abc'), 401],
  ['[D20] a token in the query', get('/weather?access_token=abc'), 401],
  ['a token without a proof', get('/weather', 'Authorization: DPoP a.b.c'), 401],
  [
    '[L5] two tokens',
    get('/weather', 'Authorization: DPoP a.b.c', 'Authorization: DPoP a.b.c'),
    401,
  ],
  [
    '[L5] two proofs',
    get('/weather', 'Authorization: DPoP a.b.c', 'DPoP: a.b.c', 'DPoP: a.b.c'),
    401,
  ],
  ['a route that wants a touch', get('/weather/recent'), 401],
];

async function startExpress() {
  const { verifier } = testVerifier();
  const pzk = pzkAuth(verifier);
  const app = express();
  app.use(pzk.wellKnown());
  app.use('/pzk', pzk.routes());
  app.get('/weather', pzk.protect({ scope: 'weather:read' }));
  app.get('/weather/recent', pzk.protect({ scope: 'weather:read', maxAge: 60 }));
  app.use(pzk.errors());
  const server = createServer(app);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      await new Promise((resolve) => server.close(resolve));
      await verifier.close();
    },
  };
}

describe.each(platforms)('on %s as under Express alone', (_name, platform) => {
  let reference: Awaited<ReturnType<typeof startExpress>>;
  let nest: Awaited<ReturnType<typeof startApp>>;
  beforeAll(async () => {
    reference = await startExpress();
    nest = await startApp(platform, { verifier: testVerifier().verifier });
  });
  afterAll(async () => {
    await nest.close();
    await reference.close();
  });

  it.each(cases)('%s', async (_title, { lines, body }, status) => {
    const expected = comparable(await speak(reference.port, lines, body));
    expect(expected.status).toBe(status);
    expect(comparable(await speak(nest.port, lines, body))).toEqual(expected);
  });

  it('[H2] a body that never comes ends with 408', async () => {
    const lines = [
      'POST /pzk/challenge HTTP/1.1',
      'Content-Type: application/json',
      'Content-Length: 100',
    ];
    const answers = [reference, nest].map(({ port }) => speak(port, lines, '{'));
    const [expected, answer] = (await Promise.all(answers)).map(comparable);
    expect(answer?.status).toBe(408);
    expect(answer).toEqual(expected);
  });
});
