import { ownershipV1 } from '@pzk-auth/circuits';
import { ISSUER, OLD_KEY, PAGE } from './host.js';
import { call, FORM_TYPE, get, JSON_TYPE, type ParityCase, plain, post } from './parity-case.js';
import type { Peer } from './peer.js';
import type { RawAnswer } from './raw-http.js';
import { vaultAndAgents } from './vault-cases.js';

const jkt = 'A'.repeat(43);
const challenge = (over: object = {}) =>
  JSON.stringify({ purpose: 'session', jkt, scope: 'weather:read', ...over });

const endpoints: readonly ParityCase[] = [
  plain('challenge', 200, undefined, post('/pzk/challenge', challenge())),
  plain('challenge with a query', 200, undefined, post('/pzk/challenge?x=1', challenge())),
  plain('charset in the type', 200, undefined, {
    ...post('/pzk/challenge', challenge()),
    headers: [['content-type', 'Application/JSON; charset=utf-8']],
  }),
  plain('chunked body', 200, undefined, {
    ...post('/pzk/challenge', challenge()),
    headers: [JSON_TYPE, ['Transfer-Encoding', 'chunked']],
  }),
  plain('chunked body too large', 413, 'body_too_large', {
    ...post('/pzk/challenge', ' '.repeat(20_000)),
    headers: [JSON_TYPE, ['Transfer-Encoding', 'chunked']],
  }),
  plain('JWK set', 200, undefined, get('/pzk/jwks.json')),
  plain('JWK set by HEAD', 200, undefined, { method: 'HEAD', target: '/pzk/jwks.json' }),
  plain('metadata', 200, undefined, get('/.well-known/oauth-authorization-server')),
  plain('resource metadata', 200, undefined, get('/.well-known/oauth-protected-resource')),
  plain('artifact', 200, undefined, get(`/pzk/circuits/${ownershipV1.artifacts.prover.sha256}`)),
  plain('unknown artifact', 404, 'not_found', get(`/pzk/circuits/${'0'.repeat(64)}`)),
  plain('path of an artifact that climbs', 404, 'not_found', get('/pzk/circuits/..%2f..%2fsecret')),
  plain('unknown endpoint', 404, 'not_found', get('/pzk/nothing')),
  plain('endpoint with a trailing slash', 404, 'not_found', post('/pzk/challenge/', challenge())),
  plain('endpoint in capitals', 404, 'not_found', post('/pzk/CHALLENGE', challenge())),
  plain('wrong method', 405, 'method_not_allowed', get('/pzk/challenge')),
  plain('PUT', 405, 'method_not_allowed', { ...post('/pzk/token', ''), method: 'PUT' }),
  plain('DELETE', 405, 'method_not_allowed', { method: 'DELETE', target: '/pzk/challenge' }),
  plain('unknown scope', 400, 'invalid_scope', post('/pzk/challenge', challenge({ scope: 'x' }))),
  plain('no JSON', 400, 'invalid_request', post('/pzk/challenge', '{')),
  plain('empty body', 400, 'invalid_request', post('/pzk/challenge', '')),
  plain('unknown member', 400, 'invalid_request', post('/pzk/challenge', challenge({ y: 1 }))),
  plain('prototype', 400, 'invalid_request', post('/pzk/challenge', '{"__proto__":{"scope":"x"}}')),
  plain('deep JSON', 400, 'invalid_request', post('/pzk/challenge', '['.repeat(5000))),
  plain('not UTF-8', 400, 'invalid_request', {
    method: 'POST',
    target: '/pzk/challenge',
    headers: [JSON_TYPE],
    body: Uint8Array.of(0x22, 0xff, 0xfe, 0x22),
  }),
  plain('body too large', 413, 'body_too_large', post('/pzk/challenge', ' '.repeat(20_000))),
  plain('no type', 415, 'unsupported_media_type', post('/pzk/challenge', challenge(), [])),
  plain(
    'form where JSON is due',
    415,
    'unsupported_media_type',
    post('/pzk/challenge', 'purpose=session', [FORM_TYPE]),
  ),
  plain(
    'JSON where a form is due',
    415,
    'unsupported_media_type',
    post('/pzk/token', '{"grant_type":"x"}', [JSON_TYPE]),
  ),
  plain(
    'compressed body',
    415,
    'unsupported_media_type',
    post('/pzk/challenge', challenge(), [JSON_TYPE, ['Content-Encoding', 'gzip']]),
  ),
  plain('no DPoP proof', 400, 'invalid_dpop_proof', {
    ...post('/pzk/token', 'grant_type=urn%3Apzk-auth%3Agrant-type%3Arenew&client_id=x'),
    headers: [FORM_TYPE],
  }),
  plain(
    'unknown grant',
    400,
    'unsupported_grant_type',
    post('/pzk/token', 'grant_type=client_credentials', [FORM_TYPE]),
  ),
  plain(
    'a parameter twice',
    400,
    'invalid_request',
    post('/pzk/token', 'grant_type=a&grant_type=b', [FORM_TYPE]),
  ),
];

const crossOrigin: readonly ParityCase[] = [
  plain('preflight of an endpoint from the page', 204, undefined, {
    method: 'OPTIONS',
    target: '/pzk/challenge',
    headers: [
      ['Origin', PAGE],
      ['Access-Control-Request-Method', 'POST'],
      ['Access-Control-Request-Headers', 'content-type, dpop'],
    ],
  }),
  plain('preflight of an endpoint from elsewhere', 204, undefined, {
    method: 'OPTIONS',
    target: '/pzk/challenge',
    headers: [
      ['Origin', 'https://evil.example'],
      ['Access-Control-Request-Method', 'POST'],
    ],
  }),
  plain(
    'challenge from the page',
    200,
    undefined,
    post('/pzk/challenge', challenge(), [JSON_TYPE, ['Origin', PAGE]]),
  ),
  plain(
    'challenge from elsewhere',
    200,
    undefined,
    post('/pzk/challenge', challenge(), [JSON_TYPE, ['Origin', 'null']]),
  ),
  plain('preflight of a protected route', 204, undefined, {
    method: 'OPTIONS',
    target: '/weather',
    headers: [
      ['Origin', PAGE],
      ['Access-Control-Request-Method', 'GET'],
      ['Access-Control-Request-Headers', 'authorization, dpop'],
    ],
  }),
  plain('refusal of a protected route, read by the page', 401, 'invalid_token', {
    ...get('/weather', [['Origin', PAGE]]),
  }),
];

const protectedCalls: readonly ParityCase[] = [
  plain('open route', 200, undefined, get('/open')),
  plain('no token', 401, 'invalid_token', get('/weather')),
  plain('no token on a route without a scope', 401, 'invalid_token', get('/any')),
  call('honest call', 200, undefined, async (peer) =>
    get('/weather', await peer.credentials('GET', '/weather')),
  ),
  call('honest call with a query', 200, undefined, async (peer) =>
    get('/weather?day=1&day=2#x', await peer.credentials('GET', '/weather')),
  ),
  call('honest call of a route without a scope', 200, undefined, async (peer) =>
    get('/any', await peer.credentials('GET', '/any')),
  ),
  call('honest call with an encoded parameter', 200, undefined, async (peer) =>
    get(
      '/v1/weather/S%C3%A3o%20Paulo',
      await peer.credentials('GET', '/v1/weather/S%C3%A3o%20Paulo'),
    ),
  ),
  call('honest call under other names and cases of headers', 200, undefined, async (peer) =>
    get(
      '/weather',
      (await peer.credentials('GET', '/weather', { scheme: 'dpop' })).map(
        ([name, value]) => [name.toUpperCase(), value] as const,
      ),
    ),
  ),
  call('forged Host and X-Forwarded-*', 200, undefined, async (peer) =>
    get('/weather', [
      ['Host', 'evil.example'],
      ['X-Forwarded-Host', 'evil.example'],
      ['X-Forwarded-Proto', 'http'],
      ['Forwarded', 'host=evil.example;proto=http'],
      ...(await peer.credentials('GET', '/weather')),
    ]),
  ),
  call('a proof for the forged host', 401, 'invalid_dpop_proof', async (peer) =>
    get('/weather', [
      ['Host', 'evil.example'],
      ...(await peer.credentials('GET', '/weather', { url: 'https://evil.example/weather' })),
    ]),
  ),
  call(
    'a proof for the address on which the host listens',
    401,
    'invalid_dpop_proof',
    async (peer) =>
      get(
        '/weather',
        await peer.credentials('GET', '/weather', { url: 'http://127.0.0.1/weather' }),
      ),
  ),
  call('a proof of another path', 401, 'invalid_dpop_proof', async (peer) =>
    get('/weather', await peer.credentials('GET', '/any')),
  ),
  call('a proof of another method', 401, 'invalid_dpop_proof', async (peer) =>
    get('/weather', await peer.credentials('POST', '/weather')),
  ),
  call('a proof without ath', 401, 'invalid_dpop_proof', async (peer) =>
    get('/weather', await peer.credentials('GET', '/weather', { claims: { ath: undefined } })),
  ),
  call('a proof from an hour ago', 401, 'invalid_dpop_proof', async (peer) =>
    get('/weather', await peer.credentials('GET', '/weather', { now: Date.now() - 3_600_000 })),
  ),
  call('no proof', 401, 'invalid_dpop_proof', async (peer) =>
    get('/weather', (await peer.credentials('GET', '/weather')).slice(0, 1)),
  ),
  call('Bearer', 401, 'invalid_token', async (peer) =>
    get('/weather', await peer.credentials('GET', '/weather', { scheme: 'Bearer' })),
  ),
  call('token in the query', 401, 'invalid_token', async (peer) => {
    const [, proof] = await peer.credentials('GET', '/weather');
    return get(`/weather?access_token=${peer.token}`, proof === undefined ? [] : [proof]);
  }),
  call('another text of the token', 401, 'invalid_token', async (peer) =>
    get('/weather', await peer.credentials('GET', '/weather', { token: `${peer.token}=` })),
  ),
  call('two Authorization headers', 401, 'invalid_token', async (peer) => {
    const own = await peer.credentials('GET', '/weather');
    return get('/weather', [...own.slice(0, 1), ['Authorization', 'Basic eDp5'], ...own.slice(1)]);
  }),
  call('two DPoP headers', 401, 'invalid_dpop_proof', async (peer) => {
    const own = await peer.credentials('GET', '/weather');
    const [, second] = await peer.credentials('GET', '/weather');
    return get('/weather', second === undefined ? own : [...own, second]);
  }),
  {
    name: 'the same proof twice',
    status: 401,
    code: 'invalid_dpop_proof',
    async run(peer) {
      const headers = await peer.credentials('GET', '/weather');
      const first = await peer.send(get('/weather', headers));
      if (first.status !== 200) throw new Error(`first: ${first.status} ${first.body}`);
      return peer.send(get('/weather', headers));
    },
  },
  call('POST with a body', 201, undefined, async (peer) => ({
    ...post('/reports', '{"text":"fog"}'),
    headers: [JSON_TYPE, ...(await peer.credentials('POST', '/reports'))],
  })),
  call('HEAD of a protected route', 200, undefined, async (peer) => ({
    method: 'HEAD',
    target: '/weather',
    headers: await peer.credentials('HEAD', '/weather'),
  })),
];

const scopes: readonly ParityCase[] = [
  {
    name: 'a token without the scope',
    status: 403,
    code: 'insufficient_scope',
    async run(peer) {
      const answer = await peer.client.challenge('session', { scope: 'weather:read' });
      const issued = await peer.client.post('/token', await peer.client.tokenForm(answer));
      const token = issued.body.access_token as string;
      const headers = await peer.credentials('POST', '/reports', { token });
      return peer.send({ ...post('/reports', '{}'), headers: [JSON_TYPE, ...headers] });
    },
  },
];

/** Calls with the keys of before: what is said to their callers has to be the same, too. */
const plainKeys: readonly ParityCase[] = [
  plain('plain API key', 200, undefined, get('/old', [['X-API-Key', OLD_KEY]])),
  plain(
    'plain API key as Bearer',
    200,
    undefined,
    get('/old', [['Authorization', `Bearer ${OLD_KEY}`]]),
  ),
  plain('unknown plain API key', 401, 'invalid_token', get('/old', [['X-API-Key', 'sk_none']])),
  plain(
    'plain API key without the scope',
    403,
    'insufficient_scope',
    get('/old', [['X-API-Key', `${OLD_KEY}2`]]),
  ),
  plain(
    'plain API key twice',
    401,
    'invalid_token',
    get('/old', [
      ['X-API-Key', OLD_KEY],
      ['X-API-Key', OLD_KEY],
    ]),
  ),
  plain('plain API key in the query', 401, 'invalid_token', get(`/old?api_key=${OLD_KEY}`)),
  plain(
    'plain API key on another route',
    401,
    'invalid_token',
    get('/weather', [['X-API-Key', OLD_KEY]]),
  ),
  call('token where plain API keys are let in', 200, undefined, async (peer) =>
    get('/old', await peer.credentials('GET', '/old')),
  ),
  call('token and plain API key', 400, 'invalid_request', async (peer) =>
    get('/old', [['X-API-Key', OLD_KEY], ...(await peer.credentials('GET', '/old'))]),
  ),
];

const health: readonly ParityCase[] = [
  plain('liveness', 200, undefined, get('/health/live')),
  plain('liveness by HEAD', 200, undefined, { method: 'HEAD', target: '/health/live' }),
  plain('readiness', 200, undefined, get('/health/ready?verbose')),
];

/** The exchange step by step, its answers and its refusals. Run last: it ends the session. */
const exchange: readonly ParityCase[] = [
  {
    name: 'token by proof',
    status: 200,
    async run(peer) {
      const nonce = await peer.client.challenge('session');
      const form = await peer.client.tokenForm(nonce);
      return sendForm(peer, '/token', form);
    },
  },
  {
    name: 'the same exchange twice',
    status: 400,
    code: 'invalid_nonce',
    async run(peer) {
      const form = await peer.client.tokenForm(await peer.client.challenge('session'));
      await sendForm(peer, '/token', form);
      return sendForm(peer, '/token', form);
    },
  },
  {
    name: 'a proof of another nonce',
    status: 400,
    code: 'invalid_grant',
    async run(peer) {
      const form = await peer.client.tokenForm(await peer.client.challenge('session'));
      const other = await peer.client.tokenForm(await peer.client.challenge('session'));
      return sendForm(peer, '/token', { ...form, proof: other.proof ?? '' });
    },
  },
  {
    name: 'renewal',
    status: 200,
    async run(peer) {
      const issued = await peer.client.token();
      return sendForm(peer, '/token', {
        grant_type: 'urn:pzk-auth:grant-type:renew',
        client_id: issued.body.client_id as string,
      });
    },
  },
  {
    name: 'enrolment of a second device by proof alone',
    status: 403,
    code: 'enrollment_refused',
    async run(peer) {
      peer.client.authenticator.remove();
      const body = await peer.client.enrollBody(await peer.client.challenge('enroll'));
      const proof = await peer.client.sessionKey.dpop({ url: `${ISSUER}/pzk/enroll` });
      return peer.send(post('/pzk/enroll', JSON.stringify(body), [JSON_TYPE, ['DPoP', proof]]));
    },
  },
  {
    name: 'revocation',
    status: 200,
    run: (peer) => sendForm(peer, '/revoke', { token: peer.token }),
  },
  {
    name: 'a call with the revoked token',
    status: 401,
    code: 'invalid_token',
    run: async (peer) => peer.send(get('/weather', await peer.credentials('GET', '/weather'))),
  },
];

async function sendForm(
  peer: Peer,
  path: string,
  form: Readonly<Record<string, string>>,
): Promise<RawAnswer> {
  const proof = await peer.client.sessionKey.dpop({ url: `${ISSUER}/pzk${path}` });
  const body = new URLSearchParams(form).toString();
  return peer.send(post(`/pzk${path}`, body, [FORM_TYPE, ['DPoP', proof]]));
}

/** In the order in which they are run. */
export const cases: readonly ParityCase[] = [
  ...endpoints,
  ...crossOrigin,
  ...protectedCalls,
  ...scopes,
  ...plainKeys,
  ...health,
  ...vaultAndAgents,
  ...exchange,
];
