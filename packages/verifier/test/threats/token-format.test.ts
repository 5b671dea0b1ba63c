import { createPublicKey } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type CryptoKey, exportJWK, generateKeyPair, type JWK } from 'jose';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { memoryStores, type Stores } from '../../src/index.js';
import { compactJws, macWith, type Signer, signWith } from '../harness/compact-jws.js';
import { callProtected, proofClaims } from '../harness/dpop-surfaces.js';
import { ISSUER } from '../harness/issuer.js';
import { type IssuerSigningKey, openSigningKey } from '../harness/signing-key.js';
import { createWatchedIssuer, expectRefused } from '../harness/watched-issuer.js';
import { createWireClient, type WireAnswer, type WireClient } from '../harness/wire-client.js';

const SECOND_AUDIENCE = `${ISSUER}/second`;
/** Stores that remember what was before this test, as Redis does. */
function lastingStores(stores: Stores): Stores {
  const { knownSince: _, ...revocations } = stores.revocations;
  return { ...stores, revocations };
}

const issuer = createWatchedIssuer({ audience: [ISSUER, SECOND_AUDIENCE], adapt: lastingStores });
afterAll(() => issuer.verifier.close());

const REFUSED = { status: 401, code: 'invalid_token' } as const;

let client: WireClient;
let accessToken: string;
let header: Record<string, unknown>;
let claims: Record<string, unknown>;
let signing: IssuerSigningKey;

beforeAll(async () => {
  const { apiKey } = await issuer.verifier.keys.issue({ scopes: ['weather:read'] });
  client = await createWireClient(issuer, { apiKey });
  accessToken = (await client.enroll()).body.access_token;
  issuer.secrets.add(apiKey).add(accessToken);
  const parse = (segment = '') => JSON.parse(Buffer.from(segment, 'base64url').toString());
  [header, claims] = accessToken.split('.').slice(0, 2).map(parse) as [
    typeof header,
    typeof claims,
  ];
  // What a token can say beyond what this engine writes needs the issuer's own signature.
  signing = await openSigningKey(issuer);
});

/** Uses a token on a protected call with an honest proof for exactly this text. */
async function use(token: string): Promise<WireAnswer> {
  const url = `${ISSUER}/weather`;
  const honest = proofClaims({ method: 'GET', url, now: issuer.now(), accessToken: token });
  const dpop = await client.sessionKey.dpop({ url, claims: honest });
  return callProtected(issuer, { headers: new Headers({ authorization: `DPoP ${token}`, dpop }) });
}

async function refuse(token: string) {
  try {
    await expectRefused(issuer, REFUSED, () => use(token));
  } catch (cause) {
    throw new Error(`took ${token}`, { cause });
  }
}

/** Signs as the issuer and demands a refusal. */
async function refuseSigned(over: {
  header?: Record<string, unknown>;
  claims?: Record<string, unknown>;
}) {
  await refuse(signing.sign({ ...header, ...over.header }, { ...claims, ...over.claims }));
}

async function acceptSigned(over: {
  header?: Record<string, unknown>;
  claims?: Record<string, unknown>;
}) {
  const answer = await use(
    signing.sign({ ...header, ...over.header }, { ...claims, ...over.claims }),
  );
  expect(answer.text).toContain('"account"');
  expect(answer.status).toBe(200);
}

describe('header', () => {
  it('[D22] refuses alg none and an HMAC under the public key', async () => {
    const empty: Signer = () => new Uint8Array();
    for (const alg of ['none', 'None', '']) {
      await refuse(compactJws({ ...header, alg }, claims, empty));
      await refuse(compactJws({ ...header, alg, kid: undefined }, claims, empty));
    }
    await refuse(compactJws(header, claims, empty));
    const jwk = { ...signing.publicJwk };
    const key = createPublicKey({ key: jwk as Record<string, string>, format: 'jwk' });
    const secrets = [
      Buffer.from(key.export({ type: 'spki', format: 'pem' }) as string),
      key.export({ type: 'spki', format: 'der' }),
      Buffer.from(JSON.stringify(jwk)),
      issuer.secret,
      Buffer.alloc(0),
    ];
    for (const secret of secrets) {
      await refuse(compactJws({ ...header, alg: 'HS256' }, claims, macWith(secret)));
      await refuse(compactJws(header, claims, macWith(secret)));
    }
  });

  it('[D22] refuses any algorithm but that of the key', async () => {
    const algs = ['ES384', 'ES512', 'ES256K', 'RS256', 'PS256', 'EdDSA', 'Ed25519', 'es256'];
    for (const alg of [...algs, null, undefined, ['ES256'], 256]) {
      await refuseSigned({ header: { alg } });
    }
  });

  it('[D22] refuses another type, also that of other tokens signed here', async () => {
    const types = ['JWT', 'dpop+jwt', 'at+jwt+x', 'jwt', 'id+jwt', 'logout+jwt', ''];
    for (const typ of [...types, undefined, null, ['at+jwt'], 'text/at+jwt']) {
      await refuseSigned({ header: { typ } });
    }
  });

  it('[D22] refuses a kid that names no key of this issuer', async () => {
    const kids = [
      undefined,
      null,
      '',
      'unknown',
      '__proto__',
      'constructor',
      'toString',
      '../../dev/null',
      '/dev/null',
      "' OR 1=1 --",
      `${signing.kid}\u0000`,
      `${signing.kid} `,
      [signing.kid],
      { kid: signing.kid },
      0,
      'x'.repeat(2000),
    ];
    for (const kid of kids) await refuseSigned({ header: { kid } });
  });

  it('[D22] refuses crit, b64 and zip', async () => {
    await refuseSigned({ header: { crit: ['exp'], exp: claims.exp } });
    await refuseSigned({ header: { crit: [] } });
    await refuseSigned({ header: { crit: ['b64'], b64: true } });
    await refuseSigned({ header: { crit: ['b64'], b64: false } });
    await refuseSigned({ header: { b64: false } });
    await refuseSigned({ header: { zip: 'DEF' } });
  });

  it('[D22] refuses other serialisations', async () => {
    const [protectedHeader, payload, signature] = accessToken.split('.');
    await refuse(`${protectedHeader}.${payload}`);
    await refuse(`${protectedHeader}.${payload}.`);
    await refuse(`${protectedHeader}..${signature}`);
    await refuse(`${accessToken}.${signature}`);
    await refuse(`${accessToken}.x.y`);
    await refuse('x'.repeat(4097));
    for (const text of ['null', '[]', '"x"', '{']) {
      await refuse(signing.sign(header, text));
      await refuse(signing.sign(text, claims));
    }
  });

  it('[D22] honest: a token as this issuer writes it passes', async () => {
    expect(header).toEqual({ typ: 'at+jwt', alg: 'ES256', kid: signing.kid });
    expect((await use(accessToken)).status).toBe(200);
    await acceptSigned({});
    // RFC 9068 section 4: the full media type names the same.
    await acceptSigned({ header: { typ: 'application/at+jwt' } });
  });
});

describe('keys in the header', () => {
  let server: Server;
  let origin: string;
  let connections = 0;
  let attacker: { privateKey: CryptoKey; publicJwk: JWK };

  beforeAll(async () => {
    const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true });
    const publicJwk = { ...(await exportJWK(publicKey)), kid: 'attacker', alg: 'ES256' };
    attacker = { privateKey, publicJwk };
    server = createServer((_, response) => {
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ keys: [publicJwk] }));
    });
    server.on('connection', () => {
      connections++;
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => new Promise((resolve) => server.close(resolve)));

  const hostileHeaders = (): readonly Record<string, unknown>[] => [
    { jku: `${origin}/jwks.json` },
    { jku: `${origin}/jwks.json`, kid: 'attacker' },
    { x5u: `${origin}/cert.pem` },
    { jwk: attacker.publicJwk },
    { jwk: attacker.publicJwk, kid: 'attacker' },
    { jwk: attacker.publicJwk, kid: undefined },
    { x5c: ['AAAA'] },
    { x5t: 'AAAA' },
    { iss: origin },
  ];

  it('[D23] refuses tokens that bring or name their key, without any connection', async () => {
    const sign = signWith(attacker.privateKey);
    for (const hostile of hostileHeaders()) {
      await refuse(compactJws({ ...header, ...hostile }, claims, sign));
      await refuse(compactJws({ ...header, ...hostile }, { ...claims, iss: origin }, sign));
      // Signed by the issuer, so that nothing else stands in the way of following it.
      await refuseSigned({ header: hostile });
    }
    expect(connections).toBe(0);
  });

  it('[D23] follows no address in the header of a DPoP proof', async () => {
    const url = `${ISSUER}/weather`;
    const expected = { status: 401, code: 'invalid_dpop_proof' };
    for (const hostile of hostileHeaders()) {
      const honest = proofClaims({ method: 'GET', url, now: issuer.now(), accessToken });
      const dpopHeader = { typ: 'dpop+jwt', alg: 'ES256', jwk: client.sessionKey.jwk, ...hostile };
      const dpop = compactJws(dpopHeader, honest, signWith(attacker.privateKey));
      const headers = new Headers({ authorization: `DPoP ${accessToken}`, dpop });
      await expectRefused(issuer, expected, () => callProtected(issuer, { headers }));
    }
    expect(connections).toBe(0);
  });

  it('[D23] honest: own keys are found by kid; the listener would have been reached', async () => {
    expect((await use(accessToken)).status).toBe(200);
    const url = `${ISSUER}/weather`;
    const honest = proofClaims({ method: 'GET', url, now: issuer.now(), accessToken });
    const dpop = await client.sessionKey.dpop({
      url,
      claims: honest,
      header: { jku: `${origin}/jwks.json`, x5u: `${origin}/cert.pem` },
    });
    const headers = new Headers({ authorization: `DPoP ${accessToken}`, dpop });
    expect((await callProtected(issuer, { headers })).status).toBe(200);
    expect(connections).toBe(0);
    await fetch(`${origin}/jwks.json`, { headers: { connection: 'close' } });
    expect(connections).toBe(1);
  });
});

describe('times', () => {
  const now = () => Math.floor(issuer.now() / 1000);
  beforeEach(() => {
    issuer.standing = Date.now();
  });
  afterEach(() => {
    issuer.standing = undefined;
  });

  it('[D24, L3] refuses a token without exp, and one with an odd exp', async () => {
    const odd = [undefined, null, '', true, [], {}, 'never', String(now() + 60), 1e300, -1, 0];
    for (const exp of [...odd, now() + 60.5, [now() + 60]]) await refuseSigned({ claims: { exp } });
  });

  it('[D24] refuses an expired token, whether seen before or not', async () => {
    for (const exp of [now() - 1, now()]) {
      await refuseSigned({ claims: { exp, iat: exp - 300 } });
    }
    const seen = signing.sign(header, { ...claims, iat: now() - 298, exp: now() + 60 });
    expect((await use(seen)).status).toBe(200);
    issuer.offset += 61_000;
    await refuse(seen);
    issuer.offset -= 61_000;
  });

  it('[D24] refuses a token that is not yet valid or has an odd nbf', async () => {
    for (const nbf of [now() + 60, 1e12, 'x', String(now() - 60), [now() - 60], {}, true]) {
      await refuseSigned({ claims: { nbf } });
    }
  });

  it('[D24] refuses a token from the future, without iat or with an odd one', async () => {
    for (const iat of [undefined, null, '', true, [], {}, String(now()), now() + 0.5, -1, 0]) {
      await refuseSigned({ claims: { iat, exp: now() + 60 } });
    }
    for (const ahead of [7, 60, 3600]) {
      await refuseSigned({ claims: { iat: now() + ahead, exp: now() + ahead + 300 } });
    }
  });

  it('[D24] refuses a token that lives longer than 15 minutes', async () => {
    const iat = now();
    for (const exp of [iat + 901, iat + 3600, iat + 10 * 365 * 86_400]) {
      await refuseSigned({ claims: { iat, exp } });
    }
  });

  it('[D24] refuses a token without auth_time', async () => {
    for (const auth_time of [undefined, null, '', String(now()), -1, 0, 1.5]) {
      await refuseSigned({ claims: { auth_time } });
    }
  });

  it('[D24] honest: a token of 15 minutes passes until it expires', async () => {
    const iat = now();
    await acceptSigned({ claims: { iat, exp: iat + 900 } });
    await acceptSigned({ claims: { iat: iat - 290, exp: iat + 10, nbf: iat - 290 } });
    // Clocks of instances differ a little.
    await acceptSigned({ claims: { iat: iat + 4, exp: iat + 304 } });
  });
});

describe('issuer and audience', () => {
  it('[D25] refuses another audience and other spellings of this one', async () => {
    const audiences = [
      undefined,
      null,
      '',
      'https://other.example.com',
      `${ISSUER}/`,
      `${ISSUER}/third`,
      `${ISSUER}.evil.example`,
      `${ISSUER}:443`,
      ISSUER.toUpperCase(),
      ISSUER.replace('https', 'http'),
      ` ${ISSUER}`,
      'api.example.com',
      true,
      {},
    ];
    for (const aud of audiences) await refuseSigned({ claims: { aud } });
  });

  it('[D25] refuses a list of audiences, even with this one in it', async () => {
    const lists = [[], [ISSUER], [ISSUER, 'https://other.example.com'], [[ISSUER]], { 0: ISSUER }];
    for (const aud of lists) await refuseSigned({ claims: { aud } });
  });

  it('[D25] refuses another issuer and other spellings of this one', async () => {
    const issuers = [undefined, null, '', `${ISSUER}/`, `${ISSUER}/tenant`, ISSUER.toUpperCase()];
    for (const iss of [...issuers, 'https://evil.example', [ISSUER], true, { url: ISSUER }]) {
      await refuseSigned({ claims: { iss } });
    }
  });

  it('[D25] refuses a token of another issuer in the same deployment', async () => {
    const tenant = createWatchedIssuer({
      issuer: `${ISSUER}/tenant`,
      secret: issuer.secret,
      adapt: () => ({ ...issuer.stores, signingKeys: memoryStores().signingKeys }),
    });
    // Its keys are its own, since they are wrapped for its name; the rest of the store is shared.
    const other = await openSigningKey(Object.assign(tenant, { secret: issuer.secret }));
    await refuse(other.sign(header, claims));
    await refuse(other.sign({ ...header, kid: other.kid }, claims));
    await tenant.verifier.close();
  });

  it('[D25] refuses a token without the other claims that the engine relies on', async () => {
    for (const claim of [
      'sub',
      'client_id',
      'jti',
      'cnf',
      'amr',
      'device',
      'scope',
      'key_protection',
    ]) {
      for (const value of [undefined, null, 7, {}, [7]]) {
        await refuseSigned({ claims: { [claim]: value } });
      }
    }
    for (const claim of ['sub', 'client_id', 'jti', 'key_protection']) {
      await refuseSigned({ claims: { [claim]: '' } });
    }
  });

  it('[D25] honest: each configured audience passes', async () => {
    await acceptSigned({ claims: { aud: ISSUER, iss: ISSUER } });
    const challenge = await client.challenge('session', { resource: SECOND_AUDIENCE });
    const answer = await client.post('/token', await client.tokenForm(challenge));
    const used = await use(answer.body.access_token);
    expect(used.body.audience).toBe(SECOND_AUDIENCE);
  });
});
