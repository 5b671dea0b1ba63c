import { PzkError } from '@pzk-auth/protocol';
import { beforeEach, describe, expect, it } from 'vitest';
import { durations } from '../../src/durations.js';
import {
  type AccessTokenClaims,
  type AccessTokenVerifierOptions,
  createAccessTokenVerifier,
  signAccessToken,
} from '../../src/token/access-token.js';
import { generateSigningKey, type SigningKey, signBytes } from '../../src/token/signing-key.js';

const ISSUER = 'https://api.example.com';
const NOW = 1_800_000_000_000;
const SECONDS = NOW / 1000;
const LIFETIME = 900;

const sample: AccessTokenClaims = {
  issuer: ISSUER,
  audience: ISSUER,
  subject: 'account',
  key: 'key',
  device: 'device',
  scope: 'weather:read weather:write',
  jkt: 'jkt',
  jti: 'jti',
  issuedAt: SECONDS,
  expiresAt: SECONDS + LIFETIME,
  authTime: SECONDS - 10,
  amr: ['user', 'hwk'],
  keyProtection: 'passkey',
  proofHash: 'hash',
};

/** The claims as `sample` stands on the wire. */
const wire = {
  client_id: 'key',
  scope: 'weather:read weather:write',
  cnf: { jkt: 'jkt' },
  auth_time: SECONDS - 10,
  amr: ['user', 'hwk'],
  device: 'device',
  key_protection: 'passkey',
  proof: 'hash',
  iss: ISSUER,
  aud: ISSUER,
  sub: 'account',
  jti: 'jti',
  iat: SECONDS,
  exp: SECONDS + LIFETIME,
};

let key: SigningKey;
let now: number;
let lookups: string[];
beforeEach(() => {
  key = generateSigningKey('ES256');
  now = NOW;
  lookups = [];
});

function createVerifier(over: Partial<AccessTokenVerifierOptions> = {}) {
  return createAccessTokenVerifier({
    issuer: ISSUER,
    audiences: new Set([ISSUER, `${ISSUER}/second`]),
    maximumLifetime: LIFETIME,
    clock: () => now,
    issuedSince: 0,
    keys: {
      find: async (kid) => {
        lookups.push(kid);
        return kid === key.kid ? key : undefined;
      },
    },
    ...over,
  });
}

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** Signs any header and claims; members that are undefined are left out. */
async function sign(claims: object, header: object = {}, by: SigningKey = key): Promise<string> {
  const text = `${encode({ typ: 'at+jwt', alg: by.alg, kid: by.kid, ...header })}.${encode(claims)}`;
  return `${text}.${Buffer.from(await signBytes(by, Buffer.from(text))).toString('base64url')}`;
}

const invalid = { code: 'invalid_token' };
const refuses = async (token: string, verifier = createVerifier()) =>
  expect(verifier.verify(token), token).rejects.toMatchObject(invalid);

describe('signAccessToken', () => {
  it('writes the header and the claims of RFC 9068, and nothing else', async () => {
    const parts = (await signAccessToken(sample, key)).split('.');
    const [header, claims] = parts
      .slice(0, 2)
      .map((part) => JSON.parse(Buffer.from(part, 'base64url').toString()));
    expect(parts).toHaveLength(3);
    expect(header).toEqual({ typ: 'at+jwt', alg: 'ES256', kid: key.kid });
    expect(claims).toEqual(wire);
  });

  it('leaves the proof out of a renewed token', async () => {
    const { proofHash: _, ...renewed } = sample;
    const [, claims = ''] = (await signAccessToken(renewed, key)).split('.');
    expect(JSON.parse(Buffer.from(claims, 'base64url').toString())).not.toHaveProperty('proof');
  });
});

describe('verification', () => {
  it.each(['ES256', 'EdDSA'] as const)(
    '[D22] honest: gives the session of a token (%s)',
    async (alg) => {
      const own = generateSigningKey(alg);
      const verifier = createVerifier({ keys: { find: async () => own } });
      const verified = await verifier.verify(await signAccessToken(sample, own));
      expect(verified).toEqual({
        kid: own.kid,
        issuedAt: SECONDS,
        session: {
          kind: 'session',
          account: 'account',
          key: 'key',
          device: 'device',
          scopes: ['weather:read', 'weather:write'],
          audience: ISSUER,
          jkt: 'jkt',
          jti: 'jti',
          expiresAt: SECONDS + LIFETIME,
          authTime: SECONDS - 10,
          amr: ['user', 'hwk'],
          keyProtection: 'passkey',
        },
      });
      for (const part of [
        verified,
        verified.session,
        verified.session.scopes,
        verified.session.amr,
      ]) {
        expect(Object.isFrozen(part)).toBe(true);
      }
    },
  );

  it('[D22] honest: takes the least that a token of ours says', async () => {
    const verifier = createVerifier();
    const least = { ...wire, device: '', scope: '', amr: [], proof: undefined };
    const { session } = await verifier.verify(await sign(least));
    expect(session).toMatchObject({ device: '', scopes: [], amr: [] });
    for (const key_protection of ['passkey', 'device', 'none']) {
      const { session } = await verifier.verify(await sign({ ...wire, key_protection }));
      expect(session.keyProtection).toBe(key_protection);
    }
    const aud = `${ISSUER}/second`;
    expect((await verifier.verify(await sign({ ...wire, aud }))).session.audience).toBe(aud);
  });

  const text = [undefined, null, '', 7, true, ['x'], { x: 1 }];
  const seconds = [undefined, null, '', '1800000000', 0, -1, SECONDS + 0.5, [SECONDS], true];
  const odd: Readonly<Record<string, readonly unknown[]>> = {
    sub: text,
    client_id: text,
    jti: text,
    iss: [...text, `${ISSUER}/`, 'https://other.example'],
    aud: [...text, `${ISSUER}/`, [ISSUER], [ISSUER, ISSUER], []],
    scope: [undefined, null, 7, ['weather:read']],
    cnf: [
      undefined,
      null,
      'jkt',
      {},
      { jkt: '' },
      { jkt: 7 },
      { jkt: ['jkt'] },
      { 'x5t#S256': 'x' },
    ],
    iat: seconds,
    exp: seconds,
    auth_time: seconds,
    amr: [undefined, null, 'user', { 0: 'user' }, [''], ['user', ''], ['user', 7], [['user']]],
    device: [undefined, null, 7, ['device']],
    key_protection: [undefined, null, '', 'Passkey', 'other', ['passkey'], 7],
  };
  it.each(Object.keys(odd))(
    '[D24, D25] refuses a token whose %s is missing or odd',
    async (name) => {
      for (const value of odd[name] ?? []) await refuses(await sign({ ...wire, [name]: value }));
    },
  );

  it('[D22] refuses another algorithm than that of the key, another typ and other members', async () => {
    const other = generateSigningKey('EdDSA');
    const headers = [
      { alg: 'EdDSA' },
      { alg: 'Ed25519' },
      { alg: 'none' },
      { typ: 'JWT' },
      { typ: undefined },
      { kid: undefined },
      { kid: [key.kid] },
      { kid: other.kid },
      { jwk: key.publicJwk },
      { jku: 'https://other.example/jwks.json' },
      { cty: 'JWT' },
    ];
    for (const header of headers) await refuses(await sign(wire, header));
    await refuses(await sign(wire, { kid: key.kid }, other));
    await refuses(await sign(wire, { kid: key.kid, alg: 'ES256' }, other));
    await refuses(await sign(wire, {}, generateSigningKey('ES256')));
  });

  it('[D23] looks for no key where the header names none or has other members', async () => {
    await refuses(await sign(wire, { kid: 7 }));
    await refuses(await sign(wire, { jku: 'https://other.example/jwks.json' }));
    expect(lookups).toEqual([]);
  });

  it('[D22] refuses a changed signature, payload or header, and what is no JWS', async () => {
    const token = await signAccessToken(sample, key);
    const [header = '', claims = '', signature = ''] = token.split('.');
    const more = encode({ ...wire, scope: 'admin' });
    for (const bad of [
      '',
      'x',
      `${header}.${claims}`,
      `${header}.${claims}.`,
      `${header}.${more}.${signature}`,
      `${header}.${claims}.${signature.slice(2)}`,
      `${token}.x`,
    ]) {
      await refuses(bad);
    }
  });

  it('[D24] ends at exp, to the millisecond, also from memory', async () => {
    const token = await signAccessToken(sample, key);
    const known = createVerifier();
    await known.verify(token);
    now = sample.expiresAt * 1000 - 1;
    expect((await known.verify(token)).session.jti).toBe('jti');
    expect((await createVerifier().verify(token)).session.jti).toBe('jti');
    now = sample.expiresAt * 1000;
    await refuses(token, known);
    await refuses(token);
    // Forgotten now: the same answer without memory.
    now = NOW;
    lookups = [];
    await known.verify(token);
    expect(lookups).toEqual([key.kid]);
  });

  it('[D24] refuses a token from the future beyond the skew, and takes one within', async () => {
    const at = (iat: number) => sign({ ...wire, iat, exp: iat + 60 });
    const skew = durations.tokenSkewSeconds;
    expect((await createVerifier().verify(await at(SECONDS + skew))).issuedAt).toBe(SECONDS + skew);
    await refuses(await at(SECONDS + skew + 1));
  });

  it('[D24] refuses a longer life than tokens have here', async () => {
    const of = (life: number) => sign({ ...wire, iat: SECONDS - 10, exp: SECONDS - 10 + life });
    expect((await createVerifier().verify(await of(LIFETIME))).kid).toBe(key.kid);
    await refuses(await of(LIFETIME + 1));
  });

  it('refuses a token from before the time since which revocations are known, by the second', async () => {
    const token = await signAccessToken(sample, key);
    for (const issuedSince of [NOW - 1, NOW, NOW + 999]) {
      expect((await createVerifier({ issuedSince }).verify(token)).issuedAt).toBe(SECONDS);
    }
    await refuses(token, createVerifier({ issuedSince: NOW + 1000 }));
  });

  it('judges no token that is too long', async () => {
    const verifier = createVerifier();
    const { length } = await sign({ ...wire, pad: '' });
    const fill = 'x'.repeat(Math.floor(((4096 - length) * 3) / 4));
    const longest = await sign({ ...wire, pad: fill });
    expect(longest.length).toBeGreaterThan(4090);
    expect(longest.length).toBeLessThanOrEqual(4096);
    expect((await verifier.verify(longest)).kid).toBe(key.kid);
    lookups = [];
    await refuses(await sign({ ...wire, pad: `${fill}xxxxxx` }), verifier);
    expect(lookups).toEqual([]);
  });

  it('remembers a token by its text, and checks another text anew', async () => {
    const verifier = createVerifier();
    const token = await signAccessToken(sample, key);
    const first = await verifier.verify(token);
    expect(await verifier.verify(token)).toBe(first);
    expect(lookups).toHaveLength(1);
    await verifier.verify(await signAccessToken({ ...sample, jti: 'other' }, key));
    expect(lookups).toHaveLength(2);
    const [, , signature = ''] = token.split('.');
    await refuses(token.replace(signature, 'A'.repeat(signature.length)), verifier);
  });

  it('says that it cannot tell, rather than that the token is wrong, where the keys cannot be read', async () => {
    const token = await signAccessToken(sample, key);
    for (const code of ['store_unavailable', 'not_ready'] as const) {
      const fails = createVerifier({
        keys: { find: () => Promise.reject(new PzkError(code, 'away')) },
      });
      await expect(fails.verify(token)).rejects.toMatchObject({ code });
    }
    await refuses(
      token,
      createVerifier({ keys: { find: () => Promise.reject(new PzkError('busy', 'x')) } }),
    );
  });
});
